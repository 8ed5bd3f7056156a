"""Which file of the build each path or URL of a manifest means. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator


def folder_of(manifest: str) -> str:
    """The folder of a manifest, with a slash at its end; empty at the top of the build."""
    folder, slash, _ = manifest.rpartition("/")
    return folder + slash


def resolve(files: Collection[str], folder: str, names: Collection[str]) -> dict[str, str]:
    """The file that each path or URL of a manifest means; without the paths and URLs of missing files.

    URLs begin with the address that serves the files, esbuild's paths begin with the output folder, and some manifests
    lie in a folder of their own. So we try each base folder, without each number of leading folders, and take the
    reading that finds most files.

    Args:
        files: The paths and URLs, as the manifest spells them.
        folder: The folder of the manifest, see `folder_of`.
        names: Every file of the build.
    """
    paths = {file: _path(file) for file in files}
    best: dict[str, str] = {}
    for start in _upwards(folder):
        for depth in range(_common_folders(paths.values()) + 1):
            read = {file: start + "/".join(path[depth:]) for file, path in paths.items()}
            found = {file: name for file, name in read.items() if name in names}
            if len(found) > len(best):
                best = found
    return best


def _common_folders(paths: Iterable[tuple[str, ...]]) -> int:
    """How many leading folders all paths have in common."""
    folders = [path[:-1] for path in paths]
    levels = zip(*folders, strict=False)
    return next((depth for depth, level in enumerate(levels) if len(set(level)) > 1), min(map(len, folders), default=0))


def _upwards(folder: str) -> Iterator[str]:
    """The folder and each folder above it: ``a/b/``, ``a/`` and the top."""
    yield folder
    while folder:
        above, slash, _ = folder[:-1].rpartition("/")
        folder = above + slash
        yield folder


def host_of(file: str) -> str:
    """The host of a URL, ``cdn.example.com``; empty for a path."""
    return urlsplit(file).netloc if "://" in file or file.startswith("//") else ""


def _path(file: str) -> tuple[str, ...]:
    """The folders and the base name of a path or URL."""
    if "://" in file or file.startswith("//"):
        file = urlsplit(file).path
    path = unquote(file.partition("?")[0].partition("#")[0])
    return tuple(part for part in path.split("/") if part not in {"", "."})
