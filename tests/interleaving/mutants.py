"""The product without one of its rules, to show that the explorer bites.

A mutant replaces a piece of a function's source, and for the time of a test that function's code. If the piece is not
there any more, the mutant says so instead of passing.
"""

from __future__ import annotations

import inspect
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from cleaner_lambda import (
    apply,
    attempt,
    backlog,
    catch_up,
    checkpoint,
    cutting,
    dating,
    decision,
    ending,
    folding,
    guard,
    history,
    idle,
    ledger_store,
    load,
    look,
    lost,
    markers,
    nesting,
    next_ledger,
    order,
    pages,
    policy,
    pruning,
    replay,
    run,
    s3_errors,
    scan,
    survey,
    sweep_plan,
    tag_pass,
    tag_workers,
    to_prune,
    unnamed,
)
from tests.interleaving import (
    cases,
    groups,
    handed,
    in_parts,
    listed,
    nested,
    placing,
    ports,
    pruned,
    rebuilt,
    upgrading,
)
from tests.interleaving.exhaustive import every_crash, every_schedule
from uploader.operations import pins
from uploader.protocol import announcements, belongs, held, intent, write_if_whole
from uploader.protocol import look as uploader_look
from uploader.protocol import placing as placing_module
from uploader.protocol.held import Intent
from uploader.publishing import comparing, publish, stayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from release_log.layout import Layout
    from tests.interleaving.exhaustive import Case
    from uploader.clocks import Clocks
    from uploader.s3.port import BucketPort


@dataclass(frozen=True)
class Mutant:
    """A rule, and the code without it.

    Attributes:
        rule: The rule that is broken; ``docs/protocol.md`` lists the rules by these words.
        lost: The damage without the rule, for the same list.
        function: The function that holds the rule.
        changes: Pieces of its source, and their replacements.
        find: Plays the schedules that find the damage.
    """

    rule: str
    lost: str
    function: Callable[..., Any]
    changes: tuple[tuple[str, str], ...]
    find: Callable[[], object]

    @property
    def place(self) -> str:
        """The function's name in the product; the explorer's ports stand for the real ones."""
        name = f"{self.function.__module__}.{self.function.__qualname__}"
        return name.replace("tests.interleaving.ports.CleanerPort", "cleaner_lambda.s3.S3Store")

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Break the rule."""
        source = textwrap.dedent(inspect.getsource(self.function))
        for before, after in self.changes:
            assert source.count(before) == 1, f"{self.rule}: {before!r} is {source.count(before)} times in the source"
            source = source.replace(before, after)
        function = inspect.unwrap(self.function)  # what a span goes around
        namespace = dict(function.__globals__)
        exec(compile("from __future__ import annotations\n" + source, f"<{self.rule}>", "exec"), namespace)  # noqa: S102
        original = function.__code__
        function.__code__ = inspect.unwrap(namespace[function.__name__]).__code__
        try:
            yield
        finally:
            function.__code__ = original


def every(case: Case, preemptions: int | None = None) -> Callable[[], int]:
    """Play every schedule of a case; first those with one preemption, which are few, and lose most that can be lost.

    Of the others come first those in which the last actor begins: what an upload in the middle of a cleaner's run
    loses is found there a hundred schedules earlier.
    """

    def play() -> int:
        settled: set[object] = set()
        few = every_schedule(case, preemptions=1, settled=settled)
        turned = replace(case, who=case.who[::-1])
        return few + every_schedule(turned, preemptions=preemptions, settled=settled)

    return play


def _attempt_without(piece: str) -> tuple[tuple[str, str], ...]:
    return ((piece, ""),)


def no_intent(bucket: BucketPort, layout: Layout, release_id: str, keys: frozenset[str], clocks: Clocks) -> Intent:
    """An intent that counts as held, although nobody wrote it."""
    held = Intent(release_id, clocks.wall(), clocks.passed())
    held.keep_look(bucket.look(layout, keys))
    return held


def _neighbours(condition: str) -> tuple[str, str]:
    """The uploader without the ledgers of some neighbours."""
    return (
        "others(bucket, look.neighbours)",
        f"others(bucket, tuple(each for each in look.neighbours if {condition}))",
    )


_DELETE = "delete(store, [action.key for action in plan.delete], outcome.deleted, outcome, late, pace)\n"

_WITHDRAWAL = "self.bucket.withdraw(self.layout.pending_key(held.id))"
_MARKER = "self.bucket.create(self.layout.marker_key(held.id), self.intent_body(held.at))"

MUTANTS = (
    Mutant(
        "intents are read before markers",
        "the cleaner sees neither the intent nor the marker of an upload that ends between the two",
        look.take_look,
        (
            ("    listed = _list_markers(store, layout, pace)\n", ""),
            (
                "    for _ in range(READ_AGAIN):",
                "    listed = _list_markers(store, layout, pace)\n    for _ in range(READ_AGAIN):",
            ),
        ),
        every(cases.ASSET_AND_CLEANER),
    ),
    Mutant(
        "the second look",
        "the cleaner misses an intent written during its run, if the uploader read the ledger before the announcement",
        decision.decide_again,
        _attempt_without("    look = take_second_look(store, layout, job.policy, loaded.now, look, pace)\n"),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "the second look drops the keys that a new intent names",
        "the same",
        look.take_second_look,
        (("{**first.protections.by_key, **second.protections.by_key}", "first.protections.by_key"),),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "a new marker at the second look starts the run over",
        "assets that the marker made current are deleted",
        look.take_second_look,
        (("    if second.markers != first.markers:", "    if False:"),),
        every(cases.ASSET_AND_CLEANER),
    ),
    Mutant(
        "deletions are announced before the second look",
        "an uploader that writes its intent after the second look finds no announcement",
        attempt.attempt,
        (
            (
                "announce(ahead, job.run, announced | unanswered.deletions, retagged | unanswered.tags)",
                "ahead",
            ),
        ),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "the intent is written before the listing",
        "a listed asset is gone before anybody knew that it was needed",
        inspect.unwrap(intent.intent),
        (
            ("        if bucket.create(", "        early = bucket.look(layout, keys)\n        if bucket.create("),
            ("held.keep_look(look)", "held.keep_look(early)"),
        ),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "if an intent vanishes, intents and markers are read again",
        "nothing on its own: a redundant check; the mutant breaks the reading order itself, which the explorer asserts",
        look._read_protections,  # noqa: SLF001
        (("                return None\n", "                continue\n"),),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "the marker is written last",
        "a current release lacks the files that were not sent yet",
        publish._Publishing.attempt,  # noqa: SLF001
        (("self._send(uploads)", f"{_MARKER}\n        self._send(uploads)"),),
        every(cases.NEXT_AND_CLEANER),
    ),
    Mutant(
        "the intent is deleted after the marker is written",
        "for a moment nothing protects the release",
        publish._Publishing._write,  # noqa: SLF001
        (
            (
                "    if not held.write",
                "    self.bucket.withdraw(self.layout.pending_key(held.id))\n    if not held.write",
            ),
        ),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "the ledger is only written with a condition",
        "one run overwrites another's announcement",
        ports.CleanerPort.put_if,
        (("if (stored and stored.etag) == etag else None", "if True else None"),),
        every(cases.TWO_CLEANERS_AND_AN_UPLOAD, preemptions=2),
    ),
    Mutant(
        "a ledger of a newer format is neither rebuilt nor written over",
        "what a newer cleaner announces is lost, and an asset that an upload listed is deleted a moment later",
        load._read_ledger,  # noqa: SLF001
        _attempt_without("""    except NewerLedgerError as error:
        raise TooOldError(layout.ledger, error) from error
