"""A channel that has ended: its assets go, then its markers, and nothing that comes back makes it live again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import attempt, pruning
from cleaner_lambda.errors import UnreadableError
from release_log.errors import FullError
from release_log.policy_settings import Policy
from tests.fake_cleaner_s3 import FakeS3
from tests.few_markers import few_markers
from tests.small_parts import small_parts
from tests.unit.cleaner_lambda.runs import APP, DAY, LOGO, POLICY, A, B, C, at_request, fail_with, keys_of, run

if TYPE_CHECKING:
    from tests.fake_cleaner_s3 import Stored

PREVIEW = "pr-12"
LONG = Policy(version_limit=9, version_ttl=10**8, removed_ttl=10**6, grace=0)


@pytest.fixture
def s3() -> FakeS3:
    """A site with a live channel, and one that has ended."""
    s3 = FakeS3()
    s3.publish("live", "default", {APP: B, "assets/logo.png": LOGO})
    s3.advance(60)
    s3.publish("preview", PREVIEW, {APP: A})
    s3.advance(60)
    s3.end(PREVIEW)
    run(s3)
    return s3


def markers(s3: FakeS3) -> dict[str, Stored]:
    """The markers of the channel that has ended."""
    named = ("preview.json", "end.json")
    return {key: each for key, each in s3.objects.items() if key.startswith(s3.layout.markers) and key.endswith(named)}


def test_assets_are_removed_ones_though_another_channel_has_their_logical_path(s3: FakeS3) -> None:
    s3.advance(POLICY.version_ttl)
    assert keys_of(run(s3), "delete") == []
    s3.advance(POLICY.removed_ttl)
    assert keys_of(run(s3), "delete") == [A]


def test_markers_go_when_the_assets_are_gone(s3: FakeS3) -> None:
    s3.advance(POLICY.removed_ttl + DAY)
    for _ in range(3):
        run(s3, full=True)
    assert markers(s3) == {}
    assert s3.assets() == {B, LOGO}


def test_release_that_is_put_back_after_all_its_markers_are_gone_is_not_current(s3: FakeS3) -> None:
    """A copy of it that arrives late, or somebody's backup."""
    before = markers(s3)
    s3.advance(POLICY.removed_ttl + DAY)
    for _ in range(3):
        run(s3, full=True)
    assert not markers(s3)
    (back,) = (key for key in before if key.endswith("preview.json"))
    s3.put(back, before[back].body)
    report = run(s3)
    assert (set(report.current), set(report.ended)) == ({"default"}, {PREVIEW})
    for _ in range(3):
        run(s3, full=True)
    assert markers(s3) == {}


def test_what_retired_before_the_cut_is_removed_too_when_its_channel_ends() -> None:
    """Somebody has copied a marker, so the run that learns of the end replays the history: from the cut."""
    s3 = FakeS3()
    with few_markers():
        s3.publish("live", "default", {APP: B})
        s3.advance(60)
        for name, key in (("first", A), ("second", C)):
            s3.publish(name, PREVIEW, {APP: key})
            s3.advance(60)
            run(s3)
        run(s3)
        copied = next(key for key in s3.objects if key.endswith("second.json"))
        s3.put(copied, s3.objects[copied].body)
        s3.end(PREVIEW)
        run(s3)
        assert {key: entry.mark.state for key, entry in s3.ledger.retired.items()} == {A: "removed", C: "removed"}
        s3.advance(POLICY.version_ttl + 60)
        assert keys_of(run(s3), "delete") == []
        s3.advance(POLICY.removed_ttl)
        assert keys_of(run(s3), "delete") == [A, C]


