"""The files of a build, as a collector finds them. The default collector takes every file in the build's directory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from uploader.builds.unreadable import unreadable
from uploader.errors import UploaderError, UsageError


class File(NamedTuple):
    """One file of the build.

    Attributes:
        path: The file's path on this machine.
        name: The file's path below the site's prefix, with slashes: ``js/app-3f9c2ab1.js``.
        logical: The name without its fingerprint, ``js/app.js``; equal to a name that has no fingerprint. None: find
            the fingerprint by the looks of the name.
        fingerprinted: Whether the name changes whenever the content changes. None: true if the name and the logical
            path differ.
    """

    path: str
    name: str
    logical: str | None = None
    fingerprinted: bool | None = None


class FoundFile(NamedTuple):
    """A file that the default collector found: as a `File`, without a path of its own, which would be 6 MB of 50,000.

    Attributes:
        folder: The build's directory, with a slash at its end.
        name: As in `File`; what follows, too.
    """

    folder: str
    name: str
    logical: str | None = None
    fingerprinted: bool | None = None

    @property
    def path(self) -> str:
        """The file's path on this machine."""
        return self.folder + self.name


AnyFile = File | FoundFile

_ANY = 9 * "\0"
"""A name that no file has, so that a glob that matches it matches every name."""

Collector = Callable[[Path], Iterable[File]]
"""A function that takes the build's directory and returns the files to publish, each file once."""


class Walked(NamedTuple):
    """Every file of a directory.

    Attributes:
        files: The files, in the order of their names.
        links: Path of each link below the directory -> the path to which it leads.
        unseen: A name in each folder that was not looked into, as the user's rules leave out whatever it holds.
    """

    files: list[AnyFile]
    links: dict[str, str]
    unseen: tuple[str, ...] = ()


def every_file(directory: Path) -> list[File]:
    """The default collector: every file in a directory, in the order of the names. It follows links; see `walk`."""
    return [File(each.path, each.name) for each in walk(directory).files]


def walk(directory: Path, skipped: Callable[[str], bool] = lambda _name: False) -> Walked:
    """Find every file in a directory, and every link. Links are followed.

    Args:
        directory: The build's directory.
        skipped: Whether the user's rules leave out the file of this name.

    Raises:
        UsageError: The directory is missing, empty, or certainly not a build.
        UploaderError: A folder cannot be read, or a link leads to a folder that contains the link, and no rule skips
            all files in it.
    """
    check_directory(directory)
    links: dict[str, str] = {}
    unseen: list[str] = []
    files = sorted(_walk(str(directory), links, skipped, unseen), key=attrgetter("name"))
    if not files:
        msg = f"directory {str(directory)!r} is empty: did the build run, and does it write into this directory?"
        raise UsageError(msg)
    return Walked(files, links, tuple(unseen))


def check_directory(directory: Path) -> None:
    """Check that a directory can be the output of a build.

    Raises:
        UsageError: The directory is missing, or certainly not a build.
    """
    if not directory.exists():
        msg = f"no such directory: {str(directory)!r}; build first, or name the build's output"
        raise UsageError(msg)
    if not directory.is_dir():
        msg = f"{str(directory)!r} is not a directory: name the build's output directory"
        raise UsageError(msg)
    resolved = directory.resolve()
    home = Path(os.path.expanduser("~")).resolve()  # noqa: PTH111 (`Path.home` fails for a user without one)
    if resolved in (Path(resolved.anchor), home):
        which = "the root" if resolved == Path(resolved.anchor) else "your home"
        msg = f"{str(directory)!r} is {which} directory, not a build"
        raise UsageError(msg)


def _walk(
    directory: str, links: dict[str, str], skipped: Callable[[str], bool], unseen: list[str]
) -> Iterator[AnyFile]:
    real = os.path.realpath(directory)
    top = os.path.join(directory, "")  # noqa: PTH118 (a text to begin with)
    folders = [(directory, "", frozenset({real}))]
    while folders:
        folder, inside, above = folders.pop()
        try:
            with os.scandir(folder) as entries:
                found = list(entries)
        except OSError as error:
            if inside and _is_skipped(inside, skipped):
                unseen.append(f"{inside}{_ANY}")
                continue
            raise unreadable(folder, error) from error
        for entry in found:
            name = inside + entry.name
            if entry.is_file(follow_symlinks=False):  # nearly every one: asked first, it is asked nothing else
                yield FoundFile(top, name)
                continue
            if entry.is_symlink():
                links[name] = os.path.realpath(entry.path)
            if not _is_folder(entry):
                yield FoundFile(top, name)
                continue
            real = os.path.realpath(entry.path)
            if real not in above:
                folders.append((entry.path, f"{name}/", above | {real}))
            elif _is_skipped(f"{name}/", skipped):
                unseen.append(f"{name}/{_ANY}")
            else:
                msg = (
                    f"{entry.path!r} is a link to a directory that contains the link: remove the link, "
                    "or skip it with a rule"
                )
                raise UploaderError(msg)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself: reading the file says so
        return False


def _is_skipped(folder: str, skipped: Callable[[str], bool]) -> bool:
    """Whether a rule skips whatever a folder holds: a file in it, and one in a folder of it."""
    return skipped(f"{folder}{_ANY}") and skipped(f"{folder}{_ANY}/{_ANY}")
