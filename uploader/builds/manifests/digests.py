"""Manifests of tools that add a digest to the name of an existing file: Rails, Django, Phoenix, Laravel Mix.

The key of an entry is the logical path, so whatever the file's name adds to it is the digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.builds.manifests.entry import Manifest, ManifestEntry, NamingScheme, base_name, table, text

if TYPE_CHECKING:
    from collections.abc import Mapping


def sprockets(document: Mapping[str, object]) -> Manifest | None:
    """``{"files": {...}, "assets": {"app.js": "app-<sha256>.js"}}``.

    ``files`` also lists the files of earlier builds, which may be deleted by now: only ``assets`` is this build.
    """
    return _mapping(document["assets"], "assets") if {"assets", "files"} <= document.keys() else None


def propshaft(document: Mapping[str, object]) -> Manifest | None:
    """``{"app.js": {"digested_path": "app-1b2c3d4e.js", "integrity": ...}}``."""
    if not any(isinstance(value, dict) and "digested_path" in value for value in document.values()):
        return None
    files = {key: table(key, value).get("digested_path") for key, value in document.items()}
    return _mapping(files, "")


def simple(document: Mapping[str, object]) -> Manifest | None:
    """``{"app.js": "app-1b2c3d4e.js"}``: the format of older versions of Propshaft, without integrity."""
    return _mapping(document, "") if any(isinstance(value, str) for value in document.values()) else None


def django(document: Mapping[str, object]) -> Manifest | None:
    """``{"paths": {"app.js": "app.27e20196a850.js"}, "version": "1.1", "hash": ...}``."""
    return _mapping(document["paths"], "paths") if {"paths", "version"} <= document.keys() else None


def phoenix(document: Mapping[str, object]) -> Manifest | None:
    """``{"version": 1, "latest": {"app.js": "app-<md5>.js"}, "digests": {...}}``.

    ``digests`` also lists the files of earlier builds.
    """
    return _mapping(document["latest"], "latest") if {"latest", "digests"} <= document.keys() else None


def mix(document: Mapping[str, object]) -> Manifest | None:
    """``{"/js/app.js": "/js/app.js?id=68fb"}``: Laravel Mix puts the digest into the query string."""
    return simple(document)


def _mapping(files: object, where: str) -> Manifest:
    entries = table(where, files).items()
    return Manifest(
        NamingScheme.DIGEST, tuple(ManifestEntry(key, text(key, file), base_name(key)) for key, file in entries)
    )
