"""The content types of assets."""

from __future__ import annotations

import mimetypes

import pytest
from content_types import EXTENSION_TO_CONTENT_TYPE

from tests.treated import headers_for
from uploader.treatment.media_types import _COMMON_TYPES, _OWN_TYPES, is_compressed, media_type

TEXT = "; charset=utf-8"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("app.js", "text/javascript" + TEXT),
        ("app.mjs", "text/javascript" + TEXT),
        ("app.cjs", "text/javascript" + TEXT),
        ("app.css", "text/css" + TEXT),
        ("index.html", "text/html" + TEXT),
        ("old.htm", "text/html" + TEXT),
        ("page.xhtml", "application/xhtml+xml"),
        ("robots.txt", "text/plain" + TEXT),
        ("notes.md", "text/markdown" + TEXT),
        ("table.csv", "text/csv" + TEXT),
        ("captions.vtt", "text/vtt" + TEXT),
        ("event.ics", "text/calendar" + TEXT),
        ("app.js.map", "application/json"),
        ("data.json", "application/json"),
        ("data.jsonld", "application/ld+json"),
        ("places.geojson", "application/geo+json"),
        ("site.webmanifest", "application/manifest+json"),
        ("sitemap.xml", "application/xml"),
        ("feed.atom", "application/atom+xml"),
        ("feed.rss", "application/rss+xml"),
        ("app.wasm", "application/wasm"),
        ("icon.svg", "image/svg+xml"),
        ("photo.avif", "image/avif"),
        ("photo.webp", "image/webp"),
        ("photo.jpg", "image/jpeg"),
        ("photo.jxl", "image/jxl"),
        ("sprite.apng", "image/apng"),
        ("favicon.ico", "image/vnd.microsoft.icon"),
        ("font.woff2", "font/woff2"),
        ("font.woff", "font/woff"),
        ("font.ttf", "font/ttf"),
        ("font.otf", "font/otf"),
        ("font.eot", "application/vnd.ms-fontobject"),
        ("film.mp4", "video/mp4"),
        ("film.webm", "video/webm"),
        ("film.m3u8", "application/vnd.apple.mpegurl"),
        ("film.mpd", "application/dash+xml"),
        ("segment.ts", "video/mp2t"),
        ("segment.m4s", "video/iso.segment"),
        ("sound.mp3", "audio/mpeg"),
        ("sound.oga", "audio/ogg"),
        ("chair.glb", "model/gltf-binary"),
        ("chair.gltf", "model/gltf+json"),
        ("ticket.pkpass", "application/vnd.apple.pkpass"),
        ("tickets.pkpasses", "application/vnd.apple.pkpasses"),
        ("wifi.mobileconfig", "application/x-apple-aspen-config"),
        ("route.kml", "application/vnd.google-earth.kml+xml"),
        ("route.kmz", "application/vnd.google-earth.kmz"),
        ("route.gpx", "application/gpx+xml"),
        ("page.xslt", "application/xslt+xml"),
        ("hand.cur", "image/vnd.microsoft.icon"),
        ("fonts.ttc", "font/collection"),
        ("rows.ndjson", "application/x-ndjson"),
        ("data.ttl", "text/turtle" + TEXT),
        ("ca.crl", "application/pkix-crl"),
        ("app.plist", "application/xml"),
        ("paper.pdf", "application/pdf"),
        ("LOGO.PNG", "image/png"),
        ("backup.tar.gz", "application/gzip"),
        ("LICENSE", "application/octet-stream"),
        ("folder.js/LICENSE", "application/octet-stream"),
        (".htaccess", "application/octet-stream"),
        ("what.unheard-of", "application/octet-stream"),
    ],
)
def test_content_type(name: str, expected: str) -> None:
    assert headers_for(name, fingerprinted=True).content_type == expected


@pytest.mark.scenario("L30")
def test_no_type_is_an_old_type_of_javascript() -> None:
    """`application/ecmascript` turned a CDN's compression off."""
    assert not [
        ending for ending in EXTENSION_TO_CONTENT_TYPE | _OWN_TYPES if "application/javascript" in media_type(ending)
    ]
    assert not [ending for ending in EXTENSION_TO_CONTENT_TYPE | _OWN_TYPES if "ecmascript" in media_type(ending)]


def test_none_of_our_own_types_repeats_the_table() -> None:
    """A type that a new version of `content-types` has can be deleted from ours."""
    assert not [ending for ending, own in _OWN_TYPES.items() if EXTENSION_TO_CONTENT_TYPE.get(ending) == own]


def test_the_machines_own_table_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mimetypes, "_db", None)
    mimetypes.add_type("application/x-of-this-machine", ".js")
    mimetypes.add_type("application/x-of-this-machine", ".unheard-of")
    assert media_type("js") == "text/javascript; charset=utf-8"
    assert media_type("unheard-of") == "application/octet-stream"


@pytest.mark.parametrize(
    "ending",
    [
        "png",
        "jpg",
        "avif",
        "webp",
        "gif",
        "woff",
        "woff2",
        "mp4",
        "webm",
        "mp3",
        "zip",
        "gz",
        "br",
        "zst",
        "pdf",
        "usdz",
        "pkpass",
        "kmz",
        "docx",
    ],
)
def test_types_that_are_compressed_already(ending: str) -> None:
    assert is_compressed(media_type(ending))


@pytest.mark.parametrize(
    "ending",
    [
        "js",
        "css",
        "html",
        "svg",
        "json",
        "map",
        "wasm",
        "ttf",
        "otf",
        "eot",
        "ico",
        "bmp",
        "wav",
        "xml",
        "txt",
        "glb",
        "unheard-of",
    ],
)
def test_types_that_are_not_compressed(ending: str) -> None:
    assert not is_compressed(media_type(ending))


def test_the_common_types_are_as_in_the_table() -> None:
    """We only repeat them to start faster."""
    assert {ending: EXTENSION_TO_CONTENT_TYPE[ending] for ending in _COMMON_TYPES} == _COMMON_TYPES
