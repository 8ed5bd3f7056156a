"""The user's own rules: which rule wins, what it changes, and which rules are refused."""

from __future__ import annotations

import contextlib
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.treated import headers_for
from uploader.errors import UsageError
from uploader.treatment.globs import translate
from uploader.treatment.headers import IMMUTABLE, NO_CACHE, Headers
from uploader.treatment.rule_settings import RULE_SETTINGS
from uploader.treatment.rule_tables import parse_rules
from uploader.treatment.rules import NO_RULES, Rules, Treatment

WHERE = "uploader.toml"


def rules(*tables: dict[str, Any]) -> Rules:
    return parse_rules(list(tables), WHERE)


def treat(name: str, *tables: dict[str, Any], fingerprinted: bool = False) -> Treatment:
    treatment = rules(*tables).treat(name, fingerprinted=fingerprinted)
    assert treatment is not None
    return treatment


NAMES = st.sampled_from(["app.js", "js/app.js.br", "index.html", "x/logo.png", "LICENSE", "a.svgz", "t.csv.gz"])


@given(name=NAMES, fingerprinted=st.booleans())
def test_without_a_matching_rule_the_treatment_is_the_default(name: str, fingerprinted: bool) -> None:  # noqa: FBT001
    expected = Treatment(headers_for(name, fingerprinted=fingerprinted))
    other = rules({"match": "*.other", "cache_control": "no-store", "gzip": True})
    for some in (NO_RULES, parse_rules(None, WHERE), rules(), other, rules({"match": "**"})):
        assert some.treat(name, fingerprinted=fingerprinted) == expected


@pytest.mark.scenario("T12")
def test_the_first_rule_that_matches_wins_alone() -> None:
    tables = (
        {"match": "de/*.html", "content_language": "de"},
        {"match": "*.html", "cache_control": "public, max-age=60", "content_language": "en"},
    )
    german, english = treat("de/index.html", *tables).headers, treat("index.html", *tables).headers
    assert (german.content_language, german.cache_control) == ("de", NO_CACHE)
    assert (english.content_language, english.cache_control) == ("en", "public, max-age=60")


GLOB = st.sampled_from(["*.js", "js/**", "/app.js", "**/a/*", "*", "[a-b]*", "{app,b}.{js,css}", "a/", "b/*/c.css"])
FILE = st.lists(st.sampled_from(["a", "b", "js", "app.js", "b.js", "c.css"]), min_size=1, max_size=3).map("/".join)


@given(globs=st.lists(st.lists(GLOB, min_size=1, max_size=3), max_size=4), name=FILE)
def test_one_expression_for_all_rules_finds_the_first_that_matches(globs: list[list[str]], name: str) -> None:
    tables = [{"match": some, "metadata": {"rule": str(number)}} for number, some in enumerate(globs)]
    matching = [
        number for number, some in enumerate(globs) if any(re.fullmatch(translate(glob), name) for glob in some)
    ]
    expected = (("rule", str(matching[0])),) if matching else ()
    assert treat(name, *tables).headers.metadata == expected


def test_a_rule_with_only_a_match_is_an_exception() -> None:
    tables = ({"match": "/index.html"}, {"match": "*.html", "skip": True})
    assert treat("index.html", *tables).headers == headers_for("index.html", fingerprinted=False)
    assert rules(*tables).treat("drafts/index.html", fingerprinted=False) is None


@pytest.mark.scenario("A4")
def test_several_globs_are_one_rule() -> None:
    table = {"match": ["*.css", "js/**"], "cache_control": "no-store"}
    assert [treat(name, table).headers.cache_control for name in ("a.css", "js/a/b.js", "a.js")] == [
        "no-store",
        "no-store",
        NO_CACHE,
    ]


SETTINGS: dict[str, Any] = {
    "cache_control": "public, max-age=60",
    "content_type": "text/html",
    "content_encoding": "deflate",
    "content_disposition": 'attachment; filename="a.txt"',
    "content_language": "de, pt-BR",
    "storage_class": "STANDARD_IA",
    "metadata": {"team": "web", "build": "7"},
}


@pytest.mark.scenario("T12")
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_rule_changes_its_setting_and_nothing_else(setting: str) -> None:
    plain = headers_for("app.js", fingerprinted=True)
    changed = treat("app.js", {"match": "*.js", setting: SETTINGS[setting]}, fingerprinted=True).headers
    expected = tuple(sorted(SETTINGS[setting].items())) if setting == "metadata" else SETTINGS[setting]
    assert {name for name in Headers.__slots__ if getattr(plain, name) != getattr(changed, name)} == {setting, "digest"}
    assert getattr(changed, setting) == expected


