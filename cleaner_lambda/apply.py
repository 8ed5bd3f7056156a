"""Carry out a plan: untag live assets, delete due assets, tag retired assets.

In this order a crash errs towards keeping. Every key has its own outcome; only what S3 confirmed is counted.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda.pace import BACKOFF_SECONDS, batches
from cleaner_lambda.port import DELETE_BATCH
from cleaner_lambda.s3_errors import PASSING, REQUEST_ERRORS, SERVER_ERRORS, code_of, tells_nothing
from release_log.tags import MAX_TAGS, Mark, with_mark, without_mark

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from cleaner_lambda.outcome import Outcome, Unanswered
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.plan import Action, Plan
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.s3_errors import RequestError

FULL = f"already has {MAX_TAGS} tags, S3's limit: only the ledger says when it retired"


_NOT_FOR_XML = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold, or reads as others: https://www.w3.org/TR/xml/#charsets"""

_UNREADABLE = {"MalformedXML", "InvalidArgument", "InvalidRequest", "KeyTooLongError"}
"""S3's codes for a batch that it refuses because of what one of its keys is."""


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

    _delete(store, [action.key for action in plan.delete], outcome.deleted, outcome, late, pace)
    for files in prune:
        _delete(store, files, outcome.pruned, outcome, late, pace)
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
            return _Retagged(exists=True, error=_named(error), unanswered=unanswered)
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
                return _Retagged(exists=True, error=_named(error), unanswered=unanswered)
        pace.sleep(pause)
    raise AssertionError


def _delete(
    store: S3Port, keys: Sequence[str], deleted: set[str], outcome: Outcome, late: Unanswered, pace: Pace
) -> None:
    """Delete batch by batch, and keys that XML cannot hold one by one. The keys that are gone are added to ``deleted``.

    S3 reports the keys that failed within an answer with status 200, which the SDK does not retry.
    """
    plain, odd = [k for k in keys if not _NOT_FOR_XML.search(k)], [k for k in keys if _NOT_FOR_XML.search(k)]
    for batch in (*batches(plain, DELETE_BATCH), *batches(odd)):
        errors: dict[str, str] = {}
        left = list(batch)
        for pause in (*BACKOFF_SECONDS, None):
            if not pace.has_time():
                outcome.unfinished = True
                break
            errors = _delete_once(store, left, late, pace)
            deleted.update(key for key in left if key not in errors)
            outcome.failed.update({key: error for key, error in errors.items() if not error.startswith(PASSING)})
            left = [key for key, error in errors.items() if error.startswith(PASSING)]
            if not left or pause is None:
                break
            pace.sleep(pause)
        outcome.failed.update({key: errors[key] for key in left if key in errors})
        if outcome.unfinished:
            break


def _delete_once(store: S3Port, keys: Sequence[str], late: Unanswered, pace: Pace) -> dict[str, str]:
    """Delete some keys, each by one request. Returns key -> error."""
    if _NOT_FOR_XML.search(keys[0]):  # and so is each other key of its batch
        return _delete_each(store, keys, late, pace)
    try:
        errors = store.delete(keys)
    except REQUEST_ERRORS as error:
        if tells_nothing(error):
            late.deletions.update(keys)
        elif code_of(error) in _UNREADABLE:
            return _delete_in_parts(store, keys, late, pace)
        return dict.fromkeys(keys, _named(error))
    late.deletions.update(key for key, error in errors.items() if error.startswith(SERVER_ERRORS))
    if errors.keys() - set(keys):
        return dict.fromkeys(keys, "S3's answer names keys that were not asked for, so it is unknown which are deleted")
    return errors


def _delete_in_parts(store: S3Port, keys: Sequence[str], late: Unanswered, pace: Pace) -> dict[str, str]:
    """Halve a batch that S3 cannot read until the key that it cannot read is alone: only what really fails, fails."""
    if len(keys) == 1:
        return _delete_each(store, keys, late, pace)
    half = len(keys) // 2
    return {**_delete_once(store, keys[:half], late, pace), **_delete_once(store, keys[half:], late, pace)}


def _delete_each(store: S3Port, keys: Sequence[str], late: Unanswered, pace: Pace) -> dict[str, str]:
    """Delete some keys, each by a request that has no body. Returns key -> error."""
    failed = {
        key: error for key, error in zip(keys, pace.mapper(partial(_delete_one, store), keys), strict=True) if error
    }
    late.deletions.update(key for key, error in failed.items() if tells_nothing(error))
    return {key: _named(error) for key, error in failed.items()}


def _named(error: RequestError) -> str:
    """An error, its code first: that says whether it passes."""
    return f"{code_of(error)}: {error}"


def _delete_one(store: S3Port, key: str) -> RequestError | None:
    try:
        store.delete_one(key)
    except REQUEST_ERRORS as error:
        return error
    return None
