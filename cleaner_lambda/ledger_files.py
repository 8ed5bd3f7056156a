"""Read the files that the head of the ledger names: the retired assets, all of them or some."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cleaner_lambda import changes_file, segment
from cleaner_lambda.errors import UnreadableError, WholeNeededError
from release_log import segment_file
from release_log.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cleaner_lambda.changes import Change
    from cleaner_lambda.ledger import Retired
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.segments import Index
    from release_log.layout import Layout
    from release_log.ledger_index import Delta, Segment


def read_all(
    store: S3Port, layout: Layout, index: Index, wanted: Callable[[str, Retired], bool] | None = None
) -> dict[str, Retired]:
    """Every retired asset, or every one that is wanted; raises what `read_parts` does."""
    retired: dict[str, Retired] = {}
    for part in read_parts(store, layout, index):
        retired |= part if wanted is None else {key: entry for key, entry in part.items() if wanted(key, entry)}
    return retired


def read_parts(store: S3Port, layout: Layout, index: Index) -> Iterator[dict[str, Retired]]:
    """The retired assets of each segment, after all deltas: one segment after the other is in memory.

    Raises:
        NewerLedgerError: A file has a newer format.
        LedgerError: A file is broken, or is gone.
    """
    changes = read_deltas(store, layout, index)
    for each in index.segments:
        yield read_segment(store, layout, index, each, changes)


def read_deltas(store: S3Port, layout: Layout, index: Index) -> dict[int, tuple[Change, ...]]:
    """The number of each delta that is pending -> its changes; raises what `read_parts` does."""
    return {each.number: read_delta(store, layout, each) for each in index.pending(index.segments)}


@contextmanager
def or_all_at_once() -> Iterator[None]:
    """Read some of the files: who reads all retired assets at once finds out what to do about one that is broken.

    Raises:
        WholeNeededError: A file is broken, gone, or not given out.
    """
    try:
        yield
    except (LedgerError, UnreadableError) as error:
        raise WholeNeededError(str(error)) from error


def read_delta(store: S3Port, layout: Layout, each: Delta) -> tuple[Change, ...]:
    """What a delta says; raises what `read_parts` does."""
    return changes_file.decode(_read(store, layout, each.name))


def read_segment(
    store: S3Port, layout: Layout, index: Index, each: Segment, changes: Mapping[int, Sequence[Change]]
) -> dict[str, Retired]:
    """The retired assets of a segment, after all deltas; raises what `read_parts` does.

    Args:
        store: The site's bucket.
        layout: The site.
        index: The index that names it.
        each: The segment.
        changes: The number of each delta that is pending -> its changes.
    """
    return index.take_in(each, _read_segment(store, layout, each), changes)


def _read_segment(store: S3Port, layout: Layout, each: Segment) -> dict[str, Retired]:
    if each.name is None:
        return {}
    return segment.retired_of(segment_file.decode(_read(store, layout, each.name)))


def _read(store: S3Port, layout: Layout, name: str) -> bytes:
    blob = store.get(layout.ledger_file(name))
    if blob is None:
        msg = f"{layout.ledger_file(name)} is gone"
        raise LedgerError(msg)
    return blob.body
