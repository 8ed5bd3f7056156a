"""The content of a build's files: its digest, and whether a file changed since we read the build."""

from __future__ import annotations

import hashlib
import os
import stat

from uploader.errors import UploaderError


def signature_of(status: os.stat_result) -> int:
    """A number for a file's size, modification time and inode: while it stays the same, the file did not change."""
    return hash((status.st_size, status.st_mtime_ns, status.st_ino))


def changed_error(path: str) -> UploaderError:
    """The error for a file that changed after we read the build."""
    return UploaderError(f"{path!r} changed while it was being uploaded: let the build finish first, then upload again")


def file_status(path: str) -> os.stat_result:
    """The file's status from the operating system.

    Raises:
        UploaderError: We cannot read the file, or it is not a regular file.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 (a `Path` for each of 100,000 files costs more than the call)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        msg = f"{path!r} is not a regular file: remove it from the build"
        raise UploaderError(msg)
    return status


def digest_and_status(path: str) -> tuple[str, os.stat_result]:
    """The SHA-256 of a file's content, hexadecimal, and the status that belongs to this content.

    Raises:
        UploaderError: We cannot read the file, it is not a regular file, or it changed meanwhile.
    """
    before = file_status(path)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (as above)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            after = os.fstat(file.fileno())
    except OSError as error:
        raise _unreadable(path, error) from error
    if signature_of(before) != signature_of(after):
        raise changed_error(path)
    return digest, after


def _unreadable(path: str, error: OSError) -> UploaderError:
    return UploaderError(f"cannot read {path!r}: {error.strerror}; change its permissions or build again")
