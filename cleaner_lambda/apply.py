"""Carry out a plan: untag live assets, delete due assets, tag retired assets.

In this order a crash errs towards keeping. Every key has its own outcome; only what S3 confirmed is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda.deletion import delete
from cleaner_lambda.pace import BACKOFF_SECONDS, batches
from cleaner_lambda.s3_errors import PASSING, REQUEST_ERRORS, code_of, named, tells_nothing
from release_log.tags import MAX_TAGS, Mark, with_mark, without_mark

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from cleaner_lambda.outcome import Outcome, Unanswered
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.plan import Action, Plan
    from cleaner_lambda.port import S3Port

FULL = f"already has {MAX_TAGS} tags, S3's limit: only the ledger says when it retired"


class _Retagged(NamedTuple):
    """What became of an object's tags.

    Attributes:
        exists: Whether there is an object.
        error: Why its tags were not written.
        unanswered: Whether a request that writes them may still be executed.
    """

    exists: bool
    error: str | None = None
    unanswered: bool = False


def apply(  # noqa: PLR0913 (what is done, and what is known of it)
    store: S3Port,
    plan: Plan,
    prune: Sequence[Sequence[str]],
    pace: Pace,
    outcome: Outcome,
    late: Unanswered,
    *,
    bare: Container[str] = (),
) -> None:
    """Carry out a plan.

    Args:
        store: The site's bucket.
        plan: What to do with the assets.
        prune: Files of the release log to delete, after the assets; of each list only once all of the one before are
            deleted.
        pace: See `Pace`.
        outcome: What became of each key is added, as soon as S3 has confirmed it.
        late: The run's unanswered requests; those of this plan are added.
        bare: Keys of objects that this attempt has seen without a tag: theirs are not read again to write one. Others
            are, so that no tag of anybody else comes back to an object that was stored anew meanwhile.
    """

    def untag(action: Action) -> _Retagged:
        return _retag(store, action.key, None, pace)

    for action, done in _each(plan.untag, untag, outcome, late, pace):
        if done:
            outcome.untagged.add(action.key)

    delete(store, [action.key for action in plan.delete], outcome.deleted, outcome, late, pace)
    for files in prune:
        delete(store, files, outcome.pruned, outcome, late, pace)
        if not outcome.pruned.issuperset(files):
            break

    def tag(action: Action) -> _Retagged:
        mark = action.entry.mark if action.entry else None
        return _retag(store, action.key, mark, pace, is_bare=action.key in bare)

    for action, done in _each(plan.tag, tag, outcome, late, pace):
        if action.entry is not None and (done or outcome.failed.get(action.key) == FULL):
            outcome.tagged[action.key] = action.entry.mark


def _each(
    actions: Sequence[Action], work: Callable[[Action], _Retagged], outcome: Outcome, late: Unanswered, pace: Pace
) -> Iterator[tuple[Action, bool]]:
    """Do something to each asset, and note in the outcome which are gone and which failed.

    Yields:
        Each action that was tried, and whether it succeeded.
    """
    for batch in batches(actions):
        if not pace.has_time():
            outcome.unfinished = True
            break
        for action, (exists, error, unanswered) in zip(batch, pace.mapper(work, batch), strict=True):
            if unanswered:
                late.tags.add(action.key)
            if error is not None:
                outcome.failed[action.key] = error
            elif not exists:
                outcome.gone.add(action.key)
            yield action, exists and error is None


def _retag(store: S3Port, key: str, mark: Mark | None, pace: Pace, *, is_bare: bool = False) -> _Retagged:
    """Read the tags, unless there are none, merge ours into them, write them; again while S3's error is temporary."""
    unanswered = False
    for pause in (*BACKOFF_SECONDS, None):
        try:
            tags = {} if is_bare else store.get_tags(key)
            is_bare = False
        except REQUEST_ERRORS as error:
            return _Retagged(exists=True, error=named(error), unanswered=unanswered)
        if tags is None:
            return _Retagged(exists=False, unanswered=unanswered)
        wanted = without_mark(tags) if mark is None else with_mark(tags, mark)
        if len(wanted) > MAX_TAGS:
            return _Retagged(exists=True, error=FULL, unanswered=unanswered)
        if wanted == tags:
            return _Retagged(exists=True, unanswered=unanswered)
        try:
            return _Retagged(exists=store.put_tags(key, wanted), unanswered=unanswered)
        except REQUEST_ERRORS as error:
            unanswered = unanswered or tells_nothing(error)
            if pause is None or not code_of(error).startswith(PASSING):
                return _Retagged(exists=True, error=named(error), unanswered=unanswered)
        pace.sleep(pause)
    raise AssertionError
