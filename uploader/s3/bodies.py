"""The body of each file: read just before it is sent, checked, and with few bodies in memory at one time."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING, NamedTuple

from release_log.sent import HEADERS
from uploader.builds.content import changed_error, signature_of
from uploader.builds.unreadable import unreadable
from uploader.treatment.encodings import compress, saves
from uploader.treatment.headers import STORED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uploader.builds.asset import LocalAsset
    from uploader.treatment.headers import Headers

WHOLE_BYTES = 8 * 1024 * 1024
"""A file up to this size is read whole and sent in one request; a larger one is sent in parts, in constant memory."""

COMPRESSED_BYTES = 64 * 1024 * 1024
"""A larger file is stored uncompressed, whatever the rules say: compression needs the whole file in memory."""

PARTS_AT_ONCE = 4
STREAM_BYTES = 4 * 1024 * 1024
"""The memory that a part takes while it is sent, at most. A part is read while it is sent."""
BYTES_AT_ONCE = 48 * 1024 * 1024
"""How many bytes of all files are in memory at one time."""


class Body(NamedTuple):
    """The body of an asset, and its headers.

    Attributes:
        content: The body; None: the unchanged file, in parts.
        size: The body's size in bytes.
        headers: The headers of the object.
        digest: SHA-256 of the file, hexadecimal; None for a file that goes in parts, which is not read beforehand.
    """

    content: bytes | None
    size: int
    headers: Headers
    digest: str | None = None


def memory_for(asset: LocalAsset) -> int:
    """How many bytes of an asset are in memory while it is sent."""
    return PARTS_AT_ONCE * STREAM_BYTES if goes_in_parts(asset) else asset.size


def goes_in_parts(asset: LocalAsset) -> bool:
    """Whether a file is too large to be sent in one request."""
    return asset.size > (WHOLE_BYTES if asset.treatment.encoding is None else COMPRESSED_BYTES)


def read_body(asset: LocalAsset) -> Body:
    """Read the body of an asset, and compress it if its rules say so and that saves something.

    Raises:
        UploaderError: The file is gone, or has changed since the build was read.
    """
    headers, encoding = asset.treatment.headers, asset.treatment.encoding
    if goes_in_parts(asset):
        check_unchanged(asset)
        return Body(None, asset.size, headers)
    try:
        with open(asset.path, "rb") as file:  # noqa: PTH123 (a `Path` for each of 100,000 files costs more)
            content = file.read()
    except OSError as error:
        raise unreadable(asset.path, error) from error
    check_unchanged(asset)
    if len(content) != asset.size:
        raise changed_error(asset.path)
    digest = asset.digest or hashlib.sha256(content).hexdigest()
    if encoding is not None:
        packed = compress(content, encoding)
        if saves(len(content), len(packed)):
            return Body(packed, len(packed), asset.treatment.encoded, digest)
    return Body(content, asset.size, headers, digest)


def attributes_of(asset: LocalAsset, body: Body) -> dict[str, str]:
    """The headers of an object, and our notes in its metadata."""
    digest = asset.digest or body.digest
    notes = {HEADERS: body.headers.digest, "digest": digest, STORED: asset.stored}
    return body.headers.as_http() | {name: note for name, note in notes.items() if note is not None}


def check_unchanged(asset: LocalAsset) -> None:
    """Check that a file has not changed since the build was read.

    Raises:
        UploaderError: The file has changed, or is gone.
    """
    try:
        status = os.stat(asset.path)  # noqa: PTH116 (as above)
    except OSError as error:
        raise unreadable(asset.path, error) from error
    if signature_of(status) != asset.signature:
        raise changed_error(asset.path)


class Room:
    """Memory for bodies, shared by all that are sent at one time."""

    def __init__(self, size: int = BYTES_AT_ONCE) -> None:
        self._size = self._left = size
        self._freed = Condition()

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Wait for room, and hold it. A single body may be larger than the whole room."""
        size = min(size, self._size)
        with self._freed:
            self._freed.wait_for(lambda: self._left >= size)
            self._left -= size
        try:
            yield
        finally:
            with self._freed:
                self._left += size
                self._freed.notify_all()
