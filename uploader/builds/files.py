"""The files of a build, as a collector finds them. The default collector takes every file of the build's directory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from uploader.errors import UploaderError, UsageError


class File(NamedTuple):
    """One file of the build.

    Attributes:
        path: Where it is on this machine.
        name: Its path below the site's prefix, with slashes: ``js/app-3f9c2ab1.js``.
        logical: The same without its fingerprint, ``js/app.js``; equal to the name if it bears none. None: by the looks
            of the name.
        fingerprinted: Whether the name changes when the content does. None: if it is not its own logical path.
    """

    path: str
    name: str
    logical: str | None = None
    fingerprinted: bool | None = None


Collector = Callable[[Path], Iterable[File]]
"""From the build's directory to the files to publish, each once."""


def every_file(directory: Path) -> list[File]:
    """The default collector: every file of a directory, in the order of their names. Links are followed.

    Raises:
        UsageError: The directory is missing, empty, or surely not a build.
        UploaderError: A folder cannot be read, or a link leads back to where it lies.
    """
    check_directory(directory)
    files = sorted(_walk(str(directory)), key=lambda file: file.name)
    if not files:
        msg = f"directory {str(directory)!r} is empty: did the build run, and is this where it writes?"
        raise UsageError(msg)
    return files


def check_directory(directory: Path) -> None:
    """See that a directory can be a build's.

    Raises:
        UsageError: It is missing, or surely none.
    """
    if not directory.exists():
        msg = f"no such directory: {str(directory)!r}; build first, or name the build's output"
        raise UsageError(msg)
    if not directory.is_dir():
        msg = f"{str(directory)!r} is not a directory: name the build's output directory"
        raise UsageError(msg)
    resolved = directory.resolve()
    if resolved in (Path(resolved.anchor), Path.home().resolve()):
        which = "the root" if resolved == Path(resolved.anchor) else "your home"
        msg = f"{str(directory)!r} is {which} directory, not a build"
        raise UsageError(msg)


def _walk(directory: str) -> Iterator[File]:
    def refuse(error: OSError) -> None:
        msg = f"cannot read {error.filename!r}: {error.strerror}; change its permissions or build again"
        raise UploaderError(msg)

    ways: dict[str, frozenset[str]] = {directory: frozenset({os.path.realpath(directory)})}
    for folder, subfolders, names in os.walk(directory, onerror=refuse, followlinks=True):
        way = ways.pop(folder)
        for name in subfolders:
            path = os.path.join(folder, name)  # noqa: PTH118 (os.walk's own form)
            real = os.path.realpath(path)
            if real in way:
                msg = f"{path!r} is a link to a directory that it lies in: remove the link"
                raise UploaderError(msg)
            ways[path] = way | {real}
        below = os.path.relpath(folder, directory).replace(os.sep, "/")
        inside = "" if below == "." else f"{below}/"
        here = os.path.join(folder, "")  # noqa: PTH118 (as above)
        for name in names:
            yield File(here + name, inside + name)
