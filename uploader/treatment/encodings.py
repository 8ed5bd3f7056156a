"""Content codings: the build or the uploader compresses a body, and the client decodes it.

S3 serves an object's one body to every client, whatever the client accepts.
"""

from __future__ import annotations

import struct
import zlib

CODINGS = {"br": "br", "gz": "gzip", "zst": "zstd"}
"""The ending of a compressed file -> its content coding."""

_SERVED_DECODED = frozenset(
    "atom cjs css eot htm html ico js json jsonld map mjs otf rss svg ttf txt wasm webmanifest xhtml xml".split()  # noqa: SIM905
)
"""The endings of files that a page loads: a browser shall decode their compressed form. A ``.csv.gz`` or ``.tar.gz`` is
a download, which a browser shall save as it is; with a content coding, it would unpack the file but keep the name."""

_MAY_BE_DATA = frozenset("atom json jsonld rss txt xml".split())  # noqa: SIM905
_DATA_CODINGS = frozenset({"gz", "zst"})
"""People publish data so too: ``data.json.gz`` is a file by itself, unless ``data.json`` lies beside it."""

_GZIP_HEADER = struct.pack("<2sBBLBB", b"\x1f\x8b", zlib.DEFLATED, 0, 0, 2, 255)
"""No file name, no time, operating system unknown: https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1"""

_BROTLI_QUALITY = 11
"""The highest: we compress a file once, and S3 serves it many times."""

_HEADER_COST = len("Content-Encoding: gzip\r\n")


def ending_of(name: str) -> str:
    """The ending of a file name, in lower case: ``js``, or both endings of a compressed file, ``js.br``.

    It is empty for a name whose only dot comes first: ``.htaccess``.
    """
    stem, _, last = name.rpartition("/")[2].lower().rpartition(".")
    if not stem:
        return ""
    return f"{stem.rpartition('.')[2] if '.' in stem else ''}.{last}" if last in CODINGS else last


def original_of(name: str) -> str | None:
    """The name that a compressed file's original has: ``app.js`` for ``app.js.br``; None for any other file."""
    original, _, last = name.rpartition(".")
    return original if original and last.lower() in CODINGS else None


def stored_coding(ending: str, *, beside_original: bool = False) -> str | None:
    """The content coding of a file that the build compressed for browsers: ``app.js.br``, ``drawing.svgz``; else None.

    Args:
        ending: See `ending_of`.
        beside_original: Whether the build has the uncompressed file too.
    """
    if ending == "svgz":
        return "gzip"
    inner, _, last = ending.rpartition(".")
    if inner in _MAY_BE_DATA and last in _DATA_CODINGS and not beside_original:
        return None
    return CODINGS.get(last) if inner in _SERVED_DECODED else None


def decoded_ending(ending: str, coding: str | None) -> str:
    """The ending of a file after a client has decoded this content coding: ``js`` for ``js.br``."""
    inner, _, last = ending.rpartition(".")
    return inner if coding is not None and CODINGS.get(last) == coding else last


def compress(body: bytes, encoding: str) -> bytes:
    """Compress a body with ``gzip`` or ``br``, at the highest level.

    The same body gives the same bytes each time; for gzip, with the same version of zlib.
    """
    if encoding == "br":
        import brotli  # noqa: PLC0415 (native code, loaded only when a rule asks for Brotli)

        packed: bytes = brotli.compress(body, quality=_BROTLI_QUALITY)
        return packed
    deflate = zlib.compressobj(zlib.Z_BEST_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    # Not Python's gzip module: the operating system that it writes depends on the version of Python.
    trailer = struct.pack("<LL", zlib.crc32(body), len(body) & 0xFFFFFFFF)
    return _GZIP_HEADER + deflate.compress(body) + deflate.flush() + trailer


def saves(size: int, compressed_size: int) -> bool:
    """Whether compression saves more bytes than its ``Content-Encoding`` header adds."""
    return compressed_size + _HEADER_COST < size