@pytest.fixture
def taken_in(monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    """A long log was taken in, which moved the ledger's cut behind the end of a channel, and made no checkpoint.

    Nothing of that channel is left. Its end removed B, whose logical path it had: B is another channel's.
    """
    monkeypatch.setattr(pruning, "EVERY", 4)
    s3 = FakeS3()
    logo = {"assets/logo.png": LOGO}
    for channel, assets in (("default", {APP: B, **logo}), (PREVIEW, {APP: A}), ("default", logo)):
        s3.publish(f"r{len(s3.objects)}", channel, assets)
        s3.advance(7200)
    s3.end(PREVIEW)
    s3.advance(7200)
    for number in range(3):
        s3.publish(f"next{number}", "default", logo)
        s3.advance(7200)
    del s3.objects[A]
    with small_parts(1):
        run(s3, policy=LONG, full=True)
    assert s3.ledger.cut is not None
    assert s3.layout.checkpoint not in s3.objects
    return s3


def test_before_its_markers_go_there_is_a_checkpoint_at_the_cut(taken_in: FakeS3) -> None:
    """Or a rebuild would not know since when B is removed, and delete it too early."""
    run(taken_in, policy=LONG, full=True)
    assert ended_markers(taken_in) == set()
    since = taken_in.ledger.retired[B].mark.since
    for stored in taken_in.objects.values():
        stored.tags.clear()
    del taken_in.objects[taken_in.layout.ledger]
    run(taken_in, policy=LONG)
    assert taken_in.ledger.retired[B].mark.since == since


def test_if_the_checkpoint_cannot_be_written_its_markers_stay(taken_in: FakeS3) -> None:
    before = ended_markers(taken_in)
    at_request(taken_in, "put_if", taken_in.layout.checkpoint, fail_with("AccessDenied"))
    report = run(taken_in, policy=LONG, full=True)
    assert taken_in.layout.checkpoint in report.outcome.failed
    assert ended_markers(taken_in) == before
    taken_in.on_request = None
    run(taken_in, policy=LONG)
    assert ended_markers(taken_in) == before, "S3 refused it a moment ago"
    run(taken_in, policy=LONG, full=True)
    assert ended_markers(taken_in) == set()


def test_if_one_file_has_no_room_for_the_checkpoint_its_markers_stay(
    taken_in: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bytes:
        msg = "it would have more than there is room for"
        raise FullError(msg)

    monkeypatch.setattr(attempt, "content_at", full)
    before = ended_markers(taken_in)
    report = run(taken_in, policy=LONG, full=True)
    assert "more than there is room for" in report.outcome.failed[taken_in.layout.checkpoint]
    assert ended_markers(taken_in) == before


def ended_markers(s3: FakeS3) -> set[str]:
    """The keys of all markers of the channel that has ended."""
    markers = (key for key in s3.objects if key.startswith(s3.layout.markers))
    return {key for key in markers if json.loads(s3.objects[key].body).get("channel") == PREVIEW}


def test_checkpoint_of_a_site_that_has_ended_and_that_s3_does_not_give_out_is_named(taken_in: FakeS3) -> None:
    """Every run raised. Its ledger stays until somebody has dealt with the file."""
    s3, key = taken_in, taken_in.layout.checkpoint
    s3.end("default")
    for _ in range(9):
        if not [each for each in s3.objects if each.startswith(s3.layout.markers)]:
            break
        s3.advance(30 * DAY)
        run(s3, full=True)
    assert key in s3.objects

    def archived(operation: str, wanted: str) -> None:
        if (operation, wanted) == ("get", key):
            raise UnreadableError(key, "InvalidObjectState")

    s3.on_request = archived
    s3.advance(DAY)
    report = run(s3)
    assert "restore-object" in report.failed[key]
    assert s3.layout.ledger in s3.objects
    s3.on_request = None
    run(s3)
    assert s3.objects == {}


def test_an_orphan_falls_due_though_other_channels_end_each_day() -> None:
    """The markers of those that ended before are gone; each end dated all orphans anew, so that none ever went."""
    s3, stray = FakeS3(), "assets/stray-0123abcd.js"
    s3.put(stray)
    s3.publish("live", "default", {APP: B})
    run(s3)
    for day in range(6):
        channel = f"pr-{day}"
        s3.publish(f"p{day}", channel, {f"assets/{channel}.js": f"assets/{channel}-aaaa1111.js"})
        s3.advance(60)
        run(s3)
        s3.end(channel)
        for full in (False, True):
            run(s3, full=full)
            s3.advance(DAY // 2)
    assert not s3.ledger.gone.keys().isdisjoint(i for i in s3.ledger.seen if i.endswith("-p0")), "pruned"
    assert stray not in s3.objects
