"""A run of the cleaner on a bucket in memory: what it keeps, tags and deletes, whatever fails, overlaps or is late."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cleaner_lambda.errors import CleanerError
from cleaner_lambda.pace import Pace
from cleaner_lambda.read_only import ReadOnly
from cleaner_lambda.run import ATTEMPTS, RETRY_SECONDS, Job, clean
from release_log.instants import format_instant
from release_log.ledger_file import Announcement
from release_log.policy_settings import Orphans, Policy
from release_log.tags import Mark, State
from tests.fake_cleaner_s3 import NOON, FakeS3, client_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from cleaner_lambda.report import Report

DAY = 86_400
POLICY = Policy(version_limit=0, version_ttl=3600, removed_ttl=2 * DAY, grace=900)
A, B, C = ("assets/app-aaaa1111.js", "assets/app-bbbb2222.js", "assets/app-cccc3333.js")
LOGO = "assets/logo-dddd4444.png"
APP = "assets/app.js"


def run(  # noqa: PLR0913 (what a run can be asked)
    s3: FakeS3,
    *,
    policy: Policy = POLICY,
    run_id: str = "run",
    dry_run: bool = False,
    full: bool = False,
    force: bool = False,
    inner: tuple[str, ...] = (),
) -> Report:
    """Run the cleaner once, under a dry run on the store's read-only cover."""
    store = ReadOnly(s3) if dry_run else s3
    job = Job(prefix=s3.layout.prefix, policy=policy, run=run_id, dry_run=dry_run, full=full, force=force, inner=inner)
    return clean(store, job, Pace(sleep=lambda _: None))


def keys_of(report: Report, name: str) -> list[str]:
    """The keys of one list of the answer."""
    return [entry["key"] for entry in report.document()[name]]


def stopped_by(report: Report) -> list[str]:
    """The reasons for which nothing was deleted."""
    return [stop["reason"] for stop in report.document()["stopped_by"]]


@pytest.fixture
def s3() -> FakeS3:
    """A site whose release r2 superseded r1's A by B a moment ago, all of it in the ledger."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    run(s3)
    s3.advance(DAY / 2)
    s3.publish("r2", "default", {APP: B})
    run(s3)
    s3.requests.clear()
    return s3


def at_request(s3: FakeS3, operation: str, key: str, act: Callable[[], None], number: int = 1) -> None:
    """Let something happen just before the n-th request of a kind for a key."""
    seen = 0

    def intervene(made: str, wanted: str) -> None:
        nonlocal seen
        if (made, wanted) == (operation, key):
            seen += 1
            if seen == number:
                act()

    s3.on_request = intervene


def fail_with(code: str) -> Callable[[], None]:
    """An S3 error, to be raised at a request."""

    def fail() -> None:
        raise client_error(code)

    return fail


# From the first release to the last


@pytest.mark.scenario("T8a")
def test_first_run_builds_the_ledger_and_deletes_nothing() -> None:
    """Even what is long overdue waits for the run after the one that built the ledger."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    s3.advance(10)
    second = s3.publish("r2", "default", {APP: B})
    s3.advance(30 * DAY)

    first = run(s3)

    assert s3.assets() == {A, B}
    assert stopped_by(first) == ["rebuilt"]
    assert s3.ledger.current == {"default": second}
    assert s3.ledger.retired[A].mark == Mark(State.SUPERSEDED, NOON + timedelta(seconds=10))
    assert first.next_due == s3.clock + timedelta(seconds=60)

    assert keys_of(run(s3), "delete") == [A]
    assert s3.assets() == {B}


@pytest.mark.scenario("T3")
def test_superseded_asset_is_tagged_with_the_instant_of_the_marker(s3: FakeS3) -> None:
    """Not with that of the run, which may be late."""
    s3.publish("r3", "default", {APP: C})
    published = s3.clock
    s3.advance(500)
    report = run(s3)
    assert s3.tags(B) == {"superseded_at": format_instant(published)}
    assert keys_of(report, "tag") == [B]
    assert B in s3.assets()


def test_report_has_the_instant_of_the_newest_marker_of_any_channel(s3: FakeS3) -> None:
    """By S3's clock; without a marker there is none."""
    s3.advance(60)
    s3.publish("r3", "staging", {APP: C})
    published = s3.clock
    s3.advance(7)
    report = run(s3)
    assert (report.newest_marker, report.at) == (published, published + timedelta(seconds=7))
    assert run(s3, dry_run=True).newest_marker == published
    assert run(FakeS3()).newest_marker is None


@pytest.mark.parametrize("year", ["1999", "2099"])
def test_a_build_machine_whose_clock_is_years_off_changes_nothing(s3: FakeS3, year: str) -> None:
    """Neither by a marker, nor by an intent, nor by a staged release: what counts is when S3 stored them."""
    s3.advance(1)
    third = s3.publish(f"{year}0101T000000Z-r3", "default", {APP: C})
    s3.advance(60)
    run(s3)
    assert s3.ledger.current == {"default": third}
    assert s3.ledger.retired[B].mark.since == s3.clock - timedelta(seconds=60)
    fourth = s3.publish("r4", "default", {APP: LOGO})
    s3.intend(f"{year}0101T000000Z-i", "default", {APP: B})
    s3.stage(f"{year}0101T000000Z-s", "default", {APP: A})
    s3.advance(POLICY.version_ttl)
    run(s3)
    assert s3.ledger.current == {"default": fourth}
    assert s3.assets() == {A, B, LOGO}, "C is due; the others are protected, not expired"
    s3.advance(POLICY.staged_ttl + 1)
    run(s3)
    assert s3.assets() == {LOGO}


@pytest.mark.scenario("T3")
def test_removed_asset_is_tagged_as_removed(s3: FakeS3) -> None:
    """Its logical path is in no current release any more."""
    s3.publish("r3", "default", {"assets/logo.png": LOGO})
    run(s3)
    assert s3.tags(B) == {"removed_at": format_instant(s3.clock)}
    assert s3.tags(A) == {"removed_at": format_instant(s3.clock)}, "its path left as well, so its other tag goes"


@pytest.mark.scenario("T28", "L27")
def test_due_asset_is_deleted_and_leaves_the_ledger(s3: FakeS3) -> None:
    """At the instant that the run before it announced, not a second earlier."""
    due = run(s3).next_due
    assert due == s3.clock + timedelta(seconds=POLICY.version_ttl)
    s3.advance(POLICY.version_ttl - 1)
    assert keys_of(run(s3), "delete") == []
    s3.advance(1)
    report = run(s3)
    assert keys_of(report, "delete") == [A]
    assert report.bytes_deleted == 1
    assert s3.assets() == {B}
    assert A not in s3.ledger.retired
    assert s3.ledger.deleting is None
    assert report.next_due is None


