"""Collect the assets of a build: every file of its directory."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from release_log.errors import LayoutError
from release_log.fingerprints import split
from release_log.layout import Layout, check_key
from uploader.errors import UploaderError, UsageError
from uploader.headers import Headers, headers_for

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class LocalAsset:
    """One file of the build.

    Attributes:
        path: The file.
        key: Its key in the bucket, prefix included.
        logical: Its logical path, prefix included.
        size: Bytes.
        digest: SHA-256 of its content, hexadecimal.
        fingerprinted: Whether its name bears a fingerprint.
        headers: What it is stored with.
        signature: What `os.stat` said when it was read; another one later means that it changed.
    """

    path: Path
    key: str
    logical: str
    size: int
    digest: str
    fingerprinted: bool
    headers: Headers
    signature: tuple[int, int, int]


def collect(directory: Path, prefix: str, pattern: re.Pattern[str] | None = None) -> list[LocalAsset]:
    """Read the build.

    Args:
        directory: The build's output.
        prefix: The site's prefix.
        pattern: A user's own fingerprint pattern, compiled; without it the usual ones are recognised.

    Returns:
        The assets in the order of their keys.

    Raises:
        UsageError: The directory is missing, empty, or surely not a build.
        UploaderError: A file cannot be read, or two files cannot be told apart.
    """
    _check_directory(directory)
    layout = Layout(prefix)
    files = sorted(_walk(directory))
    if not files:
        msg = f"directory {str(directory)!r} is empty: did the build run, and is this where it writes?"
        raise UsageError(msg)
    names = {relative: split(relative, pattern) for relative, _ in files}
    # How many files lay claim to a path: by being named so, or by being so without their fingerprint.
    claims = Counter(path for relative, name in names.items() for path in {relative, name.logical})
    assets = []
    for relative, path in files:
        key = _key(layout, relative, path)
        name = names[relative]
        # Two chunks of one build may share a name (two `index.js`). Neither is the other's next version, so each stands
        # for itself: superseding one must not retire the other.
        logical = relative if claims[name.logical] > 1 else name.logical
        fingerprinted = name.fingerprint is not None
        digest, signature = _read(path)
        headers = headers_for(relative, fingerprinted=fingerprinted)
        assets.append(LocalAsset(path, key, prefix + logical, signature[0], digest, fingerprinted, headers, signature))
    _refuse_doubles(assets)
    return assets


def signature_of(status: os.stat_result) -> tuple[int, int, int]:
    """Size, time of the last change and inode: a file that keeps all three did not change."""
    return (status.st_size, status.st_mtime_ns, status.st_ino)


def _check_directory(directory: Path) -> None:
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


def _walk(directory: Path) -> Iterator[tuple[str, Path]]:
    """Every file below a directory: its path from there with slashes, and where it is.

    Links are followed, loops refused.
    """

    def refuse(error: OSError) -> None:
        msg = f"cannot read {error.filename!r}: {error.strerror}; change its permissions or build again"
        raise UploaderError(msg)

    ways: dict[str, frozenset[str]] = {str(directory): frozenset({os.path.realpath(directory)})}
    for folder, subfolders, files in os.walk(directory, onerror=refuse, followlinks=True):
        way = ways.pop(folder)
        for name in subfolders:
            path = os.path.join(folder, name)  # noqa: PTH118 (os.walk's own form)
            real = os.path.realpath(path)
            if real in way:
                msg = f"{path!r} is a link to a directory that it lies in: remove the link"
                raise UploaderError(msg)
            ways[path] = way | {real}
        for name in files:
            path = os.path.join(folder, name)  # noqa: PTH118
            yield os.path.relpath(path, directory).replace(os.sep, "/"), Path(path)


def _key(layout: Layout, relative: str, path: Path) -> str:
    key = layout.prefix + relative
    try:
        check_key(key)
    except LayoutError as error:
        msg = f"{str(path)!r}: {error}; rename the file"
        raise UploaderError(msg) from error
    if not layout.owns(key):
        msg = f"{str(path)!r} would lie in the release log ({layout.log}): rename the folder '.releases' of the build"
        raise UploaderError(msg)
    return key


def _read(path: Path) -> tuple[str, tuple[int, int, int]]:
    """The digest of a file's content and its signature."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            msg = f"{str(path)!r} is not a regular file: remove it from the build"
            raise UploaderError(msg)
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            after = os.fstat(file.fileno())
    except OSError as error:
        msg = f"cannot read {str(path)!r}: {error.strerror}; change its permissions or build again"
        raise UploaderError(msg) from error
    if signature_of(before) != signature_of(after):
        raise changed(path)
    return digest, signature_of(after)


def changed(path: Path) -> UploaderError:
    """The error for a file that is not what it was when the build was read."""
    return UploaderError(
        f"{str(path)!r} changed while it was being uploaded: let the build end first, then upload again"
    )


def _refuse_doubles(assets: list[LocalAsset]) -> None:
    """Refuse two files with one key, names that only differ in their Unicode form included: browsers mix those up."""
    seen: dict[str, LocalAsset] = {}
    for asset in assets:
        other = seen.setdefault(unicodedata.normalize("NFC", asset.key), asset)
        if other is not asset:
            msg = (
                f"two files with one key {asset.key!r}: {str(other.path)!r} and {str(asset.path)!r}; rename one of them"
            )
            raise UploaderError(msg)
