"""Instants that somebody has set anew: markers that are copied onto themselves, restored, or copied with the bucket."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cleaner_lambda import order
from cleaner_lambda.order import KEEP_GONE
from release_log.instants import format_instant
from release_log.ledger_view import view
from release_log.marker import FORMAT, decode, encode
from release_log.policy_settings import Policy
from release_log.release_id import make_id
from tests.fake_cleaner_s3 import NOON, FakeS3, Stored
from tests.unit.cleaner_lambda.runs import APP, DAY, LOGO, POLICY, A, B, C, keys_of, run, stopped_by


def copy_onto_itself(s3: FakeS3, *release_ids: str) -> None:
    """As S3's CopyObject does it for a new storage class or key: the same content, and ``LastModified`` is now."""
    for release_id in release_ids:
        key = s3.layout.marker_key(release_id)
        s3.put(key, s3.objects[key].body)


def site() -> tuple[FakeS3, str, str]:
    """A site whose release r2 superseded r1's A by B a day ago, all of it in the ledger; and the ids of the two."""
    s3 = FakeS3()
    old = s3.publish("r1", "default", {APP: A})
    s3.advance(60)
    run(s3)
    s3.advance(600)
    current = s3.publish("r2", "default", {APP: B})
    run(s3)
    s3.advance(600)
    return s3, old, current


@pytest.mark.parametrize("both", [False, True])
def test_old_marker_that_is_copied_onto_itself_does_not_become_current(both: bool) -> None:  # noqa: FBT001
    """The ledger has seen it: it keeps its instant, and what it names falls due when it did before."""
    s3, old, current = site()
    superseded = s3.ledger.retired[A].mark
    copy_onto_itself(s3, *([current, old] if both else [old]))

    report = run(s3)

    assert (report.current, stopped_by(report)) == ({"default": current}, [])
    assert s3.ledger.retired[A].mark == superseded
    s3.advance(POLICY.version_ttl)
    assert keys_of(run(s3), "delete") == [A]
    s3.advance(30 * DAY)
    assert (keys_of(run(s3), "delete"), s3.assets()) == ([], {B})


def test_copied_markers_are_read_once_more_and_not_in_every_run() -> None:
    """Where a bucket allows it, somebody may have changed their content too."""
    s3, old, current = site()
    copy_onto_itself(s3, old, current)
    run(s3)
    s3.requests.clear()
    run(s3)
    assert s3.made("get") == [("get", s3.layout.ledger), ("get", s3.layout.marker_key(current))]
    assert s3.writes == []


def test_marker_that_is_copied_during_a_run_does_not_become_current() -> None:
    s3, old, current = site()
    s3.advance(POLICY.version_ttl)
    lists = 0

    def copy(operation: str, key: str) -> None:
        nonlocal lists
        lists += (operation, key) == ("list", s3.layout.markers)
        if lists == 2:  # the second look's
            lists += 1
            copy_onto_itself(s3, old)

    s3.on_request = copy
    report = run(s3)
    assert report.current == {"default": current}
    assert keys_of(report, "delete") == [A]


@pytest.mark.parametrize("which", ["all", "old", "current"])
@pytest.mark.parametrize("runs", [0, 2])
def test_marker_that_is_gone_and_comes_back_keeps_its_instant(which: str, runs: int) -> None:
    """Restored from a backup, or in a bucket with versioning, while the ledger stayed."""
    s3, old, current = site()
    keys = {"all": [old, current], "old": [old], "current": [current]}[which]
    taken = {each: s3.objects.pop(s3.layout.marker_key(each)) for each in keys}
    for _ in range(runs):
        run(s3)
    for release_id in (current, old):
        if release_id in taken:
            s3.advance(1)
            s3.put(s3.layout.marker_key(release_id), taken[release_id].body)
    s3.advance(30 * DAY)
    report = run(s3)
    assert (report.current, stopped_by(report)) == ({"default": current}, [])
    assert keys_of(report, "delete") == [A]
    assert s3.ledger.gone == {}


