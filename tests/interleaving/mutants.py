"""The product without one of its rules, to show that the explorer bites.

A mutant replaces a piece of a function's source, and for the time of a test that function's code. If the piece is not
there any more, the mutant says so instead of passing.
"""

from __future__ import annotations

import inspect
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cleaner_lambda import (
    apply,
    decision,
    folding,
    guard,
    history,
    load,
    look,
    lost,
    next_ledger,
    order,
    policy,
    replay,
    run,
    s3_errors,
    survey,
)
from tests.interleaving import cases, nested, ports, pruned
from tests.interleaving.exhaustive import every_crash, every_schedule
from uploader.operations import pins
from uploader.protocol import announcements, held, write_if_whole
from uploader.protocol import look as uploader_look
from uploader.protocol.held import Intent
from uploader.publishing import publish

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
    """Play every schedule of a case."""
    return partial(every_schedule, case, preemptions=preemptions)


def _attempt_without(piece: str) -> tuple[tuple[str, str], ...]:
    return ((piece, ""),)


def no_intent(bucket: BucketPort, layout: Layout, release_id: str, keys: frozenset[str], clocks: Clocks) -> Intent:
    """An intent that counts as held, although nobody wrote it."""
    held = Intent(release_id, clocks.wall(), b"", clocks.passed())
    held.keep_look(bucket.look(layout, keys), clocks.passed())
    return held


def _neighbours(condition: str) -> tuple[str, str]:
    """The uploader without the ledgers of some neighbours."""
    return (
        "others(bucket, look.neighbours)",
        f"others(bucket, tuple(each for each in look.neighbours if {condition}))",
    )


_DELETE = "_delete(store, [action.key for action in plan.delete], outcome.deleted, outcome, late, pace)\n"

