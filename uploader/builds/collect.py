"""Collect the assets of a build: what each of its files is in the bucket."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING

from release_log.errors import LayoutError
from release_log.fingerprints import split
from release_log.layout import Layout, check_key, is_plain
from uploader.builds.asset import LocalAsset
from uploader.builds.files import changed, every_file, signature_of
from uploader.builds.manifests import read_manifests
from uploader.errors import UploaderError, UsageError
from uploader.treatment.rules import NO_RULES, Rules, Treatment

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from uploader.builds.files import Collector, File


def collect(  # noqa: PLR0913 (what a user may say of a build)
    directory: Path,
    prefix: str,
    *,
    pattern: re.Pattern[str] | None = None,
    collector: Collector = every_file,
    rules: Rules = NO_RULES,
    manifest: Path | None = None,
    named: Callable[[list[str]], None] | None = None,
) -> list[LocalAsset]:
    """Look at the build.

    Args:
        directory: The build's output.
        prefix: The site's prefix.
        pattern: A user's own fingerprint pattern, compiled; without it the usual ones are recognised.
        collector: Finds the files.
        rules: Say which of them are published, and how they are stored.
        named: Called with the keys of all files, as soon as they are known.
        manifest: A build manifest; None: those that are found in the directory, unless a user's collector knows better.

    Returns:
        The assets in the order of their keys.

    Raises:
        UsageError: The directory is missing, empty, or surely not a build; a manifest is broken; every file is skipped.
        UploaderError: A file cannot be read, or two files cannot be told apart.
    """
    layout = Layout(prefix)
    files = sorted(collector(directory), key=attrgetter("name"))
    keys = [layout.prefix + file.name for file in files]
    if named is not None:
        named(keys)
    if manifest is not None or collector is every_file:
        said = read_manifests(directory, [file.name for file in files], manifest, by_looks=pattern is None)
        files = [_as_said(file, said) for file in files] if said else files
    assets = []
    for file, key, (logical, fingerprinted) in zip(files, keys, _names(files, pattern), strict=True):
        treatment = rules.treat(file.name, fingerprinted=fingerprinted)
        if treatment is not None:
            if not is_plain(key):
                _check_key(layout, file, key)
            assets.append(_asset(file.path, key, layout.prefix + logical, treatment, fingerprinted=fingerprinted))
    if not assets:
        msg = f"every file of {str(directory)!r} is skipped by a rule: a release needs one asset at least"
        raise UsageError(msg)
    _refuse_doubles(assets)
    return assets


def _as_said(file: File, said: Mapping[str, str]) -> File:
    return file if file.logical is not None or file.name not in said else file._replace(logical=said[file.name])


def _names(files: list[File], pattern: re.Pattern[str] | None) -> list[tuple[str, bool]]:
    """For each file its logical path below the prefix, and whether its name bears a fingerprint."""
    found = [_name(file, pattern) for file in files]
    contested, settled = _contested(files, [logical for logical, _ in found])
    if not contested:
        return found

    def its_own(file: File, logical: str) -> bool:
        return logical not in contested or (file.logical is not None and logical in settled)

    return [
        (logical if its_own(file, logical) else file.name, fingerprinted)
        for file, (logical, fingerprinted) in zip(files, found, strict=True)
    ]


def _contested(files: list[File], logicals: list[str]) -> tuple[set[str], set[str]]:
    """The paths that more than one file lays claim to, and those of them that a manifest gives to one.

    Two chunks of one build may share a name (two ``index.js``). Neither is the other's next version, so each stands for
    itself: superseding one must not retire the other. What a manifest says goes before what only looks so: it knows
    which of them earlier builds left behind.
    """
    # A file lays claim to a path by being named so, or by being so without its fingerprint.
    claims = logicals + [file.name for file, logical in zip(files, logicals, strict=True) if file.name != logical]
    if len(set(claims)) == len(claims):
        return set(), set()
    contested = {path for path, count in Counter(claims).items() if count > 1}
    said = Counter(file.logical for file in files if file.logical in contested)
    given = {path for path in contested if said[path] == 1}
    return contested, given.difference(file.name for file in files)


def _name(file: File, pattern: re.Pattern[str] | None) -> tuple[str, bool]:
    if file.logical is None:
        name = split(file.name, pattern)
        logical, fingerprinted = name.logical, name.fingerprint is not None
    else:
        logical, fingerprinted = file.logical, file.logical != file.name
    return logical, fingerprinted if file.fingerprinted is None else file.fingerprinted


def _asset(path: str, key: str, logical: str, treatment: Treatment, *, fingerprinted: bool) -> LocalAsset:
    digest, status = (None, _look(path)) if fingerprinted else _read(path)
    return LocalAsset(path, key, logical, status.st_size, fingerprinted, digest, treatment, signature_of(status))


def _check_key(layout: Layout, file: File, key: str) -> None:
    """Refuse what no asset may be called."""
    try:
        check_key(key)
    except LayoutError as error:
        msg = f"{file.path!r}: {error}; rename the file"
        raise UploaderError(msg) from error
    if not layout.owns(key):
        msg = f"{file.path!r} would lie in the release log ({layout.log}): rename the folder '.releases' of the build"
        raise UploaderError(msg)


def _look(path: str) -> os.stat_result:
    """What the system says of a file."""
    try:
        status = os.stat(path)  # noqa: PTH116 (a `Path` for each of 100,000 files costs more than the look)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        msg = f"{path!r} is not a regular file: remove it from the build"
        raise UploaderError(msg)
    return status


def _read(path: str) -> tuple[str, os.stat_result]:
    """The digest of a file's content, and what the system says of it."""
    before = _look(path)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (as above)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            after = os.fstat(file.fileno())
    except OSError as error:
        raise _unreadable(path, error) from error
    if signature_of(before) != signature_of(after):
        raise changed(path)
    return digest, after


def _unreadable(path: str, error: OSError) -> UploaderError:
    return UploaderError(f"cannot read {path!r}: {error.strerror}; change its permissions or build again")


def _refuse_doubles(assets: list[LocalAsset]) -> None:
    """Refuse two files with one key, names that only differ in their Unicode form included: browsers mix those up."""
    seen: dict[str, LocalAsset] = {}
    for asset in assets:
        name = asset.key if asset.key.isascii() else unicodedata.normalize("NFC", asset.key)
        other = seen.setdefault(name, asset)
        if other is not asset:
            msg = f"two files with one key {asset.key!r}: {other.path!r} and {asset.path!r}; rename one of them"
            raise UploaderError(msg)