def test_older_release_does_not_become_current_when_the_current_marker_is_gone_and_another_is_copied() -> None:
    """The copy makes the next run read all markers again."""
    s3, old, current = site()
    del s3.objects[s3.layout.marker_key(current)]
    run(s3)
    copy_onto_itself(s3, old)
    s3.advance(30 * DAY)
    for _ in range(2):
        assert stopped_by(run(s3)) == ["missing_marker"]
        assert s3.assets() == {A, B}


def test_pruned_marker_that_comes_back_is_old_still() -> None:
    """A copy that read it before the cleaner deleted it, and wrote it afterwards."""
    s3 = FakeS3()
    first = s3.publish("first", "default", {APP: A})
    body = s3.objects[s3.layout.marker_key(first)].body
    for number in range(101):
        s3.advance(60)
        s3.publish(f"r{number}", "default", {APP: B})
    run(s3, policy=Policy(version_limit=0, version_ttl=0, grace=0))
    report = run(s3, policy=Policy(version_limit=0, version_ttl=0, grace=0))
    run(s3)
    assert s3.layout.marker_key(first) not in s3.objects
    s3.put(s3.layout.marker_key(first), body)
    s3.advance(DAY)
    after = run(s3)
    assert after.current == report.current
    assert stopped_by(after) == []
    assert B in s3.assets()


def test_so_many_instants_of_markers_that_are_gone_are_kept() -> None:
    s3, old, current = site()
    some = replace(s3.ledger.folded[old], at=NOON + timedelta(days=1), channel="beta")
    s3.advance(2 * DAY)
    many = {f"20261124T120000Z-g{number}": some for number in range(KEEP_GONE + 10)}
    lines = {**s3.ledger.current, "beta": max(many)}
    s3.ledger = replace(s3.ledger, current=lines, folded={**s3.ledger.folded, **many})
    del s3.objects[s3.layout.marker_key(current)]
    run(s3)
    assert len(s3.ledger.gone) == KEEP_GONE + 1, "the newest, and those that are current"
    assert {current, max(many)} <= s3.ledger.gone.keys()


