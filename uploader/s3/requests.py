"""The requests that the uploader sends to S3. Each is repeated after a passing error; any other error is one line."""

from __future__ import annotations

import os
import time
from itertools import islice
from threading import Event
from typing import TYPE_CHECKING, Protocol, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, PermissionDeniedError

from release_log.bounds import FILE_BYTES, LOG_FILES
from release_log.instants import whole_seconds
from release_log.layout import Layout, is_stored_page
from uploader.aws.refusals import explain_s3
from uploader.builds.asset import Stored
from uploader.errors import UploaderError, is_panic
from uploader.s3.bodies import attributes_of, read_body
from uploader.s3.errors import NO_CODE, AnswerError, code_of, is_missing, is_taken, passes
from uploader.s3.in_place import InPlace
from uploader.s3.large_files import LargeFiles
from uploader.s3.listing import KeyListing, RangeListing
from uploader.s3.pages import Pages, is_odd
from uploader.s3.port import Blob, Neighbour, always
from uploader.threads.workers import for_each

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from obstore import GetResult, ObjectMeta

    from uploader.builds.asset import LocalAsset
    from uploader.s3.bodies import Body
    from uploader.s3.connection import Connection
    from uploader.s3.key_ranges import KeyRange

Answer = TypeVar("Answer")

ODD_PAGES = 10
"""How many pages are searched for odd keys: the release log, which comes first, and the beginning of the assets."""

PAUSES = (0.2, 1.0, 4.0)
"""Seconds before a request is repeated after a passing error.

obstore repeats only idempotent requests, and only until an answer begins. All of our requests may be repeated.
"""


def _nothing(_error: Exception) -> bool:
    """Expect no error."""
    return False


class Ask(Protocol):
    """Sends a request; see `Requests.ask`."""

    def __call__(  # noqa: D102
        self,
        action: str,
        key: str,
        ask: Callable[[], Answer],
        in_time: Callable[[], bool] = always,
        expected: Callable[[Exception], bool] = ...,
    ) -> Answer: ...