def test_headers_go_to_s3_by_their_names() -> None:
    assert treat("app.js", {"match": "*", **SETTINGS}).headers.as_http() == {
        "Content-Type": "text/html",
        "Cache-Control": "public, max-age=60",
        "Content-Encoding": "deflate",
        "Content-Disposition": 'attachment; filename="a.txt"',
        "Content-Language": "de, pt-BR",
        "Storage-Class": "STANDARD_IA",
        "team": "web",
        "build": "7",
    }


def test_the_digest_of_plain_headers_never_changes() -> None:
    """Else the next upload would send every object again."""
    assert Headers("text/css; charset=utf-8", IMMUTABLE).digest == "7aba5574d684"


@pytest.mark.parametrize(("setting", "encoding"), [("gzip", "gzip"), ("brotli", "br")])
def test_the_requested_compression_is_in_the_metadata_compressed_or_not(setting: str, encoding: str) -> None:
    """Else a later rule would not apply to a file for which an earlier rule saved nothing."""
    asked = treat("app.js", {"match": "*.js", setting: True})
    plain = headers_for("app.js", fingerprinted=False)
    assert asked.encoding == encoding
    assert (asked.headers.content_encoding, asked.encoded.content_encoding) == (None, encoding)
    assert asked.headers.as_http()["encode"] == asked.encoded.as_http()["encode"] == encoding
    assert len({plain.digest, asked.headers.digest, asked.encoded.digest}) == 3


@pytest.mark.parametrize("name", ["photo.png", "font.woff2", "backup.zip", "app.js.gz", "drawing.svgz", "t.csv.gz"])
def test_a_file_that_is_compressed_already_is_left_alone(name: str) -> None:
    assert treat(name, {"match": "**", "gzip": True}) == Treatment(headers_for(name, fingerprinted=False))


def test_a_type_by_rule_decides_what_can_be_compressed() -> None:
    assert treat("model.bin", {"match": "*.bin", "gzip": True}).encoding == "gzip"
    assert treat("model.bin", {"match": "*.bin", "gzip": True, "content_type": "image/webp"}).encoding is None


def test_a_coding_by_rule_makes_a_file_the_compressed_form_of_another() -> None:
    headers = treat("Build/game.data.gz", {"match": "*.data.gz", "content_encoding": "gzip"}).headers
    assert (headers.content_type, headers.content_encoding) == ("application/octet-stream", "gzip")
    headers = treat("t.csv.gz", {"match": "*.csv.gz", "content_encoding": "gzip"}).headers
    assert (headers.content_type, headers.content_encoding) == ("text/csv; charset=utf-8", "gzip")