@pytest.mark.scenario("L3")
def test_bundle_that_was_stable_for_a_year_is_kept_when_it_is_replaced() -> None:
    """Its age counts from when it was superseded, not from its upload."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    run(s3)
    s3.advance(365 * DAY)
    s3.publish("r2", "default", {APP: B})
    s3.advance(1)
    assert keys_of(run(s3), "delete") == []
    assert s3.assets() == {A, B}


@pytest.mark.scenario("T8b", "T23b")
def test_run_without_news_puts_nothing(s3: FakeS3) -> None:
    """An unchanged state causes no PUT, no tagging, no delete."""
    run(s3)
    assert s3.writes == []


def test_run_after_a_release_reads_two_markers(s3: FakeS3) -> None:
    """The current one and the new one: the cost is in proportion to what changed."""
    for number in range(3, 6):
        s3.publish(f"r{number}", "default", {APP: C, "assets/n.js": f"assets/n-{number}.js"})
        run(s3)
        s3.advance(1)
    s3.requests.clear()
    s3.publish("r6", "default", {APP: C})
    run(s3)
    assert len([key for operation, key in s3.requests if key.startswith(s3.layout.markers) and operation == "get"]) == 2


@pytest.mark.scenario("L16")
def test_effects_come_in_the_order_untag_delete_tag(s3: FakeS3) -> None:
    """So that a crash between two of them errs towards keeping."""
    s3.publish("r3", "default", {APP: C})
    run(s3)
    s3.advance(POLICY.version_ttl)
    s3.publish("r4", "default", {APP: B})
    s3.requests.clear()
    run(s3)
    assert s3.writes == [
        ("put_if", s3.layout.ledger),
        ("put_tags", B),
        ("delete", A),
        ("put_tags", C),
        ("put_if", s3.layout.ledger),
    ]


def test_deletion_is_announced_in_the_ledger_before_it_begins(s3: FakeS3) -> None:
    """An uploader that looks there waits."""
    s3.advance(POLICY.version_ttl)
    seen: list[Announcement | None] = []
    at_request(s3, "delete", A, lambda: seen.append(s3.ledger.deleting))
    run(s3, run_id="mine")
    assert seen == [Announcement("mine", frozenset({A}))]


@pytest.mark.scenario("T27", "L14")
def test_revived_asset_loses_our_tag_and_keeps_the_users(s3: FakeS3) -> None:
    """A roll-back needs no upload; the tag goes although nothing was sent."""
    s3.tags(A)["team"] = "web"
    s3.publish("r3", "default", {APP: A})
    report = run(s3)
    assert s3.tags(A) == {"team": "web"}
    assert keys_of(report, "untag") == [A]
    assert s3.ledger.owed == frozenset()
    s3.advance(30 * DAY)
    run(s3)
    assert A in s3.assets()


@pytest.mark.scenario("L15")
def test_user_tags_survive_tagging(s3: FakeS3) -> None:
    """Read, merge, write: PutObjectTagging alone would replace them."""
    s3.tags(B)["team"] = "web"
    s3.publish("r3", "default", {APP: C})
    run(s3)
    assert s3.tags(B) == {"team": "web", "superseded_at": format_instant(s3.clock)}


@pytest.mark.scenario("T29b")
def test_two_channels_keep_what_either_needs(s3: FakeS3) -> None:
    """What one channel retires while the other is on it is neither tagged nor deleted."""
    s3.publish("s1", "staging", {APP: B})
    run(s3)
    s3.publish("r3", "default", {APP: C})
    run(s3)
    s3.advance(30 * DAY)
    run(s3)
    assert s3.assets() == {B, C}
    assert s3.tags(B) == {}


@pytest.mark.scenario("L7", "L25")
def test_next_run_finishes_what_a_crash_left(s3: FakeS3) -> None:
    """Wherever the run died: after each of its requests the next one ends in the same place."""
    s3.publish("r3", "default", {APP: C})
    s3.advance(POLICY.version_ttl)
    s3.publish("r4", "default", {APP: B})

    def story(dies_at: int | None) -> FakeS3:
        copy = FakeS3(clock=s3.clock)
        copy.objects = {key: replace(stored, tags=dict(stored.tags)) for key, stored in s3.objects.items()}
        if dies_at is not None:

            def die(_operation: str, _key: str) -> None:
                if len(copy.requests) == dies_at:
                    raise KeyboardInterrupt

            copy.on_request = die
            with pytest.raises(KeyboardInterrupt):
                run(copy, run_id="dead")
            copy.on_request = None
        copy.advance(1000)  # beyond the dead run's announcement
        run(copy, run_id="next")
        return copy

    whole = FakeS3(clock=s3.clock)
    whole.objects = {key: replace(stored, tags=dict(stored.tags)) for key, stored in s3.objects.items()}
    run(whole)
    assert len(whole.requests) > 10
    expected = story(None)
    for number in range(1, len(whole.requests) + 1):
        actual = story(number)
        assert actual.assets() == expected.assets(), number
        assert {key: actual.tags(key) for key in actual.assets()} == {
            key: expected.tags(key) for key in expected.assets()
        }, number
        assert actual.ledger.retired == expected.ledger.retired, number


# Dry run


@pytest.mark.scenario("T25a", "L18")
def test_dry_run_says_what_the_real_run_does_and_writes_nothing(s3: FakeS3) -> None:
    """The whole answer is equal, but for ``dry_run`` itself."""
    s3.publish("r3", "default", {APP: C, "assets/logo.png": LOGO})
    run(s3)
    s3.advance(POLICY.version_ttl)
    s3.publish("r4", "default", {APP: B})
    s3.requests.clear()

    said = run(s3, dry_run=True).document()
    assert s3.writes == []

    done = run(s3).document()
    assert done["counts"] == {"tag": 2, "untag": 1, "delete": 1, "keep": 3, "failed": 0}
    assert {**said, "dry_run": False} == done
    assert said["dry_run"] is True


def test_dry_run_of_a_first_run_writes_nothing() -> None:
    """Nor does it need a ledger."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    said = run(s3, dry_run=True).document()
    assert s3.writes == []
    assert {**said, "dry_run": False} == run(s3).document()


def test_dry_run_with_a_full_listing_and_force_equals_the_real_run(s3: FakeS3) -> None:
    """The flags ask the same of both."""
    s3.put("assets/stray-0123abcd.js")
    s3.objects.pop(B)
    s3.advance(2 * DAY)
    said = run(s3, dry_run=True, full=True, force=True).document()
    done = run(s3, full=True, force=True).document()
    assert {**said, "dry_run": False} == done
    assert done["missing"] == [B]
    assert done["orphans"] == 1


# Markers: none, late, broken, gone


