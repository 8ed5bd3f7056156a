"""Manifests of tools that put a digest into the name of a file that already has one: Rails, Django, Phoenix.

Their key is the logical path, so what the file's name has more is the digest, however it looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.builds.manifests.entry import Entry, Manifest, Says, base_name, table, text

if TYPE_CHECKING:
    from collections.abc import Mapping


def sprockets(document: Mapping[str, object]) -> Manifest | None:
    """``{"files": {...}, "assets": {"app.js": "app-<sha256>.js"}}``.

    ``files`` also lists what earlier builds left behind, and it may be gone: only ``assets`` is this build.
    """
    return _mapping(document["assets"], "assets") if {"assets", "files"} <= document.keys() else None


def propshaft(document: Mapping[str, object]) -> Manifest | None:
    """``{"app.js": {"digested_path": "app-1b2c3d4e.js", "integrity": ...}}``."""
    if not any(isinstance(value, dict) and "digested_path" in value for value in document.values()):
        return None
    files = {key: table(key, value).get("digested_path") for key, value in document.items()}
    return _mapping(files, "")


def simple(document: Mapping[str, object]) -> Manifest | None:
    """``{"app.js": "app-1b2c3d4e.js"}``: what Propshaft wrote before it knew of integrity."""
    return _mapping(document, "") if any(isinstance(value, str) for value in document.values()) else None


def django(document: Mapping[str, object]) -> Manifest | None:
    """``{"paths": {"app.js": "app.27e20196a850.js"}, "version": "1.1", "hash": ...}``."""
    return _mapping(document["paths"], "paths") if {"paths", "version"} <= document.keys() else None


def phoenix(document: Mapping[str, object]) -> Manifest | None:
    """``{"version": 1, "latest": {"app.js": "app-<md5>.js"}, "digests": {...}}``.

    ``digests`` also lists what earlier builds left behind.
    """
    return _mapping(document["latest"], "latest") if {"latest", "digests"} <= document.keys() else None


def mix(document: Mapping[str, object]) -> Manifest | None:
    """``{"/js/app.js": "/js/app.js?id=68fb"}``: Laravel Mix puts the digest into the query."""
    return simple(document)


def _mapping(files: object, where: str) -> Manifest:
    entries = table(where, files).items()
    return Manifest(Says.DIGEST, tuple(Entry(key, text(key, file), base_name(key)) for key, file in entries))
