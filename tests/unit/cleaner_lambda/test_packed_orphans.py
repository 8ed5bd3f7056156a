"""Very many orphans without tags go to the ledger's segments at once: no run has an entry of theirs in memory."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import listing, packed_orphans, segments
from cleaner_lambda.packed_orphans import PackedOrphans
from cleaner_lambda.port import Listed
from release_log.ledger_file import HEAD_FORMAT
from tests.fake_cleaner_s3 import NOON, FakeS3
from tests.few_orphans import packing, unasked
from tests.ledger_formats import NONE, writing
from tests.unit.cleaner_lambda.runs import APP, DAY, POLICY, A, B, run

if TYPE_CHECKING:
    from cleaner_lambda.ledger import Retired

NO_TAGS = replace(POLICY, orphan_tags=0)
OLD = [f"assets/old/chunk{number % 9}-{number * 7919:05x}abc.js" for number in range(100)]


def adopted(*, packs: bool, rounds: int, small: int = segments.SMALL, inner: bool = False) -> tuple[FakeS3, int]:
    """The bucket after 101 orphans were adopted beside releases; and how many runs that took."""
    s3 = FakeS3()
    for key in (*OLD, "assets/app-9999eeee.js"):
        s3.put(key)
    s3.advance(2 * DAY)
    s3.publish("r1", "default", {APP: A, "assets/old/chunk3.js": B})
    with writing(HEAD_FORMAT, small=small), unasked(3), pytest.MonkeyPatch.context() as patch:
        for _ in range(2):
            run(s3, policy=NO_TAGS)
        s3.advance(60)
        s3.publish("r2", "default", {APP: A})
        run(s3, policy=NO_TAGS)
        s3.advance(60)
        s3.publish("r3", "default", {APP: A, "assets/old/chunk3.js": B, "assets/b.js": "assets/b-0123abcd.js"})
        if inner:
            s3.put("assets/old/.releases/markers/x.json")
        patch.setattr(listing, "PIECE", 10)
        patch.setattr(listing, "ROUNDS", rounds)
        patch.setattr(segments, "GROUP", 7)
        patch.setattr(packed_orphans, "CHUNK", 3)
        with packing(15) if packs else nullcontext():
            reports = [run(s3, policy=NO_TAGS, adopt=True)]
            while reports[-1].unfinished:
                s3.advance(1)
                reports.append(run(s3, policy=NO_TAGS))
            assert len(reports) < 20
            s3.advance(1)
    return s3, len(reports)


@pytest.mark.parametrize("small", [segments.SMALL, NONE])
@pytest.mark.parametrize("rounds", [2, 500])
def test_very_many_are_retired_as_few_are_without_an_entry_in_memory(rounds: int, small: int) -> None:
    """In one run or several, of a small site and of a large one, beside assets that releases have retired."""
    plain, _ = adopted(packs=False, rounds=rounds, small=small)
    packed, _ = adopted(packs=True, rounds=rounds, small=small)
    assert len(packed.ledger.retired) == 101
    assert fates(packed) == fates(plain)


@pytest.mark.parametrize("small", [segments.SMALL, NONE])
def test_a_plan_counts_them(small: int) -> None:
    """It writes nothing, and says what a run does that has their entries in memory."""
    told = []
    for packs in (False, True):
        s3 = FakeS3()
        for key in OLD:
            s3.put(key)
        s3.advance(2 * DAY)
        s3.publish("r1", "default", {APP: A})
        with writing(HEAD_FORMAT, small=small), unasked(3), packing(15) if packs else nullcontext():
            run(s3, policy=NO_TAGS)
            s3.advance(60)
            before = dict(s3.objects)
            report = run(s3, policy=NO_TAGS, adopt=True, dry_run=True).document()
            assert s3.objects == before
        told.append([report[name] for name in ("counts", "orphans", "untagged_orphans", "unfinished", "stopped_by")])
    assert told[0] == told[1]


def fates(s3: FakeS3) -> dict[str, Retired]:
    """The ledger's entries, without what is only for people."""
    return {key: replace(entry, due=None, kept_by=None) for key, entry in s3.ledger.retired.items()}


def test_what_belongs_to_a_site_inside_is_not_among_very_many() -> None:
    """Its release log is found after some of them."""
    assert set(OLD).isdisjoint(adopted(packs=True, rounds=500, inner=True)[0].ledger.retired)


def test_very_many_lie_in_few_segments() -> None:
    """Those of a run that lie in too many are entries in memory, and fewer at a time."""
    orphans = PackedOrphans([f"assets/old/chunk{number}" for number in range(9)])
    strays = {key: Listed(key, 7, NOON) for key in OLD}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed_orphans, "TOUCHED", 8)
        assert (orphans.take(strays), orphans.number, orphans.is_full) == (strays, 0, False)
        assert orphans.take({OLD[0]: strays[OLD[0]]}) == {}
        others = {key: each for key, each in strays.items() if not key.startswith("assets/old/chunk0")}
        more = 1 + len(strays) - len(others)
        assert (orphans.take(strays), orphans.number, orphans.is_full) == (others, more, False)


def test_the_requests_for_a_million_are_few() -> None:
    """Here for a hundredth of that, with a hundredth of each bound: beside the listing there are 44."""
    s3 = FakeS3()
    for number in range(10_000):
        s3.put(f"assets/old/{number:07}-{number * 2654435761 % 2**28:07x}a.js")
    s3.advance(2 * DAY)
    s3.publish("r1", "default", {APP: A})
    with writing(HEAD_FORMAT, small=200), unasked(1000), packing(500), pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "GROUP", 300)
        run(s3, policy=NO_TAGS)
        s3.advance(60)
        s3.requests.clear()
        report = run(s3, policy=NO_TAGS, adopt=True)
        assert (report.unfinished, report.document()["untagged_orphans"]) == (False, report.adopted)
        others = [each for each in s3.requests if each != ("list", "assets/")]
        assert len(others) <= 50
        assert len(s3.ledger.retired) == report.adopted > 9_900
