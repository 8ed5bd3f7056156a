"""Which keys lie beneath some prefixes: the same answer for few of them and for many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from release_log.beneath import FEW, beneath

TEXTS = st.text("ab/.", max_size=6)


@given(st.sets(TEXTS, min_size=1, max_size=2 * FEW), TEXTS)
def test_a_key_lies_beneath_what_it_begins_with(prefixes: set[str], key: str) -> None:
    assert beneath(prefixes)(key) == key.startswith(tuple(prefixes))


@given(st.sets(TEXTS, min_size=FEW + 1, max_size=99), TEXTS)
def test_so_it_does_among_many(prefixes: set[str], key: str) -> None:
    assert beneath(prefixes)(key) == key.startswith(tuple(prefixes))


def test_nothing_lies_beneath_no_prefix() -> None:
    assert not beneath(())("a/b")
