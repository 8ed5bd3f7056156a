"""The files that earlier builds left in the directory: Rails compiles into one folder again and again.

A manifest that names every file of its build says which are not of it: they are not part of the release. A bundler's
manifest need not name each, and a collector says itself which files are published: if one gives a logical path to a
file, others that seem to have it are named, and published.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from release_log.fingerprints import split
from uploader.counted import counted

if TYPE_CHECKING:
    import re
    from collections.abc import Collection

    from uploader.builds.files import AnyFile

log = logging.getLogger("uploader")


def without_older(files: list[AnyFile], older: Collection[str]) -> list[AnyFile]:
    """The files of this build; says in one line what is left out.

    Args:
        files: The files.
        older: The names of those that earlier builds left behind.
    """
    left_out = [file.name for file in files if file.name in older]
    if not left_out:
        return files
    log.warning(
        "%s of earlier builds left out, such as %r: the build manifest names another one for the same logical path",
        counted(len(left_out), "file"),
        left_out[0],
    )
    return [file for file in files if file.name not in older]


def warn_of_maybe_older(files: list[AnyFile], maybe_older: Collection[str]) -> None:
    """Say in one line which files a bundler's manifest does not name, though it gives another their logical path.

    Args:
        files: The files.
        maybe_older: The names of these.
    """
    _warn(
        [file.name for file in files if file.name in maybe_older],
        "build manifest names another one for the same logical path; if so, let the bundler empty its folder "
        "(Vite's emptyOutDir, webpack's output.clean)",
    )


def warn_of_older(files: list[AnyFile], pattern: re.Pattern[str] | None) -> None:
    """Say in one line which files of a user's collector seem to have a logical path that it gives to another.

    Args:
        files: The files.
        pattern: The user's fingerprint pattern; None: the usual fingerprints.
    """
    given = Counter(file.logical for file in files if file.logical not in {None, file.name})
    once = {path for path, count in given.items() if count == 1}
    seen = [(file.name, split(file.name, pattern)) for file in files if file.logical is None and once]
    _warn(
        [name for name, parts in seen if parts.fingerprint is not None and parts.logical in once],
        "collector gives another file their logical path; if so, let it leave them out",
    )


def _warn(older: list[str], why: str) -> None:
    if older:
        shown = counted(len(older), "file")
        log.warning("%s, such as %r, may be of earlier builds: the %s, or they stay current", shown, older[0], why)