@pytest.mark.scenario("T8a", "T29c")
@pytest.mark.parametrize("full", [False, True])
def test_without_any_marker_nothing_happens(full: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    """An installation on a bucket that nobody has published to: what lies there is not ours."""
    s3 = FakeS3()
    s3.put("assets/app-aaaa1111.js", tags={"removed_at": "2020-01-01T00:00:00Z"})
    s3.advance(400 * DAY)
    report = run(s3, full=full)
    assert s3.writes == []
    assert report.counts() == {"tag": 0, "untag": 0, "delete": 0, "keep": 0, "failed": 0}


def test_marker_that_comes_out_of_order_gives_the_state_of_markers_in_order() -> None:
    """S3's clock orders releases; a run may have missed an older marker (two with one second, the ids reversed)."""
    late, in_order = FakeS3(), FakeS3()
    for s3 in (late, in_order):
        s3.publish("r1", "default", {APP: A})
        run(s3)
        s3.advance(60)
    first, second = "20261123T120100Z-a", "20261123T120100Z-b"
    late.publish(second, "default", {APP: C})
    run(late)
    late.publish(first, "default", {APP: B})
    run(late)
    in_order.publish(first, "default", {APP: B})
    run(in_order)
    in_order.publish(second, "default", {APP: C})
    run(in_order)

    assert late.ledger.current == in_order.ledger.current == {"default": second}
    assert late.ledger.retired == in_order.ledger.retired
    assert set(late.ledger.retired) == {A, B}
    assert {key: late.tags(key) for key in (A, B, C)} == {key: in_order.tags(key) for key in (A, B, C)}


@pytest.mark.scenario("T30")
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"format": 2}', "newer"),
        (
            (
                b'{"format": 1, "release": "x", "channel": "default", "created_at": "2026-11-23T06:05:38Z", '
                b'"prefix": "assets/", "uploader": {}, '
                b'"assets": {"app.js": {"key": "other/app.js", "size": 1, "fingerprinted": true}}}'
            ),
            "outside the site",
        ),
    ],
    ids=["empty", "not_json", "newer_format", "key_outside"],
)  # fmt: skip
@pytest.mark.parametrize("folder", ["markers", "pending", "staged", "pins"])
def test_invalid_file_of_the_log_stops_all_deletion_and_says_so(
    s3: FakeS3, folder: str, body: bytes, words: str
) -> None:
    """What is current is unknown, so nothing may go; once it is dealt with, deletion goes on."""
    s3.advance(POLICY.version_ttl)
    key = f"{s3.layout.log}{folder}/20261124T000000Z-bad.json"
    s3.put(key, body)

    report = run(s3)

    assert s3.assets() == {A, B}
    assert stopped_by(report) == ["invalid_marker"]
    assert key in report.plan.stops[0].message
    assert words in report.plan.stops[0].message
    assert s3.made("delete") == []
    s3.objects.pop(key)
    assert keys_of(run(s3), "delete") == [A]


def test_file_with_a_foreign_name_among_the_markers_stops_all_deletion(s3: FakeS3) -> None:
    """It may be somebody's marker."""
    s3.advance(POLICY.version_ttl)
    s3.put(f"{s3.layout.markers}latest.json", b"{}")
    assert stopped_by(run(s3)) == ["invalid_marker"]
    assert A in s3.assets()


def test_folder_objects_of_consoles_are_no_markers(s3: FakeS3) -> None:
    """The S3 console's "create folder" puts an empty object whose key ends with a slash."""
    s3.advance(POLICY.version_ttl)
    for folder in (s3.layout.markers, s3.layout.pending, s3.layout.staged, s3.layout.pins):
        s3.put(folder, b"")
    assert keys_of(run(s3), "delete") == [A]


@pytest.mark.scenario("T30", "T34a")
def test_missing_current_marker_stops_deletion_until_the_channel_has_a_release_again(s3: FakeS3) -> None:
    """An older release does not become current instead: production still serves the one whose marker was lost."""
    current = s3.ledger.current["default"]
    s3.objects.pop(s3.layout.marker_key(current))
    s3.advance(30 * DAY)
    report = run(s3)
    assert stopped_by(report) == ["missing_marker"]
    assert current in report.plan.stops[0].message
    assert s3.assets() == {A, B}
    assert stopped_by(run(s3)) == ["missing_marker"], "the next run knows it still"

    s3.publish("r3", "default", {APP: C})
    assert stopped_by(run(s3)) == []
    assert C in s3.assets()


def test_a_rebuild_that_dies_leaves_no_ledger_that_passes_for_whole(s3: FakeS3) -> None:
    """It dies after it has announced what it tags: the next run rebuilds from the start, and deletes nothing either."""
    s3.advance(POLICY.version_ttl)
    del s3.objects[s3.layout.ledger]
    s3.put(A, tags={})
    s3.put(B, tags={"removed_at": format_instant(NOON)})
    kept = s3.put_tags

    def die(key: str, tags: dict[str, str]) -> bool:
        raise MemoryError(key, tags)

    s3.put_tags = die  # type: ignore[method-assign, assignment]
    with pytest.raises(MemoryError):
        run(s3, run_id="dies")
    s3.put_tags = kept  # type: ignore[method-assign]
    assert s3.ledger.tags_read_to == ""
    s3.advance(1000)
    assert stopped_by(run(s3)) == ["rebuilt"]
    assert s3.assets() == {A, B}
    assert s3.tags(B) == {}, "it lives, and its left-over tag was read"
    assert keys_of(run(s3), "delete") == [A]


def test_ledger_of_a_newer_format_is_rebuilt_without_deleting(s3: FakeS3) -> None:
    """The same as a broken one."""
    before = s3.ledger.retired
    s3.put(s3.layout.ledger, b"not gzip")
    s3.advance(POLICY.version_ttl)
    assert stopped_by(run(s3)) == ["rebuilt"]
    assert s3.assets() == {A, B}
    assert s3.ledger.retired == before


def test_ledger_lost_is_rebuilt_from_markers_and_tags_with_the_same_instants(s3: FakeS3) -> None:
    """Also for an orphan, which no marker dates: its tag does."""
    s3.put("assets/stray-0123abcd.js")
    s3.advance(2 * DAY)
    run(s3, full=True, policy=replace(POLICY, version_limit=9))
    before = s3.ledger.retired
    assert set(before) == {A, "assets/stray-0123abcd.js"}
    s3.objects.pop(s3.layout.ledger)
    s3.advance(DAY)
    run(s3, policy=replace(POLICY, version_limit=9))
    assert s3.ledger.retired == before


@pytest.mark.scenario("T28")
def test_tag_left_over_from_an_earlier_retirement_makes_nothing_older(s3: FakeS3) -> None:
    """With the ledger lost, markers and tag disagree: the later instant counts."""
    s3.tags(A)["superseded_at"] = "2020-01-01T00:00:00Z"
    since = s3.ledger.retired[A].mark.since
    s3.objects.pop(s3.layout.ledger)
    run(s3)
    assert s3.ledger.retired[A].mark.since == since
    assert s3.tags(A)["superseded_at"] == format_instant(since)


def test_live_asset_with_a_left_over_tag_loses_it_when_the_ledger_is_rebuilt(s3: FakeS3) -> None:
    """Nothing else remembers that it bears one."""
    s3.tags(B)["removed_at"] = "2020-01-01T00:00:00Z"
    s3.objects.pop(s3.layout.ledger)
    run(s3)
    assert s3.tags(B) == {}


