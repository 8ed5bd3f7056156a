"""The line about a file or folder of the build that the operating system does not give us, with a remedy that fits."""

from __future__ import annotations

import errno
import os

from uploader.errors import UploaderError

_SKIP = "or skip it with a rule"
_PERMISSIONS = f"change its permissions, {_SKIP}"
_GONE = "let the build finish first, then upload again"
_LIMIT = "raise the limit (ulimit -n), or lower --concurrency"

_REMEDIES = {
    errno.EACCES: _PERMISSIONS,
    errno.EPERM: _PERMISSIONS,
    errno.EMFILE: _LIMIT,
    errno.ENFILE: _LIMIT,
    errno.ENOENT: _GONE,
    errno.ENOTDIR: _GONE,
    errno.EISDIR: "name a file in it",
    errno.ELOOP: f"it is a link that leads to itself: remove the link, {_SKIP}",
    errno.ENAMETOOLONG: "move the build to a shorter path",
    errno.EIO: "check the disk, then build again",
    errno.ESTALE: "check the network file system, then run again",
}
"""The number of an error -> what to do."""


def unreadable(path: str, error: OSError) -> UploaderError:
    """The error for a file or folder that cannot be read.

    Args:
        path: The path on this machine.
        error: What the operating system said.
    """
    if error.errno == errno.ENOENT and os.path.islink(path):  # noqa: PTH114 (only after an error)
        to = os.readlink(path)  # noqa: PTH115 (as above)
        return UploaderError(f"{path!r} is a link to {to!r}, which does not exist: remove the link, {_SKIP}")
    remedy = _REMEDIES.get(error.errno or 0, "build again")
    return UploaderError(f"cannot read {path!r} ({error.strerror}): {remedy}")
