"""Whether stored pages are what their names say: nobody may overwrite one, but anybody who may write could be first.

A stored page is not sent again, and S3 copies it to its place. So the content decides, as it does for every other file.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, NamedTuple

from release_log.bounds import FILE_BYTES
from uploader.errors import UploaderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from uploader.s3.port import Listing, ReaderPort

AT_ONCE = 64
"""How many are read side by side, at most; together they have no more bytes than one may have (`FILE_BYTES`)."""

PIECE = 1024
"""How much is unpacked at one time: whoever stored it may have packed it very well."""


class Doubtful(NamedTuple):
    """A stored page whose ETag does not tell what it holds.

    Attributes:
        key: Its key.
        page: The key of the page.
        digest: SHA-256 of what it should hold, hexadecimal.
        size: How many bytes it has.
    """

    key: str
    page: str
    digest: str
    size: int


class Expected(NamedTuple):
    """A stored page as a build or a release has it.

    Attributes:
        key: Its key.
        page: The key of the page.
        digest: SHA-256 of what it should hold, hexadecimal.
        most: Up to so many bytes it may be too large to be read, and then its size is all that is looked at.
        tells: Whether an ETag and a size tell that it is that page.
    """

    key: str
    page: str
    digest: str
    most: float
    tells: Callable[[str, int], bool]


def find_doubtful(expected: Iterable[Expected], listing: Listing) -> Iterator[Doubtful]:
    """The stored pages that exist, and of which the listing does not tell that they hold what they should."""
    for each in expected:
        etag, size = listing.etags.get(each.key), listing.sizes.get(each.key, 0)
        if etag is not None and not FILE_BYTES < size <= each.most and not each.tells(etag, size):
            yield Doubtful(each.key, each.page, each.digest, size)


def check_stored(bucket: ReaderPort, doubtful: Iterable[Doubtful]) -> None:
    """Check that stored pages hold what they should, by reading them.

    Raises:
        UploaderError: One holds something else, or S3 refused.
    """
    for batch in _batches(doubtful):
        _check(bucket, batch)


def _check(bucket: ReaderPort, batch: Iterable[Doubtful]) -> None:
    blobs = bucket.get_each([each.key for each in batch])
    for each in batch:
        blob = blobs.get(each.key)
        if blob is not None and not any(_is(body, each.digest) for body in _forms(blob.body)):
            msg = (
                f"{each.key} is not the page {each.page} that its name stands for: somebody else stored it, and "
                "nothing was changed; let an operator delete it, and publish that build again (docs/security.md)"
            )
            raise UploaderError(msg)


def _batches(doubtful: Iterable[Doubtful]) -> Iterator[list[Doubtful]]:
    """As many as are read at one time."""
    batch, size = list[Doubtful](), 0
    for each in doubtful:
        if batch and (len(batch) == AT_ONCE or size + each.size > FILE_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += each.size
    if batch:
        yield batch


def _is(body: bytes, digest: str) -> bool:
    return hashlib.sha256(body).hexdigest() == digest


def _forms(body: bytes) -> Iterator[bytes]:
    """The body as it is, and unpacked, as far as a page may be long."""
    yield body
    try:
        yield zlib.decompressobj(wbits=16 + zlib.MAX_WBITS).decompress(body, FILE_BYTES)
    except zlib.error:
        yield _from_brotli(body)


def _from_brotli(body: bytes) -> bytes:
    import brotli  # noqa: PLC0415 (as in `uploader.treatment.encodings`)

    unpack, found = brotli.Decompressor(), bytearray()
    try:
        for start in range(0, len(body), PIECE):
            found += unpack.process(body[start : start + PIECE])
            if len(found) > FILE_BYTES:
                break
    except brotli.error:
        return b""
    return bytes(found)
