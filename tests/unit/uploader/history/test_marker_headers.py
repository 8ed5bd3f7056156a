"""What an earlier marker says of objects: the same in pieces of any size as of the whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from release_log import marker_fields
from release_log.errors import MarkerError
from release_log.marker import FORMAT, Asset, Release, encode
from uploader.columns import places_of
from uploader.history.marker_headers import MarkerHeaders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MD5, STAMP, STORED = "0123456789abcdef" * 2, "fedcba9876543210", "a1" * 32
ASSETS = {
    "s/app.js": Asset("s/app-3f9c2ab1.js", 10, True, None, "h1", MD5, STAMP),
    "s/bare.js": Asset("s/bare-3f9c2ab1.js", 0, True),
    "s/page.html": Asset("s/page.html", 7, False, f"sha256:{'0' * 64}", "h2", f"{MD5}-2", None, STORED),
    'odd {"},x': Asset('s/}{"\\odd', 3, True, None, "h1", "not an md5", "another tool's"),
}
SIZES = (1, 2, 3, 7, 64, 1000, 10**6)


def body_of(assets: Mapping[str, Asset]) -> bytes:
    writer = {"name": "t", "version": "1"}
    return encode(Release("r", "beta", datetime(2026, 11, 23, tzinfo=UTC), "s/", writer, assets, format=FORMAT))


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def said(found: MarkerHeaders) -> tuple[object, ...]:
    return found.channel, dict(found.headers), dict(found.sizes), dict(found.stamps), dict(found.etags)


@pytest.mark.parametrize("size", SIZES)
def test_a_marker_that_arrives_in_pieces_says_the_same_as_the_whole(size: int) -> None:
    body = body_of(ASSETS)
    places = places_of([*(asset.key for asset in ASSETS.values()), "s/other.js"])
    whole = MarkerHeaders("m", places).read(body)
    keys = [asset.key for asset in ASSETS.values()]
    assert said(whole) == (
        "beta",
        {keys[0]: "h1", keys[2]: "h2", keys[3]: "h1"},
        {keys[0]: 10, keys[2]: 7, keys[3]: 3},
        {keys[0]: STAMP, keys[3]: "another tool's"},
        {keys[0]: MD5, keys[2]: f"{MD5}-2", keys[3]: "not an md5"},
    )
    assert said(MarkerHeaders("m", places).read_pieces(pieces(body, size))) == said(whole)


def test_other_keys_are_passed_over() -> None:
    found = MarkerHeaders("m", places_of(["s/page.html"])).read_pieces([body_of(ASSETS)])
    assert said(found) == ("beta", {"s/page.html": "h2"}, {"s/page.html": 7}, {}, {"s/page.html": f"{MD5}-2"})


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["a},", "a}},", '},"', '}},"', "}", '"', "\\"])
def test_a_name_like_the_end_of_an_asset_is_read_right_or_refused(name: str, size: int) -> None:
    """Whoever reads ahead then reads it as a whole."""
    key = f"s/{name}"
    body = body_of({f"x{name}": Asset(key, 1, True, None, "h1"), "z": Asset("s/z", 2, True, None, "h2")})
    places = places_of([key, "s/z"])
    whole = said(MarkerHeaders("m", places).read(body))
    assert whole[1] == {key: "h1", "s/z": "h2"}
    try:
        assert said(MarkerHeaders("m", places).read_pieces(pieces(body, size))) == whole
    except MarkerError:
        assert "}," in name


@pytest.mark.parametrize("size", SIZES)
def test_a_marker_that_is_cut_off_or_written_by_another_program_is_refused(size: int) -> None:
    body = body_of(ASSETS)
    spaced = json.dumps(json.loads(body)).encode()
    ended = b'{"assets":{},"channel":"beta","ended":true}'
    for text in (body[:-1], body[: len(body) // 2], b"", b"{", b"x" * 100, spaced, ended, b'{"assets":{' + b"[" * 9):
        with pytest.raises(MarkerError):
            MarkerHeaders("m", {}).read_pieces(pieces(text, size))


def test_it_is_read_no_further_than_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"assets":{'
        while True:
            yield b"[" * 1000

    with pytest.raises(MarkerError, match="more than 4000000 values"):
        MarkerHeaders("m", {}).read_pieces(endless())
    monkeypatch.setattr(marker_fields, "FILE_BYTES", 5000)
    with pytest.raises(MarkerError, match="more than 5000 bytes"):
        MarkerHeaders("m", {}).read_pieces(endless())


def test_an_older_marker_adds_what_a_newer_one_leaves_open() -> None:
    places = places_of(["s/a", "s/b"])
    newer = MarkerHeaders("new", places).read(body_of({"a": Asset("s/a", 1, True, None, "h1", MD5)}))
    older = MarkerHeaders("old", places).read(
        body_of({"a": Asset("s/a", 1, True, None, "h0", STAMP, STAMP), "b": Asset("s/b", 2, True, None, "h2")})
    )
    found = said(newer.with_older(older))
    assert found[1] == {"s/a": "h1", "s/b": "h2"}
    assert found[3:] == ({"s/a": STAMP}, {"s/a": MD5})
