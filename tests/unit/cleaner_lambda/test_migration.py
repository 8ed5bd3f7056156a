"""``docs/migrate.md`` on a bucket that another tool has filled, run after run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda.job import Job
from cleaner_lambda.ledger_document import encode
from cleaner_lambda.pace import Pace
from cleaner_lambda.read_only import ReadOnly
from cleaner_lambda.run import clean
from release_log.instants import format_instant
from release_log.policy_settings import Orphans, Policy
from release_log.tags import State
from tests.fake_cleaner_s3 import FakeS3

if TYPE_CHECKING:
    from cleaner_lambda.report import Report

DAY = 86_400
LIVE = "assets/app-2222bbbb.js"
OLD = ["assets/app-1111aaaa.js", "assets/app-3333cccc.js", "assets/app-4444dddd.js", "assets/app-5555eeee.js"]
MARKED, UNMARKED = "assets/gone-aaaa1111.js", "assets/left-aaaa1111.js"
BY_HAND, MANIFEST = "assets/favicon.ico", "s3-asset-deploy-removal-manifest.json"


def run(
    s3: FakeS3,
    orphans: Orphans = Orphans.FINGERPRINTED,
    *,
    dry_run: bool = False,
    full: bool = False,
    pattern: str = "",
) -> Report:
    """Run the cleaner once, with the defaults."""
    policy = Policy(orphans=orphans, orphans_pattern=pattern)
    job = Job(prefix="assets/", policy=policy, run="run", dry_run=dry_run, full=full)
    return clean(ReadOnly(s3) if dry_run else s3, job, Pace(sleep=lambda _: None))


@pytest.fixture
def s3() -> FakeS3:
    """Five versions of a file, one of them live; a file that the gem tagged long ago; and a file without a tag."""
    s3 = FakeS3()
    for key in (*OLD, LIVE, UNMARKED, BY_HAND, MANIFEST):
        s3.put(key)
    s3.put(MARKED, tags={"removed_at": format_instant(s3.clock - timedelta(days=5)), "team": "web"})
    s3.advance(30 * DAY)
    return s3


def publish(s3: FakeS3) -> None:
    """Step 5: the release that production serves."""
    s3.publish("live", "default", {"assets/app.js": LIVE})


def test_until_something_is_published_nothing_is_looked_at(s3: FakeS3) -> None:
    before = dict(s3.objects)
    report = run(s3, full=True)
    assert (s3.objects, s3.writes, s3.made("get_tags")) == (before, [], [])
    assert report.orphans is None


@pytest.mark.parametrize("orphans", list(Orphans))
def test_the_first_run_deletes_nothing(s3: FakeS3, orphans: Orphans) -> None:
    publish(s3)
    before = s3.assets()
    report = run(s3, orphans)
    assert s3.assets() == before
    assert report.orphans == len([*OLD, MARKED, UNMARKED, BY_HAND])


def test_the_second_run_comes_at_once_and_deletes_what_another_tool_tagged_long_ago(s3: FakeS3) -> None:
    publish(s3)
    report = run(s3)
    assert report.next_due is not None
    assert report.next_due <= s3.clock + timedelta(minutes=5)
    before = s3.assets()
    s3.advance(300)
    run(s3)
    assert before - s3.assets() == {MARKED}


def test_everything_else_is_as_old_as_its_finding_whenever_it_was_uploaded(s3: FakeS3) -> None:
    publish(s3)
    run(s3)
    s3.advance(3599)
    run(s3)
    assert {*OLD, UNMARKED, LIVE} < s3.assets()
    s3.advance(1)
    run(s3)
    assert len(s3.assets() & set(OLD)) == 2
    assert UNMARKED in s3.assets()
    s3.advance(2 * DAY)
    run(s3)
    assert UNMARKED not in s3.assets()
    assert {LIVE, BY_HAND, MANIFEST} < s3.assets()


def test_what_was_released_outranks_what_was_found_even_later(s3: FakeS3) -> None:
    """So the release that production serves is published first."""
    publish(s3)
    run(s3, Orphans.REPORT)
    s3.publish("next", "default", {"assets/app.js": "assets/app-6666ffff.js"})
    run(s3, Orphans.REPORT)
    s3.advance(60)
    run(s3, full=True)
    s3.advance(DAY)
    run(s3)
    assert LIVE in s3.assets()
    assert len(s3.assets() & set(OLD)) == 1


def test_reported_orphans_stay_and_their_clocks_begin_when_they_are_let_go(s3: FakeS3) -> None:
    publish(s3)
    before = s3.assets()
    for _ in range(3):
        run(s3, Orphans.REPORT)
        s3.advance(DAY)
    assert s3.assets() == before
    assert [action.key for action in run(s3, dry_run=True, full=True).plan.tag] == sorted([*OLD, MARKED, UNMARKED])
    run(s3, full=True)
    run(s3)
    assert s3.assets() == before
    assert s3.tags(MARKED) == {"team": "web", "removed_at": format_instant(s3.clock)}


def test_all_takes_what_was_put_there_by_hand_but_nothing_outside_the_prefix(s3: FakeS3) -> None:
    publish(s3)
    run(s3, Orphans.ALL)
    s3.advance(3 * DAY)
    run(s3, Orphans.ALL)
    assert BY_HAND not in s3.assets()
    assert {LIVE, MANIFEST} < s3.assets()


def test_a_young_object_is_not_an_orphan(s3: FakeS3) -> None:
    publish(s3)
    s3.put("assets/young-aaaa1111.js")
    s3.advance(DAY - 60)
    assert run(s3).orphans == len([*OLD, MARKED, UNMARKED, BY_HAND])


def find_leftovers_stored_backwards(s3: FakeS3) -> None:
    """Store them again a minute apart, the last key first; and let a run find them."""
    for key in reversed(OLD):
        s3.advance(60)
        s3.put(key)
    s3.advance(DAY)
    publish(s3)
    run(s3)


def test_of_the_leftovers_those_that_were_stored_last_stay(s3: FakeS3) -> None:
    """Not those whose keys come last: nobody knows better which of them was live last."""
    find_leftovers_stored_backwards(s3)
    s3.advance(3600)
    run(s3)
    assert s3.assets() & set(OLD) == set(OLD[:2])


def test_a_ledger_from_before_learns_when_leftovers_were_stored(s3: FakeS3) -> None:
    """By its next full listing; until then the keys decide, as they did."""
    find_leftovers_stored_backwards(s3)
    older = replace(s3.ledger, retired={key: replace(entry, stored=None) for key, entry in s3.ledger.retired.items()})
    s3.put(s3.layout.ledger, encode(older))
    s3.advance(3540)
    run(s3, full=True)
    assert {s3.ledger.retired[key].stored for key in OLD} == {s3.objects[key].last_modified for key in OLD}
    s3.advance(60)
    run(s3)
    assert s3.assets() & set(OLD) == set(OLD[:2])


NAMED = r"(?P<fingerprint>@[0-9]+)"
TEA, OLD_TEA, COLOURS = "assets/tea@12.js", ["assets/tea@11.js", "assets/tea@10.js"], "assets/theme-aaaa1111.js"


@pytest.mark.parametrize("pattern", ["", NAMED])
def test_the_uploaders_pattern_holds_for_leftovers_too(s3: FakeS3, pattern: str) -> None:
    """By it leftovers are found, and ranked behind the release; what only looks like a fingerprint stays."""
    for key in (*OLD_TEA, TEA, COLOURS, "assets/gone@3.js"):
        s3.put(key)
    s3.advance(DAY)
    s3.publish("live", "default", {"assets/tea.js": TEA})
    run(s3, pattern=pattern)
    found = {key: entry.logical for key, entry in s3.ledger.retired.items() if "@" in key}
    assert (COLOURS in s3.ledger.retired) is not bool(pattern)
    if not pattern:
        assert found == {}
        return
    assert found == {**dict.fromkeys(OLD_TEA, "assets/tea.js"), "assets/gone@3.js": "assets/gone.js"}
    assert {s3.ledger.retired[key].mark.state for key in OLD_TEA} == {State.SUPERSEDED}
    assert s3.ledger.retired["assets/gone@3.js"].mark.state is State.REMOVED
    s3.advance(3 * DAY)
    run(s3, pattern=pattern)
    assert {*OLD_TEA, TEA, COLOURS, *OLD} <= s3.assets()
    assert "assets/gone@3.js" not in s3.assets()


THEME, OLD_THEME = "assets/theme-2196f3.css", "assets/theme-ff5722.css"


def test_a_live_key_stays_whatever_logical_path_the_next_uploader_gives_it() -> None:
    """An uploader that takes a name for plain, after one that took it for fingerprinted: ``theme-2196f3.css``.

    The key is live under both paths. What left before is removed with its old path, and has its whole time again.
    """
    s3 = FakeS3()
    for key in (THEME, OLD_THEME):
        s3.put(key)
    s3.publish("n-1", "default", {"assets/theme.css": OLD_THEME})
    s3.publish("staging", "staging", {"assets/theme.css": THEME})
    run(s3)
    s3.publish("n", "default", {"assets/theme.css": THEME})
    run(s3)
    s3.advance(9 * DAY)
    s3.publish("after", "default", {THEME: THEME})
    s3.publish("staging-after", "staging", {THEME: THEME})
    run(s3, full=True)
    assert set(s3.ledger.retired) == {OLD_THEME}
    s3.advance(2 * DAY - 60)
    run(s3, full=True)
    assert s3.assets() == {THEME, OLD_THEME}
    s3.advance(60)
    run(s3, full=True)
    assert s3.assets() == {THEME}
