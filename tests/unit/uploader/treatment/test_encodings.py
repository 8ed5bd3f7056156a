"""Bodies that the build or the uploader compresses."""

from __future__ import annotations

import gzip

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.treated import headers_for
from uploader.treatment.encodings import compress, ending_of, original_of, saves, stored_coding

DECODERS = {"gzip": gzip.decompress, "br": brotli.decompress}


@pytest.mark.scenario("A5")
@pytest.mark.parametrize("encoding", DECODERS)
@given(body=st.binary(max_size=2000))
def test_a_compressed_body_decodes_to_the_original_and_is_the_same_each_time(encoding: str, body: bytes) -> None:
    packed = compress(body, encoding)
    assert DECODERS[encoding](packed) == body
    assert compress(body, encoding) == packed


def test_the_gzip_header_has_no_time_and_no_operating_system() -> None:
    assert compress(b"a" * 1000, "gzip")[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"


@pytest.mark.parametrize("encoding", DECODERS)
def test_text_becomes_smaller(encoding: str) -> None:
    body = b"export function add(a, b) { return a + b }\n" * 200
    assert saves(len(body), len(compress(body, encoding)))


def test_compression_must_save_more_than_its_header_costs() -> None:
    """Else the whole response would grow: `Content-Encoding: gzip` and its line end are 24 bytes."""
    assert saves(1000, 975)
    assert not saves(1000, 976)
    assert not saves(0, 20)


@pytest.mark.scenario("T13")
@pytest.mark.parametrize(
    ("name", "content_type", "encoding"),
    [
        ("js/app-3f9c2ab1.js.br", "text/javascript; charset=utf-8", "br"),
        ("js/app-3f9c2ab1.js.gz", "text/javascript; charset=utf-8", "gzip"),
        ("app.mjs.zst", "text/javascript; charset=utf-8", "zstd"),
        ("app.css.br", "text/css; charset=utf-8", "br"),
        ("index.html.gz", "text/html; charset=utf-8", "gzip"),
        ("app.js.map.gz", "application/json", "gzip"),
        ("app.wasm.br", "application/wasm", "br"),
        ("font.ttf.gz", "font/ttf", "gzip"),
        ("data.json.br", "application/json", "br"),
        ("APP.JS.GZ", "text/javascript; charset=utf-8", "gzip"),
        ("drawing.svg.gz", "image/svg+xml", "gzip"),
        ("drawing.svgz", "image/svg+xml", "gzip"),
        ("backup.tar.gz", "application/gzip", None),
        ("backup.tgz", "application/gzip", None),
        ("table.csv.gz", "application/gzip", None),
        ("dump.sql.gz", "application/gzip", None),
        ("photo.png.gz", "application/gzip", None),
        ("archive.gz", "application/gzip", None),
        ("data.json.gz", "application/gzip", None),
        ("sitemap.xml.gz", "application/gzip", None),
        ("words.txt.zst", "application/zstd", None),
        ("js/gz", "application/octet-stream", None),
    ],
)
def test_type_and_coding_of_a_file_that_the_build_compressed(
    name: str, content_type: str, encoding: str | None
) -> None:
    headers = headers_for(name, fingerprinted=False)
    assert (headers.content_type, headers.content_encoding) == (content_type, encoding)


@pytest.mark.parametrize(("ending", "coding"), [("json.gz", "gzip"), ("txt.zst", "zstd"), ("csv.gz", None)])
def test_what_may_be_data_is_a_coding_of_the_file_beside_it(ending: str, coding: str | None) -> None:
    """A download stays one, whatever lies beside it."""
    assert stored_coding(ending, beside_original=True) == coding


@pytest.mark.parametrize(
    ("name", "original"),
    [("a/app.js.gz", "a/app.js"), ("APP.JS.BR", "APP.JS"), ("app.js", None), (".gz", None), ("gz", None)],
)
def test_the_original_of_a_compressed_file(name: str, original: str | None) -> None:
    assert original_of(name) == original


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("js/app.min.js", "js"),
        ("js/app.min.JS.Br", "js.br"),
        ("a.b/c", ""),
        (".htaccess", ""),
        ("archive.gz", ".gz"),
        ("dot.", ""),
    ],
)
def test_ending(name: str, ending: str) -> None:
    assert ending_of(name) == ending
