"""The headers that each asset is stored with."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import PurePosixPath

IMMUTABLE = "public, max-age=31536000, immutable"
"""For a key whose content never changes: browsers and CDNs keep it for a year and do not ask again."""

NO_CACHE = "no-cache"
"""For a key whose content may change: kept, but asked for again each time."""

_WEB_TYPES = {
    ".avif": "image/avif",
    ".br": "application/octet-stream",
    ".cjs": "text/javascript",
    ".css": "text/css",
    ".csv": "text/csv",
    ".eot": "application/vnd.ms-fontobject",
    ".gif": "image/gif",
    ".gz": "application/gzip",
    ".htm": "text/html",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".ogg": "audio/ogg",
    ".otf": "font/otf",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
    ".zst": "application/zstd",
}
"""What a web build makes, the same on every machine and Python."""

# Python's own table, without the files of the machine it runs on.
_OTHER_TYPES = mimetypes.MimeTypes(filenames=()).types_map[1]


@dataclass(frozen=True, slots=True)
class Headers:
    """An object's headers."""

    content_type: str
    cache_control: str

    def as_http(self) -> dict[str, str]:
        """Header name -> value."""
        return {"Content-Type": self.content_type, "Cache-Control": self.cache_control}

    def digest(self) -> str:
        """12 hexadecimal digits that change when a header does: the marker's ``headers``."""
        text = "\n".join(f"{name}: {value}" for name, value in sorted(self.as_http().items()))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def headers_for(path: str, *, fingerprinted: bool) -> Headers:
    """The headers of a file of the build, by its name."""
    return Headers(content_type(path), IMMUTABLE if fingerprinted else NO_CACHE)


def content_type(path: str) -> str:
    """The MIME type of a file name, with a charset for text."""
    suffix = PurePosixPath(path).suffix.lower()
    found = _WEB_TYPES.get(suffix) or _OTHER_TYPES.get(suffix) or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") else found
