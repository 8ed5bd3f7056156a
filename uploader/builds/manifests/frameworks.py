"""Frameworks that write no manifest, but keep all files that are named for their content in one folder. Pure.

Next.js, Nuxt, SvelteKit, Astro and VitePress promise browsers that nothing in this folder ever changes. A name there is
often nothing but a fingerprint, and the fingerprint may look like a word (``chunks/DclECHGd.js``). So we look at all
names in the folder together.
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
_BUILD_ID = re.compile(
    r"(?=.*[A-Z].*[A-Z])[0-9A-Za-z_-]{21}"
)  # Next.js' own ids; a user's own id may be a word that never changes

_VITE = re.compile(r"(?:^|[-.])([0-9A-Za-z_-]{8})\.[a-z0-9.]+$")
_TURBOPACK = re.compile(r"(?:^|[-.])([0-9a-z_~-]{13})\.[a-z0-9.]+$")
_NUXT_BUILDS, _UUID = "/_nuxt/builds/meta/", re.compile(r"/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json$")
_VITEPRESS = re.compile(r"(?:^|\.)([0-9A-Za-z_-]{8})\.[a-z0-9.]+$")  # people put files of their own there, with hyphens
_HASHES, _VITEPRESS_APP = "hashmap.json", re.compile(r"app\.[0-9A-Za-z_-]{8}\.js")
_VITE_FOLDER = re.compile(r".*/_(?:app/immutable/(?:.+/)?|nuxt/|astro/)")  # SvelteKit, Nuxt, Astro


def framework_paths(names: Collection[str], above: str = "") -> dict[str, str]:
    """File name -> logical path, for the files in the folders of these frameworks.

    Args:
        names: The files of the build.
        above: The path of the build's directory, which may be such a folder itself.
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
    for site in [folder for folder, inside in folders.items() if f"{folder}/{_HASHES}".lstrip("/") in inside]:
        found |= _in_vitepress(f"{site}/".lstrip("/"), folders)
    return found


def _in_next(build: str, folders: Mapping[str, list[str]]) -> dict[str, str]:
    """Next.js' ``static``: one folder is named for the build; in the folders beside it, files are named for content."""
    root, slash, build_id = build.rpartition("/")
    top = root + slash
    found = _in_folder(_TURBOPACK, _below(folders, f"{top}chunks/", f"{top}css/", f"{top}media/"))
    if _BUILD_ID.fullmatch(build_id) or looks_random(build_id):
        found |= {name: f"{top}*{name[len(build) :]}" for name in _below(folders, f"{build}/")}
    return found


def _in_vitepress(top: str, folders: Mapping[str, list[str]]) -> dict[str, str]:
    """VitePress' ``assets``, beside the ``hashmap.json`` that names each page's."""
    assets = f"{top}assets/"
    if not any(_VITEPRESS_APP.fullmatch(name.removeprefix(assets)) for name in folders.get(assets[:-1], ())):
        return {}
    found: dict[str, str] = {}
    for folder in (assets, f"{assets}chunks/"):
        found |= _in_folder(_VITEPRESS, folders.get(folder[:-1], ()))
    return found


def _below(folders: Mapping[str, list[str]], *tops: str) -> list[str]:
    return [name for folder, names in folders.items() if f"{folder}/".startswith(tops) for name in names]


def _in_folder(pattern: re.Pattern[str], names: Iterable[str]) -> dict[str, str]:
    """The logical paths, if the framework named the files: each name has a token, and one token at least looks random.

    Empty if the user chose other names: then the looks of each single name decide.
    """
    found, random = {}, False
    for name in names:
        folder, slash, base = name.rpartition("/")
        match = pattern.search(base)
        if match:
            # If the fingerprint is the whole name, a star takes its place.
            before = base[: match.start(1) - 1] if match.start(1) else "*"
            found[name] = f"{folder}{slash}{before}{base[match.end(1) :]}"
            random = random or looks_random(match[1])
        elif not split(name).fingerprint:
            return {}
    return found if random else {}
