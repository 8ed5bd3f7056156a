"""Read the build manifests of a directory, or the one that the user named."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from uploader.builds.manifests import formats, frameworks
from uploader.builds.manifests.entry import BrokenManifestError
from uploader.builds.manifests.naming import logical_names
from uploader.builds.manifests.neighbours import alike, beside_originals, with_followers
from uploader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from uploader.builds.manifests.entry import Manifest


def read_manifests(
    directory: Path, names: Collection[str], named: Path | None = None, *, frameworks_too: bool = True
) -> Mapping[str, str]:
    """Read the logical paths that the build's manifests give to its files.

    Args:
        directory: The build's output.
        names: Every file of the build, relative to the directory, with slashes.
        named: The manifest to read; it may lie outside the directory. None: every manifest in the directory.
        frameworks_too: Whether to recognise the folders of Next.js, Nuxt, SvelteKit and Astro as well. These
            frameworks name every file in them for its content, and write no manifest.

    Returns:
        File name -> logical path, for the files that a manifest or framework maps. A file that maps to its own name has
        no fingerprint.

    Raises:
        UsageError: A manifest is broken, or names a missing file.
    """
    names = frozenset(names)
    mapped = frameworks.logical_names(names, directory.resolve().as_posix()) if frameworks_too else {}
    if named is None:
        for name in formats.find(names):
            mapped |= _read(directory, directory / name, name, names, found=True)
    else:
        mapped |= _read(directory, named, _inside(directory, named, names), names, found=False)
    return mapped


def _inside(directory: Path, named: Path, names: Collection[str]) -> str:
    """The manifest's own name in the build; outside of it, as if it lay on top."""
    inside = os.path.relpath(named.resolve(), directory.resolve()).replace(os.sep, "/")
    return inside if inside in names else named.name


def _read(directory: Path, path: Path, name: str, names: frozenset[str], *, found: bool) -> dict[str, str]:
    try:
        manifest = _understand(_load(path), name, found=found)
    except BrokenManifestError as error:
        msg = f"build manifest {str(path)!r} {error}: build again, or {'remove it' if found else 'name another'}"
        raise UsageError(msg) from error
    if manifest is None:
        return {}
    files = formats.resolve({entry.file for entry in manifest.entries}, formats.folder_of(name), names)
    for entry in manifest.entries:
        # Many a build job removes its source maps before it publishes, and no page needs them.
        if entry.file not in files and not entry.file.endswith(".map"):
            msg = (
                f"build manifest {str(path)!r} names {entry.file!r} (entry {entry.key!r}), which is not in "
                f"{str(directory)!r}: build again, into an empty directory, or name the right manifest with --manifest"
            )
            raise UsageError(msg)
    entries = [(files[entry.file], entry) for entry in manifest.entries if entry.file in files]
    mapped = logical_names(entries, manifest.says)
    unnamed = alike({name for name, _ in entries} - mapped.keys())
    return beside_originals(with_followers(unnamed | mapped, names), names)


def _load(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        msg = f"cannot read build manifest {str(path)!r}: {error.strerror}; name the one that the build wrote"
        raise UsageError(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"is not JSON ({error})"
        raise BrokenManifestError(msg) from error


def _understand(document: object, name: str, *, found: bool) -> Manifest | None:
    """The manifest; None if nothing says that it is one."""
    manifest = None
    if isinstance(document, dict):
        readings = (read(document) for read in formats.formats(name, named=not found))
        manifest = next((reading for reading in readings if reading is not None), None)
    if manifest is None and not (found and (formats.is_shared(name) or document in ({}, []))):
        msg = "is not as a build tool writes it"
        raise BrokenManifestError(msg)
    return manifest