class Requests:
    """One method for each request, to one bucket.

    Attributes:
        in_place: The requests for the pages in place.
    """

    def __init__(self, connection: Connection) -> None:
        self._store = connection.store
        self._connection = connection
        self._access = connection.access
        self._pages = Pages(connection.store, connection.access)
        self._bandwidth = connection.bandwidth
        self._stopped = Event()
        self._large_files = LargeFiles(connection.access, connection.encryption, connection.bandwidth)
        self.in_place = InPlace(connection, self.ask)
        self._errors: tuple[type[Exception], ...] = (AnswerError, *connection.errors)

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
            self.ask("s3:PutObject", key, write, in_time, expected=is_taken)
        except AlreadyExistsError:
            return (self.metadata(key) or {}).get("writer") == writer
        return True

    def get(self, key: str) -> Blob | None:
        """Read an object; None if it does not exist."""

        def read() -> Blob:
            answer = obstore.get(self._store, key)
            size, at = answer.meta["size"], whole_seconds(answer.meta["last_modified"])
            body = bytes(answer.bytes()) if size <= FILE_BYTES else _beginning(answer)
            return Blob(body, at, answer.meta["e_tag"])

        try:
            return self.ask("s3:GetObject", key, read, expected=is_missing)
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
            return self.ask("s3:GetObject", key, read, expected=is_missing)
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

    def written(self, prefix: str) -> dict[str, datetime]:
        """See `ReaderPort.written`."""

        def read() -> dict[str, datetime]:
            found: dict[str, datetime] = {}
            for page in self._pages.of(prefix):
                found |= {
                    each["path"]: whole_seconds(each["last_modified"]) for each in page if not is_odd(each["path"])
                }
                self._check_files(found, prefix)
            return found

        return self.ask("s3:ListBucket", prefix, read)

    def written_log(self, layout: Layout) -> dict[str, datetime]:
        """The same for a release log, without its stored pages, which may be many."""

        def read() -> dict[str, datetime]:
            found: dict[str, datetime] = {}
            for start in (None, f"{layout.pages}~"):  # after the names of all stored pages
                for page in self._pages.of(layout.log, start):
                    files = [each for each in page if not (layout.stores(each["path"]) or is_odd(each["path"]))]
                    found |= {each["path"]: whole_seconds(each["last_modified"]) for each in files}
                    self._check_files(found, layout.log)
                    if start is None and page and layout.stores(page[-1]["path"]):
                        break
                else:
                    break
            return found

        return self.ask("s3:ListBucket", layout.log, read)

    def neighbour(self, prefix: str) -> Neighbour | None:
        """The site that has its release log under a prefix; None if no log lies there.

        S3 may refuse both for good, as the prefix is not ours; any other error is one. The listing comes first: for a
        ledger that does not exist, S3 answers 403 unless its folder may be listed.

        Raises:
            UploaderError: S3 did not answer.
        """
        layout = Layout(prefix)
        try:
            files = self.ask("s3:ListBucket", layout.log, lambda: self._first_page(layout.log))
        except UploaderError as error:
            return self._unlisted(layout, error)
        if not files:
            return None
        at = files.get(layout.ledger)
        if at is None:
            return Neighbour(prefix, None)
        try:
            return Neighbour(prefix, self.get(layout.ledger))
        except UploaderError as error:
            return Neighbour(prefix, Blob(b"", at), _refusal(error))

    def listing(self, ranges: Sequence[KeyRange], wanted: Mapping[str, str], at_once: int) -> Callable[[], KeyListing]:
        """Prepare a listing that looks for the wanted keys in these ranges; see `RangeListing`. Call it to list."""
        listing = RangeListing(self._pages, ranges, wanted, at_once)

        def read() -> KeyListing:
            self.ask("s3:ListBucket", ranges[0].folder if ranges else "", listing.read)
            sizes, times, _, etags, doubtful = listing.found

            def check(key: str) -> None:
                stored = self._head(key)
                if stored is None:
                    del sizes[key], times[key]
                    etags.pop(key, None)
                    return
                sizes[key], times[key] = stored["size"], stored["last_modified"]
                if stored["e_tag"] is not None:
                    etags[key] = stored["e_tag"].strip('"')

            # obstore reads the object `key/`, by which some tools mean a folder, as this key.
            unsure = doubtful | {key for key, size in sizes.items() if size == 0 and not is_odd(key)}
            for_each(sorted(unsure), check, at_once=at_once)
            return listing.found

        return read

    def odd_keys(self, prefix: str) -> list[str]:
        """See `ReaderPort.odd_keys`."""

        def read() -> list[str]:
            pages = islice(self._pages.of(prefix), ODD_PAGES)
            return [each["path"] for page in pages for each in page if is_odd(each["path"])]

        return self.ask("s3:ListBucket", prefix, read)

    def put(self, asset: LocalAsset) -> Stored:
        """Store a file; returns its size and headers in the bucket."""
        body = read_body(asset)
        attributes = attributes_of(asset, body)
        content = body.content
        # A stored page is never overwritten: its name says what it is.
        creates = is_stored_page(asset.key)

        def store() -> str | None:
            if content is None:
                return self._large_files.send(asset, attributes, self.ask, creates=creates)
            if self._bandwidth is not None:
                self._bandwidth.take(len(content), self._stopped)
            return obstore.put(
                self._store,
                asset.key,
                content,
                attributes=attributes,
                mode="create" if creates else "overwrite",
                use_multipart=False,
            )["e_tag"]

        try:
            etag = store() if content is None else self.ask("s3:PutObject", asset.key, store, expected=is_taken)
        except AlreadyExistsError as error:
            same = self._same(asset.key, body)
            if same is None:
                raise explain_s3(self._access, "s3:PutObject", asset.key, code_of(error), str(error)) from error
            return same
        except UploaderError as error:  # of a large file
            taken = isinstance(error.__cause__, AnswerError) and is_taken(error.__cause__)
            same = self._same(asset.key, body) if creates and taken else None
            if same is None:
                raise
            return same
        return Stored(body.size, body.headers.digest, etag and etag.strip('"'))

    def _same(self, key: str, body: Body) -> Stored | None:
        """The stored page that is there already: another upload's, or ours from an attempt whose answer was lost."""
        there = self._head(key)
        return there and Stored(there["size"], body.headers.digest, (there["e_tag"] or "").strip('"') or None)

    def stop(self) -> None:
        """End each wait for bandwidth, and stop the uploads in parts and remove their parts."""
        self._stopped.set()
        self._large_files.stop()

    def delete(self, key: str) -> None:
        """Delete an object; it need not exist."""

        def delete() -> None:
            obstore.delete(self._store, key)

        self.ask("s3:DeleteObject", key, delete)

    def _check_files(self, found: Mapping[str, datetime], prefix: str) -> None:
        if len(found) > LOG_FILES:
            where = f"s3://{self._access.bucket}/{prefix}"
            msg = f"{where} has more than {LOG_FILES:,} files: delete those that no release needs any more"
            raise UploaderError(msg)

    def delete_exactly(self, key: str, etag: str) -> None:
        """Delete an object if it still has this ETag; obstore has no such request."""
        from uploader.s3 import conditional  # noqa: PLC0415 (boto3 takes a quarter of a second)

        delete = conditional.deletion(self._access, key, etag)
        self.ask("s3:DeleteObject", key, delete)

    def _head(self, key: str) -> ObjectMeta | None:
        """An object's size, time and ETag; None if it does not exist, or as `metadata_if_readable`."""
        try:
            return self.ask("s3:GetObject", key, lambda: obstore.head(self._store, key), expected=is_missing)
        except FileNotFoundError:
            return None
        except UploaderError as error:
            if isinstance(error.__cause__, PermissionDeniedError):
                return None
            raise

    def _unlisted(self, layout: Layout, error: UploaderError) -> Neighbour | None:
        """The same if the log may not be listed: its ledger may be readable all the same."""
        why = _refusal(error)
        try:
            ledger = self.get(layout.ledger)
        except UploaderError as other:
            _refusal(other)
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

    def ask(
        self,
        action: str,
        key: str,
        ask: Callable[[], Answer],
        in_time: Callable[[], bool] = always,
        expected: Callable[[Exception], bool] = _nothing,
    ) -> Answer:
        """Send a request, again after a passing error; any other error becomes one line with cause and remedy.

        An error that the caller expects is raised as it is.
        """
        pauses = iter(PAUSES)
        while True:
            try:
                return ask()
            except self._errors as error:
                pause = next(pauses, None) if passes(error) else None
                if pause is not None:
                    time.sleep(pause)
                if pause is None or not in_time():  # the machine may have been suspended meanwhile
                    if expected(error):
                        raise
                    raise explain_s3(self._access, action, key, code_of(error), str(error)) from error
            except BaseException as error:
                if is_panic(error):
                    raise explain_s3(self._access, action, key, NO_CODE, f"obstore panicked: {error}") from error
                raise


def _refusal(error: UploaderError) -> str:
    """Why S3 refuses something for good.

    Raises:
        UploaderError: It does not; the same request may succeed in a moment.
    """
    cause = error.__cause__
    if not isinstance(cause, Exception) or passes(cause):
        raise error
    return str(error)


def _beginning(answer: GetResult) -> bytes:
    """As much of a larger file as its reader needs to refuse it."""
    body = bytearray()
    for piece in answer:
        body += piece
        if len(body) > FILE_BYTES:
            break
    return bytes(body)
