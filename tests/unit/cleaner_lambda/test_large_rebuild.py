"""A large site's lost ledger is rebuilt in groups: with the instants of a rebuild that has all of it in memory."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleaner_lambda import (
    backlog,
    checkpoint,
    ledger_document,
    ledger_store,
    load,
    pruning,
    replay,
    segments,
    survey,
    tag_pass,
)
from cleaner_lambda.backlog import MARKERS
from cleaner_lambda.checkpoint import begin_rebuild
from cleaner_lambda.errors import CleanerError, UnreadableError
from cleaner_lambda.head import decode
from cleaner_lambda.next_due import REBUILT_SECONDS, RETRY_SECONDS
from cleaner_lambda.rebuilding import MARGIN, Rebuilding, heads_are_safe
from cleaner_lambda.tag_pass import go_on_reading
from release_log import packed
from release_log.instants import format_instant
from release_log.ledger_file import FORMAT, HEAD_FORMAT, HOLDS, READABLE, unpack
from release_log.tags import Mark, State, read_mark
from tests.fake_cleaner_s3 import FakeS3, client_error
from tests.few_markers import few_markers
from tests.ledger_formats import NONE, writing
from tests.small_parts import small_parts
from tests.small_pieces import small_pieces
from tests.unit.cleaner_lambda.lost_ledgers import KEEP, MANY, entries, for_batches, go_on, head, key_of, lost_ledger
from tests.unit.cleaner_lambda.runs import APP, DAY, at_request, fail_with, run, stopped_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleaner_lambda.job import Job
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.report import Report
    from cleaner_lambda.survey import Survey

PATHS = [APP, "assets/logo.png", "assets/other.js"]
WAITS = HOLDS + MARGIN
MAY_WRITE_HEADS = ledger_store._may_write_heads  # noqa: SLF001 (the fixture replaces it)
STRAY = "assets/other-0bcd1234.js"

stories = st.lists(
    st.tuples(
        st.sampled_from(["default", "default", "beta"]),
        st.dictionaries(st.sampled_from(PATHS), st.integers(1, 3)),  # an empty one ends the channel
        st.sampled_from([1, 600, 5000, DAY // 2, DAY + 1]),
        st.sampled_from(["a run", "a run", "a run", "no run", "a run, and a stray"]),
    ),
    min_size=2,
    max_size=8,
)
Story = list[tuple[str, dict[str, int], int, str]]


def played(story: Story, *, until: int) -> FakeS3:
    """Publish releases on a large site, as a rule each with a run after it.

    Args:
        story: The releases.
        until: The number of those after which no checkpoint is made any more.
    """
    s3 = FakeS3()
    with pytest.MonkeyPatch.context() as patch:
        for number, each in enumerate(story):
            if number == until:
                patch.setattr(pruning, "EVERY", 99)
            _publish(s3, number, *each)
        run(s3, policy=KEEP)
    return s3


def _publish(s3: FakeS3, number: int, channel: str, assets: dict[str, int], seconds: int, then: str) -> None:
    s3.advance(10)
    if assets or not number:
        s3.publish(f"r{number}", channel, {path: key_of(path, n) for path, n in (assets or {APP: 1}).items()})
    else:
        s3.end(channel, f"e{number}")
    if "stray" in then:
        s3.put(key_of(f"assets/stray{number}.js", 1))
    if then != "no run":
        run(s3, policy=KEEP)
    s3.advance(seconds)
    if then != "no run":
        run(s3, policy=KEEP)


def rebuilt(s3: FakeS3) -> FakeS3:
    """Run until the ledger is whole."""
    for _ in range(9):
        report = run(s3, policy=KEEP)
        if not report.unfinished:
            assert s3.ledger.tags_read_to is None
            return s3
        assert stopped_by(report) == ["rebuilt"]
    raise AssertionError


def both_ways(
    story: Story, *, until: int, and_checkpoint: bool = False, rows: int = segments.ROWS
) -> tuple[FakeS3, FakeS3, FakeS3]:
    """A site, the same after its ledger was lost and rebuilt in groups, and the same after it was so all at once.

    Args:
        story: As in `played`.
        until: As there.
        and_checkpoint: Whether all else that the cleaner has written is lost too.
        rows: How much may be noted before the segments take it in.
    """
    with writing(HEAD_FORMAT, small=NONE), few_markers(keep=9):
        before = played(story, until=until)
        groups = copy.deepcopy(before)
        groups.objects.pop(groups.layout.ledger, None)
        if and_checkpoint:
            lose_all(groups)
        whole = copy.deepcopy(groups)
        with small_parts(1 if and_checkpoint else MARKERS), pytest.MonkeyPatch.context() as patch:
            patch.setattr(segments, "ROWS", rows)
            rebuilt(groups)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(load, "begin_rebuild", lambda *args, **_: begin_rebuild(*args, whole=True))
            rebuilt(whole)
        return before, groups, whole


def wrong(before: FakeS3, groups: FakeS3, whole: FakeS3) -> dict[str, tuple[object, ...]]:
    """What was not rebuilt as it was, nor as the other way does it, which may date the end of a channel too late."""
    known, found, other = map(entries, (before, groups, whole))
    return {
        key: (known.get(key), found.get(key), other.get(key))
        for key in known.keys() | found.keys() | other.keys()
        if found.get(key) not in {known.get(key), other.get(key)} or read_mark(groups.tags(key)) != found[key][0]
    }


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stories, st.integers(1, 9))
def test_the_same_instants_come_out(story: Story, until: int) -> None:
    """However old the checkpoint is: what came after it is told again."""
    before, groups, whole = both_ways(story, until=until)
    assert wrong(before, groups, whole) == {}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stories, st.integers(1, 9), st.sampled_from([1, segments.ROWS]))
def test_the_same_instants_come_out_with_no_checkpoint_either(story: Story, until: int, rows: int) -> None:
    """What the markers that are left do not tell, the tags do; whenever the segments take it in."""
    _, groups, whole = both_ways(story, until=until, and_checkpoint=True, rows=rows)
    assert wrong(whole, groups, whole) == {}


@pytest.fixture
def lost(s3: FakeS3) -> Iterator[FakeS3]:
    """A site of eight segments in four groups, whose ledger is lost; all that retired there is due."""
    yield from lost_ledger(s3)


@pytest.fixture
def s3() -> FakeS3:
    """A bucket of its own: nothing was published there before."""
    return FakeS3()


class Seen(NamedTuple):
    """What an attempt had in memory when it came to read tags: how many retired assets, and whether that was a part."""

    number: int
    is_part: bool


def spied(monkeypatch: pytest.MonkeyPatch) -> list[Seen]:
    """Each attempt that comes to read tags from now on."""
    seen: list[Seen] = []

    def reading(store: S3Port, job: Job, loaded: Loaded, found: Survey, pace: Pace, *, full: bool) -> Survey:
        seen.append(Seen(len(found.history.retired), loaded.light))
        return go_on_reading(store, job, loaded, found, pace, full=full)

    monkeypatch.setattr(survey, "go_on_reading", reading)
    return seen


def test_no_more_than_a_group_is_in_memory(lost: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = spied(monkeypatch)

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(checkpoint, "read_all", never)
    with monkeypatch.context() as patch:
        patch.setattr(ledger_store, "read_all", never)
        report = go_on(lost)
    assert (stopped_by(report), report.unfinished) == (["rebuilt"], False)
    numbers = [each.number for each in seen]
    assert sum(numbers[1:]) == len(lost.ledger.retired) == MANY + 1
    assert max(numbers) <= segments.GROUP + 1
    assert report.next_due == lost.clock + timedelta(seconds=REBUILT_SECONDS)


def lose_all(s3: FakeS3) -> None:
    """Delete all that the cleaner has written."""
    for key in [key for key in s3.objects if key.startswith((s3.layout.ledger_files, s3.layout.checkpoint))]:
        del s3.objects[key]


@pytest.mark.parametrize("there_is", ["many orphans", "many markers"])
def test_without_a_checkpoint_much_is_rebuilt_in_groups_too(
    lost: FakeS3, monkeypatch: pytest.MonkeyPatch, there_is: str
) -> None:
    """All of it at once would fill the memory, and the ledger in one file be full."""
    lose_all(lost)
    seen = spied(monkeypatch)
    if there_is == "many orphans":
        lost.objects.pop(min(key for key in lost.objects if key.startswith(lost.layout.markers)))
        monkeypatch.setattr(survey, "STRAYS", 2)
    else:
        monkeypatch.setattr(backlog, "MARKERS", 1)
    report = go_on(lost)
    assert (stopped_by(report), report.unfinished) == (["rebuilt"], False)
    assert len(lost.ledger.retired) == MANY + 1
    assert all(each.is_part for each in seen)


def lost_with_a_long_log(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have five more releases, lose all that the cleaner has written but for its tags, and let each be a part."""
    lose_all(s3)
    paths = [f"assets/{n:02}.js" for n in range(MANY)]
    last = [key_of(paths[0], 3), *(key_of(path, 2) for path in paths[1:])]
    for number in range(4, 9):
        s3.advance(10)
        build = {path: key_of(path, number) for path in paths}
        for before, key in zip(last, build.values(), strict=True):
            s3.put(key)  # so that the marker does not say that it is new, as those of older uploaders do not
            s3.tags(before)["superseded_at"] = format_instant(s3.clock)
        s3.publish(f"build{number}", "default", build)
        last = list(build.values())
    monkeypatch.setattr(backlog, "MARKERS", 1)
    monkeypatch.setattr(segments, "ROWS", 50)


