"""Read the build manifests in a directory, or the one manifest that the user names."""

from __future__ import annotations

import json
import logging
import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, overload

from uploader.builds.manifests import file_paths, formats, frameworks
from uploader.builds.manifests.entry import BrokenManifestError, NamingScheme
from uploader.builds.manifests.naming import manifest_paths
from uploader.builds.manifests.neighbours import (
    beside_originals,
    left_behind,
    like_their_neighbours,
    with_followers,
)
from uploader.builds.spelling import nfc
from uploader.builds.unreadable import unreadable
from uploader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from uploader.builds.manifests.entry import Manifest, ManifestEntry
    from uploader.builds.manifests.formats import Format

NONE = Path("none")
"""``--manifest none``: read no manifest. A manifest of that name is ``./none``."""

log = logging.getLogger("uploader")


class FromManifests(NamedTuple):
    """What the manifests of a build say of its files.

    Attributes:
        paths: File name -> logical path, for the files that a manifest or framework maps. A file that maps to its own
            name has no fingerprint.
        older: The files that an earlier build left in the directory: a manifest that names each file of the build names
            another one for their logical path.
        maybe_older: The files of which a bundler's manifest makes this likely, as it need not name each file.
    """

    paths: Mapping[str, str]
    older: frozenset[str] = frozenset()
    maybe_older: frozenset[str] = frozenset()


def read_manifests(
    directory: Path,
    names: Collection[str],
    named: Path | None = None,
    *,
    frameworks_too: bool = True,
    skipped: Callable[[str], bool] = lambda _: False,
) -> FromManifests:
    """Read what the build's manifests say of its files.

    A file that only has a manifest's name stops nothing: what we find and do not understand is a plain file.

    Args:
        directory: The build's output.
        names: Every file of the build, relative to the directory, with slashes.
        named: The manifest to read; it may lie outside the directory. None: every manifest in the directory. `NONE`: no
            manifest.
        frameworks_too: Whether to recognise the folders of Next.js, Nuxt, SvelteKit, Astro and VitePress as
            well. These frameworks name every file in them for its content, and write no manifest.
        skipped: Whether a file is not published. Such a manifest is read, but is never a problem.

    Raises:
        UsageError: The manifest that the user names is broken; a manifest is another build's.
    """
    # A manifest may spell a name in another form of Unicode than the file system.
    own = {nfc(name): name for name in names}
    found = _read_all(directory, own, named, frameworks_too=frameworks_too, skipped=skipped)
    return FromManifests(
        {own[name]: logical for name, logical in found.paths.items()},
        frozenset(own[name] for name in found.older),
        frozenset(own[name] for name in found.maybe_older),
    )


def _read_all(
    directory: Path,
    own: Mapping[str, str],
    named: Path | None,
    *,
    frameworks_too: bool,
    skipped: Callable[[str], bool],
) -> FromManifests:
    """What the manifests say; ``own`` is name in NFC -> the file's own name."""
    names = frozenset(own)
    mapped = frameworks.framework_paths(names, directory.resolve().as_posix()) if frameworks_too else {}
    if named == NONE:
        return FromManifests(mapped)
    if named is None:
        found = [
            _found(directory / own[name], directory, name, names, skipped=skipped(own[name]))
            for name in formats.find_manifests(names)
        ]
    else:
        found = [_named(directory, named, names)]
    older, maybe_older = set[str](), set[str]()
    for each in found:
        mapped |= each.paths
        older |= each.older
        maybe_older |= each.maybe_older
    return FromManifests(mapped, frozenset(older - mapped.keys()), frozenset(maybe_older - mapped.keys() - older))


def _found(path: Path, directory: Path, name: str, names: frozenset[str], *, skipped: bool) -> FromManifests:
    """What a file says that may be a manifest by its name."""
    try:
        document = _load(path)
        may_be_else = formats.is_shared(name) or document in ({}, [])
        manifest = _understand(document, formats.formats_of(name, named=False), may_be_else=may_be_else)
        if manifest is None:
            return NOTHING
        files, missing = _files_of(manifest, name, names)
    except BrokenManifestError as error:
        if not skipped:
            log.warning(
                "%r has the name of a build manifest, but %s: it is published as a plain file, and tells nothing "
                "(`--manifest none` reads no manifest, and a rule with `skip` keeps this one back)",
                str(path),
                error,
            )
        return NOTHING
    if missing and not skipped:
        raise _missing(path, directory, missing[0], "or name the right manifest with --manifest; `none` reads none")
    return NOTHING if missing else _read(manifest, files, names)


