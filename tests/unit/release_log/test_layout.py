"""Keys, formatted and parsed, as literal strings, so that nobody moves a file by accident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release_log.bounds import KEY_BYTES
from release_log.errors import LayoutError
from release_log.layout import Layout, check_key, check_prefix, is_plain, prefix_of_marker
from release_log.release_id import is_id, make_id

ID = "20261123T060538Z-3f9c2ab"

KEYS = [
    # (prefix, log, pending, staged, markers, ledger)
    (
        "",
        ".releases/",
        ".releases/pending/20261123T060538Z-3f9c2ab.json",
        ".releases/staged/",
        ".releases/markers/20261123T060538Z-3f9c2ab.json",
        ".releases/ledger.json.gz",
    ),
    (
        "assets/",
        "assets/.releases/",
        "assets/.releases/pending/20261123T060538Z-3f9c2ab.json",
        "assets/.releases/staged/",
        "assets/.releases/markers/20261123T060538Z-3f9c2ab.json",
        "assets/.releases/ledger.json.gz",
    ),
    (
        "web/shop/",
        "web/shop/.releases/",
        "web/shop/.releases/pending/20261123T060538Z-3f9c2ab.json",
        "web/shop/.releases/staged/",
        "web/shop/.releases/markers/20261123T060538Z-3f9c2ab.json",
        "web/shop/.releases/ledger.json.gz",
    ),
]


@pytest.mark.parametrize(("prefix", "log", "pending", "staged", "marker", "ledger"), KEYS)
def test_keys_of_the_release_log(prefix: str, log: str, pending: str, staged: str, marker: str, ledger: str) -> None:
    """The table that other implementations of the format follow."""
    layout = Layout(prefix)
    assert layout.log == log
    assert layout.pending_key(ID) == pending
    assert layout.staged == staged
    assert layout.pin_key(ID) == f"{log}pins/{ID}.json"
    assert layout.marker_key(ID) == marker
    assert layout.ledger == ledger
    assert layout.ledger_file("segment-1.json.gz") == f"{log}ledger/segment-1.json.gz"
    assert {layout.release_id(key) for key in (marker, pending, layout.pin_key(ID), f"{staged}{ID}.json")} == {ID}
    assert prefix_of_marker(marker) == prefix


@pytest.mark.parametrize(("text", "answer"), [(ID, True), ("3f9c2ab", False), ("20261123T060538Z", False), ("", False)])
def test_an_id_differs_from_a_name(text: str, *, answer: bool) -> None:
    """A name may be a time, where there is no commit."""
    assert is_id(text) is answer


@pytest.mark.parametrize("prefix", ["", "assets/", "web/shop/", "a b/", "bücher/", "a.b/", "...x/", "x.releases/"])
def test_good_prefixes(prefix: str) -> None:
    """They are returned as they are."""
    assert check_prefix(prefix) == prefix


@pytest.mark.scenario("T14", "L11")
@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("assets", "must end with a slash: 'assets/'"),
        ("/", "must not begin with a slash"),
        ("/assets/", "must not begin with a slash: 'assets/'"),
        ("assets//", "'//'"),
        ("a//b/", "'//'"),
        ("../assets/", "'..'"),
        ("assets/../", "'..'"),
        ("./assets/", "'.'"),
        ("assets/.releases/", "inside a release log"),
        (".releases/markers/", "inside a release log"),
        ("assets/*/", "'*'"),
        ("assets?/", "'?'"),
        ("${aws:username}/", "'$'"),
        ("a\nb/", "control characters"),
        ("a\x7f/", "control characters"),
        ("a\ud800/", "not UTF-8"),
        ("x" * 512 + "/", "longer than 512 bytes"),
        ("ü" * 256 + "/", "longer than 512 bytes"),
        ("日本/", "beyond U+00FF"),
    ],
)
def test_bad_prefixes_are_refused_with_what_is_wrong(prefix: str, words: str) -> None:
    """``site`` would match ``site-staging/`` too; IAM reads ``*`` as a pattern."""
    with pytest.raises(LayoutError) as caught:
        check_prefix(prefix)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("prefix", "key"),
    [
        ("assets/", "assets/app.js"),
        ("assets/", "assets/a/b/app.js"),
        ("assets/", "assets/.releases"),
        ("assets/", "assets/.releases.txt"),
        ("assets/", "assets/x.releases/app.js"),
        ("assets/", "assets/.well-known/app.js"),
        ("", "app.js"),
        ("", "a/app.js"),
        ("web/shop/", "web/shop/app.js"),
    ],
)
def test_site_owns_what_is_below_its_prefix(prefix: str, key: str) -> None:
    """Also keys that only look like the release log."""
    assert Layout(prefix).owns(key)


@pytest.mark.scenario("T9", "L10")
@pytest.mark.parametrize(
    ("prefix", "key"),
    [
        ("assets/", "assets"),
        ("assets/", "assets/"),
        ("assets/", "assets-staging/app.js"),
        ("assets/", "other/app.js"),
        ("assets/", "Assets/app.js"),
        ("assets/", ""),
        ("assets/", "assets/.releases/"),
        ("assets/", "assets/.releases/ledger.json.gz"),
        ("assets/", "assets/.releases/markers/20261123T060538Z-x.json"),
        ("assets/", "assets/.releases/app.js"),
        ("assets/", "assets/admin/.releases/ledger.json.gz"),
        ("", ""),
        ("", ".releases/markers/20261123T060538Z-x.json"),
        ("", "assets/.releases/ledger.json.gz"),
        ("web/shop/", "web/app.js"),
        ("web/shop/", "web/shop/.releases/pending/x"),
    ],
)
def test_site_owns_nothing_outside_and_no_release_log(prefix: str, key: str) -> None:
    """Neither its own log nor the log of a site inside its prefix."""
    assert not Layout(prefix).owns(key)


def test_id_is_the_instant_in_utc_and_the_name() -> None:
    """Whatever the time zone of the datetime."""
    at = datetime(2026, 11, 23, 6, 5, 38, 999_999, tzinfo=UTC)
    assert make_id(at, "3f9c2ab") == ID
    assert make_id(at.astimezone(timezone(timedelta(hours=5, minutes=30))), "3f9c2ab") == ID


@pytest.mark.parametrize("name", ["a", "v1.2.3", "3f9c2ab", "feature-x_2", "A" * 64])
def test_good_release_names(name: str) -> None:
    """They come back from the key."""
    layout = Layout("assets/")
    release_id = make_id(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), name)
    assert layout.release_id(layout.marker_key(release_id)) == release_id == f"20260102T030405Z-{name}"


@pytest.mark.parametrize("name", ["", "-x", ".x", "_x", "a/b", "../x", "a b", "ü", "x\n", "A" * 65])
def test_bad_release_names_are_refused(name: str) -> None:
    """They are part of a key."""
    with pytest.raises(LayoutError, match="use up to 64 letters"):
        make_id(datetime(2026, 1, 2, tzinfo=UTC), name)


@pytest.mark.parametrize(
    "key",
    [
        "assets/.releases/markers/latest.json",
        f"assets/.releases/markers/{ID}.json.bak",
        f"assets/.releases/markers/{ID}",
        f"assets/.releases/markers/x/{ID}.json",
        "assets/.releases/markers/20261123T060538Z-.json",
        "assets/.releases/markers/20261123T0605Z-x.json",
        f"assets/.releases/{ID}.json",
        f"assets/{ID}.json",
        f"other/.releases/markers/{ID}.json",
        "assets/.releases/ledger.json.gz",
    ],
)
def test_other_keys_have_no_release_id(key: str) -> None:
    """A file of the log with another name is not ignored."""
    with pytest.raises(LayoutError, match="is not named as the release log names its files"):
        Layout("assets/").release_id(key)


@pytest.mark.parametrize(
    "key", ["", "assets/app.js", f"assets/.releases/pending/{ID}.json", "assets/.releases/ledger.json.gz"]
)
def test_other_keys_are_not_markers(key: str) -> None:
    """Such as the key of an event that we did not ask for."""
    with pytest.raises(LayoutError, match="is not the key of a release marker"):
        prefix_of_marker(key)


@pytest.mark.parametrize("key", ["app.js", "assets/a b/ü.js", "assets/.x", "x" * KEY_BYTES, "a/...js", "50%/+.js"])
def test_good_keys(key: str) -> None:
    """They are returned as they are."""
    assert check_key(key) == key


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "empty"),
        ("/app.js", "empty"),
        ("assets//app.js", "empty"),
        ("assets/", "empty"),
        ("assets/../app.js", "'..'"),
        ("./app.js", "'.'"),
        ("a\x00.js", "control character"),
        ("a\n.js", "control character"),
        ("a\udc80.js", "not UTF-8"),
        ("x" * (KEY_BYTES + 1), "longer than S3's 1024 bytes"),
        ("ü" * 513, "longer than S3's 1024 bytes"),
    ],
)
def test_bad_keys_are_refused(key: str, words: str) -> None:
    """S3 clients, URLs and IAM read these keys differently."""
    with pytest.raises(LayoutError) as caught:
        check_key(key)
    assert words in str(caught.value)


ODD = st.sampled_from(["a", "é", ".", "..", "", "/", ".releases", "\n", "\x7f", "\ud800", "a.js", ".a", "x" * 300])


@given(parts=st.lists(ODD | st.text(max_size=5), max_size=6), prefix=st.sampled_from(["", "assets/"]))
def test_a_plain_key_is_one_that_an_asset_of_its_site_may_have(parts: list[str], prefix: str) -> None:
    key = prefix + "/".join(parts)
    if is_plain(key):
        assert check_key(key) == key
        assert Layout(prefix).owns(key)


@pytest.mark.parametrize("key", ["assets/js/app-3f9c2ab1.js", "a b.css", "assets/ü.js", "index.html"])
def test_most_keys_are_plain(key: str) -> None:
    assert is_plain(key)