def test_a_marker_that_the_ledger_has_forgotten_and_that_is_restored_stops_all_deletion(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From a backup of the whole bucket: its release was superseded long ago, and must not supersede the live one."""
    monkeypatch.setattr(order, "KEEP_GONE", 5)
    s3 = FakeS3()
    first = s3.publish("first", "default", {APP: A})
    body = s3.objects[s3.layout.marker_key(first)].body
    for number in range(130):
        s3.advance(60)
        s3.publish(f"r{number}", "default", {APP: B})
    for _ in range(3):
        run(s3)
        s3.advance(DAY)
    assert first not in s3.ledger.seen
    s3.put(s3.layout.marker_key(first), body)
    for days in (0, 1, 30):
        s3.advance(days * DAY)
        assert stopped_by(run(s3)) == ["unknown_order"]
    assert B in s3.assets()
    s3.publish("again", "default", {APP: B})
    assert stopped_by(run(s3)) == []


# Without a ledger


def lost(s3: FakeS3) -> None:
    """Lose the ledger."""
    del s3.objects[s3.layout.ledger]


def test_without_a_ledger_contradicting_instants_stop_all_deletion_until_the_next_release() -> None:
    s3, old, current = site()
    lost(s3)
    copy_onto_itself(s3, old)
    for days in (0, 1, 30):
        s3.advance(days * DAY)
        report = run(s3)
        assert "unknown_order" in stopped_by(report)
        assert s3.assets() == {A, B}
    (stop,) = report.plan.stops
    assert old in stop.message
    assert current in stop.message
    assert "roll back" in stop.message

    s3.publish("r3", "default", {APP: B})
    sure = s3.clock
    report = run(s3)
    assert stopped_by(report) == []
    assert s3.ledger.retired[A].mark.since == sure, "when it was superseded is unknown, but not after this"
    assert s3.tags(A) == {"superseded_at": format_instant(sure)}
    s3.advance(POLICY.version_ttl - 1)
    assert keys_of(run(s3), "delete") == []
    s3.advance(1)
    assert keys_of(run(s3), "delete") == [A]


def test_the_next_release_ends_the_doubt_when_it_is_in_place() -> None:
    """Until then the release before it is current too, and nobody knows which that is."""
    s3, old, _ = site()
    lost(s3)
    copy_onto_itself(s3, old)
    run(s3)
    new = s3.publish("r3", "default", {APP: C})
    marker = s3.layout.marker_key(new)
    release = decode(s3.objects[marker].body, s3.layout.prefix)
    s3.put(marker, encode(replace(release, format=FORMAT)))
    for _ in range(2):
        s3.advance(DAY)
        report = run(s3)
        assert s3.assets() == {A, B, C}
    (stop,) = report.plan.stops
    assert new in stop.message
    assert view(s3.objects[s3.layout.ledger].body).doubts == {}, "an upload knows which release is current"

    s3.put(s3.layout.placed_key(new), b'{"format":1}')
    sure = s3.clock
    assert stopped_by(run(s3)) == []
    assert {s3.ledger.retired[key].mark.since for key in (A, B)} == {sure}


def test_instants_stay_as_late_as_the_doubt_made_them_when_a_late_marker_replays_the_history() -> None:
    s3, old, current = site()
    lost(s3)
    copy_onto_itself(s3, old)
    run(s3)
    s3.advance(DAY)
    s3.publish("r3", "default", {APP: B})
    sure = s3.clock
    run(s3)
    late = s3.publish("late", "other", {"assets/logo.png": LOGO})
    s3.objects[s3.layout.marker_key(late)].last_modified = NOON + timedelta(seconds=90)
    run(s3)
    assert s3.ledger.retired[A].mark.since == sure
    assert current in s3.ledger.folded


@pytest.mark.parametrize("replayed", [False, True])
def test_an_end_that_counted_as_later_than_a_release_has_ended_nothing(replayed: bool) -> None:  # noqa: FBT001
    """The channel had come back, and then somebody copied the old end."""
    s3 = FakeS3()
    end = s3.end()
    s3.advance(300)
    s3.publish("live", "staging", {APP: B})
    back = s3.publish("back", "default", {APP: A, "assets/logo.png": LOGO})
    s3.advance(300)
    copy_onto_itself(s3, end)
    assert "unknown_order" in stopped_by(run(s3))
    assert s3.ledger.retired[A].ended

    s3.advance(DAY)
    s3.publish("sure", "default", {"assets/logo.png": LOGO})
    run(s3)
    if replayed:
        copy_onto_itself(s3, back)
        run(s3)
    assert (s3.ledger.retired[A].mark.state, s3.ledger.retired[A].ended) == ("superseded", False)
    s3.advance(60)
    s3.end()
    run(s3)
    assert (s3.ledger.retired[A].mark.state, s3.ledger.retired[A].ended) == ("removed", True)


def test_an_end_that_ends_the_doubt_counts() -> None:
    s3 = FakeS3()
    s3.publish("live", "staging", {APP: B})
    old = s3.publish("old", "default", {APP: A})
    s3.advance(300)
    s3.publish("back", "default", {APP: C})
    s3.advance(300)
    copy_onto_itself(s3, old)
    assert "unknown_order" in stopped_by(run(s3))
    s3.advance(DAY)
    s3.end()
    assert stopped_by(run(s3)) == []
    retired = {key: (entry.mark.state, entry.ended) for key, entry in s3.ledger.retired.items()}
    assert retired == {A: ("removed", True), C: ("removed", True)}


def test_a_bucket_that_many_workers_copied_loses_nothing() -> None:
    """The instants of the copies are seconds apart, in any order; the ledger is not copied, or lost."""
    s3 = FakeS3()
    ids = []
    for number, asset in enumerate((A, B, C)):
        ids.append(s3.publish(f"r{number}", "default", {APP: asset}))
        s3.advance(DAY)
    for release_id in (ids[2], ids[0], ids[1]):
        s3.advance(1)
        copy_onto_itself(s3, release_id)
    for days in (0, 1, 30):
        s3.advance(days * DAY)
        assert "unknown_order" in stopped_by(run(s3))
    assert s3.assets() == {A, B, C}


def test_a_ledger_older_than_copied_markers_does_not_know_their_order() -> None:
    """Restored from a backup: the markers since are markers that no ledger has seen."""
    s3, _, _ = site()
    backup = s3.ledger
    later = []
    for number in range(2):
        s3.advance(DAY)
        later.append(s3.publish(f"later{number}", "default", {APP: (C, B)[number]}))
        run(s3)
    s3.ledger = backup
    copy_onto_itself(s3, later[1])
    s3.advance(1)
    copy_onto_itself(s3, later[0])
    s3.advance(30 * DAY)
    assert stopped_by(run(s3)) == ["unknown_order"]
    assert B in s3.assets()


def test_a_release_of_the_second_in_which_an_unseen_marker_was_copied_contradicts_it() -> None:
    """An older staged release is activated in that second: by the ids it would be the older one."""
    s3, _, _ = site()
    staged = make_id(s3.clock, "staged")
    s3.advance(600)
    unseen = s3.publish("unseen", "default", {APP: B})
    s3.advance(DAY)
    copy_onto_itself(s3, unseen)
    assert stopped_by(run(s3)) == []
    s3.publish(staged, "default", {APP: C})
    for days in (0, 1, 30):
        s3.advance(days * DAY)
        assert stopped_by(run(s3)) == ["unknown_order"]
    assert {B, C} <= s3.assets()


@pytest.mark.parametrize("seconds", [-60, 60])
def test_clocks_of_two_build_machines_may_be_a_minute_apart(seconds: int) -> None:
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    s3.publish(make_id(NOON + timedelta(seconds=seconds), "r2"), "default", {APP: B})
    s3.objects[s3.layout.marker_key(make_id(NOON + timedelta(seconds=seconds), "r2"))].last_modified += timedelta(
        seconds=5
    )
    s3.advance(10)
    assert stopped_by(run(s3)) == ["rebuilt"]
    assert stopped_by(run(s3)) == []


def test_orders_of_different_channels_do_not_contradict_each_other() -> None:
    s3 = FakeS3()
    first = s3.publish("r1", "default", {APP: A})
    s3.advance(DAY)
    s3.publish("r2", "staging", {APP: B})
    s3.advance(60)
    copy_onto_itself(s3, first)
    assert stopped_by(run(s3)) == ["rebuilt"]
    assert stopped_by(run(s3)) == []


@pytest.mark.parametrize("days", [-400, 400])
def test_marker_of_a_machine_with_a_wrong_clock_becomes_current(days: int) -> None:
    """S3's clock orders releases, and this one's marker is new to the ledger."""
    s3, _, _ = site()
    wrong = s3.publish(make_id(NOON + timedelta(days=days), "wrong"), "default", {APP: C})
    report = run(s3)
    assert (report.current, stopped_by(report)) == ({"default": wrong}, [])
    s3.advance(60)
    right = s3.publish("right", "default", {APP: B})
    report = run(s3)
    assert (report.current, stopped_by(report)) == ({"default": right}, [])


def test_an_id_that_names_no_instant_is_no_sign_of_anything() -> None:
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    s3.advance(60)
    s3.publish("20269999T999999Z-odd", "default", {APP: B})
    assert stopped_by(run(s3)) == ["rebuilt"]
    report = run(s3)
    assert (report.current, stopped_by(report)) == ({"default": "20269999T999999Z-odd"}, [])


@pytest.mark.parametrize("folder", ["pending", "staged"])
def test_an_intent_or_staged_release_that_is_copied_protects_longer(folder: str) -> None:
    s3, _, _ = site()
    release_id = (s3.intend if folder == "pending" else s3.stage)("back", "default", {APP: A})
    key = s3.layout.key_in(getattr(s3.layout, folder), release_id)
    ttl = POLICY.pending_ttl if folder == "pending" else POLICY.staged_ttl
    s3.advance(ttl)
    s3.objects[key] = Stored(s3.objects[key].body, s3.clock)
    s3.advance(ttl)
    assert keys_of(run(s3), "delete") == []
    s3.advance(2)
    assert keys_of(run(s3), "delete") == [A]