# Uploads under way, staged releases


@pytest.mark.scenario("L23")
@pytest.mark.parametrize(("begin", "reason"), [("intend", "pending"), ("stage", "staged")])
def test_intent_and_staged_release_keep_and_untag_their_keys_until_they_expire(
    s3: FakeS3, begin: str, reason: str
) -> None:
    """What an upload is about to skip, or a roll-out about to need, does not go, however long it is due."""
    policy = replace(POLICY, pending_ttl=21_600, staged_ttl=21_600)
    s3.advance(21_600)
    getattr(s3, begin)("r3", "default", {APP: A})
    report = run(s3, policy=policy)
    assert [(e["key"], e["reason"]) for e in report.document()["untag"]] == [(A, reason)]
    assert s3.tags(A) == {}
    assert report.next_due == s3.clock + timedelta(seconds=21_601)

    s3.advance(21_600)
    assert keys_of(run(s3, policy=policy), "delete") == []
    s3.advance(1)
    assert keys_of(run(s3, policy=policy), "delete") == [A]


def test_upload_that_is_broken_off_gives_its_keys_back(s3: FakeS3) -> None:
    """Their clock went on meanwhile."""
    intent = s3.intend("r3", "default", {APP: A})
    run(s3)
    s3.advance(POLICY.version_ttl)
    s3.break_off(intent)
    assert keys_of(run(s3), "delete") == [A]


def test_intent_that_vanishes_between_list_and_get_means_its_marker_is_found(s3: FakeS3) -> None:
    """The uploader finished in between: intents are read again, and markers only then."""
    s3.advance(POLICY.version_ttl)
    intent = s3.intend("r3", "default", {APP: A})

    def finish() -> None:
        s3.break_off(intent)
        s3.publish(intent, "default", {APP: A})

    at_request(s3, "get", s3.layout.pending_key(intent), finish)
    run(s3)
    assert A in s3.assets()
    assert s3.ledger.current == {"default": intent}


@pytest.mark.parametrize(("begin", "end"), [("intend", "stage"), ("intend", "publish"), ("stage", "publish")])
def test_file_that_is_replaced_between_two_listings_of_the_second_look_is_missed_by_neither(
    s3: FakeS3, begin: str, end: str
) -> None:
    """Intents are read first, then staged releases, then markers: whoever misses the one finds the other.

    At the second look, as nothing comes after it: the run's LIST that comes second of the two finds the bucket changed.
    """
    folders = {"intend": s3.layout.pending, "stage": s3.layout.staged, "publish": s3.layout.markers}
    release_id = "20261124T000000Z-r3"
    asked: list[str] = []
    begun = False

    def intervene(operation: str, key: str) -> None:
        nonlocal begun
        if operation == "put_if" and not begun:
            begun = True
            getattr(s3, begin)(release_id, "default", {APP: A})
        elif begun and operation == "list" and key in {folders[begin], folders[end]}:
            asked.append(key)
            if len(asked) == 2:
                getattr(s3, end)(release_id, "default", {APP: A})
                s3.objects.pop(f"{folders[begin]}{release_id}.json")

    s3.advance(POLICY.version_ttl)
    s3.on_request = intervene
    run(s3)
    assert len(asked) >= 2
    assert A in s3.assets()


def test_intent_written_after_the_first_look_saves_its_keys(s3: FakeS3) -> None:
    """The second look, after the ledger says what is to go: the uploader's own look at the ledger came too early."""
    s3.advance(POLICY.version_ttl)
    at_request(s3, "put_if", s3.layout.ledger, lambda: _void(s3.intend("r3", "default", {APP: A})))
    report = run(s3)
    assert A in s3.assets()
    assert s3.made("delete") == []
    assert keys_of(report, "delete") == []
    assert keys_of(report, "untag") == [A]
    assert s3.ledger.deleting is None, "so that the uploader need not wait"


def test_orphan_that_a_dead_run_tagged_is_untagged_when_an_upload_needs_it(s3: FakeS3) -> None:
    """The run found it, announced its tag, wrote it, and died: no ledger knows the asset. Then it is named."""
    s3.put("assets/app-eeee5555.js")
    s3.advance(2 * DAY)

    def die(*_: object) -> None:
        s3.on_request = None
        raise MemoryError

    at_request(s3, "put_if", s3.layout.ledger, die, number=2)
    with pytest.raises(MemoryError):
        run(s3, run_id="dies", full=True)
    assert s3.tags("assets/app-eeee5555.js")
    s3.advance(1000)
    s3.intend("r3", "default", {APP: "assets/app-eeee5555.js"})
    assert "assets/app-eeee5555.js" in keys_of(run(s3), "untag")
    assert s3.tags("assets/app-eeee5555.js") == {}


def test_tag_that_was_not_announced_is_left_to_the_next_run(s3: FakeS3) -> None:
    """An intent at the second look protects what was not to be touched: nobody would know of it after a crash."""
    s3.publish("r3", "default", {APP: C, "assets/logo.png": LOGO})
    s3.advance(1)
    s3.publish("r4", "default", {APP: C})
    run(s3)
    s3.advance(POLICY.version_ttl)

    def intend() -> None:
        s3.intend("r5", "default", {"assets/logo.png": LOGO})

    at_request(s3, "put_if", s3.layout.ledger, intend)
    s3.requests.clear()
    report = run(s3)
    assert set(keys_of(report, "delete")) == {A, B}
    assert s3.made("put_tags") == []
    s3.on_request = None
    assert keys_of(run(s3), "untag") == [LOGO]


def test_staged_release_written_after_the_first_look_saves_its_keys(s3: FakeS3) -> None:
    """The same for a release that is to be activated later."""
    s3.advance(POLICY.version_ttl)
    at_request(s3, "put_if", s3.layout.ledger, lambda: _void(s3.stage("r3", "default", {APP: A})))
    run(s3)
    assert A in s3.assets()


def test_intent_written_after_the_first_look_spares_only_its_own_keys(s3: FakeS3) -> None:
    """The rest of what is due goes."""
    s3.publish("r3", "default", {APP: C})
    run(s3)
    s3.advance(POLICY.version_ttl)
    at_request(s3, "put_if", s3.layout.ledger, lambda: _void(s3.intend("r4", "default", {APP: A})))
    report = run(s3)
    assert keys_of(report, "delete") == [B]
    assert s3.assets() == {A, C}


def test_marker_written_after_the_first_look_starts_the_run_over(s3: FakeS3) -> None:
    """A whole upload may fit between the two looks: its intent is gone, its marker is there."""
    s3.advance(POLICY.version_ttl)
    published: list[str] = []
    at_request(s3, "put_if", s3.layout.ledger, lambda: published.append(s3.publish("r3", "default", {APP: A})))
    run(s3)
    assert s3.assets() == {A, B}
    assert s3.ledger.current == {"default": published[0]}
    assert s3.tags(A) == {}


