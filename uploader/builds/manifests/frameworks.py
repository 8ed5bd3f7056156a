"""Frameworks that write no manifest, but keep all that is named for its content in a folder of its own. Pure.

Next.js, Nuxt, SvelteKit and Astro promise browsers that nothing in that folder ever changes. The names there are often
nothing but a fingerprint, which by its looks may be a word (``chunks/DclECHGd.js``). Its neighbours tell.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from release_log.fingerprints import split
from uploader.builds.manifests.tokens import looks_random

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_BUILD_MANIFEST = "/_buildManifest.js"
_BUILD_ID = re.compile(r"(?=.*[A-Z].*[A-Z])[0-9A-Za-z_-]{21}")  # Next.js' own; a user's may be a word that stays

_VITE = re.compile(r"(?:^|[-.])([0-9A-Za-z_-]{8})\.[a-z0-9.]+$")
_TURBOPACK = re.compile(r"(?:^|[-.])([0-9a-z_~-]{13})\.[a-z0-9.]+$")
_NUXT_BUILDS, _UUID = "/_nuxt/builds/meta/", re.compile(r"/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json$")
_VITE_FOLDER = re.compile(r".*/_(?:app/immutable/(?:.+/)?|nuxt/|astro/)")  # SvelteKit, Nuxt, Astro


def logical_names(names: Collection[str], above: str = "") -> dict[str, str]:
    """File -> logical path, for the files in such folders.

    Args:
        names: The files of the build.
        above: The path of its directory, which may be such a folder itself.
    """
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        folders[name.rpartition("/")[0]].append(name)
    found: dict[str, str] = {}
    for folder, inside in folders.items():
        path = f"/{above}/{folder}/".replace("//", "/")
        if _VITE_FOLDER.fullmatch(path):
            found |= _in_folder(_VITE, inside)
        elif path.endswith(_NUXT_BUILDS):
            found |= {name: f"{folder}/*.json" for name in inside if _UUID.search(name)}
    for build in [folder for folder in folders if f"{folder}{_BUILD_MANIFEST}" in folders[folder]]:
        found |= _in_next(build, folders)
    return found


def _in_next(build: str, folders: Mapping[str, list[str]]) -> dict[str, str]:
    """Next.js' ``static``: a folder that is named for the build, beside those of files named for their content."""
    root, slash, build_id = build.rpartition("/")
    top = root + slash
    found = _in_folder(_TURBOPACK, _below(folders, f"{top}chunks/", f"{top}css/", f"{top}media/"))
    if _BUILD_ID.fullmatch(build_id) or looks_random(build_id):
        found |= {name: f"{top}*{name[len(build) :]}" for name in _below(folders, f"{build}/")}
    return found


def _below(folders: Mapping[str, list[str]], *tops: str) -> list[str]:
    return [name for folder, names in folders.items() if f"{folder}/".startswith(tops) for name in names]


def _in_folder(pattern: re.Pattern[str], names: Iterable[str]) -> dict[str, str]:
    """Logical paths, if the folder is as the framework makes it: each name bears a token, and some look random.

    If the user named the files otherwise, the looks of each have to do.
    """
    found, random = {}, False
    for name in names:
        folder, slash, base = name.rpartition("/")
        match = pattern.search(base)
        if match:
            # What has no other name gets a star in place of its fingerprint.
            before = base[: match.start(1) - 1] if match.start(1) else "*"
            found[name] = f"{folder}{slash}{before}{base[match.end(1) :]}"
            random = random or looks_random(match[1])
        elif not split(name).fingerprint:
            return {}
    return found if random else {}
