"""MIME types by a file's ending: the table of `content-types`, with our additions and corrections for the web.

We never use the machine's own table: a build gets the same headers, on whichever machine the uploader runs.
"""

from __future__ import annotations

UNKNOWN = "application/octet-stream"

_OWN_TYPES = {
    # Missing in `content-types`, and registered: https://www.iana.org/assignments/media-types/media-types.xhtml
    "3mf": "model/3mf",
    "apng": "image/apng",
    "atom": "application/atom+xml",
    "avifs": "image/avif",
    "cer": "application/pkix-cert",
    "crl": "application/pkix-crl",
    "cur": "image/vnd.microsoft.icon",
    "dtd": "application/xml-dtd",
    "eot": "application/vnd.ms-fontobject",
    "geojson": "application/geo+json",
    "ics": "text/calendar",
    "jar": "application/java-archive",
    "jp2": "image/jp2",
    "jsonld": "application/ld+json",
    "jxl": "image/jxl",
    "kml": "application/vnd.google-earth.kml+xml",
    "kmz": "application/vnd.google-earth.kmz",
    "ktx": "image/ktx",
    "ktx2": "image/ktx2",
    "m4b": "audio/mp4",
    "m4s": "video/iso.segment",
    "mathml": "application/mathml+xml",
    "mpd": "application/dash+xml",
    "oga": "audio/ogg",
    "owl": "application/rdf+xml",
    "pkpass": "application/vnd.apple.pkpass",
    "reality": "model/vnd.reality",
    "sdp": "application/sdp",
    "smil": "application/smil+xml",
    "svgz": "image/svg+xml",
    "topojson": "application/json",
    "ttc": "font/collection",
    "ttl": "text/turtle",
    "ttml": "application/ttml+xml",
    "usda": "model/vnd.usda",
    "usdz": "model/vnd.usdz+zip",
    "vcard": "text/vcard",
    "wgsl": "text/wgsl",
    "xht": "application/xhtml+xml",
    "xhtml": "application/xhtml+xml",
    "xsd": "application/xml",
    "xslt": "application/xslt+xml",
    "xspf": "application/xspf+xml",
    # Not registered, and used by everybody:
    "appcache": "text/cache-manifest",
    "crt": "application/x-x509-ca-cert",
    "gpx": "application/gpx+xml",
    "har": "application/json",
    "jnlp": "application/x-java-jnlp-file",
    "json5": "application/json5",
    "jsonl": "application/jsonl",
    "lottie": "application/zip+dotlottie",
    "mobi": "application/x-mobipocket-ebook",
    "mobileconfig": "application/x-apple-aspen-config",
    "ndjson": "application/x-ndjson",
    "opml": "text/x-opml",
    "pkpasses": "application/vnd.apple.pkpasses",
    "plist": "application/xml",  # of an app that iOS installs: no browser loads a binary one
    "pmtiles": "application/vnd.pmtiles",
    "rss": "application/rss+xml",
    "torrent": "application/x-bittorrent",
    "xpi": "application/x-xpinstall",
    # A module is JavaScript, in whichever way a page loads it: https://www.rfc-editor.org/rfc/rfc9239
    "cjs": "text/javascript",
    # TypeScript in `content-types`, with a type that is not registered. No browser loads TypeScript, but players load
    # `.ts` segments of videos, for HLS.
    "ts": "video/mp2t",
}

_COMMON_TYPES = {
    "avif": "image/avif",
    "css": "text/css",
    "gif": "image/gif",
    "html": "text/html",
    "ico": "image/vnd.microsoft.icon",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript",
    "json": "application/json",
    "map": "application/json",
    "mjs": "text/javascript",
    "mp4": "video/mp4",
    "otf": "font/otf",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "ttf": "font/ttf",
    "txt": "text/plain",
    "wasm": "application/wasm",
    "webm": "video/webm",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xml": "application/xml",
}
"""The types of most files in a build, as in `content-types`: the import of that table costs more than 2,000 files."""

_COMPRESSED_KINDS = ("audio/", "font/woff", "image/", "video/")
_NOT_COMPRESSED = {
    "audio/wav",
    "image/bmp",
    "image/svg+xml",
    "image/tiff",
    "image/vnd.microsoft.icon",
    "image/x-icon",
}
_COMPRESSED_FILES = {
    "application/gzip",
    "application/java-archive",
    "application/pdf",
    "application/vnd.apple.pkpass",
    "application/vnd.apple.pkpasses",
    "application/vnd.google-earth.kmz",
    "application/vnd.pmtiles",
    "application/x-xpinstall",
    "application/zip+dotlottie",
    "model/3mf",
    "model/vnd.reality",
    "application/vnd.android.package-archive",
    "application/vnd.rar",
    "application/x-7z-compressed",
    "application/x-br",
    "application/x-bzip2",
    "application/x-lzip",
    "application/x-lzma",
    "application/x-xz",
    "application/zip",
    "application/zstd",
}
_ZIPPED_DOCUMENTS = ("application/vnd.oasis.opendocument.", "application/vnd.openxmlformats-officedocument.")


def media_type(ending: str) -> str:
    """The MIME type of a file by its ending (``js``), with a charset for text.

    Text needs a charset because its default is not UTF-8 everywhere. XML (with SVG) and JSON get no charset: an XML
    file declares its own encoding, and a charset would override it
    (https://www.rfc-editor.org/rfc/rfc7303#section-3); JSON is always UTF-8
    (https://www.rfc-editor.org/rfc/rfc8259#section-11).
    """
    found = _OWN_TYPES.get(ending) or _COMMON_TYPES.get(ending) or _in_table(ending)
    return f"{found}; charset=utf-8" if found.startswith("text/") else found


def _in_table(ending: str) -> str:
    from content_types import EXTENSION_TO_CONTENT_TYPE  # noqa: PLC0415 (40 ms: it imports `importlib.metadata`)

    return EXTENSION_TO_CONTENT_TYPE.get(ending, UNKNOWN)


def is_compressed(content_type: str) -> bool:
    """Whether the format of this type is compressed already, so that a second compression only costs time."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _NOT_COMPRESSED:
        return False
    return kind in _COMPRESSED_FILES or kind.endswith("+zip") or kind.startswith(_COMPRESSED_KINDS + _ZIPPED_DOCUMENTS)