def test_upload_that_ends_during_the_second_look_is_seen(s3: FakeS3) -> None:
    """At the second look too, intents are read before markers."""
    s3.advance(POLICY.version_ttl)
    seen: list[str] = []

    def intervene(operation: str, key: str) -> None:
        if operation == "put_if" and not seen:
            seen.append(s3.intend("r3", "default", {APP: A}))
        elif seen and (operation, key) == ("get", s3.layout.pending_key(seen[0])) and len(seen) == 1:
            s3.publish(seen[0], "default", {APP: A})
            s3.break_off(seen[0])
            seen.append("done")

    s3.on_request = intervene
    run(s3)
    assert seen[1:] == ["done"]
    assert A in s3.assets()
    assert s3.ledger.current == {"default": seen[0]}


def test_invalid_intent_written_after_the_first_look_stops_the_deletion(s3: FakeS3) -> None:
    """What it would protect is unknown."""
    s3.advance(POLICY.version_ttl)
    bad = s3.layout.pending_key("20261124T000000Z-bad")
    at_request(s3, "put_if", s3.layout.ledger, lambda: _void(s3.put(bad, b"{")))
    assert stopped_by(run(s3)) == ["invalid_marker"]
    assert A in s3.assets()


def test_log_that_changes_at_every_look_ends_in_an_error_not_in_a_deletion(s3: FakeS3) -> None:
    """Uploads that begin and break off all the time."""
    s3.advance(POLICY.version_ttl)
    intent = s3.intend("r3", "default", {APP: A})

    def flicker(operation: str, key: str) -> None:
        if operation == "list" and key == s3.layout.pending:
            s3.intend(intent, "default", {APP: A})
        elif key == s3.layout.pending_key(intent):
            s3.break_off(intent)

    s3.on_request = flicker
    with pytest.raises(CleanerError, match="invoke again"):
        run(s3)
    assert s3.writes == []


# Runs that overlap


def test_another_runs_unexpired_deleting_means_nothing_is_deleted_and_when_to_come_back(s3: FakeS3) -> None:
    """It may be in the middle of it; its announcement stays in the ledger for uploaders."""
    s3.advance(POLICY.version_ttl)
    s3.ledger = replace(s3.ledger, deleting=Announcement("other", frozenset({"assets/x.js"})))
    announced = s3.clock
    s3.advance(600)
    s3.publish("r3", "default", {APP: C})

    report = run(s3)

    assert stopped_by(report) == ["deleting"]
    assert s3.assets() == {A, B, C}
    assert report.next_due == announced + timedelta(seconds=901)
    assert s3.tags(B) != {}, "tagging goes on"
    assert s3.ledger.deleting == Announcement("other", frozenset({"assets/x.js"}), announced)

    s3.advance(300)
    assert stopped_by(run(s3)) == ["deleting"], "written again by us, it does not last longer"
    s3.advance(1)
    assert keys_of(run(s3), "delete") == [A]
    assert s3.ledger.deleting is None


@pytest.mark.scenario("L23")
def test_what_a_dead_run_announced_is_taken_back_even_if_nothing_else_changed(s3: FakeS3) -> None:
    """An uploader that needs one of those keys would wait for nobody."""
    s3.ledger = replace(s3.ledger, deleting=Announcement("dead", frozenset({"assets/x.js"})))
    s3.advance(902)
    run(s3)
    assert s3.ledger.deleting is None


def test_run_that_starts_over_is_not_held_up_by_its_own_announcement(s3: FakeS3) -> None:
    """The id is that of one attempt of one invocation: nobody else is at work under it."""
    s3.advance(POLICY.version_ttl)
    s3.ledger = replace(s3.ledger, deleting=Announcement("mine", frozenset({A})))
    assert keys_of(run(s3, run_id="mine"), "delete") == [A]


@pytest.mark.scenario("L6")
@pytest.mark.parametrize(
    ("operation", "key", "number"),
    [
        ("list", "assets/.releases/markers/", 1),
        ("put_if", "assets/.releases/ledger.json.gz", 1),
        ("list", "assets/.releases/markers/", 2),
        ("delete", A, 1),
        ("put_if", "assets/.releases/ledger.json.gz", 2),
    ],
    ids=["first_look", "announcement", "second_look", "deletion", "last_write"],
)
def test_ledger_written_by_another_run_starts_the_run_over(s3: FakeS3, operation: str, key: str, number: int) -> None:
    """Whenever that was since this run read it: what the other run wrote is not lost."""
    s3.advance(POLICY.version_ttl)
    other = Mark(State.REMOVED, s3.clock)

    def write() -> None:
        ledger = s3.ledger
        entry = replace(ledger.retired[A], logical="assets/other.js", mark=other)
        s3.put("assets/other-eeee5555.js")
        s3.ledger = replace(ledger, retired={**ledger.retired, "assets/other-eeee5555.js": entry})

    at_request(s3, operation, key, write, number)
    report = run(s3)
    assert keys_of(report, "delete") == [A]
    assert A not in s3.ledger.retired
    assert s3.ledger.retired["assets/other-eeee5555.js"].mark == other
    assert s3.ledger.deleting is None


def test_run_that_loses_every_race_gives_up_with_an_error(s3: FakeS3) -> None:
    """And has deleted nothing, as it never could announce it."""
    s3.advance(POLICY.version_ttl)
    count = 0

    def write(operation: str, _key: str) -> None:
        nonlocal count
        if operation == "put_if":
            count += 1
            s3.ledger = replace(s3.ledger, last_run={"count": count})

    s3.on_request = write
    with pytest.raises(CleanerError, match="invoke again"):
        run(s3)
    assert count == ATTEMPTS
    assert A in s3.assets()


# What the ledger says to those who only look


def fate(s3: FakeS3, key: str) -> tuple[datetime | None, str | None]:
    """When an asset falls due, and what keeps it if it does not."""
    entry = s3.ledger.retired[key]
    return entry.due, entry.kept_by


def test_ledger_says_when_each_asset_falls_due_or_what_keeps_it(s3: FakeS3) -> None:
    """As the policy of the last run has it, which is there too."""
    since = s3.ledger.retired[A].mark.since
    assert fate(s3, A) == (since + timedelta(seconds=POLICY.version_ttl), None)
    assert s3.ledger.last_run["policy"]["version_ttl"] == POLICY.version_ttl
    run(s3, policy=replace(POLICY, version_limit=2))
    assert fate(s3, A) == (None, "within_version_limit")
    run(s3, policy=replace(POLICY, keep_releases=1))
    assert fate(s3, A) == (None, "kept_release")
    s3.stage("r3", "default", {APP: A})
    run(s3)
    assert fate(s3, A) == (None, "staged")


