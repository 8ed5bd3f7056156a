"""Which files may be build manifests, and in which formats. To add a build tool, add it to `_FORMATS`. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from uploader.builds.manifests import bundlers, digests
from uploader.builds.manifests.entry import base_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from uploader.builds.manifests.entry import Manifest

    Format = Callable[[Mapping[str, object]], Manifest | None]

_ANY_NAME = (
    digests.sprockets,
    digests.django,
    digests.phoenix,
    bundlers.esbuild,
    bundlers.vite,
    digests.propshaft,
    bundlers.webpack,
)
"""The formats of a manifest that the user names: its file may have any name."""
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
"""File name -> the formats that a manifest of this name may have."""
_SPROCKETS = re.compile(r"(?:\.sprockets-)?manifest-[0-9a-f]{32,64}\.json")
_SHARED = frozenset({"manifest.json", "meta.json", "metafile.json"})
"""Names that other files have too: for example, the manifest of a web app."""


def find_manifests(names: Iterable[str]) -> list[str]:
    """The files that may be build manifests, by their names. Deeper ones come last: they know their folder best."""
    found = (name for name in names if name.endswith(".json") and formats_of(name, named=False))
    return sorted(found, key=lambda name: (name.count("/"), name))


def formats_of(name: str, *, named: bool) -> tuple[Format, ...]:
    """The formats that a manifest of this name may have; if the user named the manifest, all formats."""
    base = base_name(name)
    own = (digests.sprockets,) if _SPROCKETS.fullmatch(base) else _FORMATS.get(base, ())
    return (*own, *_ANY_NAME) if named else own


def is_shared(name: str) -> bool:
    """Whether a file that is not a build manifest may well have this name."""
    return base_name(name) in _SHARED and not name.endswith(".vite/manifest.json")
