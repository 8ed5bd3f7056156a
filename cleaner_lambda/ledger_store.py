"""The ledger in the bucket: read whole, and written with a condition.

In format 1 it is one file. In format 2 that file is the head, and other files have the retired assets
(`cleaner_lambda.head`). These are written before the head names them, so whoever reads a head finds them. If another
run has written the head meanwhile, nobody names them.
"""

from __future__ import annotations

import secrets
from bisect import bisect_right
from dataclasses import replace
from heapq import merge
from itertools import chain, groupby
from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda import changes_file, head, segment, segments
from cleaner_lambda import ledger_document as format_1
from cleaner_lambda.errors import CleanerError, ConflictError, OutdatedPlanError, WholeNeededError
from cleaner_lambda.head import Head
from cleaner_lambda.ledger_files import or_all_at_once, read_all, read_deltas, read_parts, read_segment
from cleaner_lambda.rebuilding import heads_are_safe
from cleaner_lambda.segments import DAY, parts, parts_in_order
from release_log import segment_file
from release_log.errors import FullError, LedgerError
from release_log.ledger_file import FORMAT, HEAD_FORMAT, READABLE, unpack
from release_log.ledger_index import Segment, delta_name, segment_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from cleaner_lambda.changes import Change
    from cleaner_lambda.ledger import Ledger, Retired
    from cleaner_lambda.packed_orphans import Adopted
    from cleaner_lambda.port import Blob, S3Port
    from cleaner_lambda.segments import Index
    from cleaner_lambda.sweep_plan import Group, Part
    from release_log.layout import Layout


FULL = 90
"""Per cent of what readers take. A ledger in one file becomes no larger: so it can still say that format 2 follows, and
what a run takes in meanwhile."""

DELTA_ROWS = 10_000
"""About how much a delta's file says: with the longest keys it takes a sixth of what its reader accepts."""


class StoredLedger(NamedTuple):
    """The ledger as a run found it, or has written it.

    Attributes:
        ledger: The ledger.
        etag: The ETag of its file; None if there is none.
        head: The head, in format 2.
        light: Whether not all retired assets were read. Then the ledger has none, and what the run changes of them is
            noted in a delta; but see ``group``.
        writes: The format that the run writes.
        group: What of a large site a sweep has read; then the ledger has the retired assets of this group.
    """

    ledger: Ledger
    etag: str | None
    head: Head | None = None
    light: bool = False
    writes: int = FORMAT
    group: Group | None = None

    @property
    def is_large(self) -> bool:
        """Whether not every run reads all retired assets."""
        return self.head is not None and not self.head.index.is_small


def read_ledger(  # noqa: PLR0913 (how much of it, and for whom)
    store: S3Port,
    layout: Layout,
    blob: Blob,
    writes: int = FORMAT,
    *,
    whole: bool = True,
    part: Part | None = None,
    wanted: Callable[[str, Retired], bool] | None = None,
) -> StoredLedger:
    """Read the ledger whose file was read.

    Args:
        store: The site's bucket.
        layout: The site.
        blob: The file.
        writes: The format that the run writes.
        whole: Whether to read the retired assets also of a large site.
        part: The part of a large site to read.
        wanted: Which retired assets a reader wants that does not write; a ledger of format 1 gives all.

    Raises:
        NewerLedgerError: It has a newer format.
        LedgerError: It is broken, or one of its files is, or is gone.
        ConflictError: Another run has written it meanwhile; start over.
        WholeNeededError: A file of the part is broken, or gone: who reads all of them finds out what to do.
    """
    found = decode(blob.body)
    if not isinstance(found, Head):
        if part is not None:
            msg = f"{layout.ledger} is not a head any more"
            raise OutdatedPlanError(msg)
        return StoredLedger(found, blob.etag, writes=writes)
    index = found.index
    is_large = found.ledger.rebuilding is not None or not index.is_small
    if part is None and writes == HEAD_FORMAT and is_large and not whole:
        return StoredLedger(found.ledger, blob.etag, found, light=True, writes=writes)
    try:
        if part is not None:
            group, retired = part.plan.read(store, layout, index, part.first)
            ledger = replace(found.ledger, retired=retired)
            return StoredLedger(ledger, blob.etag, found, light=True, writes=writes, group=group)
        if wanted is None and writes == HEAD_FORMAT and is_large:
            # Whether a file is gone is found out with one of them in memory: a rebuild takes no more than that.
            for _ in read_parts(store, layout, index):
                pass
        retired = read_all(store, layout, index, wanted)
    except LedgerError as error:
        now = store.get(layout.ledger)
        if now is None or now.etag != blob.etag:
            msg = f"{layout.ledger} was written by another run"
            raise ConflictError(msg) from error
        if part is not None:
            raise WholeNeededError(str(error)) from error
        raise
    ledger = replace(found.ledger, retired=retired) if retired else found.ledger
    return StoredLedger(ledger, blob.etag, found, writes=writes)