def test_what_a_stop_or_an_error_holds_up_keeps_its_instant(s3: FakeS3) -> None:
    """It is overdue, and the summary of the run says why."""
    due, _ = fate(s3, A)
    s3.advance(POLICY.version_ttl)
    s3.refuse[A] = ["AccessDenied: no"] * 9
    run(s3)
    assert fate(s3, A) == (due, None)
    assert s3.ledger.last_run["counts"]["failed"] == 1
    s3.refuse.clear()
    s3.put("assets/.releases/markers/20200101T000000Z-bad.json", b"not JSON")
    stopped = run(s3)
    assert stopped_by(stopped) == ["invalid_marker"]
    assert keys_of(stopped, "upcoming") == [], "it is due already"
    assert fate(s3, A) == (due, None)


@pytest.mark.parametrize("policy", [POLICY, replace(POLICY, version_limit=2)], ids=["due later", "kept"])
def test_time_that_passes_is_no_reason_to_write_the_ledger(s3: FakeS3, policy: Policy) -> None:
    """Also when the grace period ends meanwhile: when what falls due has not changed."""
    run(s3, policy=policy)
    s3.advance(policy.grace)
    s3.requests.clear()
    run(s3, policy=policy)
    assert s3.made("put_if") == []


# Errors of S3, per key and whole


@pytest.mark.scenario("L13")
def test_key_that_cannot_be_deleted_is_tried_again(s3: FakeS3) -> None:
    """InternalError in the answer of a batch, for a few keys per million: the SDK does not repeat those."""
    s3.advance(POLICY.version_ttl)
    s3.refuse[A] = ["InternalError: We encountered an internal error"]
    report = run(s3)
    assert keys_of(report, "delete") == [A]
    assert report.document()["failed"] == []
    assert s3.made("delete") == [("delete", A), ("delete", A)]


@pytest.mark.scenario("L7", "L12")
def test_key_that_cannot_be_deleted_is_reported_kept_in_the_ledger_and_not_counted(s3: FakeS3) -> None:
    """Another key of the same batch goes all the same."""
    s3.publish("r3", "default", {APP: C})
    run(s3)
    s3.advance(POLICY.version_ttl)
    s3.refuse[A] = ["AccessDenied: no"] * 9

    report = run(s3)

    assert keys_of(report, "delete") == [B]
    assert [(e["key"], e["error"]) for e in report.document()["failed"]] == [(A, "AccessDenied: no")]
    assert report.counts() == {"tag": 0, "untag": 0, "delete": 1, "keep": 2, "failed": 1}
    assert report.bytes_deleted == 1
    assert set(s3.ledger.retired) == {A}
    assert s3.ledger.deleting is None
    assert report.next_due == s3.clock + timedelta(seconds=RETRY_SECONDS)
    s3.refuse.clear()
    assert keys_of(run(s3), "delete") == [A]


@pytest.mark.scenario("T17b")
def test_batch_that_fails_as_a_whole_is_reported_key_by_key(s3: FakeS3) -> None:
    """Nothing is reported deleted, nothing is lost from the ledger."""
    s3.advance(POLICY.version_ttl)
    at_request(s3, "delete", A, fail_with("AccessDenied"))
    report = run(s3)
    assert keys_of(report, "delete") == []
    assert keys_of(report, "failed") == [A]
    assert set(s3.ledger.retired) == {A}


@pytest.mark.scenario("T26")
def test_error_while_tagging_is_reported_and_tried_again_next_time(s3: FakeS3) -> None:
    """A permission error must not be swallowed."""
    s3.publish("r3", "default", {APP: C})
    at_request(s3, "put_tags", B, fail_with("AccessDenied"))
    report = run(s3)
    assert keys_of(report, "tag") == []
    assert keys_of(report, "failed") == [B]
    assert s3.ledger.retired[B].tagged is None
    s3.on_request = None
    assert keys_of(run(s3), "tag") == [B]


@pytest.mark.scenario("T26")
def test_error_while_untagging_is_reported_and_owed(s3: FakeS3) -> None:
    """The tag that is still there is not forgotten."""
    s3.publish("r3", "default", {APP: A})
    at_request(s3, "put_tags", A, fail_with("AccessDenied"))
    report = run(s3)
    assert keys_of(report, "untag") == []
    assert keys_of(report, "failed") == [A]
    assert s3.ledger.owed == {A}
    s3.on_request = None
    assert keys_of(run(s3), "untag") == [A]
    assert s3.tags(A) == {}


@pytest.mark.scenario("T17a")
@pytest.mark.parametrize("request_", ["get", "list", "put_if"])
def test_error_of_a_request_that_a_run_needs_ends_it_without_a_deletion(s3: FakeS3, request_: str) -> None:
    """A failure in LIST or PUT: zero deletes."""
    s3.advance(POLICY.version_ttl)

    def fail(operation: str, _key: str) -> None:
        if operation == request_:
            code = "AccessDenied"
            raise client_error(code)

    s3.on_request = fail
    with pytest.raises(ClientError, match="AccessDenied"):
        run(s3)
    assert A in s3.assets()
    assert s3.made("delete") == []


@pytest.mark.scenario("T34b")
@pytest.mark.parametrize("operation", ["get_tags", "put_tags"])
def test_asset_that_is_gone_when_it_is_to_be_tagged_leaves_the_ledger(s3: FakeS3, operation: str) -> None:
    """Somebody else deleted it: no entry that is never due to go."""
    s3.publish("r3", "default", {APP: C})
    at_request(s3, operation, B, lambda: _void(s3.objects.pop(B)))
    report = run(s3)
    assert keys_of(report, "tag") == []
    assert report.document()["failed"] == []
    assert set(s3.ledger.retired) == {A}
    assert report.counts()["keep"] == 2, "what is gone is not kept"


def test_object_with_ten_user_tags_is_handled_by_the_ledger_alone(s3: FakeS3) -> None:
    """S3 takes no eleventh; it is said once, and the asset still goes when it is due."""
    theirs = {f"k{number}": "v" for number in range(10)}
    s3.tags(B).update(theirs)
    s3.publish("r3", "default", {APP: C})
    report = run(s3)
    assert s3.tags(B) == theirs
    assert "10 tags" in report.document()["failed"][0]["error"]
    assert run(s3).document()["failed"] == []
    s3.advance(POLICY.version_ttl)
    assert keys_of(run(s3), "delete") == [A, B]


def test_object_with_nine_user_tags_is_tagged(s3: FakeS3) -> None:
    """Ten in all is what S3 allows."""
    s3.tags(B).update({f"k{number}": "v" for number in range(9)})
    s3.publish("r3", "default", {APP: C})
    assert keys_of(run(s3), "tag") == [B]
    assert len(s3.tags(B)) == 10


def test_deletion_goes_in_batches_of_a_thousand() -> None:
    """The fake, as S3, refuses more; every key is in the answer."""
    s3 = FakeS3()
    s3.publish("r1", "default", {f"assets/{number}.js": f"assets/{number}-a.js" for number in range(1001)})
    run(s3)
    s3.advance(10)
    s3.publish("r2", "default", {f"assets/{number}.js": f"assets/{number}-b.js" for number in range(1001)})
    run(s3)
    s3.advance(POLICY.version_ttl)
    assert run(s3).counts()["delete"] == 1001
    assert len(s3.made("delete")) == 2
    assert len(s3.assets()) == 1001


