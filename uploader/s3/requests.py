"""The requests that the uploader sends to S3. Each is repeated after a passing error; any other error is one line."""

from __future__ import annotations

import os
from itertools import islice, pairwise
from typing import TYPE_CHECKING, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, PermissionDeniedError

from release_log.bounds import FILE_BYTES, LOG_FILES
from release_log.instants import whole_seconds
from release_log.layout import Layout
from release_log.ledger_file import holds_head
from uploader.errors import UploaderError
from uploader.s3.asking import Asking, refusal
from uploader.s3.errors import is_missing, is_taken
from uploader.s3.in_place import InPlace
from uploader.s3.key_ranges import page_ends
from uploader.s3.listing import KeyListing, RangeListing
from uploader.s3.pages import PAGE, Pages, is_odd
from uploader.s3.port import Blob, Neighbour, always, never
from uploader.s3.recent import Older, starts
from uploader.s3.storing import Storing
from uploader.threads.workers import for_each

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from obstore import GetResult, ObjectMeta

    from uploader.s3.connection import Connection
    from uploader.s3.key_ranges import KeyRange

    Part = tuple[str, str | None, str | None]
    """What is listed: a folder, the key behind which it begins, and the one at which it may end."""

Answer = TypeVar("Answer")

ODD_PAGES = 10
"""How many pages are searched for odd keys: the release log, which comes first, and the beginning of the assets."""

PARTS = 16
"""How many parts of a release log are listed side by side, at most: a site without pruning has hundreds."""

BEGINNING = 2**17
"""How much of a ledger is read at first: it says when some thousand releases were, and what a cleaner deletes."""


PIECE = 2**15
"""The smallest piece of an object that is read as it arrives. With what becomes of it, a larger one would be a block
that is given back by itself: see `uploader.memory.BLOCK`."""


def _never(_body: bytes) -> bool:
    """No beginning is enough."""
    return False


