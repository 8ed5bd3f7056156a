"""Our tags beside the user's: one at a time, and used only if they can be read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release_log.bounds import LAST_YEAR
from release_log.tags import OUR_KEYS, Mark, State, read_mark, with_mark, without_mark

AT = datetime(2026, 11, 23, 6, 5, 38, tzinfo=UTC)
SUPERSEDED, REMOVED = Mark(State.SUPERSEDED, AT), Mark(State.REMOVED, AT)

INSTANTS = st.builds(datetime, st.integers(1, LAST_YEAR), *[st.integers(1, 12)] * 2, tzinfo=st.just(UTC))
marks = st.builds(
    Mark,
    st.sampled_from(State),
    INSTANTS,
)
users = st.dictionaries(st.text(max_size=5).filter(lambda key: key not in OUR_KEYS), st.text(max_size=5), max_size=9)


def test_names_and_values_of_our_tags() -> None:
    """Operators' filters and the documents use these names."""
    assert (SUPERSEDED.key, SUPERSEDED.value) == ("superseded_at", "2026-11-23T06:05:38Z")
    assert (REMOVED.key, REMOVED.value) == ("removed_at", "2026-11-23T06:05:38Z")
    assert {"superseded_at", "removed_at"} == OUR_KEYS


@pytest.mark.scenario("L15")
def test_new_mark_replaces_the_other_one_and_leaves_the_users_tags() -> None:
    """An object has at most one of our tags."""
    tags = with_mark({"team": "web"}, SUPERSEDED)
    assert tags == {"team": "web", "superseded_at": "2026-11-23T06:05:38Z"}
    assert with_mark(tags, REMOVED) == {"team": "web", "removed_at": "2026-11-23T06:05:38Z"}
    assert without_mark(tags) == {"team": "web"}


@given(users, marks, marks)
def test_mark_is_read_again_and_the_users_tags_stay(tags: dict[str, str], first: Mark, second: Mark) -> None:
    """Whatever tags the object had before."""
    both = with_mark(with_mark(tags, first), second)
    assert read_mark(both) == second
    assert without_mark(both) == tags
    assert len(both) == len(tags) + 1


@given(users)
def test_users_tags_hold_no_mark(tags: dict[str, str]) -> None:
    """Only our two keys count."""
    assert read_mark(tags) is None


@pytest.mark.parametrize(
    "value", ["", "yesterday", "2026-11-23", "2026-11-23T06:05:38", "2026-1-2T3:4:5Z", "1700000000"]
)
def test_value_that_is_not_an_instant_is_ignored(value: str) -> None:
    """Another tool's tag of that name makes no asset older."""
    assert read_mark({"removed_at": value}) is None


def test_arguments_are_not_changed() -> None:
    """Both give a new dict."""
    tags = {"superseded_at": "x"}
    with_mark(tags, REMOVED)
    without_mark(tags)
    assert tags == {"superseded_at": "x"}