@pytest.mark.scenario("L9", "A6")
def test_brake_deletes_nothing_and_force_lets_it_go() -> None:
    """A run that would delete most of the site says how to go on."""
    s3 = FakeS3()
    s3.publish("r1", "default", {f"assets/{number}.js": f"assets/{number}-a.js" for number in range(101)})
    run(s3)
    s3.publish("r2", "default", {APP: A})
    run(s3)
    s3.advance(POLICY.removed_ttl)
    report = run(s3)
    assert stopped_by(report) == ["brake"]
    assert s3.made("delete") == []
    assert '{"force": true}' in report.plan.stops[0].message
    assert run(s3, force=True).counts()["delete"] == 101


# The full listing


@pytest.mark.scenario("T31a", "L10")
@pytest.mark.parametrize(
    ("orphans", "retired"),
    [
        (Orphans.FINGERPRINTED, {"assets/old-0123abcd.js"}),
        (Orphans.ALL, {"assets/old-0123abcd.js", "assets/robots.txt"}),
        (Orphans.REPORT, set()),
    ],
)
def test_orphans_are_retired_by_the_setting(s3: FakeS3, orphans: Orphans, retired: set[str]) -> None:
    """Counted in any case; retired from now on, whatever their age, so they get their whole time."""
    s3.put("assets/old-0123abcd.js")
    s3.put("assets/robots.txt")
    s3.advance(2 * DAY)
    policy = replace(POLICY, orphans=orphans, version_limit=9)
    report = run(s3, full=True, policy=policy)
    assert report.orphans == 2
    assert set(s3.ledger.retired) - {A} == retired
    for key in retired:
        assert s3.ledger.retired[key].mark == Mark(State.REMOVED, s3.clock)
        assert s3.tags(key) == {"removed_at": format_instant(s3.clock)}
    assert {"assets/old-0123abcd.js", "assets/robots.txt"} <= s3.assets()
    s3.advance(POLICY.removed_ttl)
    run(s3, policy=policy)
    assert {"assets/old-0123abcd.js", "assets/robots.txt"} & s3.assets() == (
        {"assets/old-0123abcd.js", "assets/robots.txt"} - retired
    )


def test_orphan_whose_logical_path_is_current_is_superseded(s3: FakeS3) -> None:
    """And comes last among its siblings of the same instant."""
    s3.put("assets/app-0123abcd.js")
    s3.advance(DAY)
    run(s3, full=True, policy=replace(POLICY, version_limit=9))
    assert s3.ledger.retired["assets/app-0123abcd.js"].mark == Mark(State.SUPERSEDED, s3.clock)


def test_orphan_is_no_older_in_its_state_than_the_marker_that_brought_it_there(s3: FakeS3) -> None:
    """The marker is written after the run has read the clock, and before it lists the markers."""
    s3.put("assets/new-eeee5555.js")
    s3.advance(2 * DAY)

    def publish() -> None:
        s3.advance(5)
        s3.publish("r3", "staging", {"assets/new.js": "assets/new-ffff6666.js"})

    at_request(s3, "list", s3.layout.markers, publish)
    run(s3, full=True)
    assert s3.ledger.retired["assets/new-eeee5555.js"].mark == Mark(State.SUPERSEDED, s3.clock)


@pytest.mark.scenario("T24", "T31b")
def test_object_younger_than_a_day_is_no_orphan(s3: FakeS3) -> None:
    """It may belong to an upload that nobody has told us of: 24 hours to the second."""
    s3.put("assets/old-0123abcd.js")
    s3.advance(DAY - 1)
    assert run(s3, full=True).orphans == 0
    s3.advance(1)
    assert run(s3, full=True).orphans == 1


@pytest.mark.scenario("T31b")
def test_key_of_an_intent_is_no_orphan(s3: FakeS3) -> None:
    """The upload that skips it is under way."""
    s3.put("assets/old-0123abcd.js")
    s3.advance(2 * DAY)
    s3.intend("r3", "default", {"assets/old.js": "assets/old-0123abcd.js"})
    assert run(s3, full=True).orphans == 0
    assert "assets/old-0123abcd.js" not in s3.ledger.retired


@pytest.mark.scenario("L10")
def test_orphans_are_only_reported_with_an_empty_prefix() -> None:
    """The whole bucket: anything may be somebody else's."""
    s3 = FakeS3(prefix="")
    s3.publish("r1", "default", {"app.js": "app-aaaa1111.js"})
    s3.put("old-0123abcd.js")
    s3.advance(2 * DAY)
    report = run(s3, policy=replace(POLICY, orphans=Orphans.ALL))
    assert report.orphans == 1
    assert s3.ledger.retired == {}
    assert s3.tags("old-0123abcd.js") == {}


def test_orphans_are_only_reported_while_a_marker_is_invalid(s3: FakeS3) -> None:
    """That marker may name them."""
    s3.put("assets/old-0123abcd.js")
    s3.put(s3.layout.marker_key("20261124T000000Z-bad"), b"{")
    s3.advance(2 * DAY)
    assert run(s3, full=True).orphans == 1
    assert set(s3.ledger.retired) == {A}


@pytest.mark.scenario("T9")
def test_nested_site_and_the_release_logs_are_nobodys_orphans(s3: FakeS3) -> None:
    """A prefix with a release log of its own inside ours is another site, with all that lies there."""
    nested = FakeS3(prefix="assets/admin/", clock=s3.clock)
    nested.publish("r1", "default", {"x.js": "assets/admin/x-0123abcd.js"})
    s3.objects |= nested.objects
    s3.put("assets/administrator-0123abcd.js")
    s3.put("other/y-0123abcd.js")
    s3.advance(2 * DAY)
    report = run(s3, full=True, policy=replace(POLICY, orphans=Orphans.ALL, version_limit=9))
    assert set(s3.ledger.retired) - {A} == {"assets/administrator-0123abcd.js"}
    assert report.orphans == 1


def test_site_configured_inside_this_one_has_its_assets_before_its_first_release(s3: FakeS3) -> None:
    """It may be older than its release log: nobody may take what lies there for orphans."""
    s3.put("assets/admin/x-0123abcd.js")
    s3.put("assets/administrator-0123abcd.js")
    s3.advance(2 * DAY)
    report = run(s3, full=True, policy=replace(POLICY, version_limit=9), inner=("assets/admin/",))
    assert set(s3.ledger.retired) - {A} == {"assets/administrator-0123abcd.js"}
    assert report.orphans == 1


@pytest.mark.scenario("T34b")
def test_entry_whose_object_is_gone_leaves_the_ledger_at_a_full_listing(s3: FakeS3) -> None:
    """No request is made for it ever after."""
    s3.objects.pop(A)
    report = run(s3, full=True)
    assert s3.ledger.retired == {}
    assert report.counts()["keep"] == 1


