"""The checkpoint of a large site: a copy of the head, by a run that reads no retired asset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cleaner_lambda.head import decode
from release_log.ledger_file import HEAD_FORMAT
from release_log.policy_settings import Policy
from tests.few_markers import few_markers
from tests.ledger_formats import NONE, writing
from tests.unit.cleaner_lambda.runs import APP, DAY, LOGO, A, B, C, run, stopped_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleaner_lambda.head import Head
    from tests.fake_cleaner_s3 import FakeS3

KEEP = Policy(version_limit=9, version_ttl=0, removed_ttl=99 * DAY, grace=0)


@pytest.fixture(autouse=True)
def large(s3: FakeS3) -> Iterator[None]:
    """Every site counts as large, the ledger is a head that tells of three releases, and none is the checkpoint's."""
    with writing(HEAD_FORMAT):
        s3.publish("r3", "default", {APP: C})
        run(s3, policy=KEEP)
    s3.advance(10)
    s3.requests.clear()
    with writing(HEAD_FORMAT, small=NONE), few_markers(keep=9):
        yield


def copied(s3: FakeS3) -> Head:
    """The head that is the checkpoint."""
    return decode(s3.objects[s3.layout.checkpoint].body)


def named(s3: FakeS3) -> set[str]:
    """The files that the checkpoint names."""
    return set(map(s3.layout.ledger_file, copied(s3).index.names))


def markers(s3: FakeS3) -> list[str]:
    """The names of the releases with a marker."""
    keys = (key for key in s3.objects if key.startswith(s3.layout.markers))
    return [s3.layout.release_id(key).rpartition("-")[2] for key in sorted(keys)]


def sweep(s3: FakeS3) -> None:
    """A day passes, and then a run takes in what the runs before have noted."""
    s3.advance(DAY + 1)
    run(s3, policy=KEEP)


def entries(s3: FakeS3) -> dict[str, tuple[object, ...]]:
    """What the ledger knows of the retired assets."""
    retired = s3.ledger.retired.items()
    return {key: (each.mark, each.tagged, each.logical, each.release) for key, each in retired}


def test_a_cut_copies_the_head_and_reads_no_retired_asset(s3: FakeS3) -> None:
    before = decode(s3.objects[s3.layout.ledger].body)
    run(s3, policy=KEEP)
    after, made = decode(s3.objects[s3.layout.ledger].body), copied(s3)
    assert not [key for _, key in s3.made("get") if key.startswith(s3.layout.ledger_files)]
    assert (made.index, made.ledger.folded) == (before.index, before.ledger.folded)
    assert made.ledger.cut == after.ledger.cut == max((each.at, i) for i, each in before.ledger.folded.items())
    assert (made.ledger.owed, made.ledger.listed_at, made.ledger.tags_read_to) == (frozenset(), None, "")


def test_what_a_release_retires_that_came_meanwhile_is_after_the_cut(s3: FakeS3) -> None:
    """It is in none of the files that are copied, so its marker dates it."""
    s3.publish("r4", "default", {APP: A})
    run(s3, policy=KEEP)
    assert copied(s3).ledger.current.keys() == {"default"}
    assert "r4" not in str(copied(s3).ledger.folded)
    before = entries(s3)
    del s3.objects[s3.layout.ledger]
    run(s3, policy=KEEP)
    assert entries(s3) == before


def test_a_rebuild_begins_with_its_files_days_after_the_head_has_named_others(s3: FakeS3) -> None:
    s3.publish("r4", "default", {APP: A, "assets/logo.png": LOGO})
    for _ in range(2):
        run(s3, policy=KEEP)
        s3.advance(10)
    kept = named(s3)
    for _ in range(3):
        sweep(s3)
    assert kept == named(s3) <= set(s3.objects)
    assert kept.isdisjoint(map(s3.layout.ledger_file, decode(s3.objects[s3.layout.ledger].body).index.names))
    before = entries(s3)
    del s3.objects[s3.layout.ledger]
    assert stopped_by(run(s3, policy=KEEP)) == ["rebuilt"]
    assert entries(s3) == before


def test_its_files_go_once_another_checkpoint_names_others(s3: FakeS3) -> None:
    run(s3, policy=KEEP)
    first = named(s3)
    for number in (4, 5):
        s3.publish(f"r{number}", "default", {APP: (A, B)[number % 2]})
        run(s3, policy=KEEP)
        for _ in range(3):
            sweep(s3)
    assert first.isdisjoint(s3.objects)


def test_while_it_cannot_be_read_no_file_goes(s3: FakeS3) -> None:
    """It may name any of them."""
    lost = s3.layout.ledger_file("segment-20261101T000000Z-0123456789abcdef.json.gz")
    s3.put(lost)
    for _ in range(4):
        s3.advance(DAY + 1)
        s3.put(s3.layout.checkpoint, b"?")
        run(s3, policy=KEEP)
    assert lost in s3.objects


def test_a_rebuild_reads_the_tags_whatever_the_copied_head_says_of_them(s3: FakeS3) -> None:
    run(s3, policy=KEEP)
    assert s3.tags(A)
    s3.objects[A].tags.clear()
    del s3.objects[s3.layout.ledger]
    run(s3, policy=KEEP)
    assert s3.tags(A)


def test_a_file_of_it_that_is_lost_stops_the_rebuild(s3: FakeS3) -> None:
    """Nobody knows any more when the oldest assets retired."""
    run(s3, policy=KEEP)
    (name,) = named(s3)
    del s3.objects[name], s3.objects[s3.layout.ledger]
    report = run(s3, policy=KEEP)
    assert stopped_by(report) == ["unreadable_file"]
    (stop,) = report.plan.stops
    assert stop.message.startswith(f"{s3.layout.checkpoint} cannot be read ({name} is gone)")


def test_the_sweep_deletes_the_markers_that_the_cut_makes_old(s3: FakeS3) -> None:
    with few_markers():
        run(s3, policy=KEEP)
        assert markers(s3) == ["r1", "r2", "r3"]
        sweep(s3)
        assert markers(s3) == ["r3"]
        before = entries(s3)
        del s3.objects[s3.layout.ledger]
        run(s3, policy=KEEP)
        assert entries(s3) == before
