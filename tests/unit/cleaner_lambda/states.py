"""States for the tests of the policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from cleaner_lambda.ledger import Retired
from cleaner_lambda.view import View
from release_log.bounds import LAST_YEAR, OBJECT_BYTES
from release_log.policy_settings import Policy
from release_log.tags import Mark, State
from tests.torture import TORTURE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cleaner_lambda.plan import Plan

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
instants = st.datetimes(timezones=st.just(UTC)).map(
    lambda each: each.replace(year=min(each.year, LAST_YEAR), day=min(each.day, 28), microsecond=0)
)
marks = st.builds(Mark, st.sampled_from(State), instants)
entries = st.builds(
    Retired,
    *(texts, marks, st.integers(0, OBJECT_BYTES), texts, st.none() | marks),
    due=st.none() | instants,
    kept_by=st.none() | texts,
    ended=st.booleans(),
    maybe_ended=st.booleans(),
    stored=st.none() | instants,
)
"""Any retired asset."""

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
YEAR = 365 * 86_400
POLICY = Policy()
ALL = Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0)
"""Each retired asset is due."""
MORE = 20 if TORTURE else 1
"""How many times more examples some laws get."""


def retired(state: State, ago: float, *, logical: str = "app.js", tagged: bool = True, release: str = "r") -> Retired:
    """An asset that retired some seconds ago; as a rule it has the right tag."""
    mark = Mark(state, NOW - timedelta(seconds=ago))
    return Retired(logical, mark, 1, release, mark if tagged else None)


def superseded(ago: float, *, logical: str = "app.js", tagged: bool = True, release: str = "r") -> Retired:
    """A version of a logical path that is current with another key."""
    return retired(State.SUPERSEDED, ago, logical=logical, tagged=tagged, release=release)


def removed(ago: float, *, logical: str = "app.js", tagged: bool = True) -> Retired:
    """An asset whose logical path is in no current release."""
    return retired(State.REMOVED, ago, logical=logical, tagged=tagged)


def view(entries: dict[str, Retired], live: Iterable[str] = ("live.js",), **others: object) -> View:
    """A state with one live asset."""
    return replace(View(frozenset(live), entries), **others)  # type: ignore[arg-type]


def reasons(plan: Plan, name: str = "keep") -> dict[str, str]:
    """Key -> reason, for one list of a plan."""
    return {action.key: action.reason.value for action in getattr(plan, name)}
