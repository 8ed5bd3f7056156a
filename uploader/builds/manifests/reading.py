"""Read the build manifests in a directory, or the one manifest that the user names."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from uploader.builds.manifests import file_paths, formats, frameworks
from uploader.builds.manifests.entry import BrokenManifestError
from uploader.builds.manifests.naming import manifest_paths
from uploader.builds.manifests.neighbours import beside_originals, like_their_neighbours, with_followers
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
    mapped = frameworks.framework_paths(names, directory.resolve().as_posix()) if frameworks_too else {}
    if named is None:
        for name in formats.find_manifests(names):
            mapped |= _read(directory, directory / name, name, names, found=True)
    else:
        mapped |= _read(directory, named, _inside(directory, named, names), names, found=False)
    return mapped


def _inside(directory: Path, named: Path, names: Collection[str]) -> str:
    """The manifest's path in the build; if it lies outside, its base name, as if it lay at the top of the build."""
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
    files = file_paths.resolve({entry.file for entry in manifest.entries}, file_paths.folder_of(name), names)
    for entry in manifest.entries:
        # Many build jobs remove their source maps before they publish, and no page needs them.
        if entry.file not in files and not entry.file.endswith(".map"):
            msg = (
                f"build manifest {str(path)!r} names {entry.file!r} (entry {entry.key!r}), which is not in "
                f"{str(directory)!r}: build again, into an empty directory, or name the right manifest with --manifest"
            )
            raise UsageError(msg)
    entries = [(files[entry.file], entry) for entry in manifest.entries if entry.file in files]
    mapped = manifest_paths(entries, manifest.scheme)
    unnamed = like_their_neighbours({name for name, _ in entries} - mapped.keys())
    return beside_originals(with_followers(unnamed | mapped, names), names)


def _load(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        msg = f"cannot read build manifest {str(path)!r}: {error.strerror}; name the manifest that the build wrote"
        raise UsageError(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"is not JSON ({error})"
        raise BrokenManifestError(msg) from error


def _understand(document: object, name: str, *, found: bool) -> Manifest | None:
    """The manifest; None if we found the file by its name, and it is empty or may well be something else."""
    manifest = None
    if isinstance(document, dict):
        readings = (read(document) for read in formats.formats_of(name, named=not found))
        manifest = next((reading for reading in readings if reading is not None), None)
    if manifest is None and not (found and (formats.is_shared(name) or document in ({}, []))):
        msg = "has a format that no build tool writes"
        raise BrokenManifestError(msg)
    return manifest
