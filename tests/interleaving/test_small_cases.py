"""Every schedule of small cases, and the product without each of its rules."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import pages
from tests.interleaving import cases, groups, handed, in_parts, listed, nested, placing, pruned, rebuilt, upgrading
from tests.interleaving.actor import Verdict
from tests.interleaving.exhaustive import every_crash, every_mishap, every_schedule
from tests.interleaving.explore import FoundError, random_schedule
from tests.interleaving.mutants import MUTANTS
from tests.torture import TORTURE, pairs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.interleaving.exhaustive import Case
    from tests.interleaving.mutants import Mutant


PREEMPTIONS = int(TORTURE)
"""Of the cases that take long, and beside a request that arrives late."""


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "uploader")


@pytest.mark.parametrize("case", [*cases.TWO_ACTORS, *nested.CASES, *cases.WITH_AN_END], ids=lambda case: case.name)
def test_two_actors_lose_nothing_in_any_order_of_their_requests(case: Case) -> None:
    """The longest cases, outside `make torture`, in every order with one preemption."""
    few = case in (*cases.LONG, *nested.LONG) and not TORTURE
    assert every_schedule(case, preemptions=1 if few else None) > 1


@pytest.mark.parametrize(
    ("case", "who"),
    [
        (cases.BACK_AND_CLEANER, "U"),
        (cases.BACK_AND_CLEANER, "C"),
        *(
            [
                (cases.PIN_AND_CLEANER, "U"),
                (nested.A_SITE_APPEARS_INSIDE, "C"),
                (cases.NEXT_AND_CLEANER, "V"),
                (cases.NEXT_AND_CLEANER, "C"),
                (cases.PIN_AND_CLEANER, "C"),
                (nested.THE_SITE_AROUND_TAKES_OVER, "D"),
            ]
            if TORTURE
            else []
        ),
    ],
    ids=lambda each: getattr(each, "name", each),
)
def test_a_crash_after_any_request_loses_nothing_in_any_order(case: Case, who: str) -> None:
    """Of the uploader, with one preemption, and of the cleaner; `make torture` has more cases, and more orders."""
    preemptions = (1 if case in cases.LONG else None) if TORTURE else int(who == "U")
    assert every_crash(case, who, preemptions) > 1


LATE, AGAIN, UNKNOWN, PART = Verdict.LATE, Verdict.AGAIN, Verdict.UNKNOWN, Verdict.PART


@pytest.mark.parametrize(
    ("case", "who", "verdict", "kind"),
    [
        *((cases.BACK_AND_CLEANER, who, verdict, "") for who, verdict in pairs("UC", (LATE, AGAIN, UNKNOWN))),
        *((cases.UNTAG_AND_DELETE, "C", verdict, "") for verdict in (LATE, UNKNOWN, PART)),
        *(
            (cases.TWO_CLEANERS_AND_AN_UPLOAD, "C", verdict, "delete")
            for verdict in ((LATE, UNKNOWN, PART) if TORTURE else ())
        ),
        *(
            (case, who, verdict, "delete")
            for case, who in ((nested.A_SITE_APPEARS_INSIDE, "C"), (nested.THE_SITE_AROUND_TAKES_OVER, "D"))
            for verdict in (LATE, UNKNOWN, PART)[: 3 if TORTURE else 1]
        ),
    ],
    ids=lambda each: getattr(each, "name", each),
)
def test_a_write_that_is_executed_late_or_in_part_loses_nothing(
    case: Case, who: str, verdict: Verdict, kind: str
) -> None:
    """Each write of an actor, executed late at every point; in `make torture` with one preemption besides."""
    assert every_mishap(case, who, verdict, kind, PREEMPTIONS) >= 1


def test_two_cleaners_lose_nothing_with_a_preemption_or_two() -> None:
    assert every_schedule(cases.TWO_CLEANERS, preemptions=1 + PREEMPTIONS) > 10


@pytest.mark.skipif(not TORTURE, reason="takes ten seconds")
def test_two_cleaners_and_an_upload_to_a_site_that_ends_by_itself() -> None:
    assert every_schedule(cases.IDLE_AND_TWO_CLEANERS, preemptions=1) > 100
    assert every_crash(cases.IDLE_AND_BACK, "U", 1) > 1
    assert every_crash(cases.IDLE_AND_BACK, "C", 1) > 1


@pytest.mark.parametrize("case", nested.THREE, ids=lambda case: case.name)
def test_two_sites_and_three_actors_lose_nothing_with_few_preemptions(case: Case) -> None:
    assert every_schedule(case, preemptions=PREEMPTIONS) > 1


def test_two_cleaners_and_an_upload_lose_nothing_with_one_preemption() -> None:
    assert every_schedule(cases.TWO_CLEANERS_AND_AN_UPLOAD, preemptions=1) > 100


@pytest.mark.parametrize(
    "play",
    [
        lambda: every_schedule(cases.WRONG_CLOCK),
        lambda: every_schedule(cases.SLOW_UPLOAD, preemptions=1 + PREEMPTIONS),
        lambda: every_schedule(cases.UNTAG_AND_DELETE),
        lambda: every_schedule(cases.WRONG_LEDGER, preemptions=1),
        lambda: every_schedule(cases.KEPT),
        lambda: every_schedule(cases.MARKER_COPIED),
        lambda: every_schedule(cases.MARKER_PUT_BACK),
        lambda: every_schedule(cases.LOST_AND_COPIED, preemptions=1),
        lambda: every_schedule(cases.LOST_COPIED_AND_NEXT),
        lambda: every_schedule(cases.DOUBT_THAT_ENDED),
        lambda: every_schedule(cases.DOUBT_AND_CUT_OFF),
        lambda: every_schedule(cases.DOUBTFUL_END),
        lambda: every_schedule(cases.END_AND_WRONG_CLOCK),
        lambda: every_schedule(cases.INTENT_COPIED, preemptions=PREEMPTIONS),
        lambda: every_schedule(cases.VANISHED),
        lambda: every_schedule(cases.VANISHED_AND_NEXT),
        lambda: every_schedule(cases.VANISHED_FOR_DAYS),
        lambda: every_schedule(cases.VANISHED_AND_REPLACED),
        lambda: every_schedule(cases.VANISHED_AND_ENDED),
        lambda: every_schedule(cases.VANISHED_ENDED_AND_BACK),
        lambda: every_schedule(cases.FOUND_AND_ENDED),
        lambda: every_schedule(cases.VANISHED_AND_ENDED_AT_ONCE),
        lambda: every_schedule(cases.END_VANISHED),
        lambda: every_schedule(cases.LOG_AND_A_FILE),
        lambda: every_crash(cases.LOG_ALONE, "C"),
        lambda: every_schedule(listed.FOUND, preemptions=1 + PREEMPTIONS),
        lambda: every_schedule(listed.NOT_FOUND, preemptions=PREEMPTIONS),
        lambda: listed.handed_out(PREEMPTIONS),
        lambda: listed.in_stretches(PREEMPTIONS),
        cases.late_deletion_of_the_ledger,
        cases.page_after_the_last_marker,
        cases.cut_off_after_the_end,
        cases.late_deletion,
        cases.late_deletion_and_conflict,
        cases.deletion_after_5xx,
        cases.late_tags,
        cases.pins_cut_short,
        cases.late_marker,
        cases.late_unpin,
        cases.dropped_while_activated,
        cases.suspended_at_the_marker,
        cases.crash_after_tagging,
        cases.same_second,
        *(partial(cases.same_second_listed_early, skew) for skew in (86_400, 0, -300_000)),
        placing.page_of_an_older_name,
        placing.page_between_two_early_listings,
        placing.file_that_a_younger_release_has,
        placing.file_that_an_attempt_had_sent,
        *(partial(placing.file_sent_after_the_look, each) for each in placing.AFTER_THE_LOOK),
        placing.page_where_a_newer_release_has_an_asset,
        *(partial(placing.page_under_way, each) for each in placing.UNDER_WAY),
        *(partial(placing.file_of_the_same_second, each) for each in placing.BOTH_NEW),
        placing.staged_too_late,
        placing.end_while_pages_are_put,
        placing.older_page_under_a_new_name,
        lambda: every_schedule(placing.CUT_OFF, preemptions=PREEMPTIONS + 1),
        lambda: every_schedule(placing.LEFT_BEHIND),
        lambda: every_schedule(placing.UNKNOWN_PAGE),
        lambda: every_schedule(placing.WAS_AN_ASSET, preemptions=PREEMPTIONS),
        lambda: every_schedule(placing.STAYED, preemptions=PREEMPTIONS + 1),
        lambda: every_schedule(placing.AT_ONCE_WITH_OLDER, preemptions=PREEMPTIONS + 1),
        lambda: every_schedule(placing.TWO_NEW, preemptions=PREEMPTIONS + 1),
        lambda: every_schedule(placing.TWO_CHANNELS, preemptions=PREEMPTIONS + 1),
        placing.old_page_at_the_second_look,
        placing.unknown_page,
        placing.asset_where_a_page_belongs,
        placing.asset_whose_marker_is_old,
        placing.asset_that_was_a_page,
        placing.page_that_another_intent_names,
        placing.page_without_metadata,
        placing.page_that_is_gone,
        placing.page_that_came_late,
        placing.page_of_another_channel,
        placing.roll_back_without_its_page,
        placing.page_that_a_dead_upload_stored,
        placing.line_without_its_newest,
        placing.gone_behind_a_newer_one,
        placing.gone_before_a_replay,
        placing.late_before_one_that_is_gone,
        placing.unread_behind_a_newer_one,
        lambda: placing.unread_while_its_page_lies(retired=True),
        lambda: placing.unread_while_its_page_lies(retired=False),
        placing.retired_behind_a_newer_one,
        placing.ledger_of_an_older_version,
        placing.page_before_the_marker,
        placing.page_after_the_marker,
        placing.page_while_it_looks,
        placing.put_over_a_newer_page,
        placing.markers_from_before,
        placing.put_that_is_refused,
        placing.page_of_a_superseded_release,
        placing.late_page,
        placing.late_page_of_another_release,
        lambda: placing.intent_that_goes_first(dies=True),
        lambda: placing.intent_that_goes_first(dies=False),
        nested.keys_of_both_in_the_history,
        lambda: nested.page_of_the_site_around(seen=True),
        lambda: nested.page_of_the_site_around(seen=True, stored=False),
        lambda: nested.page_of_the_site_around(seen=False),
        upgrading.older_cleaner,
        upgrading.first_version,
        upgrading.back_on_a_large_site,
        upgrading.sent_to_a_large_site,
        upgrading.lost_ledger_of_a_large_site,
        lambda: upgrading.lost_ledger_of_a_large_site(days=1),
        groups.adopted,
        lambda: groups.adoption(PREEMPTIONS),
        rebuilt.between_two_groups,
        rebuilt.first_version,
        rebuilt.instants,
        rebuilt.orphan,
        lambda: rebuilt.two_runs(PREEMPTIONS),
        lambda: rebuilt.uploads(PREEMPTIONS),
        lambda: rebuilt.without_a_checkpoint(PREEMPTIONS),
        handed.failed_worker,
        handed.refused_tags,
        handed.sent_again,
        lambda: handed.another_run(PREEMPTIONS),
        lambda: handed.uploads(PREEMPTIONS),
        upgrading.page_of_an_old_release_on_a_large_site,
        nested.old_page_of_the_site_around,
        nested.page_of_an_ended_channel_around,
        nested.page_of_another_channel_around,
        lambda: nested.page_of_another_channel_around(placed=False),
        lambda: nested.page_left_behind_around(rolls_back=True),
        lambda: nested.page_left_behind_around(rolls_back=False),
        lambda: nested.page_left_behind_around(rolls_back=True, lost=True),
        lambda: nested.page_left_behind_around(rolls_back=False, lost=True),
        nested.page_around_below_one_that_was_never_there,
        lambda: nested.page_named_again_around(in_parts=False),
        lambda: nested.page_named_again_around(in_parts=True),
        nested.copied_marker_of_the_site_around,
        nested.release_around_that_is_not_in_place,
        pruned.lost_ledger,
        pruned.crash_while_pruning,
        pruned.crash_while_rebuilding,
        pruned.copied_after_a_crash,
        pruned.late_marker,
        pruned.marker_of_a_kept_release,
        pruned.page_of_a_pruned_release,
        pruned.page_put_back_of_a_pruned_release,
        pruned.end_behind_a_release_that_stays,
        in_parts.copied,
        in_parts.copied_and_ahead,
        in_parts.not_all_taken_in,
        in_parts.late_deletion,
        in_parts.rebuilt,
        in_parts.around,
    ],
    ids=[
        "wrong clock",
        "slow upload",
        "untag and delete",
        "wrong ledger",
        "a release that is kept",
        "marker copied",
        "marker put back",
        "lost and copied",
        "lost, copied, and a new version",
        "doubt that ended",
        "a doubt, and a release that is not in place",
        "doubtful end",
        "end and wrong clock",
        "intent copied",
        "marker vanished",
        "marker vanished, and a new version elsewhere",
        "marker vanished for days",
        "marker vanished, and a new release",
        "marker vanished, and the end",
        "marker vanished, the end, and back",
        "marker vanished, an orphan, and the end",
        "marker vanished, and the end at once",
        "end vanished",
        "the release log goes, with a file without a marker",
        "a crash while the release log goes",
        "an orphan that a listing in parts has found",
        "an orphan that a listing in parts has yet to find",
        "an orphan that a worker finds",
        "a listing in stretches",
        "late deletion of the ledger",
        "a page after the last marker",
        "cut off after the end",
        "late deletion",
        "late deletion and conflict",
        "deletion after 5xx",
        "late tags",
        "pins cut short",
        "late marker",
        "late unpin",
        "dropped while it is activated",
        "suspended at the marker",
        "crash",
        "same second",
        *(f"same second, listed early, {skew} s ahead" for skew in (86_400, 0, -300_000)),
        "a page of an older name than the upload's that looks ahead",
        "the same between two early listings",
        "a file that a release has which is younger than the listing",
        "a file that another upload sends over what an attempt had sent",
        *(each.name for each in placing.AFTER_THE_LOOK),
        "a page where a newer release has an asset",
        *(each.name for each in (*placing.UNDER_WAY, *placing.BOTH_NEW)),
        "a staged release that is written too late",
        "an end while a page is put in place",
        "an older page under the name of a new one",
        "a new version that is cut off",
        "a page left behind",
        "an unknown page, in any order",
        "a page that was an asset, in any order",
        "a page whose name was taken for a fingerprint, in any order",
        "a page that was an asset until now, in any order",
        "two new versions",
        "two channels with one page",
        "an old page at the second look",
        "an unknown page",
        "an asset where a page belongs",
        "an asset where a page belongs, and old markers",
        "an asset that was a page",
        "a page that another intent names",
        "a page without metadata",
        "a page that is gone",
        "a page that came late",
        "a page of another channel",
        "a roll-back without its page",
        "a page that a dead upload has stored",
        "a line without its newest marker",
        "a marker that is gone behind a newer one",
        "a marker that is gone before a replay",
        "a release that comes before one whose marker is gone",
        "a marker that could not be read behind a newer one",
        "a marker that cannot be read, while its page is in place",
        "a marker that cannot be read, while its page is in place, of which nothing retired tells",
        "an asset that retires meanwhile",
        "a ledger of an older version",
        "a page that another upload puts in place before the marker",
        "the same after the marker",
        "the same while it looks",
        "a page over a newer one",
        "markers from before",
        "a PUT that is refused",
        "the page of a superseded release",
        "a late page",
        "a late page of another release",
        "an intent that goes first",
        "an intent that goes first, of a release that is superseded",
        "keys of both sites in the history",
        "a page of the site around",
        "a page of the site around without a stored version",
        "a page of the site around that its cleaner has not seen",
        "a cleaner beside a newer one",
        "a cleaner that writes heads beside one that knows none",
        "an asset that is back on a large site",
        "an asset that an upload brings back on a large site",
        "a large site's lost ledger",
        "a large site's lost ledger, and what its files say of tags",
        "an orphan that goes to a segment at once",
        "an orphan that goes to a segment at once, and an upload",
        "a large site's lost ledger, and others between two groups",
        "a large site's lost ledger, and a version that knows no heads",
        "a large site's lost ledger, and the run after it",
        "a large site's lost ledger, and an orphan",
        "a large site's lost ledger, and two runs",
        "a large site's lost ledger, and an upload",
        "a large site's lost ledger and checkpoint, and an upload",
        "a rebuild that is handed out, and a worker that fails",
        "a rebuild that is handed out, and tags that a worker is refused",
        "a rebuild that is handed out, and an orphan that is sent again",
        "a rebuild that is handed out, and a run that does it by itself",
        "a rebuild that is handed out, and an upload",
        "the page of an old release on a large site",
        "an old page of the site around",
        "a page of an ended channel around",
        "a page of another channel around",
        "a page of another channel around, and a release that is cut off",
        "a roll-back around that leaves a page behind",
        "a page around that a channel leaves behind",
        "a roll-back around that leaves a page behind, and a lost ledger",
        "a page around that a channel leaves behind, and a lost ledger",
        "a page around below one that was never there",
        "a page around that a release names again",
        "the same, and a run takes in one release at a time",
        "a marker of the site around that was copied",
        "a release of the site around that is not in place",
        "lost ledger, pruned log",
        "crash while pruning",
        "a rebuild that crashes",
        "markers copied after a crash",
        "late marker",
        "a kept release whose marker is old",
        "the page of a release whose marker is old",
        "a page that is put back, of a release whose marker is old",
        "an end behind a release that stays",
        "a marker that was copied, among more than a run reads",
        "a doubt about more releases than a run reads",
        "more releases than a run has time for",
        "a late deletion, and more releases than a run reads",
        "a rebuild in parts",
        "more releases around than a run reads",
    ],
)
def test_what_finds_a_broken_rule_finds_nothing_while_all_hold(play: object) -> None:
    assert callable(play)
    play()


@pytest.mark.parametrize(
    "play",
    [placing.page_without_metadata, placing.page_of_another_channel, lambda: [random_schedule(n) for n in range(20)]],
    ids=["without metadata", "of another channel", "random"],
)
def test_among_more_stored_pages_than_a_look_lists_nothing_is_lost(
    play: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in place is then told by its metadata; what has none is unknown, and nothing is deleted."""
    monkeypatch.setattr(pages, "STORED_PAGES", 0)
    play()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.rule)
def test_without_one_of_its_rules_something_is_lost(mutant: Mutant) -> None:
    with mutant.in_force(), pytest.raises(FoundError):
        mutant.find()


def test_without_a_run_id_of_its_own_something_is_lost() -> None:
    """Lambda may deliver one event twice, under one request id."""
    with pytest.raises(FoundError):
        every_schedule(cases.ONE_RUN_ID, preemptions=1)