MUTANTS = (
    Mutant(
        "intents are read before markers",
        "the cleaner sees neither the intent nor the marker of an upload that ends between the two",
        look.take_look,
        (
            ("    markers, beyond, misnamed = _list_markers(store, layout)\n", ""),
            (
                "    for _ in range(READ_AGAIN):",
                "    markers, beyond, misnamed = _list_markers(store, layout)\n    for _ in range(READ_AGAIN):",
            ),
        ),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "the second look",
        "the cleaner misses an intent written during its run, if the uploader read the ledger before the announcement",
        run._attempt,  # noqa: SLF001
        _attempt_without("        look = take_second_look(store, layout, job.policy, loaded.now, look, pace)\n"),
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
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "deletions are announced before the second look",
        "an uploader that writes its intent after the second look finds no announcement",
        run._attempt,  # noqa: SLF001
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
        publish.publish,
        (
            ("_compare(bucket, layout, build, held.take_look(), newest, warned)", "early"),
            (
                "        with late.named(), intent(",
                (
                    "        early = _compare(bucket, layout, build, bucket.look(layout, keys), newest, set())\n"
                    "        with late.named(), intent("
                ),
            ),
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
        publish.publish,
        (
            (
                "                _send(bucket, uploads, note)\n",
                (
                    "                bucket.create(layout.marker_key(held.id), held.body)\n"
                    "                _send(bucket, uploads, note)\n"
                ),
            ),
            ("if held.write(bucket, key, body, clocks):", "if True:"),
        ),
        every(cases.NEXT_AND_CLEANER),
    ),
    Mutant(
        "the intent is deleted after the marker is written",
        "for a moment nothing protects the release",
        publish.publish,
        (
            (
                "                if held.write(bucket, key, body, clocks):",
                (
                    "                bucket.withdraw(layout.pending_key(held.id))\n"
                    "                if held.write(bucket, key, body, clocks):"
                ),
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
        every(cases.PAGE_AND_CLEANER),
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
        "a marker is only written under a young intent",
        "the intent expires while the upload continues",
        publish.publish,
        (("if held.is_too_old(clocks):", "if False:"),),
        every(cases.SLOW_UPLOAD, preemptions=2),
    ),
    Mutant(
        "a file that was written too late is checked again",
        "a machine sleeps within the request, the intent expires, and assets are deleted that the marker names",
        publish.publish,
        (("if late.came(held, clocks):", "if False:"),),
        cases.suspended_at_the_marker,
    ),
    Mutant(
        "an unanswered deletion stays announced",
        "a late deletion removes an asset that an upload brought back",
        run._attempt,  # noqa: SLF001
        (("frozenset(unanswered.deletions), frozenset", "frozenset(), frozenset"),),
        cases.late_deletion,
    ),
    Mutant(
        "an unanswered deletion stays announced though the run starts over",
        "the same, after another run wrote the ledger",
        run._until_written,  # noqa: SLF001
        (("_attempt(store, job, pace, so_far)", "_attempt(store, job, pace, _SoFar())"),),
        cases.late_deletion_and_conflict,
    ),
    Mutant(
        "what the attempts before a conflict did is recorded",
        "an asset is deleted, and no log, metric or answer says so",
        run._attempt,  # noqa: SLF001
        (("        earlier=earlier,\n", ""),),
        cases.late_deletion_and_conflict,
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
        run._attempt,  # noqa: SLF001
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
                "for asset in release.assets.values():",
                "for asset in () if reason is Reason.STAGED else release.assets.values():",
            ),
        ),
        every(cases.ROLL_OUT_AND_CLEANER),
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
        (("marker.decode(blob.body, layout.prefix).keys", "frozenset()"),),
        every(cases.PIN_AND_CLEANER),
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
            ("_as_stored(release_at(held.at), listing, at)", "release_at(held.at)"),
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
        "after a contradiction nothing counts as retired before the release that ended it",
        "assets that were live until a moment ago are deleted without their time",
        history.date_again,
        (("if entry.mark.since >= sure_since:", "if entry:"),),
        every(cases.DOUBT_THAT_ENDED),
    ),
    Mutant(
        "what a channel's end before it has ended counts as unknown",
        "what was live after that end goes by `removed_ttl`, though it was superseded",
        history.date_again,
        (
            ("Mark(_state(entry.logical, paths, ended=False), sure_since)", "Mark(entry.mark.state, sure_since)"),
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
        "a rebuild begins with the checkpoint",
        "assets that only deleted markers named are never deleted",
        load._read_checkpoint,  # noqa: SLF001
        (("blob = store.get(layout.checkpoint)", "blob = None"),),
        pruned.lost_ledger,
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
        run._attempt,  # noqa: SLF001
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
        run._attempt,  # noqa: SLF001
        (("else replace(loaded.ledger, cut=cut.at)", "else loaded.ledger"),),
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
        (("if current is not None and current.order > published.order:", "if False:"),),
        pruned.late_marker,
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
        (("_without_inner(plan, tuple(inner))", "_without_inner(plan, ())"),),
        nested.keys_of_both_in_the_history,
    ),
    Mutant(
        "the marker that says that a channel has ended is the last of its markers to go",
        "where the ledger is lost then, a release of a channel that has ended is current again",
        run._attempt,  # noqa: SLF001
        (
            (
                "[sorted(prune), [] if plan.is_stopped else sorted(last)]",
                "[sorted(last), sorted(prune)]",
            ),
        ),
        every(cases.LOG_AND_BACK),
    ),
    Mutant(
        "the ledger knows that a channel has ended",
        "the cleaner misses the marker that it has deleted itself, and alarms",
        lost.find_lost,
        (("        if channel in ledger.ends:\n", "        if False:\n"),),
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
        "the ledger of a site that has ended is deleted under a condition",
        "a late deletion takes the ledger of a site that has come back, and with it another run's announcement",
        ports.CleanerPort.delete_if,
        (("if stored is None or stored.etag != etag:", "if stored is None:"),),
        cases.late_deletion_of_the_ledger,
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
        survey.survey,
        (("stopped = loaded.stops or folded.stops or around.stops", "stopped = loaded.stops or around.stops"),),
        every(cases.VANISHED_FOR_DAYS),
    ),
    Mutant(
        "what was in doubt counts as retired no earlier than the release that ended the doubt",
        "assets that were live until a moment ago are deleted without their time",
        lost.hold_doubtful,
        (("max(mark.since, since)", "mark.since"),),
        every(cases.VANISHED_AND_REPLACED),
    ),
)
