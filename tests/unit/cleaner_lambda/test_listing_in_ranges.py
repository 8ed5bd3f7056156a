"""A full listing goes on from run to run, and ends as one that a single run has made."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import segments
from cleaner_lambda.cursor import Cursor, decode, encode
from cleaner_lambda.key_hashes import KeyHashes
from release_log.ledger_file import HEAD_FORMAT
from release_log.policy_settings import Orphans
from release_log.tags import read_mark
from tests.fake_cleaner_s3 import NOON
from tests.ledger_formats import writing
from tests.small_pieces import small_pieces
from tests.unit.cleaner_lambda.runs import APP, DAY, POLICY, A, B, C, at_request, fail_with, keys_of, run, stopped_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleaner_lambda.report import Report
    from tests.fake_cleaner_s3 import FakeS3

LASTING = replace(POLICY, version_limit=9, removed_ttl=9 * DAY)
STRAYS = [f"assets/{letter}-0123abcd.js" for letter in "aelpqxz"]
NOTES = "assets/notes.txt"


@pytest.fixture(autouse=True)
def in_pieces() -> Iterator[None]:
    """A run lists three objects."""
    with small_pieces(3):
        yield


def to_the_end(s3: FakeS3, *, full: bool = False) -> list[Report]:
    """Runs, until the listing is done."""
    reports = [run(s3, policy=LASTING, full=full)]
    while reports[-1].unfinished:
        assert reports[-1].next_due == s3.clock, "it comes back at once"
        assert (reports[-1].missing, reports[-1].orphans) == (None, None), "nobody knows yet"
        assert len(reports) < 20
        s3.advance(1)
        reports.append(run(s3, policy=LASTING))
    return reports


def until_listed(s3: FakeS3, key: str, *, full: bool = False) -> None:
    """Runs, until a key is listed, and not much more."""
    run(s3, policy=LASTING, full=full)
    while s3.ledger.cursor is not None and s3.ledger.cursor.left[0][0] < key:
        run(s3, policy=LASTING)
    assert s3.ledger.cursor is not None


def add_strays(s3: FakeS3) -> None:
    """Objects that no release names, old enough to be orphans."""
    for key in (*STRAYS, NOTES):
        s3.put(key)
    s3.advance(DAY)


def test_each_run_goes_on_where_the_last_one_stopped(s3: FakeS3) -> None:
    """No object is listed twice, and each orphan retires in the run that finds it."""
    add_strays(s3)
    begun = s3.clock
    reports = to_the_end(s3)
    assert len(reports) == 5, "three files of the release log and ten assets, by three"
    assert s3.requests.count(("list", "assets/")) == len(reports)
    assert (reports[-1].orphans, reports[-1].missing) == (len(STRAYS) + 1, ())
    marks = {key: s3.ledger.retired[key].mark for key in STRAYS}
    assert sorted({mark.since for mark in marks.values()}) == [begun + timedelta(seconds=n) for n in (1, 2, 3, 4)]
    assert s3.ledger.listed_at == begun
    assert s3.ledger.cursor is None


def test_a_run_that_dies_loses_its_part_alone(s3: FakeS3) -> None:
    add_strays(s3)
    run(s3, policy=LASTING)
    left = s3.ledger.cursor
    at_request(s3, "put_if", s3.layout.ledger, fail_with("InternalError"), number=2)
    with pytest.raises(Exception, match="could not be written"):
        run(s3, policy=LASTING)
    s3.on_request = None
    assert s3.ledger.cursor == left
    s3.advance(902)
    assert to_the_end(s3)[-1].orphans == len(STRAYS) + 1
    assert s3.ledger.retired.keys() == {A, *STRAYS}


def test_an_upload_between_two_ranges_needs_an_orphan_that_was_found(s3: FakeS3) -> None:
    """It is live from then on, and what the upload sends is neither an orphan nor missing."""
    add_strays(s3)
    found = STRAYS[0]
    until_listed(s3, found)
    assert found in s3.ledger.retired
    s3.publish("r3", "default", {"assets/a.js": found, "assets/0.js": "assets/0-0123abcd.js"})
    report = to_the_end(s3)[-1]
    assert report.missing == ()
    assert {found, "assets/0-0123abcd.js"}.isdisjoint(s3.ledger.retired)
    assert s3.tags(found) == {}


def test_an_asset_that_is_sent_again_before_the_listing_ends_is_not_missing(s3: FakeS3) -> None:
    add_strays(s3)
    del s3.objects[B]
    until_listed(s3, B)
    s3.put(B)
    assert to_the_end(s3)[-1].missing == ()
    del s3.objects[B]
    assert to_the_end(s3, full=True)[-1].missing == (B,)


def test_an_entry_without_an_object_leaves_with_the_range_where_it_would_be(s3: FakeS3) -> None:
    add_strays(s3)
    to_the_end(s3)
    del s3.objects[A], s3.objects[STRAYS[-1]]
    until_listed(s3, A, full=True)
    assert s3.ledger.retired.keys() == set(STRAYS)
    to_the_end(s3)
    assert s3.ledger.retired.keys() == set(STRAYS[:-1])


def test_nothing_much_is_deleted_before_the_listing_is_done(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """A marker may name keys that never existed: then more of the site is due than the brake can see."""
    add_strays(s3)
    for name in ("decision", "policy"):
        monkeypatch.setattr(f"cleaner_lambda.{name}.BRAKE_FLOOR", 0)
    policy = replace(POLICY, max_delete_fraction=0.05, version_limit=0, orphans=Orphans.REPORT)
    to_the_end(s3)
    s3.publish("r3", "default", {APP: C, **{f"assets/n{n}.js": f"assets/n{n}-eeee5555.js" for n in range(60)}})
    for number in range(60):
        del s3.objects[f"assets/n{number}-eeee5555.js"]
    s3.advance(POLICY.version_ttl + 1)
    report = run(s3, policy=policy)
    assert (stopped_by(report), report.unfinished) == (["unlisted"], True)
    while report.unfinished:
        assert keys_of(report, "delete") == []
        report = run(s3, policy=policy)
    assert stopped_by(report) == ["brake"]


def test_a_rebuild_reads_the_tags_when_every_range_is_listed(s3: FakeS3) -> None:
    """Until then it deletes nothing; so an orphan of the last range keeps its instant too."""
    add_strays(s3)
    to_the_end(s3)
    tags = {key: s3.tags(key) for key in (A, *STRAYS)}
    s3.advance(30 * DAY)
    del s3.objects[s3.layout.ledger]
    reports = to_the_end(s3)
    assert [stopped_by(report) for report in reports] == [["rebuilt"]] * len(reports)
    assert {key: s3.tags(key) for key in (A, *STRAYS)} == tags
    assert read_mark(tags[STRAYS[-1]]) == s3.ledger.retired[STRAYS[-1]].mark


def test_a_large_site_is_listed_without_its_retired_assets_in_memory(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it finds is noted, and the next sweep takes it in."""
    with writing(HEAD_FORMAT):
        s3.publish("r3", "default", {APP: C})
        run(s3, policy=LASTING)
        monkeypatch.setattr(segments, "SMALL", -1)
        s3.advance(DAY / 2)
        add_strays(s3)
        s3.advance(-60)
        s3.put(B)  # again, and without its tag
        s3.advance(120)
        del s3.objects[A]
        reports = to_the_end(s3)
        assert reports[-1].orphans == len(STRAYS) + 1
        assert s3.ledger.retired.keys() == {B, *STRAYS}
        assert s3.tags(B) == {}
        assert s3.ledger.retired[B].tagged != s3.ledger.retired[B].mark, "it may have lost its tag"
        assert {s3.ledger.retired[key].tagged for key in STRAYS} == {s3.ledger.retired[key].mark for key in STRAYS}
        s3.advance(DAY)
        run(s3, policy=LASTING)
        assert s3.ledger.retired[B].tagged == s3.ledger.retired[B].mark
        assert s3.tags(B) != {}


CURSOR = Cursor(NOON, (("assets/a", "assets/b"), ("assets/x", None)), frozenset({A}), 3, frozenset({"assets/in/"}))


@pytest.mark.parametrize(
    "wrong",
    [
        *({"begun": None}, {"left": [["a"]]}, {"left": [[None, None]]}, {"left": 5}, {"missing": [5]}),
        *({"orphans": -1}, {"nested": None}, {"empty": 0}),
    ],
)
def test_a_cursor_is_read_as_it_was_written_and_a_wrong_one_is_an_error(wrong: dict[str, Any]) -> None:
    assert decode(encode(CURSOR)) == CURSOR
    with pytest.raises((TypeError, ValueError)):
        decode(encode(CURSOR) | wrong)


def test_hashes_tell_which_keys_they_are_of() -> None:
    keys = [f"assets/{number}.js" for number in range(3000)]
    hashes = KeyHashes(map(hash, keys[::2]))
    assert [key in hashes for key in keys] == [number % 2 == 0 for number in range(3000)]
    assert keys[0] not in KeyHashes()
    assert KeyHashes(map(hash, keys[::4])) <= hashes
    assert not KeyHashes(map(hash, keys)) <= hashes