def test_identity_makes_a_compressed_form_a_file_of_its_own() -> None:
    headers = treat("feed.xml.gz", {"match": "*.xml.gz", "content_encoding": "identity"}).headers
    assert (headers.content_type, headers.content_encoding) == ("application/gzip", None)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"match": "*"}, "rules is not a list of tables"),
        (["*.html"], "rules is not a list of tables"),
        ([{}], "rule 1: no match: say which files"),
        ([{"match": "*.js"}, {"cache_control": "no-store"}], "rule 2: no match"),
        ([{"match": []}], "match [] names no file"),
        ([{"match": 3}], "match 3 is not a glob"),
        ([{"match": ["*.js", 3]}], "match ['*.js', 3] is not a glob"),
        ([{"match": "!a"}], "match '!a' cannot begin with '!'"),
        ([{"match": "*", "cache-control": "x"}], "unknown setting 'cache-control': did you mean 'cache_control'?"),
        ([{"match": "*", "Content-Type": "a/b"}], "unknown setting 'Content-Type': did you mean 'content_type'?"),
        ([{"match": "*", "gzipped": True}], "unknown setting 'gzipped': did you mean 'gzip'?"),
        ([{"match": "*", "acl": "public-read"}], "acl is not a setting of a rule: buckets have no ACLs any more"),
        ([{"match": "*", "Expires": "0"}], "Expires is not a setting of a rule: every client prefers max-age"),
        (
            [{"match": "*", "tagging": "a=b"}],
            "tagging is not a setting of a rule: a file that is sent again would lose",
        ),
        ([{"match": "*", "x-amz-website-redirect-location": "/"}], "redirect at the CDN, or in the page"),
        ([{"match": "*", "zzz": True}], "unknown setting 'zzz': use one of match, cache_control, "),
        ([{"match": "*", "cache_control": 60}], "cache_control 60 is not text: put it in quotes"),
        (
            [{"match": "*", "cache_control": "max-age=ten"}],
            "'max-age=ten' has max-age of 'ten': give seconds, as in 'max",
        ),
        ([{"match": "*", "cache_control": "public, max-age"}], "has max-age without a number: give seconds"),
        ([{"match": "*", "cache_control": "max-age=1h, public"}], "has max-age of '1h': give seconds"),
        ([{"match": "*", "cache_control": "s-maxage=-1"}], "has s-maxage of '-1': give seconds"),
        ([{"match": "*", "cache_control": 'max-age="60"'}], "has max-age of '\"60\"': give seconds"),
        ([{"match": "*", "cache_control": "max_age=60"}], "the unknown directive 'max_age': did you mean 'max-age'?"),
        ([{"match": "*", "cache_control": "s-max-age=60"}], "did you mean 's-maxage'?"),
        ([{"match": "*", "cache_control": "imutable"}], "did you mean 'immutable'?"),
        ([{"match": "*", "cache_control": "nocache"}], "did you mean 'no-cache'?"),
        ([{"match": "*", "cache_control": "immutable=1"}], "has immutable with a value: write 'immutable' alone"),
        (
            [{"match": "*", "cache_control": "public max-age=60"}],
            "cannot be read from 'public max-age=60' on: put comm",
        ),
        ([{"match": "*", "cache_control": "max-age=60; public"}], "cannot be read from 'max-age=60; public' on: put"),
        ([{"match": "*", "cache_control": "max-age=60, Max-Age=0"}], "has max-age twice"),
        ([{"match": "*", "cache_control": "public, private"}], "has public and private, which exclude each other"),
        (
            [{"match": "*", "content_type": "txt/html"}],
            "content_type 'txt/html' is not a MIME type: did you mean 'text'",
        ),
        (
            [{"match": "*", "content_type": "text/html; charset=uft-8"}],
            "the unknown charset 'uft-8': write charset=utf-8",
        ),
        ([{"match": "*", "content_type": "text/html; charset=rot13"}], "the unknown charset 'rot13'"),
        ([{"match": "*", "content_language": "english"}], "content_language 'english' is not a language tag"),
        ([{"match": "*", "cache_control": ""}], "cache_control '' is empty: leave the setting out"),
        ([{"match": "*", "cache_control": " no-store"}], "begins or ends with a space"),
        ([{"match": "*", "cache_control": "no-store\r\nX: y"}], "has a character that a header cannot hold"),
        ([{"match": "*", "cache_control": "a\x7fb"}], "has a character that a header cannot hold"),
        ([{"match": "*", "content_type": "html"}], "content_type 'html' is not a MIME type"),
        ([{"match": "*", "content_type": "text/html; charset"}], "is not a MIME type"),
        (
            [{"match": "*", "content_encoding": "gzp"}],
            "content_encoding 'gzp' is not a content coding: did you mean 'gzip'?",
        ),
        ([{"match": "*", "content_disposition": "download"}], "is neither inline nor attachment"),
        ([{"match": "*", "content_disposition": 'attachment; filename="naïve.pdf"'}], "filename*=UTF-8''"),
        ([{"match": "*", "content_language": "de_DE"}], "content_language 'de_DE' is not a language tag"),
        ([{"match": "*", "storage_class": "standard-ia"}], "did you mean 'STANDARD_IA'?"),
        (
            [{"match": "*", "storage_class": "GLACIER"}],
            "'GLACIER' is an archive, which browsers cannot fetch from: GLACIER_IR",
        ),
        ([{"match": "*", "storage_class": "DEEP_ARCHIVE"}], "'DEEP_ARCHIVE' is an archive"),
        ([{"match": "*", "metadata": "x"}], "metadata 'x' is not a table"),
        ([{"match": "*", "metadata": {"Team": "x"}}], "metadata 'Team' is not a name for metadata"),
        ([{"match": "*", "metadata": {"a b": "x"}}], "metadata 'a b' is not a name for metadata"),
        ([{"match": "*", "metadata": {"digest": "x"}}], "metadata 'digest' is the uploader's own"),
        ([{"match": "*", "metadata": {"encode": "x"}}], "metadata 'encode' is the uploader's own"),
        ([{"match": "*", "metadata": {"cache-control": "x"}}], "is a header: use the setting cache_control"),
        ([{"match": "*", "metadata": {"team": 1}}], "metadata 'team': 1 is not text"),
        ([{"match": "*", "metadata": {"team": "é"}}], "metadata 'team': 'é' has a character"),
        ([{"match": "*", "metadata": {"a": "x" * 1792}}], "metadata has 1,793 bytes of names and values"),
        ([{"match": "*", "skip": "yes"}], "skip 'yes' is neither true nor false"),
        ([{"match": "*", "gzip": 1}], "gzip 1 is neither true nor false"),
        ([{"match": "*", "skip": True, "gzip": True}], "skip makes gzip useless"),
        ([{"match": "*", "gzip": True, "brotli": True}], "S3 stores one body"),
        ([{"match": "*", "gzip": True, "content_encoding": "br"}], "says that the file is compressed already"),
    ],
)
def test_an_invalid_rule_is_refused_with_its_setting_value_and_remedy(tables: object, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as refused:
        parse_rules(tables, WHERE)
    assert str(refused.value).startswith("uploader.toml: ")
    assert "\n" not in str(refused.value)


def test_a_refused_rule_is_named_by_its_number_and_its_files() -> None:
    tables = [{"match": "*.js"}, {"match": ["*.css", "*.html"], "storage_class": "COLD"}]
    with pytest.raises(
        UsageError, match=re.escape("uploader.toml: rule 2 (match = ['*.css', '*.html']): storage_class 'COLD'")
    ):
        parse_rules(tables, WHERE)


def test_the_most_metadata_that_fits_is_allowed() -> None:
    assert treat("a", {"match": "*", "metadata": {"a": "x" * 1791}}).headers.metadata


def test_a_setting_that_is_false_has_no_effect() -> None:
    off = {"match": "*", "skip": False, "gzip": False, "brotli": False}
    assert treat("a.js", off) == Treatment(headers_for("a.js", fingerprinted=False))


VALUE = st.one_of(st.text(max_size=8), st.booleans(), st.integers(), st.none())


@given(table=st.dictionaries(st.sampled_from(list(RULE_SETTINGS)), VALUE))
def test_any_table_is_read_or_refused_in_one_line(table: dict[str, Any]) -> None:
    with contextlib.suppress(UsageError):
        parse_rules([table], WHERE).treat("app.js", fingerprinted=False)
        return
    with pytest.raises(UsageError, match=r"\Auploader\.toml: rule 1[^\n]+\Z"):
        parse_rules([table], WHERE)


def test_a_hundred_thousand_files_are_quick() -> None:
    many = rules(*({"match": f"area-{number}/**/*.{{js,css}}", "gzip": True} for number in range(20)))
    began = time.process_time()
    for number in range(100_000):
        many.treat(f"static/chunks/pages/{number % 50}/page-{number:08x}.woff2", fingerprinted=True)
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("cache_control", "no-store"),
        ("cache_control", "No-Cache , no-store,must-revalidate"),
        ("cache_control", 'private="X-A, X-B", max-age=0'),
        ("cache_control", "public, max-age=31536000, s-maxage=60, stale-while-revalidate=30, stale-if-error=86400"),
        ("cache_control", 'no-cache, pre-check=0, post-check=0, community="UCI"'),
        ("content_type", "application/vnd.api+json"),
        ("content_type", "X-World/x-vrml"),
        ("content_type", 'text/plain; charset="Shift_JIS"'),
        ("content_type", "text/html; charset=iso-8859-1"),
        ("content_language", "zh-Hant-TW, gsw, i-klingon, x-private"),
    ],
)
def test_what_can_be_right_is_not_refused(setting: str, value: str) -> None:
    assert getattr(treat("a.bin", {"match": "*", setting: value}).headers, setting) == value


def test_a_rule_that_decides_nothing_is_named() -> None:
    tables = ({"match": "*.js"}, {"match": ["app.*", "lib.js"]}, {"match": "*.htm", "skip": True}, {"match": "a.css"})
    some, names = rules(*tables), ["app.js", "lib.js", "a.css"]
    for name in names:
        some.treat(name, fingerprinted=False)
    assert some.unused(names) == [
        "rule 2 (match = ['app.*', 'lib.js']) decides nothing: an earlier rule has each of its files",
        "rule 3 (match = '*.htm') matches no file",
    ]
    assert NO_RULES.unused(names) == []