def decode(body: bytes) -> Ledger | Head:
    """Read a ledger's file, or a checkpoint, in either format.

    Raises:
        NewerLedgerError: It has a newer format.
        LedgerError: It is broken.
    """
    document = unpack(body, READABLE)
    return format_1.decode_whole(document) if document["format"] == FORMAT else head.decode_head(document)


def write_ledger(  # noqa: PLR0913 (what is written, over what, and when)
    store: S3Port,
    layout: Layout,
    ledger: Ledger,
    before: StoredLedger,
    now: datetime,
    changes: Sequence[Change] | None = None,
    *,
    unfinished: bool = False,
    adopted: Adopted | None = None,
    takes_in: bool = False,
) -> StoredLedger:
    """Write the ledger, if it is still as it was.

    Args:
        store: The site's bucket.
        layout: The site.
        ledger: The ledger.
        before: The ledger as it was read, or was written last.
        now: The instant for which the run decides.
        changes: What the run has changed of the retired assets, if it did not read them; None while it has yet to do
            what falls due.
        unfinished: Whether it has not done all of that, so that the next run has to go on.
        adopted: More retired assets, which the run has found and not in memory.
        takes_in: Whether the segments take in what is noted, if that is much, as no sweep can come before more is.

    Returns:
        What is stored now.

    Raises:
        ConflictError: Another run has written it; start over.
        WholeNeededError: A file of the ledger is broken, gone, or not given out.
        CleanerError: Format 1 has no room for all of it.
    """
    if not _may_write_heads(before, now):
        noted = (ledger.upgrading or now) if before.writes == HEAD_FORMAT else None
        if noted != ledger.upgrading:
            ledger = replace(ledger, upgrading=noted)
        body = _in_one_file(layout, ledger)
        return before._replace(ledger=ledger, etag=store.put_if(layout.ledger, body, before.etag), head=None)
    known = before.head or Head()
    index = known.index
    if before.light and before.group is None:
        index = _with_delta(store, layout, index, changes or (), now, takes_in=takes_in)
        if adopted is not None:
            index = _with_adopted(store, layout, index, adopted, now)
    elif before.group is None or changes is not None:
        # A group's segments only change with its last write: until then they are as all others are.
        part = index.segments if before.group is None else before.group.segments
        lines: Sequence[Segment] = part
        if adopted is not None:
            lines = _write_parts(store, layout, _in_order(ledger.retired, adopted.rows(), part[0].first), index, part)
        elif before.head is None or ledger.retired != before.ledger.retired or index.pending(part):
            # All segments of the part together: as they are read together, none is small, and no delta is left for it.
            lines = _write_parts(store, layout, parts(ledger.retired, part[0].first), index, part)
        if changes is not None and not unfinished:
            lines = [each._replace(swept=now) for each in lines]
        index = index.swept(part, lines) or index
        if before.group is not None and before.group.left:
            index = index.to_be_swept(before.group.left)
    noted = None if ledger.rebuilding is None else ledger.upgrading
    written = Head(replace(ledger, retired={}, upgrading=noted), index, known.unnamed)
    etag = store.put_if(layout.ledger, head.encode(written), before.etag)
    return before._replace(ledger=ledger, etag=etag, head=written)


def _in_one_file(layout: Layout, ledger: Ledger) -> bytes:
    """The ledger in format 1.

    Raises:
        CleanerError: No run could read it.
    """
    try:
        return format_1.encode(ledger, FULL if ledger.upgrading is None else 100)
    except FullError as error:
        msg = (
            f"{layout.ledger} is full ({error}), so nothing is taken in and nothing is deleted any more: deploy the "
            "cleaner with -c ledger_format=2 (docs/large-sites.md)"
        )
        raise CleanerError(msg) from error


def is_outdated(stored: StoredLedger, now: datetime) -> bool:
    """Whether the ledger has to be written even if it says the same.

    A run on a large site that has read retired assets, because it was time, has to say so. And a head gives way to
    format 1 at once where the cleaner is told to write that one.
    """
    if stored.head is None or stored.light:
        return stored.group is not None
    index = stored.head.index
    return stored.writes == FORMAT or (stored.is_large and bool(index.to_sweep(now)))


def writes_a_head(stored: StoredLedger, now: datetime) -> bool:
    """Whether a run writes a head, and not a ledger in one file."""
    return stored.writes == HEAD_FORMAT and _may_write_heads(stored, now)


