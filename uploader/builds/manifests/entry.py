"""What all formats have in common: a file, and what it would be called without its fingerprint."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple


class Says(Enum):
    """What a manifest knows about the names of its files."""

    DIGEST = auto()
    """The tool puts a digest of the content into the name, and nothing else."""
    TEMPLATE = auto()
    """The name comes from a template of the user's, ``[name].bundle.js``: what is in it may be a plain word."""


class Entry(NamedTuple):
    """One file that a manifest names.

    Attributes:
        key: The manifest's own name for it, for messages.
        file: The file as the manifest spells it: a path, or a URL.
        plain: Its base name without a fingerprint; empty if the manifest does not tell.
        source: The path of the module it was made from, which tells two ``index.js`` apart; empty if it does not tell.
    """

    key: str
    file: str
    plain: str = ""
    source: str = ""


class Manifest(NamedTuple):
    """A manifest that was understood."""

    says: Says
    entries: tuple[Entry, ...]


class BrokenManifestError(Exception):
    """It is a build manifest, and not as its tool writes it. The message goes on after the manifest's name."""


def base_name(path: str) -> str:
    """``app.js`` of ``static/js/app.js``."""
    return path.rpartition("/")[2]


def text(key: str, value: object) -> str:
    """A value that must be a file's path.

    Raises:
        BrokenManifestError: It is none.
    """
    if isinstance(value, str) and value:
        return value
    msg = f"names no file in its entry {key!r} (but {value!r})"
    raise BrokenManifestError(msg)


def table(key: str, value: object) -> dict[str, object]:
    """A value that must be an object.

    Raises:
        BrokenManifestError: It is none.
    """
    if isinstance(value, dict):
        return value
    msg = f"has no object in its entry {key!r} (but {value!r})"
    raise BrokenManifestError(msg)
