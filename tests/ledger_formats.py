"""The ledger in either format: have the cleaner write one that is not in force yet, and read it without requests."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import beginning, ledger_store, segments, tag_pass
from cleaner_lambda.load import load
from cleaner_lambda.port import Blob
from release_log.ledger_file import HEAD_FORMAT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cleaner_lambda.job import Job
    from cleaner_lambda.ledger import Ledger
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout

NONE = -1
"""With so many retired assets a site is large, and its runs read none of them if they need not."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@contextmanager
def at_once(version: int) -> Iterator[None]:
    """Have it write a format without the note, and the wait, that go before it where older versions may still run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_store, "_may_write_heads", lambda *_: version == HEAD_FORMAT)
        patch.setattr(tag_pass, "heads_are_safe", lambda *_: True)
        yield


@contextmanager
def writing(version: int, *, noted: bool = False, small: int = segments.SMALL) -> Iterator[None]:
    """Have it write a format.

    Args:
        version: The format.
        noted: Whether the note, and the wait, go before it that older versions need.
        small: Up to so many retired assets a site is small.
    """

    def load_for(store: S3Port, layout: Layout, job: Job, pace: Pace, **how: Any) -> Loaded:  # noqa: ANN401 (as `load` has them)
        return load(store, layout, replace(job, ledger_format=version), pace, **how)

    with pytest.MonkeyPatch.context() as patch, nullcontext() if noted else at_once(version):
        patch.setattr(beginning, "load", load_for)
        patch.setattr(segments, "SMALL", small)
        if small == NONE:
            # So that there is more than one group.
            patch.setattr(segments, "ENTRIES", 1)
            patch.setattr(segments, "GROUP", 1)
        yield


class _Files:
    """What of `cleaner_lambda.port.S3Port` a reader of the ledger needs."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read

    def get(self, key: str) -> Blob | None:
        body = self._read(key)
        return None if body is None else Blob(body, "", EPOCH)


def ledger_in(layout: Layout, read: Callable[[str], bytes | None]) -> Ledger | None:
    """The ledger of a site; None if there is none.

    Args:
        layout: The site.
        read: Reads an object; None if there is none.

    Raises:
        LedgerError: It cannot be read.
    """
    files = _Files(read)
    blob = files.get(layout.ledger)
    return None if blob is None else ledger_store.read_ledger(files, layout, blob).ledger  # type: ignore[arg-type]
