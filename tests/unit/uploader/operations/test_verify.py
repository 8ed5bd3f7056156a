"""What is wrong with an asset, by its size, its metadata and its headers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from release_log.marker import Asset
from tests.treated import headers_for
from uploader.operations.verify import STORAGE_CLASSES, AssetProblem, Need, check
from uploader.treatment.headers import Headers, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "assets/app-3f9c2ab1.js"
HEADERS = headers_for("app-3f9c2ab1.js", fingerprinted=True)
ASSET = Asset(KEY, 5, fingerprinted=True, digest="sha256:" + "a" * 64, headers=HEADERS.digest)
STORED = {**HEADERS.as_http(), "digest": "a" * 64, "headers": HEADERS.digest, "writer": "x"}
OTHER = {**STORED, "digest": "b" * 64}


def wrong(
    asset: Asset = ASSET, stored: Mapping[str, str] = STORED, *, size: int | None = 5, ours: bool = True
) -> list[AssetProblem]:
    """What is found wrong with one asset."""
    needs = {asset.key: [Need("r1", asset, ours)]}
    sizes = {} if size is None else {asset.key: size}
    http = {} if size is None else {asset.key: stored}
    return [each.problem for each in check(needs, {}, sizes, http)]


def test_asset_that_is_as_it_was_uploaded_is_right() -> None:
    assert wrong() == []


def test_each_thing_that_can_be_wrong_has_its_word() -> None:
    assert wrong(size=None) == [AssetProblem.MISSING]
    assert wrong(size=6) == [AssetProblem.SIZE_DIFFERS]
    assert wrong(stored=OTHER) == [AssetProblem.CONTENT_DIFFERS]
    for name in (
        "Content-Type",
        "Cache-Control",
        "Content-Encoding",
        "Content-Disposition",
        "Content-Language",
        "team",
    ):
        assert wrong(stored={**STORED, name: "other"}) == [AssetProblem.HEADERS_DIFFER], name


def test_header_that_is_gone_is_wrong_too() -> None:
    for name in HEADERS.as_http():
        left = {each: value for each, value in STORED.items() if each != name}
        assert wrong(stored=left) == [AssetProblem.HEADERS_DIFFER], name


def test_what_the_uploader_stores_for_itself_is_no_header() -> None:
    """What it says there of the headers is not believed: they are looked at."""
    assert wrong(stored={**STORED, "headers": "0" * 12, "writer": "another"}) == []


@pytest.mark.parametrize("storage_class", STORAGE_CLASSES)
def test_where_an_asset_is_stored_by_now_is_not_looked_at(storage_class: str | None) -> None:
    """S3 does not say so in a HEAD that we see, and a lifecycle rule may have moved it."""
    digest = _with_class(HEADERS, storage_class)
    assert wrong(ASSET._replace(headers=digest)) == []


def test_release_that_says_less_is_asked_for_less() -> None:
    assert wrong(ASSET._replace(digest=None), OTHER) == []
    assert wrong(ASSET._replace(headers=None), {**STORED, "Content-Type": "other"}) == []


def test_digests_that_another_tool_wrote_are_its_own() -> None:
    """The format does not say what they are of; a size is a size."""
    other = ASSET._replace(headers="v1-immutable")
    assert wrong(other) == [AssetProblem.HEADERS_DIFFER]
    assert wrong(other, OTHER, ours=False) == []
    assert wrong(other, ours=False, size=6) == [AssetProblem.SIZE_DIFFERS]


def test_asset_that_releases_share_is_right_if_it_is_as_one_of_them_says() -> None:
    """The later upload of a page decides; what is found wrong is told as the first of them has it."""
    page = Asset("assets/index.html", 5, fingerprinted=False)
    one, two, three = (Need(f"r{size}", page._replace(size=size), ours=True) for size in (5, 6, 7))
    for size in (5, 6, 7):
        assert check({page.key: [one, two]}, {page.key: [three]}, {page.key: size}, {page.key: {}}) == []
    (finding,) = check({page.key: [one, two]}, {page.key: [three]}, {page.key: 8}, {page.key: {}})
    assert (finding.detail, finding.releases) == ("it has 8 bytes, not 5", ("r5", "r6"))


def test_findings_are_in_the_order_of_the_keys() -> None:
    needs = {key: [Need("r1", ASSET._replace(key=key), ours=True)] for key in ("b", "a", "c")}
    assert [each.key for each in check(needs, {}, {}, {})] == ["a", "b", "c"]


def _with_class(headers: Headers, storage_class: str | None) -> str:
    return digest_of(headers.as_http() | ({"Storage-Class": storage_class} if storage_class else {}))
