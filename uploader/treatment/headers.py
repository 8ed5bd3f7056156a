"""The headers that each asset is stored with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

IMMUTABLE = "public, max-age=31536000, immutable"
"""For a key whose content never changes: browsers and CDNs keep it for a year and do not ask again."""

NO_CACHE = "no-cache"
"""For a key whose content may change: kept, but asked for again each time."""


BOOKKEEPING = frozenset({"digest", "headers", "writer"})
"""What the uploader stores in an object's metadata for itself."""


@dataclass(frozen=True, slots=True)
class Headers:
    """An object's headers.

    Attributes:
        content_type: With its charset, if it has one.
        cache_control: See `IMMUTABLE` and `NO_CACHE`.
        content_encoding: How the stored body is compressed.
        content_disposition: Whether it is shown or saved, and under which name.
        content_language: Of whom it is for.
        storage_class: S3's; None for its standard.
        metadata: The user's own, sorted.
        digest: 12 hexadecimal digits that change when a header does: the marker's ``headers``.
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
        """Compute the digest: a build has many files, and few headers that differ."""
        object.__setattr__(self, "digest", digest_of(self.as_http()))

    def as_http(self) -> dict[str, str]:
        """The attributes that obstore takes: header name -> value, and the metadata by its bare names."""
        named = {
            "Content-Type": self.content_type,
            "Cache-Control": self.cache_control,
            "Content-Encoding": self.content_encoding,
            "Content-Disposition": self.content_disposition,
            "Content-Language": self.content_language,
            "Storage-Class": self.storage_class,
        }
        return {name: value for name, value in named.items() if value is not None} | dict(self.metadata)

    def are_those_of(self, http: Mapping[str, str]) -> bool:
        """Whether an object has them, by its headers and metadata.

        obstore does not say which storage class it has; our own note does, if it is there.
        """
        real = {name: value for name, value in http.items() if name not in BOOKKEEPING}
        wanted = {name: value for name, value in self.as_http().items() if name != "Storage-Class"}
        return real == wanted and http.get("headers", self.digest) == self.digest


def digest_of(http: Mapping[str, str]) -> str:
    """The same of headers and metadata as they are: header name -> value."""
    text = "\n".join(f"{name}: {value}" for name, value in sorted(http.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