def test_what_a_long_log_tells_is_in_groups_too(lost: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one segment to begin with, and no sweep before all parts are taken in."""
    lost_with_a_long_log(lost, monkeypatch)
    seen = spied(monkeypatch)
    report = go_on(lost)
    assert (stopped_by(report), report.unfinished) == (["rebuilt"], False)
    numbers = [each.number for each in seen[1:]]
    assert sum(numbers) == len(lost.ledger.retired) == 6 * MANY + 1
    assert max(numbers) < 2 * segments.GROUP  # with what the last part has noted


def test_a_rebuild_from_a_long_log_asks_for_each_tag_once(lost: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does each part write down all that has lived since the first one."""
    lost_with_a_long_log(lost, monkeypatch)
    owed: list[int] = []

    def at(operation: str, _: str) -> None:
        if operation == "put_if" and lost.layout.ledger in lost.objects:
            owed.append(len(head(lost).ledger.owed))

    lost.on_request = at
    go_on(lost)
    read = [key for _, key in lost.made("get_tags")]
    assert sorted(read) == sorted(lost.assets())
    assert set(owed) == {0}


def test_from_a_checkpoint_in_format_1_much_is_rebuilt_at_once(lost: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no other way to read it."""
    body = ledger_document.encode(decode(lost.objects[lost.layout.checkpoint].body).ledger)
    lose_all(lost)
    lost.put(lost.layout.checkpoint, body)
    lost.put(lost.layout.ledger, b"?")
    monkeypatch.setattr(survey, "STRAYS", 0)
    seen = spied(monkeypatch)
    assert stopped_by(go_on(lost)) == ["rebuilt"]
    assert not any(each.is_part for each in seen)


def test_without_a_checkpoint_little_is_rebuilt_at_once(lost: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """In groups it would read the tags of an orphan twice, and wait for a quarter of an hour."""
    lose_all(lost)
    seen = spied(monkeypatch)
    go_on(lost)
    assert seen == [(MANY + 1, False)]


def test_each_tag_is_read_once_and_nothing_goes_before_that(lost: FakeS3) -> None:
    before = lost.assets()
    go_on(lost)
    read = [key for _, key in lost.made("get_tags")]
    assert (sorted(read), lost.assets()) == (sorted(set(read)), before)
    assert set(read) == before
    assert [key for _, key in lost.made("put_tags")] == []
    assert go_on(lost).counts()["delete"] > 0


@pytest.mark.parametrize("batches", [2, 3, 4])
def test_what_there_is_no_time_for_the_next_runs_do(lost: FakeS3, batches: int) -> None:
    before, whole = lost.assets(), copy.deepcopy(lost)
    go_on(whole)
    reports = [go_on(lost, for_batches(batches))]
    while reports[-1].unfinished:
        assert reports[-1].next_due == lost.clock
        assert len(reports) < 50
        reports.append(go_on(lost, for_batches(batches)))
        assert lost.assets() == before
    assert all(stopped_by(report) == ["rebuilt"] for report in reports)
    assert len(reports) > 2
    assert entries(lost) == entries(whole)


@pytest.mark.parametrize("number", range(2, 6))
def test_a_run_that_dies_between_two_groups_loses_one(lost: FakeS3, number: int) -> None:
    """It dies before a write of the head."""
    before, whole = lost.assets(), copy.deepcopy(lost)
    go_on(whole)
    at_request(lost, "put_if", lost.layout.ledger, fail_with("InternalError"), number=number)
    try:
        report: Report | None = go_on(lost)
    except (CleanerError, ClientError):
        report = None
    lost.on_request = None
    lost.advance(901)
    assert lost.assets() == before
    if report is None:
        rebuilding = head(lost).ledger.rebuilding
        assert rebuilding is not None
        lost.requests.clear()
        report = go_on(lost)
        read = {key for _, key in lost.made("get_tags")}
        assert read == {key for key, entry in lost.ledger.retired.items() if entry.logical >= (rebuilding.path or "")}
    assert stopped_by(report) == ["rebuilt"]
    assert entries(lost) == entries(whole)


def test_the_later_instant_of_a_tag_counts(lost: FakeS3) -> None:
    """As with all of it in memory: it may tell what neither the markers nor the checkpoint tell."""
    later = lost.clock - timedelta(hours=1)
    key = key_of("assets/20.js", 1)
    lost.tags(key)["superseded_at"] = format_instant(later)
    rebuilt(lost)
    assert lost.ledger.retired[key].mark.since == later
    assert go_on(lost).counts()["delete"] > 0
    assert key in lost.assets()


@pytest.mark.parametrize("waits", [False, True])
def test_an_orphan_has_the_instant_of_its_tag_although_the_listing_takes_several_runs(
    lost: FakeS3, monkeypatch: pytest.MonkeyPatch, *, waits: bool
) -> None:
    """Nobody tags it before its own tag is read; also while the groups take in what was found."""
    since = lost.clock - timedelta(days=5)
    lost.put(STRAY, tags={"removed_at": format_instant(since)}).last_modified = since
    monkeypatch.setattr(segments, "ROWS", 1 if waits else segments.ROWS)
    with small_pieces(30):
        rebuilt(lost)
    assert lost.made("put_tags") == []
    entry = lost.ledger.retired[STRAY]
    assert (entry.mark, entry.tagged, entry.release) == (Mark(State.REMOVED, since), Mark(State.REMOVED, since), "")


def test_an_orphan_has_the_instant_of_its_tag_although_the_site_is_listed_again_meanwhile(lost: FakeS3) -> None:
    """As the daily run does, whenever it comes."""
    since = lost.clock - timedelta(days=5)
    lost.put(STRAY, tags={"removed_at": format_instant(since)}).last_modified = since
    go_on(lost, lambda: False)
    lost.advance(60)
    go_on(lost, lambda: False, full=True)
    rebuilding = head(lost).ledger.rebuilding
    assert rebuilding is not None
    assert rebuilding.path == ""
    rebuilt(lost)
    assert lost.ledger.retired[STRAY].mark == Mark(State.REMOVED, since)


@pytest.mark.parametrize("runs", range(1, 8))
def test_what_a_release_retires_meanwhile_counts_from_then_on(lost: FakeS3, runs: int) -> None:
    """Also if it lived again for a while, and whether its group was read before or not."""
    paths, back = [f"assets/{n:02}.js" for n in range(MANY)], key_of("assets/39.js", 1)
    build = {path: key_of(path, 2) for path in paths}
    for number, last in enumerate((back, key_of("assets/39.js", 2))):
        for _ in range(runs):
            go_on(lost, for_batches(2))
        lost.advance(10)
        at = lost.clock
        lost.publish(f"more{number}", "default", {**build, "assets/39.js": last})
    rebuilt(lost)
    go_on(lost)
    assert lost.ledger.retired[back].mark == Mark(State.SUPERSEDED, at) == read_mark(lost.tags(back))


def test_a_doubt_about_the_releases_takes_all_of_it(lost: FakeS3) -> None:
    """The marker of the current release is gone."""
    lost.objects.pop(lost.layout.marker_key(max(decode(lost.objects[lost.layout.checkpoint].body).ledger.folded)))
    assert "rebuilt" in stopped_by(go_on(lost))
    assert head(lost).ledger.rebuilding is None


def test_tags_that_cannot_be_read_are_asked_for_with_their_group(lost: FakeS3) -> None:
    """The ledger names these assets until then, and they stay."""
    gone, key = key_of("assets/10.js", 1), key_of("assets/00.js", 1)

    def refuse(operation: str, asked: str) -> None:
        if (operation, asked) in {("get_tags", gone), ("get_tags", key)}:
            raise denied

    denied = client_error("AccessDenied")
    lost.on_request = refuse
    rebuilt(lost)
    assert lost.ledger.tags_unknown == {gone, key}
    assert go_on(lost).counts()["delete"] == 0
    assert {gone, key} <= lost.assets()
    lost.on_request = None
    del lost.objects[gone]
    lost.advance(DAY + 1)
    for _ in range(2):
        go_on(lost)
        lost.advance(DAY + 1)
    assert (lost.ledger.tags_unknown, {gone, key} & lost.assets()) == (frozenset(), set())


def test_a_file_that_only_the_head_named_is_lost_and_the_rebuild_is_one_in_groups(
    s3: FakeS3, lost: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads all of them finds out that it is gone."""
    rebuilt(lost)
    lost.advance(DAY + 1)
    names = {each for each in head(lost).index.names if each.startswith("segment")}
    names -= decode(lost.objects[lost.layout.checkpoint].body).index.names
    del s3.objects[s3.layout.ledger_file(min(names))]

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(ledger_store, "read_all", never)
    monkeypatch.setattr(checkpoint, "read_all", never)
    assert stopped_by(go_on(s3)) == ["rebuilt"]


def test_the_format_before_reads_all_of_it_at_once(lost: FakeS3) -> None:
    """Somebody sets it while the ledger is being rebuilt."""
    go_on(lost, for_batches(2))
    assert head(lost).ledger.rebuilding is not None
    with writing(FORMAT):
        rebuilt(lost)
    assert lost.ledger.rebuilding is None
    assert len(lost.ledger.retired) == MANY + 1


@pytest.fixture
def waiting(lost: FakeS3) -> Iterator[FakeS3]:
    """The same, and what goes before a head and before the end of a rebuild is waited for."""
    with pytest.MonkeyPatch.context() as patch:  # inside that of the fixture before, which replaces the same
        patch.setattr(ledger_store, "_may_write_heads", MAY_WRITE_HEADS)
        patch.setattr(tag_pass, "heads_are_safe", heads_are_safe)
        yield lost


@pytest.mark.usefixtures("waiting")
def test_the_rebuild_ends_when_no_older_version_can_write_over_it(lost: FakeS3) -> None:
    """A quarter of an hour after it began; the cleaner comes back for that, and once more for what is due."""
    report = go_on(lost)
    assert (stopped_by(report), report.unfinished, report.next_due) == (["rebuilt"], False, lost.clock + WAITS)
    assert head(lost).ledger.rebuilding == Rebuilding(None, None)
    lost.advance(WAITS.total_seconds())
    lost.requests.clear()
    report = go_on(lost)
    assert (stopped_by(report), lost.made("get_tags"), lost.ledger.tags_read_to) == (["rebuilt"], [], None)
    assert head(lost).ledger.upgrading is None
    assert report.next_due == lost.clock + timedelta(seconds=REBUILT_SECONDS)
    assert go_on(lost).counts()["delete"] > 0


def test_while_a_marker_cannot_be_read_no_group_is(lost: FakeS3) -> None:
    """It may tell of a path that left, or came back: the instant of an orphan depends on that."""
    lost.publish("more", "default", {"assets/00.js": key_of("assets/00.js", 3)})
    lost.advance(10)
    lost.publish("last", "default", {"assets/00.js": key_of("assets/00.js", 1)})
    go_on(lost, for_batches(2))
    before = head(lost).ledger.rebuilding
    (marker,) = (key for key in lost.objects if key.startswith(lost.layout.markers) and key.endswith("-more.json"))
    body, lost.objects[marker].body = lost.objects[marker].body, b"?"
    report = go_on(lost)
    assert head(lost).ledger.rebuilding == before
    assert report.next_due == lost.clock + timedelta(seconds=RETRY_SECONDS)
    lost.objects[marker].body = body
    rebuilt(lost)


def test_a_marker_that_holds_up_the_groups_is_named(lost: FakeS3) -> None:
    """Otherwise nobody would know why the rebuild does not end."""
    lost.publish("more", "default", {"assets/00.js": key_of("assets/00.js", 3)})
    lost.advance(10)
    lost.publish("last", "default", {"assets/00.js": key_of("assets/00.js", 1)})
    go_on(lost, for_batches(2))
    (marker,) = (key for key in lost.objects if key.startswith(lost.layout.markers) and key.endswith("-more.json"))

    def refuse(operation: str, asked: str) -> None:
        if (operation, asked) == ("get", marker):
            raise UnreadableError(marker, "AccessDenied")

    lost.on_request = refuse
    for _ in range(2):
        report = go_on(lost)
        assert stopped_by(report) == ["rebuilt", "unreadable_file"]
        assert marker in report.document()["stopped_by"][1]["message"]
        lost.advance(DAY + 1)
    lost.on_request = None
    rebuilt(lost)


def test_what_is_told_again_fits_into_files_of_a_bounded_size(lost: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much has left since the cut: a file beyond the bound would be broken, and the rebuild begin for ever."""
    for number in range(3, 9):
        lost.publish(f"more{number}", "default", {path: key_of(path, number) for path in last_paths()})
        lost.advance(10)
    monkeypatch.setattr(packed, "SEGMENT_VALUES", 900)
    monkeypatch.setattr(ledger_store, "DELTA_ROWS", MANY)
    monkeypatch.setattr(replay, "TOLD_AT_ONCE", MANY)

    def never(*_: object) -> None:
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "read_all", never)
        patch.setattr(ledger_store, "read_all", never)
        go_on(lost)
    assert lost.ledger.tags_read_to is None
    assert {key_of(path, 7) for path in last_paths()} <= lost.ledger.retired.keys()


def last_paths() -> list[str]:
    """The logical paths of the site."""
    return [f"assets/{n:02}.js" for n in range(MANY)]


@pytest.mark.usefixtures("waiting")
def test_no_head_announces_a_deletion_before_that_if_the_rebuild_had_to_read_all_of_it(lost: FakeS3) -> None:
    """A version that knows no heads would rebuild over it; format 1 holds what is announced meanwhile."""
    announced: list[tuple[timedelta, int]] = []

    def see(operation: str, _: str) -> None:
        if operation == "delete":
            document = unpack(lost.objects[lost.layout.ledger].body, READABLE)
            assert document["deleting"] is not None
            announced.append((lost.clock - began, document["format"]))

    began = lost.clock
    go_on(lost, for_batches(2))
    assert head(lost).ledger.rebuilding is not None
    gone = lost.layout.marker_key(max(decode(lost.objects[lost.layout.checkpoint].body).ledger.folded))
    marker = lost.objects.pop(gone)
    go_on(lost)
    lost.objects[gone] = marker
    lost.on_request = see
    for _ in range(30):
        lost.advance(60)
        go_on(lost)
    assert announced
    assert all(version == FORMAT for at, version in announced if at < WAITS)
    lost.publish("more", "default", {"assets/00.js": key_of("assets/00.js", 2)})
    go_on(lost)
    assert head(lost).ledger.upgrading is None


def test_no_group_is_left_out_when_the_listing_ends_while_they_take_it_in(
    lost: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release comes between two of them, and the attempt that folds it in lists the rest of the site."""
    later = {key_of(f"assets/{n:02}.js", 1): lost.clock - timedelta(minutes=n) for n in range(1, MANY)}
    for key, at in later.items():
        lost.tags(key)["superseded_at"] = format_instant(at)
    path = "assets/39.js"
    build = {f"assets/{n:02}.js": key_of(f"assets/{n:02}.js", 2) for n in range(MANY)}

    def publish() -> None:
        lost.on_request = None
        lost.publish("more", "default", {**build, path: key_of(path, 3)})

    monkeypatch.setattr(segments, "ROWS", 1)
    at_request(lost, "put_if", lost.layout.ledger, publish, number=2)
    with small_pieces(60):
        rebuilt(lost)
    assert {key: lost.ledger.retired[key].mark.since for key in later} == later


def test_a_rebuild_whose_first_run_died_is_one_in_groups_still(lost: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """It had announced that it takes a tag away: otherwise each run after it reads all retired assets at once."""
    live = key_of("assets/20.js", 2)
    lost.tags(live)["superseded_at"] = format_instant(lost.clock - timedelta(days=5))
    whole = copy.deepcopy(lost)
    rebuilt(whole)

    def die() -> None:
        raise KeyboardInterrupt

    at_request(lost, "put_tags", live, die)
    with pytest.raises(KeyboardInterrupt):
        go_on(lost)
    lost.on_request = None
    assert not head(lost).ledger.replayed
    lost.advance(901)
    with monkeypatch.context() as patch:
        patch.delattr(ledger_store, "read_all")
        assert stopped_by(go_on(lost)) == ["rebuilt"]
    assert lost.tags(live) == {}
    assert entries(lost) == entries(whole)


def test_what_only_takes_in_what_was_found_deletes_nothing_when_the_rebuild_ends_meanwhile(
    lost: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows nothing of the other groups: neither how much is due there, nor which pages may be in place."""
    paths = [f"assets/{n:02}.js" for n in range(MANY)]
    build = {path: key_of(path, 2) for path in paths}

    def publish() -> None:
        lost.on_request = None
        lost.publish("more", "default", {**build, paths[-1]: key_of(paths[-1], 3)})
        monkeypatch.setattr(tag_pass, "heads_are_safe", lambda *_: True)

    monkeypatch.setattr(tag_pass, "heads_are_safe", lambda *_: False)
    go_on(lost)
    rebuilding = head(lost).ledger.rebuilding
    assert rebuilding is not None
    assert rebuilding.is_done
    lost.objects.pop(key_of(paths[1], 1))
    lost.advance(60)
    at_request(lost, "put_if", lost.layout.ledger, publish, number=2)
    with small_pieces(60), monkeypatch.context() as patch:
        patch.setattr(segments, "ROWS", 1)
        go_on(lost, full=True)
    assert lost.on_request is None
    assert head(lost).ledger.rebuilding is None
    assert lost.made("delete") == []
