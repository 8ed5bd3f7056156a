"""From a build's file names to logical paths: a manifest's path has priority over the looks of a name. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from release_log.fingerprints import split
from uploader.builds.siblings import names_by_siblings

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping

    from uploader.builds.files import AnyFile


LogicalPath = tuple[str, bool]
"""A logical path below the site's prefix, and whether the file's name has a fingerprint. A plain tuple, for speed."""


def with_manifest_paths(files: list[AnyFile], from_manifests: Mapping[str, str]) -> list[AnyFile]:
    """The files with the logical paths that the manifests give them; a collector's own logical path stays.

    Args:
        files: The files of the build.
        from_manifests: File name -> logical path.
    """
    if not from_manifests:
        return files
    return [
        file._replace(logical=from_manifests[file.name])
        if file.logical is None and file.name in from_manifests
        else file
        for file in files
    ]


def logical_paths(files: list[AnyFile], pattern: re.Pattern[str] | None) -> list[LogicalPath]:
    """The logical path of each file, in the order of the files. No two files share one.

    Args:
        files: The files of the build.
        pattern: The user's fingerprint pattern; None: the usual fingerprints.
    """
    paths = paths_of((file.name for file in files if file.logical is None), pattern)
    claimed = [_claimed_path(file, paths) for file in files]
    contested, settled = _contested(files, [path for path, _ in claimed])
    if not contested:
        return claimed

    def keeps_claim(file: AnyFile, path: str) -> bool:
        return path not in contested or (file.logical is not None and path in settled)

    return [
        (path if keeps_claim(file, path) else file.name, fingerprinted)
        for file, (path, fingerprinted) in zip(files, claimed, strict=True)
    ]


def _contested(files: list[AnyFile], paths: list[str]) -> tuple[set[str], set[str]]:
    """The logical paths that more than one file claims, and those among them that a manifest gives to a single file.

    Two chunks of one build may share a name (two ``index.js``). Neither replaces the other, so each is its own logical
    path: when one of them is superseded, the other must not retire. A manifest's path has priority over a path that
    only follows from the looks of a name: the manifest knows which of these files an earlier build left behind.
    """
    # A file claims its logical path, and its own name.
    claims = paths + [file.name for file, path in zip(files, paths, strict=True) if file.name != path]
    if len(set(claims)) == len(claims):
        return set(), set()
    contested = {path for path, count in Counter(claims).items() if count > 1}
    times_given = Counter(file.logical for file in files if file.logical in contested)
    given_once = {path for path in contested if times_given[path] == 1}
    return contested, given_once.difference(file.name for file in files)


def paths_of(names: Iterable[str], pattern: re.Pattern[str] | None) -> dict[str, LogicalPath]:
    """The logical paths of the names that no manifest and no collector explains.

    Args:
        names: Every such file of the build: a name that is in doubt is judged by those beside it.
        pattern: As in `logical_paths`.
    """
    paths: dict[str, LogicalPath] = {}
    for name in names:
        logical, fingerprint = split(name, pattern)
        paths[name] = logical, fingerprint is not None  # the fingerprints themselves would be 7 MB of 50,000 names
    if pattern is None:
        paths |= {name: (found.logical, True) for name, (found, _) in names_by_siblings(paths).items()}
    return paths


def _claimed_path(file: AnyFile, paths: Mapping[str, LogicalPath]) -> LogicalPath:
    found = paths[file.name] if file.logical is None else (file.logical, file.logical != file.name)
    return found if file.fingerprinted is None else (found[0], file.fingerprinted)