def _named(directory: Path, path: Path, names: frozenset[str]) -> FromManifests:
    """What the manifest says that the user named."""
    name = _inside(directory, path, names)
    try:
        manifest = _understand(_load(path), formats.formats_of(name, named=True))
        files, missing = _files_of(manifest, name, names)
    except BrokenManifestError as error:
        msg = f"build manifest {str(path)!r} {error}: build again, or name another"
        raise UsageError(msg) from error
    if missing:
        raise _missing(path, directory, missing[0], "or name the right manifest with --manifest")
    return _read(manifest, files, names)


NOTHING = FromManifests({})


def _inside(directory: Path, named: Path, names: Collection[str]) -> str:
    """The manifest's path in the build; if it lies outside, its base name, as if it lay at the top of the build."""
    inside = nfc(os.path.relpath(named.resolve(), directory.resolve()).replace(os.sep, "/"))
    return inside if inside in names else named.name


def _files_of(manifest: Manifest, name: str, names: frozenset[str]) -> tuple[Mapping[str, str], list[ManifestEntry]]:
    """The file that each path in a manifest means, and the entries whose file should be there and is not.

    Raises:
        BrokenManifestError: All its files lie elsewhere.
    """
    # Each host has a public path of its own.
    by_host: defaultdict[str, set[str]] = defaultdict(set)
    for entry in manifest.entries:
        by_host[file_paths.host_of(entry.file)].add(entry.file)
    folder = file_paths.folder_of(name)
    files = {
        path: file for paths in by_host.values() for path, file in file_paths.resolve(paths, folder, names).items()
    }
    hosts = {"", *(file_paths.host_of(file) for file in files)}
    # Many build jobs remove their source maps before they publish, and no page needs them. A file at another address
    # than those of the build is somebody else's: a library on a CDN.
    missing = [
        entry
        for entry in manifest.entries
        if entry.file not in files and not entry.file.endswith(".map") and file_paths.host_of(entry.file) in hosts
    ]
    if manifest.entries and not files and not missing:
        msg = f"names files elsewhere alone, such as {manifest.entries[0].file!r}"
        raise BrokenManifestError(msg)
    return files, missing


def _missing(path: Path, directory: Path, entry: ManifestEntry, remedy: str) -> UsageError:
    return UsageError(
        f"build manifest {str(path)!r} names {entry.file!r} (entry {entry.key!r}), which is not in "
        f"{str(directory)!r}: build again, into an empty directory, {remedy}"
    )


def _read(manifest: Manifest, files: Mapping[str, str], names: frozenset[str]) -> FromManifests:
    entries = [(files[entry.file], entry) for entry in manifest.entries if entry.file in files]
    mapped = manifest_paths(entries, manifest.scheme)
    unnamed = like_their_neighbours({name for name, _ in entries} - mapped.keys())
    followed = with_followers(unnamed | mapped, names)
    older, mapped = left_behind(followed, names), beside_originals(followed, names)
    if manifest.scheme is NamingScheme.DIGEST:
        return FromManifests(mapped, older)
    return FromManifests(mapped, maybe_older=older)


def _load(path: Path) -> object:
    try:
        return json.loads(nfc(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            msg = f"cannot read build manifest {str(path)!r}: {error.strerror}; name the manifest that the build wrote"
            raise UsageError(msg) from error
        raise unreadable(str(path), error) from error
    except (ValueError, RecursionError) as error:
        msg = f"is not JSON ({error})"
        raise BrokenManifestError(msg) from error


@overload
def _understand(document: object, readings: Iterable[Format]) -> Manifest: ...
@overload
def _understand(document: object, readings: Iterable[Format], *, may_be_else: bool) -> Manifest | None: ...
def _understand(document: object, readings: Iterable[Format], *, may_be_else: bool = False) -> Manifest | None:
    """The manifest, by the first format that fits; None if the file may well be something else."""
    manifest = None
    if isinstance(document, dict):
        manifest = next((manifest for read in readings if (manifest := read(document)) is not None), None)
    if manifest is None and not may_be_else:
        msg = "has a format that no build tool writes"
        raise BrokenManifestError(msg)
    return manifest
