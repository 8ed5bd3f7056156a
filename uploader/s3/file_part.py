"""A part of a file, read while it is sent."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from threading import Event

    from uploader.s3.bandwidth import Bandwidth


class FilePart(io.RawIOBase):
    """A part of a file, as a file object.

    Reading fails once the upload has ended, or if the file has become shorter: S3 would wait for the rest. Under a
    limit a read waits for its turn, and gives less than what is asked for.
    """

    def __init__(self, file: BinaryIO, start: int, size: int, stop: Event, bandwidth: Bandwidth | None = None) -> None:
        super().__init__()
        self._file, self._start, self._size, self._stop = file, start, size, stop
        self._bandwidth = bandwidth
        self._at = 0

    def __len__(self) -> int:
        """The part's size."""
        return self._size

    def readable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def seekable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def tell(self) -> int:
        """See `io.RawIOBase`."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """See `io.RawIOBase`."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """See `io.RawIOBase`.

        Raises:
            OSError: The upload has ended, or the file has become shorter.
            UploaderError: The upload ended while this waited for its turn.
        """
        if self._stop.is_set():
            msg = "the upload has ended"
            raise OSError(msg)
        left = self._size - self._at
        wanted = left if size is None or size < 0 else min(size, left)
        if self._bandwidth is not None:
            wanted = wanted if size is None or size < 0 else min(wanted, self._bandwidth.piece)
            self._bandwidth.take(wanted, self._stop)
        self._file.seek(self._start + self._at)
        data = self._file.read(wanted)
        if len(data) != wanted:
            msg = "the file has become shorter"
            raise OSError(msg)
        self._at += wanted
        return data