"""),
        upgrading.older_cleaner,
    ),
    Mutant(
        "a ledger becomes a head only when no version can run any more that knows none",
        "such a version rebuilds over the head: what that announces is lost, and so is an asset that an upload listed",
        ledger_store._may_write_heads,  # noqa: SLF001
        (("heads_are_safe(before.ledger.upgrading, now)", "True"),),
        upgrading.first_version,
    ),
    Mutant(
        "a run that reads no retired asset looks at the tags of what lives again",
        "a live asset keeps its tag",
        folding._with_owed,  # noqa: SLF001
        (("history.owed | ((live - new) & (history.live_keys() | history.retired.keys()))", "history.owed"),),
        upgrading.back_on_a_large_site,
    ),
    Mutant(
        "a marker says of an asset that it is new only if the upload has not found it",
        "a live asset keeps its tag",
        publish._Publishing._write,  # noqa: SLF001
        (("_new_keys(uploads)", "self.build.all_keys()"),),
        upgrading.sent_to_a_large_site,
    ),
    Mutant(
        "a sweep in groups knows the retired pages of all of them",
        "a page that was removed, and is in place still, asks for assets that are gone",
        sweep_plan.SweepPlan.read,
        (("self.pages, self.unclaimed", "{}, self.unclaimed"),),
        groups.page_in_another_group,
    ),
    Mutant(
        "what is new is folded in before the sweep goes on",
        "what was removed, and is superseded by now, is deleted without its time",
        attempt.attempt,
        (("        raise NewsError(msg)\n", ""),),
        groups.path_is_back,
    ),
    Mutant(
        "a group takes in what runs have noted since the sweep began",
        "what a release retires is forgotten, and is never deleted",
        sweep_plan.SweepPlan._take_in_news,  # noqa: SLF001
        (("self._learn(each.number, read_delta(store, layout, each))", "pass"),),
        groups.sweeps,
    ),
    Mutant(
        "a segment that gets orphans at once takes in what was noted before",
        "what was removed, and is superseded by now, is deleted without its time",
        ledger_store._with_adopted,  # noqa: SLF001
        (("changes = read_deltas(store, layout, index)", "changes = {}"),),
        groups.adopted,
    ),
    Mutant(
        "a group leaves alone the tags of what may be retired in another one",
        "a retired asset bears no tag",
        decision._owed,  # noqa: SLF001
        (("live if group is None else live | history.retired.keys() | group.unclaimed", "history.owed"),),
        groups.late_tag,
    ),
    Mutant(
        "a run deletes nothing while another run deletes",
        "the same",
        load._read_ledger,  # noqa: SLF001
        (("        if ledger.deleting.run != run and now < until:", "        if False:"),),
        every(cases.TWO_CLEANERS_AND_AN_UPLOAD, preemptions=2),
    ),
    Mutant(
        "a run untags before it deletes",
        "after a crash, live assets look retired",
        apply.apply,
        (
            (f"\n\n    {_DELETE}", "\n"),
            ("    for action, done in _each(plan.untag", f"    {_DELETE}    for action, done in _each(plan.untag"),
        ),
        every(cases.UNTAG_AND_DELETE),
    ),
    Mutant(
        "the uploader waits for a cleaner that is deleting",
        "an asset that it listed is deleted a moment later",
        announcements.wait_for,
        (
            ("        if clock.now() >= until:\n", "        if True:\n"),
            ("return Heard(True, False", "return Heard(False, False"),
        ),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "a listing from before the ledger was read is repeated",
        "an asset that it listed was deleted before it read that the cleaner had finished",
        uploader_look.look_around,
        (("heard.waited or ledger.blob.last_modified + MARGIN >= began", "heard.waited"),),
        every(cases.ELSEWHERE_AND_CLEANER),
    ),
    Mutant(
        "a listing from before the intent counts from the moment it began",
        "the same, for a listing made while the build was still being read",
        uploader_look.look_around,
        (("ledger.blob.last_modified + MARGIN >= began", "ledger.blob.last_modified + MARGIN >= written"),),
        every(cases.LISTED_AHEAD, preemptions=2),
    ),
    Mutant(
        "S3's clock is estimated from the answer to the listing that names the intent",
        "the estimate is late, and a listing that is older than the ledger passes for a newer one",
        uploader_look.look_around,
        (("    looked = clocks.passed()\n", "    looked = held.began\n"),),
        every(cases.LISTED_AHEAD, preemptions=2),
    ),
    Mutant(
        "the cleaner's own clock decides nothing",
        "intents expire early",
        load._read_ledger,  # noqa: SLF001
        (
            (
                "    now = store.now()\n",
                "    from datetime import timedelta\n    now = store.now() + timedelta(hours=7)\n",
            ),
        ),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "the uploader's own clock decides nothing",
        "announcements expire early",
        announcements.wait_for,
        (("if clock.now() >= until:", "if clock.clocks.wall() >= until:"),),
        every(cases.WRONG_CLOCK),
    ),
    Mutant(
        "the names of two markers of one second decide nothing",
        "the older of the two releases counts as the newer",
        held.Intent.wait_for_its_turn,
        (("if left > timedelta():", "if False:"),),
        cases.same_second,
    ),
    Mutant(
        "of the markers, an early listing tells only of those with older names than the upload's own",
        "the same, where the older one was written after that listing",
        ports.UploaderPort._is_older,  # noqa: SLF001
        ((" and key < self._own", ""),),
        cases.same_second_listed_early,
    ),
    Mutant(
        "before a changed object is sent again, the markers are listed once more",
        "it is the page of a release that an early listing lacks, and that is current",
        publish._may_be_claimed,  # noqa: SLF001
        (("return any(", "return False and any("),),
        placing.page_between_two_early_listings,
    ),
    Mutant(
        "a marker that an early listing lacks counts as one that came meanwhile",
        "a page of its release lies where the current release has its asset",
        placing_module.Placing._tell_of_others,  # noqa: SLF001
        (
            (
                "came if key not in self._held.log or ",
                "came if key > own and key not in self._held.log or key > own and ",
            ),
        ),
        placing.page_of_an_older_name,
    ),
    Mutant(
        "a file that a release has which is younger than the listing is listed again",
        "it is sent over that release's, which is current, and has other content",
        comparing.compare_with_bucket,
        (("if unseen and (there", "if False and (there"),),
        placing.file_that_a_younger_release_has,
    ),
    Mutant(
        "a file with a fingerprint is only sent over what the upload has seen",
        "it is sent over that of a release which has become current since",
        publish._Publishing._send,  # noqa: SLF001
        (("note, over)", "note, {})"),),
        partial(placing.file_sent_after_the_look, placing.AFTER_THE_LOOK[1]),
    ),
    Mutant(
        "what came meanwhile is compared with what the upload has seen, and not only with what it sent",
        "a file that another upload has sent over it lies where the current release has its own",
        stayed.check_not_claimed,
        (("return sent[key] if key in sent else seen.get(key)", "return sent.get(key)"),),
        placing.file_that_an_attempt_had_sent,
    ),
    Mutant(
        "no page is put where a newer release, of any channel, has an asset",
        "it lies where a roll-back has brought back an asset, which can only warn",
        belongs.wanted_pages,
        (("if each is not own:", "if False:"),),
        placing.page_where_a_newer_release_has_an_asset,
    ),
    Mutant(
        "a release that was not in place at the look is read too",
        "its upload has read the markers before, and puts a page where the current release has an asset",
        placing_module.Placing._tell_of_others,  # noqa: SLF001
        ((" or self._is_under_way(files, key)", ""),),
        partial(placing.page_under_way, placing.UNDER_WAY[0]),
    ),
    Mutant(
        "so is one of the same second, whose name counts as newer",
        "a file that this upload has sent over that one's stays there, and nobody sees that",
        placing_module.Placing._tell_of_others,  # noqa: SLF001
        (("[key for key in newer if at[key] == at[own]] + older", "older"),),
        partial(placing.file_of_the_same_second, placing.BOTH_NEW[0]),
    ),
    Mutant(
        "a staged release that was written too late puts no page in place",
        "visitors get its pages before it is activated",
        publish._Publishing._place,  # noqa: SLF001
        (("if not self.stage:", "if True:"),),
        placing.staged_too_late,
    ),
    Mutant(
        "who has put pages in place when its channel ends says so",
        "the page lies where another channel's belongs, and nobody knows",
        placing_module.Placing._pass,  # noqa: SLF001
        (("if wanted.newest.release.ended and self.placed:", "if False:"),),
        placing.end_while_pages_are_put,
    ),
    Mutant(
        "a stored page is known by the ETag that a release notes of that very version",
        "an older page under its name is published as the new one",
        comparing._stored_pages,  # noqa: SLF001
        ((" if is_that_version else None", ""),),
        placing.older_page_under_a_new_name,
    ),
    Mutant(
        "a marker is only written under a young intent",
        "the intent expires while the upload continues",
        publish._Publishing.attempt,  # noqa: SLF001
        (("if held.is_too_old(self.clocks):", "if False:"),),
        every(cases.SLOW_UPLOAD, preemptions=2),
    ),
    Mutant(
        "a file that was written too late is checked again",
        "a machine sleeps within the request, the intent expires, and assets are deleted that the marker names",
        publish._Publishing._write,  # noqa: SLF001
        (("if self.late.came(held, self.clocks):", "if False:"),),
        cases.suspended_at_the_marker,
    ),
    Mutant(
        "an unanswered deletion stays announced",
        "a late deletion removes an asset that an upload brought back",
        attempt.attempt,
        (("frozenset(unanswered.deletions), frozenset", "frozenset(), frozenset"),),
        cases.late_deletion,
    ),
    Mutant(
        "an unanswered deletion stays announced though the run starts over",
        "the same, after another run wrote the ledger",
        run._until_written,  # noqa: SLF001
        (("pace, so_far, whole", "pace, SoFar(), whole"),),
        cases.late_deletion_and_conflict,
    ),
    Mutant(
        "what the attempts before a conflict did is recorded",
        "an asset is deleted, and no log, metric or answer says so",
        attempt.attempt,
        (("        earlier=earlier,\n", ""),),
        cases.late_deletion_and_conflict,
    ),
    Mutant(
        "what a stretch of a run did is recorded",
        "the same",
        run._until_written,  # noqa: SLF001
        (("so_far.end_part(report, swept=False)", "so_far.attempts.clear()"),),
        partial(listed.in_stretches, 0),
    ),
    Mutant(
        "a 5xx counts as no answer",
        "the same, after an error of S3's own",
        s3_errors.tells_nothing,
        (("    return status >=", "    return False and status >="),),
        cases.deletion_after_5xx,
    ),
    Mutant(
        "an unanswered change of tags stays announced",
        "a live asset keeps a tag that arrives late",
        attempt.attempt,
        (("frozenset(unanswered.tags))", "frozenset())"),),
        cases.late_tags,
    ),
    Mutant(
        "a page of a listing that is cut short is asked for again",
        "a pinned asset is deleted, as the page passes for an empty one",
        ports.CleanerPort.list,
        (
            (
                'page: list[Listed] = self._request(Op("list", prefix), effect)',
                'page = self.world.request(Op("list", prefix), effect, CLEANER_ERRORS)',
            ),
            ("        self._note_order(prefix)\n", "        page = [] if page is REPEAT else page\n"),
        ),
        cases.pins_cut_short,
    ),
    Mutant(
        "an intent stays when nobody knows whether its marker was written",
        "a marker that arrives late names assets that are gone",
        held.Intent.write,
        (("    self.keep = True\n", ""),),
        cases.late_marker,
    ),
    Mutant(
        "staged releases protect their assets",
        "assets that production serves are deleted during their roll-out",
        look._read_protections,  # noqa: SLF001
        (
            (
                "for name in release.all_keys:",
                "for name in () if reason is Reason.STAGED else release.all_keys:",
            ),
        ),
        every(cases.ROLL_OUT_AND_CLEANER),
    ),
    Mutant(
        "an activation looks whether its release is staged still",
        "a release is current that somebody has dropped",
        write_if_whole._is_dropped,  # noqa: SLF001
        (("logged.key not in held.log", "False"),),
        cases.dropped_while_activated,
    ),
    Mutant(
        "an activation writes its own intent",
        "the staged release expires during the activation",
        write_if_whole.write_if_whole,
        (
            (
                "with late.named(), intent(bucket, layout, logged.name, body_at, keys, clocks) as held:",
                "for held in [no_intent(bucket, layout, logged.id, keys, clocks)]:",
            ),
            (
                "    clocks = clocks or Clocks()\n",
                "    from tests.interleaving.mutants import no_intent\n    clocks = clocks or Clocks()\n",
            ),
        ),
        every(cases.OLD_STAGED),
    ),
    Mutant(
        "pins protect their assets",
        "a pinned asset is deleted",
        look._read_pins,  # noqa: SLF001
        (("marker.decode(blob.body, layout.prefix).all_keys", "frozenset()"),),
        every(cases.PIN_AND_CLEANER),
    ),
    Mutant(
        "the releases that `keep_releases` keeps protect their assets",
        "nothing is left to roll back to",
        decision._view,  # noqa: SLF001
        (("*(published.release.all_keys for published in log.markers.of(kept))", ""),),
        every(cases.KEPT),
    ),
    Mutant(
        "their markers stay, however old",
        "the same, as nobody knows any more what they have",
        cutting._stay,  # noqa: SLF001
        (("*decided.kept, ", ""),),
        pruned.marker_of_a_kept_release,
    ),
    Mutant(
        "a pin that is ended is deleted only if it is the one that was read",
        "a deletion that arrives late takes a new pin of the release, and then its assets are deleted",
        pins.unpin,
        ((", found.etag)", ")"),),
        cases.late_unpin,
    ),
    Mutant(
        "no two pins are alike",
        "the same",
        pins.pin,
        (('"pinned_at": at.isoformat()', ""),),
        cases.late_unpin,
    ),
    Mutant(
        "pins are read at the second look too",
        "an asset that was pinned during the run is deleted",
        look.take_second_look,
        (("{**first.pins.by_id, **second.pins.by_id}", "first.pins.by_id"),),
        every(cases.PIN_AND_CLEANER),
    ),
    Mutant(
        "intents are read before pins",
        "the cleaner sees neither the intent nor the pin of a release that is pinned between the two",
        look.take_look,
        (
            ("    pins = _read_pins(store, layout, pace)\n", ""),
            (
                "    for _ in range(READ_AGAIN):",
                "    pins = _read_pins(store, layout, pace)\n    for _ in range(READ_AGAIN):",
            ),
        ),
        every(cases.PIN_AND_CLEANER),
    ),
    Mutant(
        "only a whole release is pinned or made current again",
        "a release becomes current, or is pinned, without assets that were deleted a moment before",
        write_if_whole.write_if_whole,
        (
            ("            check_whole(logged, listing.sizes)\n", ""),
            ("_content(layout, logged, release_at(held.at), listing, held, file)", "release_at(held.at)"),
        ),
        every(cases.PIN_AND_CLEANER),
    ),
    Mutant(
        "tags are announced before they are set",
        "a live asset keeps the tag of a run that died",
        next_ledger.announce,
        (("(*ledger.tagging, Announcement(run, tagging)) if tagging else ledger.tagging", "ledger.tagging"),),
        cases.crash_after_tagging,
    ),
    Mutant(
        "the finished plan is checked against everything but the ledger",
        "a live asset is deleted because the ledger calls it removed",
        guard.check,
        (("    if not dropped and not spared:", "    if True:"),),
        every(cases.WRONG_LEDGER, preemptions=1),
    ),
    Mutant(
        "a marker keeps the instant at which it was first seen",
        "a release that was superseded becomes current again, and the live assets are deleted",
        order.instants,
        (("known[i].at if i in known else last_modified", "last_modified"),),
        every(cases.MARKER_COPIED),
    ),
    Mutant(
        "a marker that is gone keeps its instant too",
        "the same, when it is put back",
        order.instants,
        (("known = ledger.seen", "known = dict(ledger.folded)"),),
        every(cases.MARKER_PUT_BACK),
    ),
    Mutant(
        "unseen markers that contradict each other stop all deletion",
        "the same, after the ledger was lost",
        order.find_order,
        (("(doubt := contradiction(markers)) is not None", "(doubt := None) is not None"),),
        every(cases.LOST_AND_COPIED, preemptions=1),
    ),
    Mutant(
        "after a contradiction nothing goes until a new release is in place",
        "what it replaces goes, though its pages are in place: nobody knew that it was current",
        order.find_order,
        (("(at := read[i].placed_at) is not None", "(at := read[i].at)"),),
        every(cases.DOUBT_AND_CUT_OFF),
    ),
    Mutant(
        "after a contradiction nothing counts as retired before the release that ended it",
        "assets that were live until a moment ago are deleted without their time",
        dating.date_again,
        (("if entry.mark.since >= sure_since:", "if entry:"),),
        every(cases.DOUBT_THAT_ENDED),
    ),
    Mutant(
        "what a channel's end before it has ended counts as unknown",
        "what was live after that end goes by `removed_ttl`, though it was superseded",
        dating.date_again,
        (
            (
                "Mark(state_of(current=entry.logical in paths, ended=False), sure_since)",
                "Mark(entry.mark.state, sure_since)",
            ),
            (", ended=False, maybe_ended=entry.ended or entry.maybe_ended", ""),
        ),
        every(cases.DOUBTFUL_END),
    ),
    Mutant(
        "what may have been ended stays as long as what was removed, too",
        "what that end did end goes by `version_ttl`, though it was removed",
        policy._falls_due,  # noqa: SLF001
        (
            (
                "max(policy.version_ttl, policy.removed_ttl) if entry.maybe_ended else policy.version_ttl",
                "policy.version_ttl",
            ),
        ),
        every(cases.END_AND_WRONG_CLOCK),
    ),
    Mutant(
        "an orphan that may be of a channel that ended stays as long as what was removed, too",
        "if a channel's marker was deleted by hand, what it had goes by `version_ttl` once it ended",
        survey._go_on_listing,  # noqa: SLF001
        (("may_be_of_an_end(ledger, folded.history, markers)", "False"),),
        every(cases.VANISHED_AND_ENDED),
    ),
    Mutant(
        "and so it is if the channel is back already",
        "the same",
        ending.may_be_of_an_end,
        (("(*markers.valid.values(), *history.current.values())", "history.current.values()"),),
        every(cases.VANISHED_ENDED_AND_BACK),
    ),
    Mutant(
        "and so does one that was found before the end",
        "the same",
        ending.doubt_orphans,
        (("if not ends or ", "if True or "),),
        every(cases.FOUND_AND_ENDED),
    ),
    Mutant(
        "what was in doubt stays as long as what was removed, too, after the end of the channel",
        "the same, if another channel had it too",
        lost.hold_doubtful,
        (("entry.maybe_ended or may_have_ended", "entry.maybe_ended"),),
        every(cases.VANISHED_AND_ENDED_AT_ONCE),
    ),
    Mutant(
        "a rebuild begins with the checkpoint",
        "assets that only deleted markers named are never deleted",
        checkpoint.begin_rebuild,
        (("blob = store.get(layout.checkpoint)", "blob = None"),),
        pruned.lost_ledger,
    ),
    Mutant(
        "the ledger's files stay that the checkpoint names",
        "no rebuild can begin, and nothing is ever deleted again",
        unnamed.unnamed_files,
        (("stored.head.index.names | _named_by_checkpoint(store, layout)", "stored.head.index.names"),),
        upgrading.lost_ledger_of_a_large_site,
    ),
    Mutant(
        "what a checkpoint says of tags is from long ago",
        "an asset bears no tag, as the ledger says that it has one",
        tag_pass._read_in_groups,  # noqa: SLF001
        (("tagged=None, due=None", "due=None"),),
        partial(upgrading.lost_ledger_of_a_large_site, days=1),
    ),
    Mutant(
        "a rebuild tells again what came after the cut, event by event",
        "a removed asset goes as a superseded one, before its time",
        replay.told_again,
        (("replace(each, left={}, again=True)", "replace(each, left={}, turned={}, again=True)"),),
        rebuilt.instants,
    ),
    Mutant(
        "nobody tags what a rebuild has yet to read",
        "the time of an orphan begins anew",
        decision._view,  # noqa: SLF001
        (("known.not_read.union(known.refused.tags)", "frozenset(known.refused.tags)"),),
        rebuilt.orphan,
    ),
    Mutant(
        "of what is handed out a rebuild reads all that no worker has read",
        "the time of an orphan begins anew",
        tag_pass._read_in_groups,  # noqa: SLF001
        (("if key not in known]", "if key not in known and before.map_run is None]"),),
        handed.refused_tags,
    ),
    Mutant(
        "a worker names no asset whose tags it could not read",
        "the same",
        tag_workers.read_group,
        (("marks = {", "marks = dict.fromkeys(answers.failed) | {"),),
        handed.refused_tags,
    ),
    Mutant(
        "what workers have read of tags counts until the site is listed again",
        "an asset that was sent again since goes at once, as if it were the one before",
        tag_pass.go_on_reading,
        (("(found.cursor is not None or found.missing is not None)", "False"),),
        handed.sent_again,
    ),
    Mutant(
        "a rebuild ends only when no version can run that takes its head for a broken ledger",
        "an upload relies on an asset that another run is deleting",
        tag_pass._advanced,  # noqa: SLF001
        (("rebuilding.is_done and heads_are_safe(noted, loaded.now)", "rebuilding.is_done"),),
        rebuilt.first_version,
    ),
    Mutant(
        "a run that read no retired asset deletes no marker",
        "a page in place asks for assets that nobody knows any more",
        cutting.find_cut,
        (
            (
                "return at and Cut(at), decided",
                "return next_cut(ledger, there, _stay(loaded, decided, seen), loaded.now), decided",
            ),
        ),
        upgrading.page_of_an_old_release_on_a_large_site,
    ),
    Mutant(
        "until a run has written down what it rebuilt, the next one begins anew",
        "assets that only older markers name are forgotten after a crash, and have no tag",
        folding.fold_log,
        (("lost=ledger.has_only_begun", "lost=loaded.base.rebuild is not None"),),
        pruned.crash_while_rebuilding,
    ),
    Mutant(
        "the checkpoint is written before a marker is deleted",
        "the same, after a crash between the two",
        attempt.attempt,
        (
            ("        refusal = write_checkpoint(", "        refusal, later = None, lambda: write_checkpoint("),
            (
                "    after = after_effects(",
                ("    if cut is not None and not plan.stops:\n        later()\n    after = after_effects("),
            ),
        ),
        pruned.crash_while_pruning,
    ),
    Mutant(
        "a run announces the cut before it deletes a marker",
        "after a crash, an asset is dated by an older marker that is left, and goes before its time",
        attempt.attempt,
        (("cut=loaded.ledger.cut if cut is None else cut.at", "cut=loaded.ledger.cut"),),
        pruned.copied_after_a_crash,
    ),
    Mutant(
        "a replay begins at the cut",
        "the same, without a crash",
        replay.replay,
        (("then, cut = current_at_cut(ledger), ledger.cut", "then, cut = set(), None"),),
        pruned.copied_after_a_crash,
    ),
    Mutant(
        "a marker older than the cut becomes current only if it is the newest of its channel up to it",
        "an old release passes for the current one, and all deletion stops",
        history.fold_late,
        (("tuple(after[: placed + 1])", "(published,)"),),
        pruned.late_marker,
    ),
    Mutant(
        "current are a channel's releases from the newest one on that is in place",
        "the release before goes while its pages are in place",
        history.fold,
        (("(each, *line) if each.release.places_pages else (each,)", "(each,)"),),
        every(placing.CUT_OFF),
    ),
    Mutant(
        "a release whose page is in place keeps its assets, though it is not current",
        "a page that no release names any more asks for assets that are gone",
        decision.look_again_at_pages,
        (("in_place=view.in_place | assets", "in_place=view.in_place"),),
        every(placing.LEFT_BEHIND),
    ),
    Mutant(
        "a stored page stays while it lies in place",
        "the same, if somebody put it in place by hand, so that its stored version alone tells what it is",
        pages.assets_of,
        (("if asset.fingerprinted or asset.stored is not None", "if asset.fingerprinted"),),
        placing.page_without_metadata,
    ),
    Mutant(
        "the pages in place are looked at again at the second look",
        "a page that was put back meanwhile asks for assets that are gone",
        decision.decide_again,
        (("if first.pages is not None:", "if False:"),),
        placing.old_page_at_the_second_look,
    ),
    Mutant(
        "a page in place that no release has stops all deletion",
        "it asks for assets that are gone",
        pages._ask_markers,  # noqa: SLF001
        (("        elif key in strict:", "        elif False:"),),
        placing.unknown_page,
    ),
    Mutant(
        "what the listing shows to be a page is named by another intent, before it is looked for",
        "its stored version is deleted, on which the release relies",
        publish.publish,
        (("work.intent_body", "lambda at: body_of(release_of(build, at, {}, {}))"),),
        placing.page_that_another_intent_names,
    ),
    Mutant(
        "what lies where a page belongs, and is an asset in an earlier release, stops nothing",
        "after an upload that was cut off, nothing is deleted any more until somebody deletes it",
        pages._ask_markers,  # noqa: SLF001
        (("elif key in assets and all(", "elif False and all("),),
        placing.asset_where_a_page_belongs,
    ),
    Mutant(
        "the marker that says so stays as long as that lies there",
        "the same, once the marker is old",
        pages._ask_markers,  # noqa: SLF001
        (("frozenset(witnesses)", "frozenset()"),),
        placing.asset_whose_marker_is_old,
    ),
    Mutant(
        "after a roll-back to a release that stores no page, the page in place is looked at",
        "it is of the release that was rolled back, and asks for assets that are gone",
        pages._keys,  # noqa: SLF001
        ((" or ROLLBACK_OF in each.release.metadata", ""),),
        placing.roll_back_without_its_page,
    ),
    Mutant(
        "a page in place is looked up by its metadata too, if no release has the stored version that it equals",
        "a dead upload has stored the page of a release that stores none, and what it asks for is deleted",
        pages.look_at_pages,
        (("[*pages, *note_of(key)]", "pages"),),
        placing.page_that_a_dead_upload_stored,
    ),
    Mutant(
        "what a page asks for stays for `version_ttl` after it was in place",
        "it goes under those who have just got that page",
        pages.linger,
        (("since is None or since == now or now < since + lingers(policy)", "False"),),
        placing.page_that_is_gone,
    ),
    Mutant(
        "a release supersedes the one before when its last page is in place, whatever the file says",
        "the same",
        pages._late,  # noqa: SLF001
        (("newest > since", "False"),),
        placing.page_that_came_late,
    ),
    Mutant(
        "a page that is not stored is looked at too, where another channel has a newer release",
        "that channel's page is in place, though it has none any more, and asks for assets that are gone",
        pages._keys,  # noqa: SLF001
        (("(removed | retired | shared) - strict", "(removed | retired) - strict"),),
        placing.page_of_another_channel,
    ),
    Mutant(
        "what is left of a line whose newest marker is gone retires with the next release",
        "a page in place asks for assets that count as orphans",
        folding.fold_log,
        (
            (
                "for channel, line in found.items() if line}",
                "for channel, line in found.items() if lines[channel][0] in read}",
            ),
        ),
        placing.line_without_its_newest,
    ),
    Mutant(
        "a release whose marker is gone is missed until a newer one is in place",
        "its assets count as orphans while visitors get them",
        lost.find_lost,
        (
            (
                "newer = _is_over(history, channel, (folded.at, release_id))",
                "newer = found.order >= (folded.at, release_id)",
            ),
        ),
        placing.gone_behind_a_newer_one,
    ),
    Mutant(
        "it stays in its channel's line behind the newer one",
        "the same, a run later",
        lost.lines_with_lost,
        (("        if not line or ", "        if True or not line or "),),
        placing.gone_behind_a_newer_one,
    ),
    Mutant(
        "so does one that comes late and sorts before it",
        "it is forgotten, and what its page in place asks for counts as orphans",
        lost.lines_with_lost,
        (("for each in line}", "for each in line if each.order > (seen[before[0]].at, before[0])}"),),
        placing.late_before_one_that_is_gone,
    ),
    Mutant(
        "in a replay a release whose marker is gone stands for itself, though nobody knows what it named",
        "the one before is current again, and what it had replaced is dated anew with the next release",
        lost.stand_ins,
        (("if i not in listed", "if False"),),
        placing.gone_before_a_replay,
    ),
    Mutant(
        "nothing is folded in while a marker that counts cannot be read",
        "its release is forgotten behind one that is not in place, and its assets are deleted while visitors get them",
        folding.fold_log,
        (("if not markers.invalid.keys().isdisjoint(needed & ledger.folded.keys()):", "if False:"),),
        placing.unread_behind_a_newer_one,
    ),
    Mutant(
        "nothing is deleted while the marker of a release cannot be read whose page is in place",
        "the page asks for assets that are gone",
        decision.look_again_at_pages,
        (("markers.stops_of(lingering)", "()"),),
        partial(placing.unread_while_its_page_lies, retired=True),
    ),
    Mutant(
        "nor while one cannot be read that may have a page in place that no other has",
        "the same",
        pages._ask_markers,  # noqa: SLF001
        (("        elif pages:", "        elif False:"),),
        partial(placing.unread_while_its_page_lies, retired=False),
    ),
    Mutant(
        "after a ledger that an older version wrote the history is replayed",
        "a release counts as superseded by one that is not in place",
        replay.must_replay,
        ((" or ledger.older:", ":"),),
        placing.ledger_of_an_older_version,
    ),
    Mutant(
        "what retires while a marker behind the newest is gone stays",
        "an asset is deleted that the release without its marker needs",
        lost.without_marker,
        (("not set(line) <= there", "line[0] not in listed"),),
        placing.retired_behind_a_newer_one,
    ),
    Mutant(
        "the marker of a channel's end stays as long as one before it",
        "`keep_releases` keeps what was ended, for ever",
        pruning.old_markers,
        (("if not there[i].ended or", "if True or"),),
        pruned.end_behind_a_release_that_stays,
    ),
    Mutant(
        "the pages in place are looked at before an old marker goes",
        "a page in place asks for assets that nobody knows any more",
        cutting.find_cut,
        (("if cut is not None and cut.markers and", "if False and"),),
        pruned.page_of_a_pruned_release,
    ),
    Mutant(
        "the markers of a channel that has ended stay while a page of it lies in place",
        "a site inside deletes what that page asks for, as nobody can tell any more what that is",
        to_prune.ToPrune.without,
        (("first=self.first - stay, last=self.last - stay", "first=self.first, last=self.last"),),
        nested.page_of_an_ended_channel_around,
    ),
    Mutant(
        "a page in place whose release has no marker any more stops all deletion",
        "the same, when somebody put it there by hand",
        pages.look_at_pages,
        (("sorted(lying.keys() - markers.listed)", "()"),),
        pruned.page_put_back_of_a_pruned_release,
    ),
    Mutant(
        "a page in place that an intent names is its release's too",
        "nothing is deleted any more, when the intent has expired",
        pages.look_at_pages,
        (
            (
                "        if release_id:\n            lying",
                "        if release_id and set(named).isdisjoint(pages):\n            lying",
            ),
            (
                "        else:\n            # A release",
                "        elif set(named).isdisjoint(pages):\n            # A release",
            ),
        ),
        pruned.page_of_a_pruned_release,
    ),
    Mutant(
        "so is one that is not stored, if the upload has stored the same one",
        "it asks for assets that are gone, when the intent has expired: the release's marker has gone meanwhile",
        pages.look_at_pages,
        (
            (
                "        else:\n            # A release",
                "        elif set(named).isdisjoint(pages):\n            # A release",
            ),
        ),
        partial(placing.page_that_an_upload_names_too, stored=True),
    ),
    Mutant(
        "and if it has not",
        "the same",
        pages.look_at_pages,
        (("not live.isdisjoint(note_of(key))", "not live.union(named).isdisjoint(note_of(key))"),),
        partial(placing.page_that_an_upload_names_too, stored=False),
    ),
    Mutant(
        "a page is only put in place over the one that was seen there",
        "an older release's page replaces a newer one's",
        ports.UploaderPort.place,
        (("(there and there.etag) != page.etag or ", ""),),
        placing.put_over_a_newer_page,
    ),
    Mutant(
        "the markers are read between the look at a page and its PUT",
        "the same",
        placing_module.Placing._pass,  # noqa: SLF001
        (("if not wanted.same_as(", "if False and not wanted.same_as("),),
        placing.markers_from_before,
    ),
    Mutant(
        "a release is in place after a pass that found nothing to put",
        "the file that says so stands beside a newer release's page, or an older one's",
        placing_module.Placing._pass,  # noqa: SLF001
        (("self._put(wanted, wrong, pages)\n    return None", "self._put(wanted, wrong, pages)\n    return wanted"),),
        placing.put_that_is_refused,
    ),
    Mutant(
        "of each page, the newest release of any channel says what belongs in place",
        "the older of two channels' releases replaces the newer one's page",
        belongs.wanted_pages,
        (
            (
                "    for each in newer:\n",
                "    for each in [n for n in newer if n.release.channel == own.release.channel]:\n",
            ),
        ),
        every(placing.TWO_CHANNELS, preemptions=2),
    ),
    Mutant(
        "after its marker an upload looks for releases that came meanwhile, and have a page where it has an asset",
        "that page lies where the current release has its asset",
        placing_module.Placing._tell_of_others,  # noqa: SLF001
        (("if key not in self._held.log or self._is_under_way(files, key)]", "if False]"),),
        placing.page_before_the_marker,
    ),
    Mutant(
        "the asset is a page from then on, in another marker",
        "the same, as the other upload has read the markers before this one's",
        publish._Publishing._place,  # noqa: SLF001
        (("return self._with_pages(held, error.keys)", "pass"),),
        placing.page_after_the_marker,
    ),
    Mutant(
        "the intent stays until the pages are in place",
        "a superseded release's page arrives when its assets are gone",
        placing_module.put_in_place,
        (
            (
                "    held.written = None  # there is something left to do\n",
                "    held.written = None\n    bucket.withdraw(layout.pending_key(held.id))\n",
            ),
        ),
        placing.page_of_a_superseded_release,
    ),
    Mutant(
        "a page's PUT without an answer is waited for",
        "it arrives later, over a newer release's page",
        placing_module.Placing._waited,  # noqa: SLF001
        (("    if self._unanswered is None:\n", "    if True:\n"),),
        placing.late_page,
    ),
    Mutant(
        "so long the intents stay too under which pages of other releases were put in place",
        "such a page arrives when its release is superseded, and asks for assets that are gone",
        placing_module.Placing._keep,  # noqa: SLF001
        (("for each in self._intents:", "for each in self._intents[:1]:"),),
        placing.late_page_of_another_release,
    ),
    Mutant(
        "release logs inside the site are looked for again at the second look",
        "an asset is deleted that the first release of a site inside this one relies on",
        decision.look_at_neighbours,
        (("find_inner(store, layout, known.inner, due, pace)", "Inside()"),),
        every(nested.A_SITE_APPEARS_INSIDE),
    ),
    Mutant(
        "the sites around are asked at the second look",
        "an asset is deleted that a release of a site around this one needs",
        decision.look_at_neighbours,
        (("view.around | around.keys", "view.around"),),
        every(nested.THE_SITE_AROUND_TAKES_OVER),
    ),
    Mutant(
        "what a page of a site around may ask for stays, though no release there names the page any more",
        "the page is in place, and asks for an asset that is gone",
        nesting._needed_by,  # noqa: SLF001
        (("replaced = removed | ", "replaced = "),),
        partial(nested.page_of_the_site_around, seen=True, stored=False),
    ),
    Mutant(
        "nor need it be the page of the release there that names it: one in another channel that has left may be newer",
        "the same",
        nesting._needed_by,  # noqa: SLF001
        ((" | _newer_pages(outer, ledger, markers)", ""),),
        nested.page_of_another_channel_around,
    ),
    Mutant(
        "nor need it be in the ledger: below a page that was never in place lies an older one, which all markers tell",
        "the same",
        nesting._needed_by,  # noqa: SLF001
        (("folded[i].placed is None and i not in look.placed", "False"),),
        nested.page_around_below_one_that_was_never_there,
    ),
    Mutant(
        "nor need anything retired tell of it: when a release leaves, the page is looked at under a key that stays",
        "the same",
        decision._decide,  # noqa: SLF001
        ((" or log.history.left_behind", ""),),
        partial(nested.page_left_behind_around, rolls_back=False),
    ),
    Mutant(
        "nor need the key have stayed: a release may name it again, and not be in place",
        "the same",
        history._Steps.take,  # noqa: SLF001
        (("self._left_behind |= self._named_again(change.live, line[-1])", "pass"),),
        partial(nested.page_named_again_around, in_parts=False),
    ),
    Mutant(
        "nor need it have left with the last part of a long log",
        "the same",
        decision._decide,  # noqa: SLF001
        ((" or in_parts)", ")"),),
        partial(nested.page_named_again_around, in_parts=True),
    ),
    Mutant(
        "and so it is if what replaced it is a roll-back to a release that stores no page",
        "the same",
        history.put_in_place,
        (("ROLLBACK_OF in release.metadata", "False"),),
        partial(nested.page_left_behind_around, rolls_back=True),
    ),
    Mutant(
        "nor does such a roll-back count as one that has put its page in place while there is no ledger around",
        "the same",
        nesting._with_pages,  # noqa: SLF001
        (("placed |= put_in_place(each.release)", "placed |= pages"),),
        partial(nested.page_left_behind_around, rolls_back=True, lost=True),
    ),
    Mutant(
        "a checkpoint says whose pages are in place",
        "the same, once the ledger is lost",
        pruning.checkpoint,
        (("lingering=ledger.lingering,", ""),),
        partial(nested.page_left_behind_around, rolls_back=False, lost=True),
    ),
    Mutant(
        "only a release that is in place has replaced the page of another channel",
        "the same",
        nesting._newer_pages,  # noqa: SLF001
        (("if each.placed_at is not None", "if each.release"),),
        partial(nested.page_of_another_channel_around, placed=False),
    ),
    Mutant(
        "nor need that site's cleaner have seen it",
        "the same",
        nesting._needed_by,  # noqa: SLF001
        ((" | _with_pages(markers)", ""),),
        partial(nested.page_of_the_site_around, seen=False),
    ),
    Mutant(
        "a copied marker does not say that its page is the newest",
        "the same",
        nesting._with_pages,  # noqa: SLF001
        (("key=lambda published: published.id)", "key=lambda published: published.order)"),),
        nested.copied_marker_of_an_older_page_around,
    ),
    Mutant(
        "what a page of a site around asks for stays that its cleaner has found in place of the current one",
        "the same",
        nesting._needed_by,  # noqa: SLF001
        (("ledger.lingering.keys() | ", ""),),
        nested.old_page_of_the_site_around,
    ),
    Mutant(
        "of a site around, the newest markers by instant and by name count",
        "a marker there was copied, and an asset of the newer release is deleted",
        nesting._newest,  # noqa: SLF001
        ((", sorted(ids, reverse=True)):", ",):"),),
        nested.copied_marker_of_the_site_around,
    ),
    Mutant(
        "of a site around, the releases from the newest one on that is in place count",
        "an asset is deleted while visitors get that release's pages",
        nesting._newest,  # noqa: SLF001
        (("line[: placed + count]", "line[:count]"),),
        nested.release_around_that_is_not_in_place,
    ),
    Mutant(
        "an uploader waits for the cleaners of the sites around",
        "the first release of a site inside relies on an asset that the outer site's cleaner deletes a moment later",
        uploader_look.look_around,
        (_neighbours("each.prefix.startswith(layout.prefix)"),),
        every(nested.A_SITE_APPEARS_INSIDE),
    ),
    Mutant(
        "an uploader waits for the cleaners of the sites inside",
        "a release relies on an asset that the inner site's cleaner deletes a moment later",
        uploader_look.look_around,
        (_neighbours("not each.prefix.startswith(layout.prefix)"),),
        every(nested.THE_SITE_AROUND_TAKES_OVER),
    ),
    Mutant(
        "the finished plan is checked against the sites inside",
        "nothing on its own: the history leaves out their keys before; a mutant of both deletes a live asset of theirs",
        guard.check,
        (("_without_inner(plan, inner)", "_without_inner(plan, ())"),),
        nested.keys_of_both_in_the_history,
    ),
    Mutant(
        "the marker that says that a channel has ended is the last of its markers to go",
        "where the ledger is lost then, a release of a channel that has ended is current again",
        attempt.attempt,
        (
            (
                "[sorted(prune | unnamed), [] if plan.is_stopped else sorted(pruned.last)]",
                "[sorted(pruned.last), sorted(prune)]",
            ),
        ),
        every(cases.LOG_AND_BACK),
    ),
    Mutant(
        "the ledger knows that a channel has ended",
        "the cleaner misses the marker that it has deleted itself, and alarms",
        lost.find_lost,
        (("        if channel in ends:\n", "        if False:\n"),),
        partial(every_crash, cases.LOG_ALONE, "C"),
    ),
    Mutant(
        "a channel that has ended stays so, also if the marker that says so is gone",
        "an old release of it is current again",
        folding.fold_log,
        (("    ends = ends_without_marker(ledger, layout, listed, new)\n", "    ends = []\n"),),
        every(cases.END_VANISHED),
    ),
    Mutant(
        "a site that ends by itself has ended before the list of markers was read",
        "a release that is published at that moment is ended, as it seems older",
        idle.end_if_idle,
        (("since = loaded.now - SKEW", "since = loaded.now + SKEW"),),
        every(cases.IDLE_AND_BACK),
    ),
    Mutant(
        "the run that ends a site deletes nothing of it",
        "after a crash no ledger tells of the end, and a release without its assets is current",
        decision._not_at_once,  # noqa: SLF001
        (("if loaded.ends else job", "if False else job"),),
        every(cases.IDLE_AND_BACK),
    ),
    Mutant(
        "an end without a marker is not missed behind a newer release",
        "the cleaner misses a marker that never was, and alarms, when the upload that brings a site back is cut off",
        lost.find_lost,
        (("(seen.ended or _is_over(", "(False or _is_over("),),
        cases.cut_off_after_the_end,
    ),
    Mutant(
        "the ledger of a site that has ended is deleted under a condition",
        "a late deletion takes the ledger of a site that has come back, and with it another run's announcement",
        ports.CleanerPort.delete_if,
        (("if stored is None or stored.etag != etag:", "if stored is None:"),),
        cases.late_deletion_of_the_ledger,
    ),
    Mutant(
        "the ledger of a site that has ended stays until no release is in place",
        "the file that says so of a release whose marker was deleted by hand is never deleted",
        ending.is_over,
        (("look.placed or ", ""),),
        every(cases.LOG_AND_A_FILE),
    ),
    Mutant(
        "the ledger of a site that has ended stays until no stored page is left",
        "the page of a roll-out that failed as the last marker went is never deleted",
        nesting.is_empty,
        (("if layout.stores(listed.key):", "if False:"),),
        cases.page_after_the_last_marker,
    ),
    Mutant(
        "what retires while a channel's current marker is gone stays",
        "an asset is deleted that the release without its marker needs",
        lost.hold_doubtful,
        (("    new = new if gone else set()\n", "    new = set()\n"),),
        every(cases.VANISHED),
    ),
    Mutant(
        "no orphan is retired while a channel's current marker is gone",
        "the same, for an asset that no other marker names",
        scan.is_stopped,
        (("loaded.stops or folded.stops or around.stops", "loaded.stops or around.stops"),),
        every(cases.VANISHED_FOR_DAYS),
    ),
    Mutant(
        "what was in doubt counts as retired no earlier than the release that ended the doubt",
        "assets that were live until a moment ago are deleted without their time",
        lost.hold_doubtful,
        (("max(entry.mark.since, since)", "entry.mark.since"),),
        every(cases.VANISHED_AND_REPLACED),
    ),
    Mutant(
        "of more releases than a run reads, each part is compared with those before",
        "a copied marker counts as the newest, and the live assets are deleted",
        backlog.Backlog.after,
        (("latest[each.release.channel] = dated", "pass"),),
        in_parts.copied,
    ),
    Mutant(
        "none of them ends a doubt about them",
        "the same",
        order.find_order,
        (("left.keys() - backlog.doubted", "left.keys() - set()"),),
        in_parts.copied_and_ahead,
    ),
    Mutant(
        "until all of them are taken in nothing is deleted",
        "nothing on its own: the second look finds more markers; without that a live asset is deleted",
        catch_up.catch_up,
        (
            (
                "return _still_behind(store, layout, job, loaded, unanswered, (), pace.clock() - begun)",
                "return _up_to(loaded, frozenset())",
            ),
        ),
        in_parts.not_all_taken_in,
    ),
    Mutant(
        "what S3 has not answered stays announced with each part",
        "a late deletion removes an asset that an upload brought back",
        catch_up._take_in,  # noqa: SLF001
        (
            (
                "announce(after, job.run, frozenset(unanswered.deletions), frozenset(unanswered.tags))",
                "after",
            ),
        ),
        in_parts.late_deletion,
    ),
    Mutant(
        "a rebuild in parts replays what the checkpoint has cut off",
        "assets that only older markers name are forgotten",
        replay.must_replay,
        (("(ledger.tags_read_to is not None and not ledger.replayed)", "False"),),
        in_parts.rebuilt,
    ),
    Mutant(
        "of a site around all releases are looked through, however many",
        "an asset is deleted that the newest of them needs",
        markers.skim,
        (("    while left:\n", "    if left:\n"),),
        in_parts.around,
    ),
)
