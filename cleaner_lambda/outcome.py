"""What became of a plan, and what all attempts of a run did. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda.plan import Action, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cleaner_lambda.plan import Plan
    from release_log.tags import Mark


@dataclass(slots=True)
class Unanswered:
    """The requests of a run to which S3 gave no answer, or one that tells nothing: each may still be executed.

    They belong to the run, and outlive its starting over.

    Attributes:
        deletions: Keys whose deletion was sent.
        tags: Keys whose tags were written.
    """

    deletions: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Outcome:
    """What became of a plan.

    Attributes:
        untagged: Keys whose object has no tag of ours any more.
        deleted: Keys whose object is deleted.
        tagged: Key -> the mark that its object has now. Only the ledger holds it if the object has too many tags.
        gone: Keys that were to be tagged or untagged, but have no object.
        failed: Key -> error.
        pruned: Files of the release log that are deleted.
        unfinished: Whether the time ended before the plan did.
    """

    untagged: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    tagged: dict[str, Mark] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    pruned: set[str] = field(default_factory=set)
    unfinished: bool = False


class Attempt(NamedTuple):
    """One attempt of a run: what it was about to do, and what became of it."""

    plan: Plan
    outcome: Outcome

    def without_the_rest(self) -> Attempt:
        """The attempt without the assets that it left alone, which may be the whole site."""
        return Attempt(replace(self.plan, keep=(), upcoming=()), self.outcome)


@dataclass(slots=True)
class Done:
    """What all attempts of a run did: each key once in each list, in the order in which it was done.

    Attributes:
        untagged: Key -> the action, for objects that lost our tag.
        deleted: Key -> the action, for objects that were deleted.
        tagged: Key -> the action, for objects that got our tag.
        failed: Key -> the action and the error, for what failed and was not done later.
        pruned: Files of the release log that are deleted.
    """

    untagged: dict[str, Action] = field(default_factory=dict)
    deleted: dict[str, Action] = field(default_factory=dict)
    tagged: dict[str, Action] = field(default_factory=dict)
    failed: dict[str, tuple[Action, str]] = field(default_factory=dict)
    pruned: set[str] = field(default_factory=set)

    @property
    def bytes_deleted(self) -> int:
        """The size of the deleted assets."""
        return sum(action.entry.size for action in self.deleted.values() if action.entry is not None)


def done_by(attempts: Iterable[Attempt]) -> Done:
    """What the attempts of a run did, the first one first."""
    done = Done()
    undeleted: set[str] = set()
    for plan, outcome in attempts:
        # A later attempt's tag does not make up for a deletion that failed.
        retagged = (outcome.untagged | outcome.tagged.keys()) - undeleted
        for key in (*outcome.deleted, *outcome.gone, *outcome.pruned, *retagged):
            done.failed.pop(key, None)
        undeleted |= outcome.failed.keys() & {action.key for action in plan.delete}
        for record, actions, keys in (
            (done.untagged, plan.untag, outcome.untagged),
            (done.deleted, plan.delete, outcome.deleted),
            (done.tagged, plan.tag, outcome.tagged),
        ):
            for action in actions:
                if action.key in keys:
                    record.setdefault(action.key, action)
        every = {action.key: action for action in (*plan.untag, *plan.delete, *plan.tag)}
        done.failed |= {
            key: (every.get(key, Action(key, Reason.REBUILT)), error) for key, error in outcome.failed.items()
        }
        done.pruned |= outcome.pruned
    return done
