"""Where manifests are, and which files their paths and URLs mean. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from uploader.builds.manifests import bundlers, digests
from uploader.builds.manifests.entry import base_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from uploader.builds.manifests.entry import Manifest

    Format = Callable[[Mapping[str, object]], Manifest | None]

_GENERAL = (
    digests.sprockets,
    digests.django,
    digests.phoenix,
    bundlers.esbuild,
    bundlers.vite,
    digests.propshaft,
    bundlers.webpack,
)
_FORMATS: dict[str, tuple[Format, ...]] = {
    ".manifest.json": (digests.propshaft, digests.simple),
    "asset-manifest.json": (bundlers.webpack,),
    "assets-manifest.json": (bundlers.webpack,),
    "cache_manifest.json": (digests.phoenix,),
    "manifest-assets.json": (bundlers.vite,),
    "manifest.json": (bundlers.vite, digests.propshaft, bundlers.webpack),
    "meta.json": (bundlers.esbuild,),
    "metafile.json": (bundlers.esbuild,),
    "mix-manifest.json": (digests.mix,),
    "parcel-manifest.json": (bundlers.webpack,),
    "staticfiles.json": (digests.django,),
}
"""What a file of that name may be."""
_SPROCKETS = re.compile(r"(?:\.sprockets-)?manifest-[0-9a-f]{32,64}\.json")
_SHARED = frozenset({"manifest.json", "meta.json", "metafile.json"})
"""Names that others use too, the manifest of a web app among them."""


def find(names: Iterable[str]) -> list[str]:
    """The files that may be build manifests, by their names; those deeper down, which know their folder best, last."""
    found = (name for name in names if name.endswith(".json") and formats(name, named=False))
    return sorted(found, key=lambda name: (name.count("/"), name))


def formats(name: str, *, named: bool) -> tuple[Format, ...]:
    """What a manifest of that name may be; if the user named it, anything."""
    base = base_name(name)
    own = (digests.sprockets,) if _SPROCKETS.fullmatch(base) else _FORMATS.get(base, ())
    return (*own, *_GENERAL) if named else own


def is_shared(name: str) -> bool:
    """Whether something else than a build manifest may well have that name."""
    return base_name(name) in _SHARED and not name.endswith(".vite/manifest.json")


def folder_of(manifest: str) -> str:
    """The folder that a manifest lies in, with a slash, or empty."""
    folder, slash, _ = manifest.rpartition("/")
    return folder + slash


def resolve(files: Collection[str], folder: str, names: Collection[str]) -> dict[str, str]:
    """The file that each path or URL of a manifest means, for those that are there.

    A URL begins with whatever the files are served under, esbuild's paths with the output folder, and some manifests
    lie in a folder of their own. So the reading is taken that makes most of them files.
    """
    paths = {file: _path(file) for file in files}
    best: dict[str, str] = {}
    for start in _upwards(folder):
        for depth in range(_common_folders(paths.values()) + 1):
            read = {file: start + "/".join(path[depth:]) for file, path in paths.items()}
            found = {file: name for file, name in read.items() if name in names}
            if len(found) > len(best):
                best = found
    return best


def _common_folders(paths: Iterable[tuple[str, ...]]) -> int:
    """How many of the first folders all paths have in common."""
    folders = [path[:-1] for path in paths]
    levels = zip(*folders, strict=False)
    return next((depth for depth, level in enumerate(levels) if len(set(level)) > 1), min(map(len, folders), default=0))


def _upwards(folder: str) -> Iterator[str]:
    """``a/b/``, ``a/`` and the top."""
    yield folder
    while folder:
        above, slash, _ = folder[:-1].rpartition("/")
        folder = above + slash
        yield folder


def _path(file: str) -> tuple[str, ...]:
    if "://" in file or file.startswith("//"):
        file = urlsplit(file).path
    path = unquote(file.partition("?")[0].partition("#")[0])
    return tuple(part for part in path.split("/") if part not in {"", "."})
