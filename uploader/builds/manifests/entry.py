"""What all manifest formats have in common: entries that name a file, and its plain name without a fingerprint."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple


class NamingScheme(Enum):
    """How a build tool names its files."""

    DIGEST = auto()
    """The tool adds a digest of the content to the plain name, and nothing else."""
    TEMPLATE = auto()
    """The name follows a template of the user's, ``[name].bundle.js``: what it adds may be an ordinary word."""


class ManifestEntry(NamedTuple):
    """One file that a manifest names.

    Attributes:
        key: The entry's key in the manifest, for messages.
        file: The file as the manifest spells it: a path, or a URL.
        plain: The file's base name without its fingerprint; empty if the manifest does not tell.
        source: The path of the source module, which tells two ``index.js`` apart; empty if the manifest does not tell.
    """

    key: str
    file: str
    plain: str = ""
    source: str = ""


class Manifest(NamedTuple):
    """A manifest whose format was recognised."""

    scheme: NamingScheme
    entries: tuple[ManifestEntry, ...]


class BrokenManifestError(Exception):
    """The file is a build manifest, but not in its tool's format. The message follows the manifest's name."""


def base_name(path: str) -> str:
    """``app.js`` of ``static/js/app.js``."""
    return path.rpartition("/")[2]


def text(key: str, value: object) -> str:
    """The value of an entry that must be the path of a file.

    Raises:
        BrokenManifestError: The value is not a text, or is empty.
    """
    if isinstance(value, str) and value:
        return value
    msg = f"has {value!r} in its entry {key!r}, not the path of a file"
    raise BrokenManifestError(msg)


def table(key: str, value: object) -> dict[str, object]:
    """The value of an entry that must be a JSON object.

    Raises:
        BrokenManifestError: The value is not an object.
    """
    if isinstance(value, dict):
        return value
    msg = f"has {value!r} in its entry {key!r}, not an object"
    raise BrokenManifestError(msg)