@pytest.mark.scenario("T34a")
def test_missing_current_asset_is_named(s3: FakeS3) -> None:
    """``MissingAssets``: somebody deleted what a page asks for."""
    s3.objects.pop(B)
    assert run(s3, full=True).document()["missing"] == [B]
    assert run(s3).missing is None, "without a listing nothing is known"


def test_full_listing_is_due_a_day_after_the_last(s3: FakeS3) -> None:
    """Not with each run: it costs in proportion to what the bucket holds."""
    s3.advance(DAY / 2 - 1)
    run(s3)
    assert ("list", "assets/") not in s3.requests
    s3.advance(1)
    run(s3)
    assert ("list", "assets/") in s3.requests
    s3.requests.clear()
    run(s3)
    assert ("list", "assets/") not in s3.requests


def test_full_flag_asks_for_a_listing_at_once(s3: FakeS3) -> None:
    """On demand, too."""
    run(s3, full=True)
    assert ("list", "assets/") in s3.requests


# Pins


def test_pinned_release_keeps_its_assets_until_it_is_unpinned(s3: FakeS3) -> None:
    """Tagged as retired all the time, and however long ago; then they go with the next run."""
    pin = s3.pin("20261123T000000Z-r1", "default", {APP: A})
    s3.advance(400 * DAY)
    report = run(s3)
    assert {action.key: str(action.reason) for action in report.plan.keep}[A] == "pinned"
    assert s3.tags(A).keys() == {"superseded_at"}
    assert report.next_due is None
    assert s3.layout.pin_key(pin) in s3.objects, "a pin does not expire"
    s3.break_off(pin)
    assert keys_of(run(s3), "delete") == [A]


def test_pinned_release_that_becomes_current_and_is_superseded_again_stays(s3: FakeS3) -> None:
    """Its tags go and come as those of others do."""
    s3.pin("20261123T000000Z-r1", "default", {APP: A})
    s3.publish("r3", "default", {APP: A})
    run(s3)
    assert s3.tags(A) == {}
    s3.advance(DAY)
    s3.publish("r4", "default", {APP: C})
    s3.advance(DAY)
    report = run(s3)
    assert keys_of(report, "delete") == [B]
    assert s3.tags(A).keys() == {"superseded_at"}


def test_pin_written_after_the_first_look_saves_its_keys(s3: FakeS3) -> None:
    """Its intent is gone by then."""
    s3.advance(POLICY.version_ttl)
    pin = "20261123T000000Z-r1"
    at_request(s3, "put_if", s3.layout.ledger, lambda: _void(s3.pin(pin, "default", {APP: A})))
    report = run(s3)
    assert A in s3.assets()
    assert {action.key: str(action.reason) for action in report.plan.keep}[A] == "pinned"


def test_intent_that_becomes_a_pin_between_two_listings_of_the_second_look_is_missed_by_neither(s3: FakeS3) -> None:
    """Intents are read before pins."""
    release_id, begun = "20261124T000000Z-r1", False
    asked: list[str] = []

    def intervene(operation: str, key: str) -> None:
        nonlocal begun
        if operation == "put_if" and not begun:
            begun = True
            s3.intend(release_id, "default", {APP: A})
        elif begun and operation == "list" and key in {s3.layout.pending, s3.layout.pins}:
            asked.append(key)
            if len(asked) == 2:
                s3.pin(release_id, "default", {APP: A})
                s3.objects.pop(s3.layout.pending_key(release_id))

    s3.advance(POLICY.version_ttl)
    s3.on_request = intervene
    run(s3)
    assert len(asked) >= 2
    assert A in s3.assets()


def test_pin_that_vanishes_between_list_and_get_keeps_nothing_any_more(s3: FakeS3) -> None:
    """It was unpinned, and nobody relies on it."""
    s3.advance(POLICY.version_ttl)
    pin = s3.pin("20261123T000000Z-r1", "default", {APP: A})
    at_request(s3, "get", s3.layout.pin_key(pin), lambda: s3.break_off(pin))
    assert keys_of(run(s3), "delete") == [A]


@pytest.mark.parametrize(("name", "body"), [("20261124T000000Z-bad.json", b"{}"), ("notes.txt", b"call Ann")])
def test_invalid_pin_stops_all_deletion_and_says_what_to_do(s3: FakeS3, name: str, body: bytes) -> None:
    """Nobody knows which assets it is about."""
    s3.advance(POLICY.version_ttl)
    s3.put(f"{s3.layout.pins}{name}", body)
    (stop,) = run(s3).plan.stops
    assert stop.reason == "invalid_marker"
    assert stop.message.startswith(f"{s3.layout.pins}{name} is not valid (")
    assert stop.message.endswith(
        "so it is unknown which assets are pinned: nothing is deleted until you "
        "delete this file and pin its release again"
    )
    assert s3.assets() == {A, B}


def test_key_of_a_pin_is_no_orphan(s3: FakeS3) -> None:
    """A release that was only ever staged can be pinned; unpinned, its assets are orphans."""
    s3.put(C)
    pin = s3.pin("20261123T000000Z-trial", "default", {APP: C})
    s3.advance(2 * DAY)
    run(s3, full=True)
    assert s3.tags(C) == {}
    s3.break_off(pin)
    run(s3, full=True)
    assert s3.tags(C).keys() == {"superseded_at"}


# keep_releases


@pytest.mark.scenario("A1")
def test_keep_releases_keeps_the_assets_of_the_earlier_releases(s3: FakeS3) -> None:
    """Whatever their age, for a roll-back without a rebuild; the markers are read for it."""
    s3.publish("r3", "default", {APP: C})
    s3.publish("s1", "staging", {"assets/logo.png": LOGO})
    run(s3)
    s3.advance(30 * DAY)
    policy = replace(POLICY, keep_releases=1)
    report = run(s3, policy=policy)
    assert s3.assets() == {B, C, LOGO}, "B is of the one release before the current one; A of the one before that"
    assert {action.key: str(action.reason) for action in report.plan.keep}[B] == "kept_release"
    assert keys_of(run(s3), "delete") == [B], "without the setting it goes"


def test_same_release_gives_the_same_report_with_threads(s3: FakeS3) -> None:
    """Independent requests may run at once; their outcomes stay with their keys."""
    names = {f"assets/{number}.js": f"assets/{number}-a.js" for number in range(50)}
    s3.publish("r3", "default", names)
    run(s3)
    s3.publish("r4", "default", {APP: C})
    said: dict[str, Any] = run(s3, dry_run=True).document()
    with ThreadPoolExecutor(8) as threads:
        done = clean(s3, Job(prefix="assets/", policy=POLICY, run="run"), Pace(threads.map)).document()
    assert {**said, "dry_run": False} == done
    assert len(done["tag"]) == 52, "A and B are superseded again"


def _void(_result: object) -> None:
    """For a lambda whose result is of no interest."""
