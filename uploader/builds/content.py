"""The content of a build's files: its digest, and whether a file changed since we read the build."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time

from uploader.builds.parts import check_size
from uploader.builds.unreadable import unreadable
from uploader.errors import UploaderError

SETTLED_SECONDS = 2
"""After so long, a further change of a file has another ctime: the coarsest clock of file systems ticks this slowly."""

_SHORT = 2**60 - 1
"""Up to here, Python's numbers take a third less memory."""

_FOR_ALL = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
_EFFECTIVE = os.access in os.supports_effective_ids


def signature_of(status: os.stat_result) -> int:
    """A number for a file's size, modification time and inode: while it stays the same, the file did not change."""
    return hash((status.st_size, status.st_mtime_ns, status.st_ino)) & _SHORT


def identity_of(status: os.stat_result) -> int:
    """A number for a file on this machine's disk: while it stays the same, so do the content and the file itself.

    Nobody can set the time of an inode's last change (ctime). 0: it changed a moment ago, so it could change again
    within the same tick of the file system's clock.
    """
    if time.time() - status.st_ctime < SETTLED_SECONDS:
        return 0
    return hash((status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev))


def stamp_of(identity: int, etag: str) -> str:
    """A note that a file on this machine's disk has this ETag in the bucket. Only who knows the file can write it."""
    return hashlib.blake2b(f"{identity} {etag}".encode(), digest_size=8).hexdigest()


def md5_of(path: str) -> str:
    """The MD5 of a file's content: S3's ETag of the object, if it was sent in one request and is not under KMS.

    Raises:
        UploaderError: We cannot read the file.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (as above)
            return hashlib.md5(file.read(), usedforsecurity=False).hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error


def md5_of_parts(path: str, part: int) -> str:
    """S3's ETag of a file that was sent in parts of so many bytes.

    Raises:
        UploaderError: We cannot read the file.
    """
    digests = []
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (as above)
            while piece := file.read(part):
                digests.append(hashlib.md5(piece, usedforsecurity=False).digest())
    except OSError as error:
        raise unreadable(path, error) from error
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"


def changed_error(path: str) -> UploaderError:
    """The error for a file that changed after we read the build."""
    return UploaderError(f"{path!r} changed while it was being uploaded: let the build finish first, then upload again")


def file_status(path: str) -> os.stat_result:
    """The file's status from the operating system.

    Raises:
        UploaderError: We cannot read the file, it is not a regular file, or it is too large for S3.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 (a `Path` for each of 100,000 files costs more than the call)
    except OSError as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        msg = f"{path!r} is not a regular file: remove it from the build, or skip it with a rule"
        raise UploaderError(msg)
    # Most files are readable for everybody; we ask about the others: a fingerprinted file is not opened now.
    if status.st_mode & _FOR_ALL != _FOR_ALL and not os.access(path, os.R_OK, effective_ids=_EFFECTIVE):
        raise unreadable(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    check_size(path, status.st_size)
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
        raise unreadable(path, error) from error
    if signature_of(before) != signature_of(after):
        raise changed_error(path)
    return digest, after
