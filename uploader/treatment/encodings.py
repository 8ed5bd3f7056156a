"""Content codings: bodies that are stored compressed, by the build or by us, and served as what they decode to.

S3 serves what is stored, whatever a client says that it accepts. So an object has one body, and every client gets it.
"""

from __future__ import annotations

import struct
import zlib

CODINGS = {"br": "br", "gz": "gzip", "zst": "zstd"}
"""The ending of a compressed file -> its content coding."""

_SERVED_DECODED = frozenset(
    "atom cjs css eot htm html ico js json jsonld map mjs otf rss svg ttf txt wasm webmanifest xhtml xml".split()  # noqa: SIM905
)
"""What a page loads: its compressed form stands for itself. A ``.csv.gz`` or ``.tar.gz`` is a download, to be stored by
the reader as it is; browsers would unpack it and keep the name."""

_GZIP_HEADER = struct.pack("<2sBBLBB", b"\x1f\x8b", zlib.DEFLATED, 0, 0, 2, 255)
"""No name, no time, an unknown system: https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1"""

_BROTLI_QUALITY = 11
"""The best: it is done once, and served many times."""

_HEADER_COST = len("Content-Encoding: gzip\r\n")


def ending_of(name: str) -> str:
    """What a file's type is told by: its ending in lower case, ``js``, or the last two of a compressed file, ``js.br``.

    A name that begins with its only dot has none: ``.htaccess``.
    """
    stem, _, last = name.rpartition("/")[2].lower().rpartition(".")
    if not stem:
        return ""
    return f"{stem.rpartition('.')[2] if '.' in stem else ''}.{last}" if last in CODINGS else last


def stored_coding(ending: str) -> str | None:
    """The coding of a file that the build compressed for browsers: ``app.js.br``, ``drawing.svgz``. See `ending_of`."""
    if ending == "svgz":
        return "gzip"
    inner, _, last = ending.rpartition(".")
    return CODINGS.get(last) if inner in _SERVED_DECODED else None


def decoded_ending(ending: str, coding: str | None) -> str:
    """The ending of what a client gets, once it has decoded a body of this coding."""
    inner, _, last = ending.rpartition(".")
    return inner if coding is not None and CODINGS.get(last) == coding else last


def compress(body: bytes, encoding: str) -> bytes:
    """Compress a body with ``gzip`` or ``br``, as small as they make it.

    The same body gives the same bytes each time; for gzip, with one version of zlib.
    """
    if encoding == "br":
        import brotli  # noqa: PLC0415 (only loaded when a rule asks for it)

        packed: bytes = brotli.compress(body, quality=_BROTLI_QUALITY)
        return packed
    deflate = zlib.compressobj(zlib.Z_BEST_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    # Not the gzip module: which system byte it writes depends on the version of Python.
    trailer = struct.pack("<LL", zlib.crc32(body), len(body) & 0xFFFFFFFF)
    return _GZIP_HEADER + deflate.compress(body) + deflate.flush() + trailer


def saves(size: int, compressed_size: int) -> bool:
    """Whether compression saves more than the header that announces it costs."""
    return compressed_size + _HEADER_COST < size
