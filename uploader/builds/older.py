"""The files that earlier builds left in the directory: Rails compiles into one folder again and again.

A manifest that names every file of its build says which are not of it: they are not part of the release. A collector
says itself which files are published; if it gives a logical path to one file, others that seem to have it are named.
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

    from uploader.builds.files import File

log = logging.getLogger("uploader")


def without_older(files: list[File], older: Collection[str]) -> list[File]:
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


def warn_of_older(files: list[File], pattern: re.Pattern[str] | None) -> None:
    """Say in one line which files of a user's collector seem to have a logical path that it gives to another.

    Args:
        files: The files.
        pattern: The user's fingerprint pattern; None: the usual fingerprints.
    """
    given = Counter(file.logical for file in files if file.logical not in {None, file.name})
    once = {path for path, count in given.items() if count == 1}
    seen = [(file.name, split(file.name, pattern)) for file in files if file.logical is None and once]
    older = [name for name, parts in seen if parts.fingerprint is not None and parts.logical in once]
    if older:
        log.warning(
            "%s, such as %r, may be of earlier builds: the collector gives another file their logical path; if so, let "
            "it leave them out, or they stay current",
            counted(len(older), "file"),
            older[0],
        )
