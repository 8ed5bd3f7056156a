"""Which of a CDN's copies are stale, and the fewest paths that cover them."""

from __future__ import annotations

from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploader.builds.asset import LocalAsset
from uploader.cli.upload_answer import drop_copies
from uploader.errors import StoppedError, UsageError
from uploader.library.site import Site
from uploader.protocol.belongs import PagePlaced, PageReason
from uploader.publishing.compare import Reason, Upload
from uploader.publishing.invalidation import MAX_PATHS, Cdn, find_cdn, fold, url_paths
from uploader.treatment.rules import NO_RULES


def upload(key: str, reason: Reason = Reason.CONTENT_DIFFERS, *, fingerprinted: bool = False) -> Upload:
    treatment = NO_RULES.treat(key, fingerprinted=fingerprinted)
    assert treatment is not None
    return Upload(LocalAsset(key, key, key, 1, fingerprinted, None, treatment, 0), reason)


def placing(key: str, reason: PageReason = PageReason.CONTENT_DIFFERS) -> PagePlaced:
    return PagePlaced(key, reason)


def test_pages_that_were_put_in_place_are_stale_new_ones_included() -> None:
    """CDNs also keep the answer that a file does not exist. That a page was sent alone changes nothing for visitors."""
    assert Cdn("E1").stale_paths([upload("assets/a.css")]) == ()
    placed = [placing("assets/a.css"), placing("assets/b.css", PageReason.NEW)]
    assert Cdn("E1").stale_paths([], placed) == ("/assets/a.css", "/assets/b.css")


def test_a_new_fingerprinted_file_is_not_stale() -> None:
    uploads = [upload("assets/app-3f9c2ab1.js", Reason.NEW, fingerprinted=True)]
    assert Cdn("E1").stale_paths(uploads) == ()


def test_a_fingerprinted_file_that_was_replaced_is_stale() -> None:
    """A changed rule sends it again under the same name, and browsers and CDNs keep copies for a year."""
    uploads = [upload("assets/app-3f9c2ab1.js", Reason.HEADERS_DIFFER, fingerprinted=True)]
    assert Cdn("E1").stale_paths(uploads) == ("/assets/app-3f9c2ab1.js",)


def test_without_uploads_nothing_is_stale() -> None:
    assert Cdn("E1").stale_paths([]) == ()


@pytest.mark.scenario("T20")
def test_an_index_page_has_its_folder_as_a_second_url() -> None:
    assert url_paths("x/index.html") == ("/x/index.html", "/x/")
    assert url_paths("index.html") == ("/index.html", "/")
    assert url_paths("my-index.html") == ("/my-index.html",)


def test_the_origin_path_is_not_part_of_a_url() -> None:
    placed = [placing("assets/index.html")]
    assert find_cdn("E1", "/assets", "assets/").stale_paths([], placed) == ("/", "/index.html")
    assert find_cdn("E1", "", "assets/").stale_paths([], placed) == ("/assets/", "/assets/index.html")


@pytest.mark.parametrize("root", ["web", "asset", "assets/web/"])
def test_a_root_that_no_key_begins_with_is_refused(root: str) -> None:
    with pytest.raises(UsageError, match="no key of the site 'assets/' begins with"):
        find_cdn("E1", root, "assets/")


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a b.html", "/a%20b.html"),
        ("größe.css", "/gr%C3%B6%C3%9Fe.css"),
        ("100%.html", "/100%25.html"),
        ("what?.html", "/what%3F.html"),
        ("a#b.html", "/a%23b.html"),
        ('"<>{}`\\.html', "/%22%3C%3E%7B%7D%60%5C.html"),
        ("(a)b,c;d=e@f!h$i&j'k:l-m_n.html", "/(a)b,c;d=e@f!h$i&j'k:l-m_n.html"),
    ],
)
def test_paths_are_encoded_as_browsers_do(key: str, path: str) -> None:
    assert url_paths(key) == (path,)


@pytest.mark.parametrize("character", "~[]|^+*")
def test_a_character_without_one_form_is_covered_by_a_wildcard_one_folder_up(character: str) -> None:
    """CloudFront refuses such a path and every other of the request with it, or finds no copy under it."""
    assert url_paths(f"static/js/a{character}b.js") == ("/static/js/*",)
    assert url_paths(f"{character}user/a b/index.html") == ("/*",)
    assert url_paths(f"a b/{character}/index.html") == ("/a%20b/*",)


SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
UNSAFE = frozenset(' "<>#%{}|\\^~[]`')


@pytest.mark.parametrize("character", [chr(code) for code in range(32, 127) if chr(code) not in SAFE | {"/"}])
def test_no_path_has_a_character_that_cloudfront_refuses(character: str) -> None:
    """RFC 1738's unsafe characters are encoded, and a wildcard ends a path."""
    for path in url_paths(f"js/a{character}b.js"):
        assert UNSAFE.isdisjoint(path.replace("%", ""))
        assert "*" not in path[:-1]


def test_what_lies_below_a_wildcard_is_not_named_again() -> None:
    placed = [placing("js/a.js"), placing("js/vendors~main.js"), placing("js/x/b.js"), placing("index.html")]
    assert Cdn("E1").stale_paths([], placed) == ("/", "/index.html", "/js/*")


def test_few_paths_stay_as_they_are() -> None:
    paths = [f"/{number}.html" for number in range(MAX_PATHS)]
    assert fold(paths) == tuple(sorted(paths))


@pytest.mark.scenario("T20")
def test_the_deepest_folders_fold_first() -> None:
    paths = ["/index.html", "/", "/a/1.html", *(f"/b/c/{number}.html" for number in range(20))]
    assert fold(paths) == ("/", "/a/1.html", "/b/c/*", "/index.html")


def test_a_single_path_of_a_folder_is_not_folded() -> None:
    """A wildcard would clear the folder's fingerprinted files too."""
    assert fold(["/a/d/1.html", *(f"/b/c/{number}.html" for number in range(20))]) == ("/a/d/1.html", "/b/c/*")


def test_many_folders_fold_into_the_one_above() -> None:
    paths = ["/index.html", *(f"/blog/{number}/{name}" for number in range(20) for name in ("", "index.html"))]
    assert fold(paths) == ("/blog/*", "/index.html")


def test_too_many_folders_fold_into_one_path_for_everything() -> None:
    assert fold([f"/{number}.html" for number in range(MAX_PATHS + 1)]) == ("/*",)
    assert fold([f"/{number}/index.html" for number in range(MAX_PATHS + 1)]) == ("/*",)


def covers(pattern: str, path: str) -> bool:
    return pattern == path or (pattern.endswith("*") and path.startswith(pattern[:-1]))


NAMES = st.text(alphabet="abc", min_size=0, max_size=2)
PATHS = st.sets(
    st.lists(NAMES.filter(bool), max_size=3).flatmap(lambda at: NAMES.map(lambda name: "/".join(["", *at, name])))
)


@pytest.mark.scenario("T20")
@given(paths=PATHS, most=st.integers(1, 12))
def test_folded_paths_cover_every_path_within_the_limit_and_each_is_needed(paths: set[str], most: int) -> None:
    folded = fold(paths, most)
    assert len(folded) <= most
    assert all(any(covers(pattern, path) for pattern in folded) for path in paths)
    assert all(any(covers(pattern, path) for path in paths) for pattern in folded)
    assert folded == fold(sorted(paths, reverse=True), most)
    if len(paths) <= most:
        assert set(folded) == paths


def test_ctrl_c_meanwhile_says_the_state_and_the_command_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the last line would say that no marker was written."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(Cdn, "invalidate", interrupt)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    site = Site(bucket="my-assets", region="eu-west-1")
    asked = {"distribution": "E1EXAMPLE", "paths": ("/a",), "id": None}
    document = {"dry_run": False, "release": "r", "invalidation": asked}
    with pytest.raises(StoppedError, match=r"\Ar was released; whether .* not known: aws cloudfront .* --paths /a\Z"):
        drop_copies(document, site, Cdn("E1EXAMPLE"), "r was released")


def test_the_command_to_invalidate_by_hand_can_be_pasted() -> None:
    assert Cdn("E1").by_hand({"/*", "/a'b"}) == (
        """aws cloudfront create-invalidation --distribution-id E1 --paths '/*' '/a'"'"'b'"""
    )
