"""Foreign objects: those that a release names, and that no upload sent. To the cleaner they are orphans.

Another tool may have put them there before the site's first release; or they are other people's, and somebody who may
write markers names them in one release and leaves them out of the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cleaner_lambda.ledger import Refused
from cleaner_lambda.orphans import is_unproven
from cleaner_lambda.pace import batches
from cleaner_lambda.s3_errors import PASSING, REQUEST_ERRORS, code_of
from release_log.sent import was_sent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleaner_lambda.pace import Pace
    from cleaner_lambda.plan import Plan
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.survey import Survey
    from cleaner_lambda.view import View

ASKED = 20_000
"""How many objects a run asks: some 20 seconds' work. The next run goes on with the others."""

BATCH = 5000
"""How many requests run between two checks of the remaining time: some five seconds' work."""


@dataclass(slots=True)
class Answers:
    """What some objects say.

    Attributes:
        ours: The keys that an upload sent, and those without an object.
        foreign: The keys that no upload sent.
        errors: Key -> error, where S3 does not say it.
        left: The keys that nobody asked.
    """

    ours: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)
    errors: dict[str, str] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)


def unproven(plan: Plan, view: View) -> list[str]:
    """The keys that a plan tags or deletes, and whose objects have to be asked before. Pure."""
    return sorted({action.key for action in (*plan.tag, *plan.delete) if is_unproven(action, view)})


def ask(store: S3Port, keys: list[str], pace: Pace) -> Answers:
    """Ask objects whether an upload sent them: one request each. Some are always asked, so that each run gets on."""
    answers = Answers(left=set(keys))

    def metadata(key: str) -> Mapping[str, str] | str | None:
        try:
            return store.get_metadata(key)
        except REQUEST_ERRORS as error:
            return f"{code_of(error)}: {error}"

    for batch in batches(keys[:ASKED], BATCH):
        if len(answers.left) < len(keys) and not pace.has_time():
            break
        for key, found in zip(batch, pace.mapper(metadata, batch), strict=True):
            answers.left.remove(key)
            if isinstance(found, str):
                answers.errors[key] = found
            elif found is None or was_sent(found):
                answers.ours.add(key)
            else:
                answers.foreign.add(key)
    return answers


def without_foreign(known: Survey, view: View, answers: Answers) -> tuple[Survey, View]:
    """What is known, without the foreign objects: no tag of ours stays on them. Those that S3 hides are left alone.

    Pure.
    """
    history, errors = known.history, answers.errors
    tagged = {key for key in answers.foreign if history.retired[key].tagged is not None}
    history = replace(
        history,
        retired={key: entry for key, entry in history.retired.items() if key not in answers.foreign},
        owed=history.owed | tagged,
    )
    lasting = {key: error for key, error in errors.items() if not error.startswith(PASSING)}
    known = replace(
        known,
        history=history,
        foreign=known.foreign | answers.foreign,
        unproven={**known.unproven, **{key: error for key, error in errors.items() if key not in lasting}},
        refused=Refused({**known.refused.tags, **lasting}, {**known.refused.writes, **lasting}),
    )
    return known, replace(
        view,
        retired=history.retired,
        owed=view.owed | tagged,
        ours=view.ours | answers.ours,
        untaggable=view.untaggable | errors.keys(),
        undeletable=view.undeletable | errors.keys(),
        not_looked_at=view.not_looked_at | answers.left,
    )