def next_sweep(stored: StoredLedger, retired: int, now: datetime) -> datetime | None:
    """When a segment of a large site has to be swept; None for a small site, where whatever falls due is awaited.

    Args:
        stored: The ledger as the run found it.
        retired: How many retired assets there are now, if it read them.
        now: The instant for which the run decides.
    """
    if stored.light:
        return None if stored.head is None else _after_group(stored.head.index, stored.group, now).next_sweep(now)
    return now + DAY if stored.writes == HEAD_FORMAT and retired > segments.SMALL else None


def _after_group(index: Index, group: Group | None, now: datetime) -> Index:
    """The index when a group has been swept."""
    if group is None:
        return index
    return index.swept(group.segments, [each._replace(swept=now) for each in group.segments]) or index


def _may_write_heads(before: StoredLedger, now: datetime) -> bool:
    """Whether to write a head: only if no invocation can still run that takes one for a broken ledger.

    A version that does would rebuild the ledger over the head. It does not know the note, so whatever it writes does
    not have it.
    """
    if before.writes == FORMAT:
        return False
    if before.head is not None and (before.light or before.ledger.upgrading is None):
        return True
    # Also if the head is that of a rebuild which had to read all retired assets at once: no announcement goes over it.
    return heads_are_safe(before.ledger.upgrading, now)


def _with_delta(
    store: S3Port, layout: Layout, index: Index, changes: Sequence[Change], now: datetime, *, takes_in: bool
) -> Index:
    for some in _files(changes):
        name = delta_name(now, secrets.token_hex(8))
        store.put_if(layout.ledger_file(name), changes_file.encode(some), None)
        index = index.with_delta(name, sum(each.rows for each in some))
    return _taken_in(store, layout, index) if takes_in and index.is_full else index


def _files(changes: Sequence[Change]) -> list[list[Change]]:
    """Some changes, in their order, by the file that each is in: a reader takes files of a bounded size only."""
    files: list[list[Change]] = []
    rows = 0
    for piece in chain.from_iterable(each.pieces(DELTA_ROWS) for each in changes):
        if piece.rows:
            if not files or rows + piece.rows > DELTA_ROWS:
                files.append([])
                rows = 0
            files[-1].append(piece)
            rows += piece.rows
    return files


def _taken_in(store: S3Port, layout: Layout, index: Index) -> Index:
    """The index with all deltas in its segments, one of which is in memory at a time."""
    after = index
    with or_all_at_once():
        changes = read_deltas(store, layout, index)
        for each in index.segments:
            entries = read_segment(store, layout, index, each, changes)
            after = after.swept([each], _write_parts(store, layout, parts(entries, each.first), index, [each])) or after
    return after


def _with_adopted(store: S3Port, layout: Layout, index: Index, adopted: Adopted, now: datetime) -> Index:
    """The index with more retired assets in its segments: those that get some take in the deltas before.

    Raises:
        WholeNeededError: A file is broken, gone, or not given out.
    """
    with or_all_at_once():
        changes = read_deltas(store, layout, index)
    firsts = [each.first for each in index.segments]
    after = index
    for place, rows in groupby(adopted.rows(), key=lambda each: bisect_right(firsts, each[1].logical) - 1):
        each = index.segments[place]
        # A segment without an entry has nothing that could fall due before.
        line = each if each.name is not None else each._replace(swept=now)
        with or_all_at_once():
            entries = read_segment(store, layout, index, each, changes)
        new = _write_parts(store, layout, _in_order(entries, rows, each.first), index, [line])
        after = after.swept([each], new) or after
    return after


def _in_order(
    retired: Mapping[str, Retired], more: Iterable[tuple[str, Retired]], first: str
) -> Iterator[tuple[str, dict[str, Retired]]]:
    """Retired assets, and more that come in the order of their paths, in parts for a segment each."""

    def by_path(row: tuple[str, Retired]) -> str:
        return row[1].logical

    return parts_in_order(merge(sorted(retired.items(), key=by_path), more, key=by_path), first)


def _write_parts(
    store: S3Port,
    layout: Layout,
    retired: Iterable[tuple[str, Mapping[str, Retired]]],
    index: Index,
    before: Sequence[Segment],
) -> list[Segment]:
    lines = []
    swept = [each.swept for each in before if each.swept is not None]
    oldest = min(swept) if len(swept) == len(before) else None
    for first, part in retired:
        name = segment_name(store.now(), secrets.token_hex(8)) if part else None
        if name is not None:
            store.put_if(layout.ledger_file(name), segment_file.encode(segment.columns_of(part)), None)
        lines.append(Segment(first, name, len(part), index.last, oldest))
    return lines
