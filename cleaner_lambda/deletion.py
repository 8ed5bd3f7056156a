"""Delete objects: up to 1,000 by one request, some requests side by side. Only what S3 confirmed counts as deleted."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda.pace import BACKOFF_SECONDS, batches
from cleaner_lambda.port import DELETE_BATCH
from cleaner_lambda.s3_errors import PASSING, REQUEST_ERRORS, SERVER_ERRORS, code_of, named, tells_nothing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cleaner_lambda.outcome import Outcome, Unanswered
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port

SIDE_BY_SIDE = 4
"""How many requests for `DELETE_BATCH` keys are under way at once.

Each key counts, and S3 takes 3,500 a second of one prefix; beyond that it answers 503 SlowDown, to the site's uploads
and visitors too: https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
"""

_NOT_FOR_XML = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold, or reads as others: https://www.w3.org/TR/xml/#charsets"""

_UNREADABLE = {"MalformedXML", "InvalidArgument", "InvalidRequest", "KeyTooLongError"}
"""S3's codes for a batch that it refuses because of what one of its keys is."""


class _Answer(NamedTuple):
    """What S3 said to one request, or to several for the same batch.

    Attributes:
        errors: Key -> why it was not deleted.
        unanswered: The keys whose deletion may still be executed.
    """

    errors: Mapping[str, str]
    unanswered: frozenset[str] = frozenset()


class _Batch(NamedTuple):
    """What became of a batch.

    Attributes:
        deleted: The keys that are gone.
        failed: Key -> why it was not deleted.
        unanswered: As in `_Answer`, of all its requests.
        unfinished: Whether the time ended before each key was asked for, or again after an error that passes.
    """

    deleted: frozenset[str]
    failed: Mapping[str, str]
    unanswered: frozenset[str]
    unfinished: bool


def delete(
    store: S3Port, keys: Sequence[str], deleted: set[str], outcome: Outcome, late: Unanswered, pace: Pace
) -> None:
    """Delete batch by batch, and keys that XML cannot hold one by one.

    Args:
        store: The site's bucket.
        keys: What to delete.
        deleted: The keys that are gone are added.
        outcome: The keys that failed are added, and whether the time ended.
        late: The keys whose deletion may still be executed are added.
        pace: See `Pace`.
    """
    plain, odd = [k for k in keys if not _NOT_FOR_XML.search(k)], [k for k in keys if _NOT_FOR_XML.search(k)]

    def one(batch: Sequence[str]) -> _Batch:
        return _delete_batch(store, batch, pace)

    side_by_side = chain(batches([*batches(plain, DELETE_BATCH)], SIDE_BY_SIDE), batches([*batches(odd, 1)]))
    for some in side_by_side:
        for done in pace.mapper(one, some):
            deleted.update(done.deleted)
            outcome.failed.update(done.failed)
            late.deletions.update(done.unanswered)
            outcome.unfinished = outcome.unfinished or done.unfinished
        if outcome.unfinished:
            break


def _delete_batch(store: S3Port, keys: Sequence[str], pace: Pace) -> _Batch:
    """Delete a batch; again, those that S3 has refused for a reason that passes.

    S3 reports the keys that failed within an answer with status 200, which the SDK does not retry.
    """
    failed: dict[str, str] = {}
    unanswered: set[str] = set()
    left, errors = list(keys), dict[str, str]()
    deleted: set[str] = set()
    unfinished = False
    for pause in (*BACKOFF_SECONDS, None):
        if not pace.has_time():
            unfinished = True
            break
        answer = _delete_once(store, left)
        errors = dict(answer.errors)
        unanswered |= answer.unanswered
        deleted.update(key for key in left if key not in errors)
        failed |= {key: error for key, error in errors.items() if not error.startswith(PASSING)}
        left = [key for key, error in errors.items() if error.startswith(PASSING)]
        if not left or pause is None:
            break
        pace.sleep(pause)
    failed |= {key: errors[key] for key in left if key in errors}
    return _Batch(frozenset(deleted), failed, frozenset(unanswered), unfinished)


def _delete_once(store: S3Port, keys: Sequence[str]) -> _Answer:
    """Delete some keys, each by one request."""
    if _NOT_FOR_XML.search(keys[0]):  # such a key is a batch of its own
        return _delete_one(store, keys[0])
    try:
        errors = store.delete(keys)
    except REQUEST_ERRORS as error:
        if tells_nothing(error):
            return _Answer(dict.fromkeys(keys, named(error)), frozenset(keys))
        if code_of(error) in _UNREADABLE:
            return _delete_in_parts(store, keys)
        return _Answer(dict.fromkeys(keys, named(error)))
    unanswered = frozenset(key for key, error in errors.items() if error.startswith(SERVER_ERRORS))
    if errors.keys() - set(keys):
        foreign = "S3's answer names keys that were not asked for, so it is unknown which are deleted"
        return _Answer(dict.fromkeys(keys, foreign), unanswered)
    return _Answer(errors, unanswered)


def _delete_in_parts(store: S3Port, keys: Sequence[str]) -> _Answer:
    """Halve a batch that S3 cannot read until the key that it cannot read is alone: only what really fails, fails."""
    if len(keys) == 1:
        return _delete_one(store, keys[0])
    half = len(keys) // 2
    first, second = _delete_once(store, keys[:half]), _delete_once(store, keys[half:])
    return _Answer({**first.errors, **second.errors}, first.unanswered | second.unanswered)


def _delete_one(store: S3Port, key: str) -> _Answer:
    """Delete one object by a request that has no body."""
    try:
        store.delete_one(key)
    except REQUEST_ERRORS as error:
        return _Answer({key: named(error)}, frozenset([key] if tells_nothing(error) else ()))
    return _Answer({})
