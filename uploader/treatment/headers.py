"""The headers with which an asset is stored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

IMMUTABLE = "public, max-age=31536000, immutable"
"""For a key whose content never changes: browsers and CDNs keep the content for a year without asking again."""

NO_CACHE = "no-cache"
"""For a key whose content may change: browsers and CDNs keep the content, but ask each time if it is still valid."""


STORED = "stored-page"
"""The name in a page's metadata that holds its `release_log.marker.Asset.stored`."""

BOOKKEEPING = frozenset({"digest", "headers", "writer", STORED})
"""The names in an object's metadata that hold the uploader's own notes."""

STORAGE_CLASSES = (
    None,
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
    "REDUCED_REDUNDANCY",
)
"""The class in which an asset was stored is part of its headers' digest; lifecycle rules may have changed it since."""


@dataclass(frozen=True, slots=True)
class Headers:
    """An object's headers.

    Attributes:
        content_type: The MIME type, with its charset if it has one.
        cache_control: See `IMMUTABLE` and `NO_CACHE`.
        content_encoding: The compression of the stored body.
        content_disposition: Whether browsers show or save the file, and its name then.
        content_language: Language of the intended audience.
        storage_class: S3's storage class; None for STANDARD.
        metadata: The user's own metadata, sorted by name.
        digest: 12 hexadecimal digits that change with any header: ``headers`` in the marker.
    """

    content_type: str
    cache_control: str
    content_encoding: str | None = None
    content_disposition: str | None = None
    content_language: str | None = None
    storage_class: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    digest: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compute the digest once: many files of a build share one `Headers`."""
        object.__setattr__(self, "digest", digest_of(self.as_http()))

    def as_http(self) -> dict[str, str]:
        """The attributes for obstore: header name -> value, and metadata name -> value without a prefix."""
        named = {
            "Content-Type": self.content_type,
            "Cache-Control": self.cache_control,
            "Content-Encoding": self.content_encoding,
            "Content-Disposition": self.content_disposition,
            "Content-Language": self.content_language,
            "Storage-Class": self.storage_class,
        }
        return {name: value for name, value in named.items() if value is not None} | dict(self.metadata)

    def match(self, http: Mapping[str, str]) -> bool:
        """Whether these headers are the headers and metadata of an object.

        obstore does not tell an object's storage class. Our own note in the metadata does, if the object has one.
        """
        real = {name: value for name, value in http.items() if name not in BOOKKEEPING}
        wanted = {name: value for name, value in self.as_http().items() if name != "Storage-Class"}
        return real == wanted and http.get("headers", self.digest) == self.digest


def digest_of(http: Mapping[str, str]) -> str:
    """The digest of an object's headers and metadata (name -> value), as in `Headers.digest`."""
    text = "\n".join(f"{name}: {value}" for name, value in sorted(http.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def may_have(http: Mapping[str, str], digest: str) -> bool:
    """Whether an object's headers and metadata can have a digest, whatever its storage class."""
    headers = {name: value for name, value in http.items() if name not in BOOKKEEPING}
    return any(
        digest_of({**headers, **({"Storage-Class": each} if each else {})}) == digest for each in STORAGE_CLASSES
    )
