"""The product without one of its rules, to show that the explorer bites.

A mutant replaces a piece of a function's source, and for the time of a test that function's code. If the piece is not
there any more, the mutant says so instead of passing.
"""

from __future__ import annotations

import inspect
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cleaner_lambda import apply, load, run
from tests.interleaving import cases, ports
from uploader import intent, publish, staging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from tests.interleaving.explore import Case


@dataclass(frozen=True)
class Mutant:
    """A rule, and what the code looks like without it.

    Attributes:
        rule: The rule that is broken; ``docs/protocol.md`` lists them by these words.
        function: Where it is held.
        changes: Pieces of its source, and what they become.
        case: The case whose schedules find it; None if random ones do.
    """

    rule: str
    function: Callable[..., Any]
    changes: tuple[tuple[str, str], ...]
    case: Case | None = None

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
        cases.BACK_AND_CLEANER,
    ),
    Mutant(
        "the second look",
        run._attempt,  # noqa: SLF001
        (("        look_again(store, layout, job.policy, loaded)\n", ""),),
        cases.BACK_AND_CLEANER,
    ),
    Mutant(
        "the second look drops what a new intent names",
        load.look_again,
        (("    loaded.protected = {**protected, **loaded.protected}\n", "    loaded.protected = protected\n"),),
        cases.BACK_AND_CLEANER,
    ),
    Mutant(
        "a new marker at the second look starts the run over",
        load.look_again,
        (("    if loaded.listed != listed:", "    if False:"),),
        cases.BACK_AND_CLEANER,
    ),
    Mutant(
        "deletions are announced before the second look",
        run._attempt,  # noqa: SLF001
        (
            (
                "        etag = store.put_if(layout.ledger, ledgers.encode(_ahead(loaded.ledger, job.run, announced, retagged)), etag)\n",
                "        pass\n",
            ),
        ),
        cases.BACK_AND_CLEANER,
    ),
    Mutant(
        "the intent before the listing",
        publish.publish,
        (
            ("        with intent(", "        listing = bucket.listing(build.prefix)\n        with intent("),
            ("            listing = bucket.listing(build.prefix)\n", ""),
        ),
        cases.BACK_AND_CLEANER,
    ),
    Mutant(
        "an intent that vanishes means: read both again",
        load._load_protections,  # noqa: SLF001
        (("                return False\n", "                continue\n"),),
        cases.BACK_AND_CLEANER,
    ),
    Mutant(
        "the marker last",
        publish.publish,
        (
            (
                "            started(uploads)\n",
                "            started(uploads)\n            bucket.create(layout.marker_key(held.id), held.body)\n",
            ),
            ("            written = bucket.create(key, held.body)\n", "            written = True\n"),
        ),
        cases.NEXT_AND_CLEANER,
    ),
    Mutant(
        "the marker before the intent goes",
        publish.publish,
        (
            (
                "            written = bucket.create(key, held.body)\n",
                "            bucket.withdraw(layout.pending_key(held.id))\n            written = bucket.create(key, held.body)\n",
            ),
        ),
        cases.BACK_AND_CLEANER,
    ),
    Mutant(
        "the ledger is only written with a condition",
        ports.CleanerPort.put_if,
        (("if (stored and stored.etag) == etag else None", "if True else None"),),
        None,
    ),
    Mutant(
        "while another run deletes, delete nothing",
        load._load_ledger,  # noqa: SLF001
        (("        if deleting.run != run and now < until:", "        if False:"),),
        None,
    ),
    Mutant(
        "untag before delete",
        apply.apply,
        (
            (
                "    for action, found in _each(plan.untag, untag, outcome, pace):",
                "    outcome.deleted = _delete(store, [action.key for action in plan.delete], outcome, pace)\n    for action, found in _each(plan.untag, untag, outcome, pace):",
            ),
            (
                "\n\n    outcome.deleted = _delete(store, [action.key for action in plan.delete], outcome, pace)\n    outcome.pruned",
                "\n    outcome.pruned",
            ),
        ),
        cases.UNTAG_AND_DELETE,
    ),
    Mutant(
        "the uploader waits for a cleaner that is deleting",
        intent._wait_for_cleaner,  # noqa: SLF001
        (("    written = clocks.passed()\n", "    return True\n    written = clocks.passed()\n"),),
        cases.BACK_AND_CLEANER,
    ),
    Mutant(
        "nobody's own clock: the cleaner's",
        load._load_ledger,  # noqa: SLF001
        (("    now = store.now()\n", "    now = store.now() + timedelta(hours=7)\n"),),
        cases.BACK_AND_CLEANER,
    ),
    Mutant(
        "nobody's own clock: the uploader's",
        intent._wait_for_cleaner,  # noqa: SLF001
        (
            (
                "        if s3_time + timedelta(seconds=clocks.passed() - written) >= until:",
                "        if clocks.wall() >= until:",
            ),
        ),
        cases.WRONG_CLOCK,
    ),
    Mutant(
        "a marker is only written under a young intent",
        publish.publish,
        (("            if held.is_too_old(clocks):", "            if False:"),),
        cases.SLOW_UPLOAD,
    ),
    Mutant(
        "an unanswered deletion stays announced",
        run._ledger_after,  # noqa: SLF001
        (("if outcome.unanswered else ledger.deleting", "if False else ledger.deleting"),),
        None,
    ),
    Mutant(
        "an intent stays when nobody knows whether its marker was written",
        publish.publish,
        (("            held.keep = True\n", ""),),
        None,
    ),
    Mutant(
        "staged releases protect",
        load._load_protections,  # noqa: SLF001
        (("        (layout.staged, Reason.STAGED, policy.staged_ttl),\n", ""),),
        cases.ROLL_OUT_AND_CLEANER,
    ),
    Mutant(
        "an activation has an intent of its own",
        staging.activate,
        (
            (
                "        with intent(bucket, layout, release.release, lambda _: blob.body, keys, clocks) as held:",
                "        for held in [Intent(release_id, blob.body, clocks.passed())]:",
            ),
        ),
        cases.OLD_STAGED,
    ),
    Mutant(
        "what is about to be tagged is announced",
        run._ahead,  # noqa: SLF001
        (("        tagging=(*ledger.tagging, Deleting(run, tagging)) if tagging else ledger.tagging,\n", ""),),
        None,
    ),
)