class Requests:
    """One method for each request, to one bucket.

    Attributes:
        older: The older markers, once `recent` was asked, if they were listed as the connections were opened; see
            `log_now`.
        files: The requests that store files.
        in_place: The requests for the pages in place.
    """

    def __init__(self, connection: Connection) -> None:
        self._store = connection.store
        self._connection = connection
        self._access = connection.access
        self._pages = Pages(connection.store, connection.access)
        self._ask = Asking(connection)
        self.older: Older | None = None
        self.files = Storing(connection, self._ask, self._head, self.metadata_if_readable)
        self.in_place = InPlace(connection, self._ask)

    def create(self, key: str, body: bytes, in_time: Callable[[], bool] = always) -> bool:
        """See `BucketPort.create`."""
        # If the answer to a first attempt is lost, the second one finds our own object: this says whose it is.
        writer = os.urandom(8).hex()

        def write() -> None:
            obstore.put(
                self._store,
                key,
                body,
                mode="create",
                attributes={"Content-Type": "application/json", "writer": writer},
                use_multipart=False,
            )

        try:
            self._ask("s3:PutObject", key, write, in_time, expected=is_taken)
        except AlreadyExistsError:
            return (self.metadata(key) or {}).get("writer") == writer
        return True

    def get(self, key: str) -> Blob | None:
        """Read an object; None if it does not exist."""
        return self._get(key, lambda: self._read(key, FILE_BYTES, _never))

    def pieces(self, key: str) -> Iterator[bytes]:
        """See `ReaderPort.pieces`."""

        def ask(request: Callable[[], Answer]) -> Answer:
            return self._ask("s3:GetObject", key, request, never, expected=is_missing)

        try:
            answer = ask(lambda: obstore.get(self._store, key))
        except FileNotFoundError:
            return
        pieces = iter(answer.stream(min_chunk_size=PIECE))
        while (piece := ask(lambda: next(pieces, None))) is not None:
            yield bytes(piece)

    def ledger(self, key: str) -> Blob | None:
        """The same for a ledger; of a large one no more than the beginning, if `read_head` needs no more."""
        return self._get(key, lambda: self._read(key, BEGINNING, holds_head))

    def _read(self, key: str, whole: int, is_enough: Callable[[bytes], bool]) -> Blob:
        """Read an object: if it has more bytes than are read as a whole, only until the beginning is enough."""
        answer = obstore.get(self._store, key)
        body = bytes(answer.bytes()) if answer.meta["size"] <= whole else _beginning(answer, is_enough)
        return Blob(body, whole_seconds(answer.meta["last_modified"]), answer.meta["e_tag"])

    def _get(self, key: str, read: Callable[[], Blob]) -> Blob | None:
        """The object that a request reads; None if it does not exist."""
        try:
            return self._ask("s3:GetObject", key, read, expected=is_missing)
        except FileNotFoundError:
            return None
        except UploaderError as error:
            # For a key that does not exist, S3 answers 403 and not 404 if listing is only allowed under a prefix.
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
            if isinstance(error.__cause__, PermissionDeniedError) and self._is_surely_missing(key):
                return None
            raise

    def metadata(self, key: str) -> Mapping[str, str] | None:
        """An object's headers and metadata; None if it does not exist."""

        def read() -> Mapping[str, str] | None:
            if is_odd(key):
                return self._pages.metadata(key)
            return (obstore.get(self._store, key, options={"head": True})).attributes

        try:
            return self._ask("s3:GetObject", key, read, expected=is_missing)
        except FileNotFoundError:
            return None

    def metadata_if_readable(self, key: str) -> Mapping[str, str] | None:
        """The same for a key that may not exist; None also for 403, which S3 may answer then, as in `get`."""
        try:
            return self.metadata(key)
        except UploaderError as error:
            if isinstance(error.__cause__, PermissionDeniedError):
                return None
            raise

    def written(self, prefix: str, known: Collection[str] = ()) -> dict[str, datetime]:
        """See `ReaderPort.written`.

        Args:
            prefix: The prefix.
            known: The keys that were there a moment ago: they tell where pages end, so all are asked for side by side.
        """
        return self._written(prefix, _parts(prefix, [None, *page_ends(known)]), lambda _: False)

    def written_log(self, layout: Layout, known: Collection[str] = ()) -> dict[str, datetime]:
        """The same for a release log, from its markers on, and without its stored pages: these, and what the ledger
        names before the markers, may be many.
        """
        before, behind = f"{layout.ledger_files}~", f"{layout.pages}~"  # each after all names of a folder
        cuts = page_ends([key for key in known if key < layout.pages])
        return self._written(layout.log, _parts(layout.log, [before, *cuts, behind]), layout.stores)

    def log_now(self, layout: Layout, known: Collection[str], older: Older | None) -> dict[str, datetime]:
        """As `written_log`, but the older markers may be as they were when the connections were opened.

        Args:
            layout: The site.
            known: See `written`.
            older: These markers; None: all are listed.
        """
        if older is None:
            return self.written_log(layout, known)
        if more := older.too_few():
            return self.written_log(layout, {*known, *_dated(more)})
        cuts = page_ends([key for key in known if older.recent < key < layout.pages])
        parts = [*_parts(layout.markers, [older.recent, *cuts]), *_parts(layout.log, [f"{layout.pages}~"])]
        files = self._written(layout.log, parts, layout.stores)
        page = older.files()
        return self.written_log(layout, known) if page is None else _dated(page) | files

    def _written(self, prefix: str, parts: Sequence[Part], left_out: Callable[[str], bool]) -> dict[str, datetime]:
        """List parts of what is under a prefix, side by side.

        Args:
            prefix: The prefix.
            parts: The parts.
            left_out: Whether a key is left out, and all that is behind it in its part.
        """

        def read() -> dict[str, datetime]:
            found: dict[str, datetime] = {}

            def read_part(part: Part) -> None:
                folder, start, end = part
                for page in self._pages.of(folder, start):
                    found.update(_dated(each for each in page if not left_out(each["path"])))
                    self._check_files(found, prefix)
                    if page and ((end is not None and page[-1]["path"] >= end) or left_out(page[-1]["path"])):
                        break

            for_each(parts, read_part, at_once=PARTS)
            return found

        return self._ask("s3:ListBucket", prefix, read)

    def recent(self, layout: Layout, now: datetime) -> dict[str, datetime]:
        """See `ReaderPort.recent`. What was listed as the connections were opened is not asked for again."""
        ahead, self._connection.markers = self._connection.markers, []
        wanted = starts(layout, now)
        if ahead:
            first, last = ahead
            self.older = Older(first, wanted[-1], PAGE)
            page = last.answer()
            # As a rule the newest marker is a recent one, and nobody waits for the first thousand.
            page = page if page or page is None else first.answer(keep=True)
            if page is not None:
                return _dated(page)

        def read() -> list[Sequence[ObjectMeta]]:
            found: list[Sequence[ObjectMeta]] = []

            def read_page(start: str | None) -> None:
                found.append(next(iter(self._pages.of(layout.markers, start)), ()))

            for_each(wanted, read_page, at_once=len(wanted))
            return found

        return _dated(each for page in self._ask("s3:ListBucket", layout.markers, read) for each in page)

    def neighbour(self, prefix: str, *, whole: bool = True) -> Neighbour | None:
        """The site that has its release log under a prefix; None if no log lies there.

        S3 may refuse both for good, as the prefix is not ours; any other error is one. The listing comes first: for a
        ledger that does not exist, S3 answers 403 unless its folder may be listed.

        Args:
            prefix: The prefix.
            whole: Read the whole ledger, and not only what `ledger` gives.

        Raises:
            UploaderError: S3 did not answer.
        """
        layout, read = Layout(prefix), self.get if whole else self.ledger
        try:
            files = self._ask("s3:ListBucket", layout.log, lambda: self._first_page(layout.log))
        except UploaderError as error:
            return self._unlisted(layout, read, error)
        if not files:
            return None
        at = files.get(layout.ledger)
        if at is None:
            return Neighbour(prefix, None)
        try:
            return Neighbour(prefix, read(layout.ledger))
        except UploaderError as error:
            return Neighbour(prefix, Blob(b"", at), refusal(error))

    def listing(self, ranges: Sequence[KeyRange], wanted: Mapping[str, int], at_once: int) -> Callable[[], KeyListing]:
        """Prepare a listing that looks for the wanted keys in these ranges; see `RangeListing`. Call it to list."""
        listing = RangeListing(self._pages, ranges, wanted, at_once)

        def read() -> KeyListing:
            self._ask("s3:ListBucket", ranges[0].folder if ranges else "", listing.read)
            found = listing.found

            def check(key: str) -> None:
                found.put(wanted[key], self._head(key))

            # obstore reads the object `key/`, by which some tools mean a folder, as this key.
            empty = (key for key, place in wanted.items() if found.sizes.at(place) == 0)
            unsure = found.doubtful.union(key for key in empty if not is_odd(key))
            for_each(sorted(unsure), check, at_once=at_once)
            return found

        return read

    def odd_keys(self, prefix: str) -> list[str]:
        """See `ReaderPort.odd_keys`."""

        def read() -> list[str]:
            pages = islice(self._pages.of(prefix), ODD_PAGES)
            return [each["path"] for page in pages for each in page if is_odd(each["path"])]

        return self._ask("s3:ListBucket", prefix, read)

    def delete(self, key: str) -> None:
        """Delete an object; it need not exist."""

        def delete() -> None:
            obstore.delete(self._store, key)

        self._ask("s3:DeleteObject", key, delete)

    def _check_files(self, found: Mapping[str, datetime], prefix: str) -> None:
        if len(found) > LOG_FILES:
            where = f"s3://{self._access.bucket}/{prefix}"
            msg = f"{where} has more than {LOG_FILES:,} files: delete those that no release needs any more"
            raise UploaderError(msg)

    def delete_exactly(self, key: str, etag: str) -> None:
        """Delete an object if it still has this ETag; obstore has no such request."""
        from uploader.s3 import conditional  # noqa: PLC0415 (boto3 takes a quarter of a second)

        delete = conditional.deletion(self._access, key, etag)
        self._ask("s3:DeleteObject", key, delete)

    def _head(self, key: str) -> ObjectMeta | None:
        """An object's size, time and ETag; None if it does not exist, or as `metadata_if_readable`."""
        try:
            return self._ask("s3:GetObject", key, lambda: obstore.head(self._store, key), expected=is_missing)
        except FileNotFoundError:
            return None
        except UploaderError as error:
            if isinstance(error.__cause__, PermissionDeniedError):
                return None
            raise

    def _unlisted(self, layout: Layout, read: Callable[[str], Blob | None], error: UploaderError) -> Neighbour | None:
        """The same if the log may not be listed: its ledger may be readable all the same."""
        why = refusal(error)
        try:
            ledger = read(layout.ledger)
        except UploaderError as other:
            refusal(other)
            return Neighbour(layout.prefix, None, why)
        return None if ledger is None else Neighbour(layout.prefix, ledger)

    def _first_page(self, prefix: str) -> dict[str, datetime]:
        page = next(iter(self._pages.of(prefix)), ())
        return {each["path"]: whole_seconds(each["last_modified"]) for each in page}

    def _is_surely_missing(self, key: str) -> bool:
        try:
            return key not in self.written(f"{key.rpartition('/')[0]}/")
        except UploaderError:
            return False


def _parts(folder: str, starts: Sequence[str | None]) -> list[Part]:
    """A folder from each of these keys on, in their order, up to the next; None: from its beginning."""
    return [(folder, start, end) for start, end in pairwise([*starts, None])]


def _dated(files: Iterable[ObjectMeta]) -> dict[str, datetime]:
    """Key -> ``LastModified``, without odd keys."""
    return {each["path"]: whole_seconds(each["last_modified"]) for each in files if not is_odd(each["path"])}


def _beginning(answer: GetResult, is_enough: Callable[[bytes], bool]) -> bytes:
    """As much of a file as is enough, or as its reader needs to refuse it as too large.

    The rest is left unread. Not asked for by its range: some stores answer that as if it were the whole file.
    """
    body = bytearray()
    looked_at = 0
    for piece in answer.stream(min_chunk_size=BEGINNING):
        body += piece
        if len(body) > FILE_BYTES:
            break
        if len(body) >= 2 * looked_at:
            looked_at = len(body)
            if is_enough(bytes(body)):
                break
    return bytes(body)
