"""Carry out a plan: untag what lives, delete what is due, tag what is retired.

In this order a crash errs towards keeping. Every key has its own outcome; nothing is counted that S3 did not confirm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cleaner_lambda.store import DELETE_BATCH
from release_log.tags import MAX_TAGS, Mark, with_mark, without_mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cleaner_lambda.policy import Action, Plan
    from cleaner_lambda.store import S3Port

Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""How independent requests are run: the builtin `map`, or an executor's. Results come in the order of the items."""

DELETE_ATTEMPTS = 3
"""How often a key is tried whose error came in the answer of a batch: SDK retries do not cover those."""

FULL = f"bears {MAX_TAGS} tags, S3's limit, already: it is handled by the ledger alone"


@dataclass(slots=True)
class Outcome:
    """What became of a plan.

    Attributes:
        untagged: Keys that bear no tag of ours any more.
        deleted: Keys that are gone.
        tagged: Key -> the mark that it now bears, or that the ledger alone holds because the object has no room for it.
        gone: Keys that were to be tagged or untagged, and are not there.
        failed: Key -> error.
    """

    untagged: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    tagged: dict[str, Mark] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)


def apply(store: S3Port, plan: Plan, mapper: Mapper = map) -> Outcome:
    """Carry out a plan, and say per key what became of it."""
    outcome = Outcome()
    for action, (found, error) in zip(
        plan.untag, mapper(lambda a: _retag(store, a.key, None), plan.untag), strict=True
    ):
        _note(outcome, action, error, found=found)
        if found and error is None:
            outcome.untagged.add(action.key)

    _delete(store, [action.key for action in plan.delete], outcome)

    def tag(action: Action) -> tuple[bool, str | None]:
        return _retag(store, action.key, action.entry.mark if action.entry else None)

    for action, (found, error) in zip(plan.tag, mapper(tag, plan.tag), strict=True):
        _note(outcome, action, error, found=found)
        if found and error in {None, FULL} and action.entry is not None:
            outcome.tagged[action.key] = action.entry.mark
    return outcome


def _note(outcome: Outcome, action: Action, error: str | None, *, found: bool) -> None:
    if error is not None:
        outcome.failed[action.key] = error
    elif not found:
        outcome.gone.add(action.key)


def _retag(store: S3Port, key: str, mark: Mark | None) -> tuple[bool, str | None]:
    """Read, merge, write. Returns whether the object is there, and an error."""
    try:
        tags = store.get_tags(key)
        if tags is None:
            return False, None
        wanted = without_mark(tags) if mark is None else with_mark(tags, mark)
        if len(wanted) > MAX_TAGS:
            return True, FULL
        return wanted == tags or store.put_tags(key, wanted), None
    except (ClientError, BotoCoreError) as error:
        return True, str(error)


def _delete(store: S3Port, keys: Sequence[str], outcome: Outcome) -> None:
    for start in range(0, len(keys), DELETE_BATCH):
        batch = keys[start : start + DELETE_BATCH]
        errors: dict[str, str] = {}
        left = list(batch)
        for _ in range(DELETE_ATTEMPTS):
            try:
                errors = store.delete(left)
            except (ClientError, BotoCoreError) as error:
                errors = dict.fromkeys(left, str(error))
                break
            left = [key for key in left if key in errors]
            if not left:
                break
        outcome.failed.update(errors)
        outcome.deleted.update(key for key in batch if key not in errors)
