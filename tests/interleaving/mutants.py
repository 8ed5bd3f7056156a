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

from cleaner_lambda import apply, load, run
from tests.interleaving import cases, ports
from tests.interleaving.explore import every_schedule
from uploader.protocol import held, look, write_if_whole
from uploader.protocol.held import Intent
from uploader.publishing import publish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from release_log.layout import Layout
    from tests.interleaving.explore import Case
    from uploader.clocks import Clocks
    from uploader.s3.port import BucketPort


@dataclass(frozen=True)
class Mutant:
    """A rule, and what the code looks like without it.

    Attributes:
        rule: The rule that is broken; ``docs/protocol.md`` lists them by these words.
        function: Where it is held.
        changes: Pieces of its source, and what they become.
        find: Plays what finds it.
    """

    rule: str
    function: Callable[..., Any]
    changes: tuple[tuple[str, str], ...]
    find: Callable[[], object]

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Break the rule."""
        source = textwrap.dedent(inspect.getsource(self.function))
        for before, after in self.changes:
            assert source.count(before) == 1, f"{self.rule}: {before!r} is {source.count(before)} times in the source"
            source = source.replace(before, after)
        namespace = dict(self.function.__globals__)
        exec(compile("from __future__ import annotations\n" + source, f"<{self.rule}>", "exec"), namespace)  # noqa: S102
        original = self.function.__code__
        self.function.__code__ = namespace[self.function.__name__].__code__
        try:
            yield
        finally:
            self.function.__code__ = original


def every(case: Case, preemptions: int | None = None) -> Callable[[], int]:
    """Play every schedule of a case."""
    return partial(every_schedule, case, preemptions=preemptions)


def _attempt_without(piece: str) -> tuple[tuple[str, str], ...]:
    return ((piece, ""),)


def no_intent(bucket: BucketPort, layout: Layout, release_id: str, keys: frozenset[str], clocks: Clocks) -> Intent:
    """What goes on as if it held an intent."""
    held = Intent(release_id, clocks.wall(), b"", clocks.passed(), clocks.passed())
    held.see(bucket.look(layout, keys))
    return held


_DELETE = "outcome.deleted = _delete(store, [action.key for action in plan.delete], outcome, pace)\n"

MUTANTS = (
    Mutant(
        "intents are read before markers",
        load._look,  # noqa: SLF001
        (
            (
                "    for _ in range(READ_AGAIN):",
                "    early = list(store.list(layout.markers))\n    for _ in range(READ_AGAIN):",
            ),
            ("in store.list(layout.markers):", "in early:"),
        ),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "the second look",
        run._attempt,  # noqa: SLF001
        _attempt_without("        look_again(store, layout, job.policy, loaded)\n"),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "the second look drops what a new intent names",
        load.look_again,
        (("{**protected, **loaded.protected}", "protected"),),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "a new marker at the second look starts the run over",
        load.look_again,
        (("    if loaded.listed != listed:", "    if False:"),),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "deletions are announced before the second look",
        run._attempt,  # noqa: SLF001
        (("_ahead(loaded.ledger, job.run, announced, retagged)", "loaded.ledger"),),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "the intent before the listing",
        publish.publish,
        (
            ("_what_is_there(bucket, layout, build, held.take_look(), newest)", "early"),
            (
                "        with intent(",
                (
                    "        early = _what_is_there(bucket, layout, build, bucket.look(layout, keys), newest)\n"
                    "        with intent("
                ),
            ),
        ),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "an intent that vanishes means: read both again",
        load._load_protections,  # noqa: SLF001
        (("                return False\n", "                continue\n"),),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "the marker last",
        publish.publish,
        (
            (
                "                _send(bucket, uploads, note)\n",
                (
                    "                bucket.create(layout.marker_key(held.id), held.body)\n"
                    "                _send(bucket, uploads, note)\n"
                ),
            ),
            ("if held.write(bucket, key, body):", "if True:"),
        ),
        every(cases.NEXT_AND_CLEANER),
    ),
    Mutant(
        "the intent goes after the marker",
        publish.publish,
        (
            (
                "                if held.write(bucket, key, body):",
                (
                    "                bucket.withdraw(layout.pending_key(held.id))\n"
                    "                if held.write(bucket, key, body):"
                ),
            ),
        ),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "the ledger is only written with a condition",
        ports.CleanerPort.put_if,
        (("if (stored and stored.etag) == etag else None", "if True else None"),),
        every(cases.TWO_CLEANERS_AND_AN_UPLOAD, preemptions=2),
    ),
    Mutant(
        "while another run deletes, delete nothing",
        load._load_ledger,  # noqa: SLF001
        (("        if deleting.run != run and now < until:", "        if False:"),),
        every(cases.TWO_CLEANERS_AND_AN_UPLOAD, preemptions=2),
    ),
    Mutant(
        "untag before delete",
        apply.apply,
        (
            (f"\n\n    {_DELETE}", "\n"),
            ("    for action, found in _each(plan.untag", f"    {_DELETE}    for action, found in _each(plan.untag"),
        ),
        every(cases.UNTAG_AND_DELETE),
    ),
    Mutant(
        "the uploader waits for a cleaner that is deleting",
        look.look_around,
        (("    if announced is None and ledger.last_modified + MARGIN + ahead < written:\n", "    if True:\n"),),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "what was listed before the intent counts from when that began",
        look.look_around,
        (("ledger.last_modified + MARGIN + ahead < written", "ledger.last_modified + MARGIN < written"),),
        every(cases.LISTED_AHEAD, preemptions=2),
    ),
    Mutant(
        "what was listed before the ledger was read is listed again",
        look.look_around,
        (("if announced is None and ledger.last_modified + MARGIN + ahead < written:", "if announced is None:"),),
        every(cases.PAGE_AND_CLEANER),
    ),
    Mutant(
        "nobody's own clock: the cleaner's",
        load._load_ledger,  # noqa: SLF001
        (("    now = store.now()\n", "    now = store.now() + timedelta(hours=7)\n"),),
        every(cases.BACK_AND_CLEANER),
    ),
    Mutant(
        "nobody's own clock: the uploader's",
        look.look_around,
        (
            (
                "if written + timedelta(seconds=clocks.passed() - held.created) >= announced.until:",
                "if clocks.wall() >= announced.until:",
            ),
        ),
        every(cases.WRONG_CLOCK),
    ),
    Mutant(
        "nobody's own clock: the order of two markers of one second",
        held.Intent.wait_for_its_turn,
        (("if left > timedelta():", "if False:"),),
        cases.same_second,
    ),
    Mutant(
        "a marker is only written under a young intent",
        publish.publish,
        (("if held.is_too_old(clocks):", "if False:"),),
        every(cases.SLOW_UPLOAD, preemptions=2),
    ),
    Mutant(
        "an unanswered deletion stays announced",
        run._ledger_after,  # noqa: SLF001
        (("if outcome.unanswered else ledger.deleting", "if False else ledger.deleting"),),
        cases.late_deletion,
    ),
    Mutant(
        "an intent stays when nobody knows whether its marker was written",
        held.Intent.write,
        (("    self.keep = True\n", ""),),
        cases.late_marker,
    ),
    Mutant(
        "staged releases protect",
        load._load_protections,  # noqa: SLF001
        (
            (
                "for asset in release.assets.values():",
                "for asset in () if reason is Reason.STAGED else release.assets.values():",
            ),
        ),
        every(cases.ROLL_OUT_AND_CLEANER),
    ),
    Mutant(
        "an activation has an intent of its own",
        write_if_whole.write_if_whole,
        (
            (
                "with intent(bucket, layout, logged.name, said, keys, clocks) as held:",
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
        "pins protect",
        load._load_pins,  # noqa: SLF001
        (("marker.decode(blob.body, layout.prefix).keys", "frozenset()"),),
        every(cases.PIN_AND_CLEANER),
    ),
    Mutant(
        "pins are read at the second look too",
        load.look_again,
        (("{**pins, **loaded.pins}", "pins"),),
        every(cases.PIN_AND_CLEANER),
    ),
    Mutant(
        "intents are read before pins",
        load._look,  # noqa: SLF001
        (
            ("    _load_pins(store, layout, loaded)\n", ""),
            (
                "    for _ in range(READ_AGAIN):",
                "    _load_pins(store, layout, loaded)\n    for _ in range(READ_AGAIN):",
            ),
        ),
        every(cases.PIN_AND_CLEANER),
    ),
    Mutant(
        "only what is whole is pinned or made current again",
        write_if_whole.write_if_whole,
        (
            ("            check_whole(logged, listing.sizes)\n", ""),
            ("_as_stored(says(held.at), listing, logged.at)", "says(held.at)"),
        ),
        every(cases.PIN_AND_CLEANER),
    ),
    Mutant(
        "what is about to be tagged is announced",
        run._ahead,  # noqa: SLF001
        (("(*ledger.tagging, Announcement(run, tagging)) if tagging else ledger.tagging", "ledger.tagging"),),
        cases.crash_after_tagging,
    ),
)
