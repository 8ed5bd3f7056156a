"""Which assets are sent, and why: the quick answer for most assets is the same as the slow answer."""

from __future__ import annotations

from itertools import product

from uploader.builds.asset import LocalAsset
from uploader.publishing.compare import Reason, StoredObjects, _reason, compare
from uploader.treatment.headers import Headers
from uploader.treatment.rules import Treatment

KEY = "assets/app-3f9c2ab1.js"
HEADERS = Headers("text/javascript", "immutable")
OTHERS = Headers("text/javascript", "no-cache")
DIGEST, ANOTHER = "1" * 64, "2" * 64


def asset(*, fingerprinted: bool, encoding: str | None) -> LocalAsset:
    """An asset of ten bytes."""
    digest = None if fingerprinted else DIGEST
    return LocalAsset("app.js", KEY, "assets/app.js", 10, fingerprinted, digest, Treatment(HEADERS, encoding), 0)


def stored(headers: Headers, digest: str) -> dict[str, str]:
    """The headers and metadata that a HEAD returns."""
    return {**headers.as_http(), "headers": headers.digest, "digest": digest}


def test_the_quick_answer_is_the_same_as_the_slow_answer() -> None:
    """For each kind of asset, whatever we know of the object in the bucket."""
    assets = [
        asset(fingerprinted=fingerprinted, encoding=encoding)
        for fingerprinted, encoding in product((True, False), (None, "gzip"))
    ]
    sizes: list[dict[str, int]] = [{}, {KEY: 10}, {KEY: 7}]
    headers: list[dict[str, str]] = [
        {},
        {KEY: HEADERS.digest},
        {KEY: OTHERS.digest},
        {KEY: assets[1].treatment.encoded.digest},
    ]
    looked_at = [{}, *({KEY: stored(which, digest)} for which in (HEADERS, OTHERS) for digest in (DIGEST, ANOTHER))]
    answers = set()
    for each, size, header, metadata in product(assets, sizes, headers, looked_at):
        there = StoredObjects(size, header, metadata, {})
        slow = _reason(each, there) or (None if each.fingerprinted else Reason.NEW)
        assert [upload.reason for upload in compare([each], there)] == ([] if slow is None else [slow])
        answers.add(slow)
    assert answers == {None, *Reason}


def test_a_page_is_sent_unless_it_is_stored_whatever_is_in_place() -> None:
    page = asset(fingerprinted=False, encoding=None)
    assert page.stored is not None
    for there in ({}, {KEY: 10}):
        assert list(compare([page], StoredObjects(there, {}, {}, (), {page.stored: 10}))) == []
        (upload,) = compare([page], StoredObjects(there, {}, {}))
        assert upload.reason is (Reason.CONTENT_DIFFERS if there else Reason.NEW)
