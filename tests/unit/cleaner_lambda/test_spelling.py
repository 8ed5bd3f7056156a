"""Spellings of one key: found whoever writes them, and no request is sent without one."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner_lambda.doubles import LOOKED_FOR, find_doubles
from cleaner_lambda.spelling import normal_form, other_spellings
from cleaner_lambda.view import View
from release_log.layout import Layout
from tests.fake_cleaner_s3 import FakeS3
from tests.unit.cleaner_lambda.runs import POLICY, A, keys_of, run

if TYPE_CHECKING:
    from collections.abc import Callable

plain = st.text(st.characters(exclude_characters="%+/", exclude_categories=["Cs"]), min_size=1, max_size=12)


@pytest.mark.parametrize(
    "spell",
    [
        quote,
        quote_plus,
        lambda key: quote(quote(key)),
        lambda key: unicodedata.normalize("NFC", key),
        lambda key: unicodedata.normalize("NFD", key),
        lambda key: quote(unicodedata.normalize("NFD", key)).lower(),
    ],
    ids=["quote", "quote_plus", "quoted twice", "NFC", "NFD", "quoted NFD"],
)
@given(key=plain)
def test_each_spelling_of_a_key_has_one_normal_form(spell: Callable[[str], str], key: str) -> None:
    assert normal_form(spell(key)) == normal_form(key)


@given(st.frozensets(plain, max_size=6), st.frozensets(plain, max_size=6))
def test_no_key_is_a_spelling_of_itself(keys: frozenset[str], needed: frozenset[str]) -> None:
    for key, others in other_spellings(keys, needed).items():
        assert others <= needed - {key}


def test_different_keys_are_not_mixed_up() -> None:
    assert other_spellings(["assets/a.js", "assets/b.js"], ["assets/c.js", "assets/a.js"]) == {}


def test_without_another_spelling_nothing_is_asked(s3: FakeS3) -> None:
    s3.advance(POLICY.version_ttl)
    s3.requests.clear()
    assert keys_of(run(s3), "delete") == [A]
    assert {key for _, key in s3.made("list")} == {
        s3.layout.pending,
        s3.layout.staged,
        s3.layout.pins,
        s3.layout.markers,
        Layout("").log,
    }


def test_what_is_not_looked_for_counts_as_missing() -> None:
    """A run does not look for any number of keys."""
    s3 = FakeS3()
    needed = [f"assets/{n:05}.js" for n in range(LOOKED_FOR + 5)]
    for key in needed:
        s3.put(key)
    upper = [key.upper().replace("ASSETS", "assets") for key in needed]
    found = find_doubles(s3, upper, View(frozenset(needed), {}))
    assert sorted(found.values()) == needed[LOOKED_FOR:]
