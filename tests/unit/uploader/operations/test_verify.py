"""What is wrong with an asset, by its size, its metadata and its headers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from release_log.marker import Asset
from tests.treated import headers_for
from uploader.operations.verify import AssetProblem, Need, check, not_compared
from uploader.treatment.headers import STORAGE_CLASSES, Headers, digest_of

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
    """The problems that are found with one asset."""
    needs = {asset.key: [Need("r1", asset, ours)]}
    sizes = {} if size is None else {asset.key: size}
    http = {} if size is None else {asset.key: stored}
    return [each.problem for each in check(needs, {}, sizes, http)]


def test_asset_as_uploaded_is_right() -> None:
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


def test_a_missing_header_is_a_problem_too() -> None:
    for name in HEADERS.as_http():
        left = {each: value for each, value in STORED.items() if each != name}
        assert wrong(stored=left) == [AssetProblem.HEADERS_DIFFER], name


def test_the_uploaders_own_metadata_is_not_a_header() -> None:
    """The digest of the headers in it is not trusted: the headers themselves are checked."""
    assert wrong(stored={**STORED, "headers": "0" * 12, "writer": "another"}) == []


@pytest.mark.parametrize("storage_class", STORAGE_CLASSES)
def test_the_present_storage_class_is_not_checked(storage_class: str | None) -> None:
    """The HEAD that we see does not name it, and a lifecycle rule may have changed it."""
    digest = _with_class(HEADERS, storage_class)
    assert wrong(ASSET._replace(headers=digest)) == []


def test_a_release_with_fewer_fields_is_checked_by_fewer() -> None:
    assert wrong(ASSET._replace(digest=None), OTHER) == []
    assert wrong(ASSET._replace(headers=None), {**STORED, "Content-Type": "other"}) == []


def test_digests_of_another_tool_are_not_checked() -> None:
    """The format does not define them; it does define the size."""
    other = ASSET._replace(headers="v1-immutable")
    assert wrong(other) == [AssetProblem.HEADERS_DIFFER]
    assert wrong(other, OTHER, ours=False) == []
    assert wrong(other, ours=False, size=6) == [AssetProblem.SIZE_DIFFERS]


def test_a_shared_asset_is_right_if_it_matches_one_of_its_releases() -> None:
    """The later upload of a page decides. A problem is reported for the first of the releases."""
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


@pytest.mark.parametrize(
    ("stated", "stored", "problems", "unknown"),
    [
        ("1" * 32, "1" * 32, [], 0),
        ("1" * 32, "2" * 32, [AssetProblem.CONTENT_DIFFERS], 0),
        ("1" * 32 + "-2", "1" * 32 + "-2", [], 0),
        ("1" * 32 + "-2", "2" * 32, [], 1),
        ("1" * 32, "2" * 32 + "-1", [AssetProblem.CONTENT_DIFFERS], 0),
        (None, "1" * 32, [], 1),
    ],
)
def test_contents_are_compared_by_their_etags_and_the_others_are_counted(
    stated: str | None, stored: str, problems: list[AssetProblem], unknown: int
) -> None:
    """The ETag of an object that was sent in parts tells only if it is the same. The digest can have been copied."""
    asset = ASSET._replace(digest=None if stated is None else ASSET.digest, etag=stated)
    needs, http, etags = {KEY: [Need("r1", asset, ours=True)]}, {KEY: {**STORED}}, {KEY: stored}
    assert [each.problem for each in check(needs, {}, {KEY: 5}, http, etags)] == problems
    assert not_compared(needs, http, etags) == unknown
