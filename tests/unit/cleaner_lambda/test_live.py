"""The keys and paths of the current releases, counted: whatever comes and goes, as if they were all gone through."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from cleaner_lambda.history import History, Published, fold
from cleaner_lambda.live import Live, paths_of
from release_log.marker import FORMAT, Asset, Release

if TYPE_CHECKING:
    import pytest

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def release(channel: str, versions: dict[str, int], page: int | None, *, ended: bool = False) -> Release:
    """A release of some assets: logical path -> version; perhaps with a page that is stored."""
    files = {path: Asset(f"{path}-{n % 2}", 7, fingerprinted=True) for path, n in versions.items()}
    if page is not None:
        files["index.html"] = Asset("index.html", 7, fingerprinted=False, stored=f"page{page}")
    layout = FORMAT if page is not None else 1
    return Release("r", channel, START, "", {}, {} if ended else files, ended=ended, format=layout)


releases = st.builds(
    release,
    st.sampled_from("xyz"),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 4)),
    st.none() | st.integers(1, 2),
    ended=st.sampled_from([False, False, False, True]),
)
lines = st.lists(st.tuples(st.sampled_from("xyz"), st.lists(releases, max_size=3)), max_size=8)


@given(lines)
def test_what_turns_is_what_the_whole_says(story: list[tuple[str, list[Release]]]) -> None:
    """After each step, and for each step, also if a channel keeps a part of what it had."""
    live, current = Live({}), dict[str, list[Release]]()
    keys, paths = set[str](), set[str]()
    for channel, line in story:
        turned = live.turn(channel, line)
        current[channel] = line
        now = [each for some in current.values() for each in some]
        before, keys = keys, set[str]().union(*(each.all_keys for each in now))
        earlier, paths = paths, set[str]().union(*map(paths_of, now))
        assert {*live.keys} == keys
        assert {*live.paths} == paths
        assert turned.keys == keys - before
        assert turned.dead == before - keys
        assert turned.paths == {path: path in paths for path in paths ^ earlier}
    again = Live(current)
    assert (again.keys, again.paths) == (live.keys, live.paths)


@given(st.lists(st.tuples(releases, st.none() | st.integers(0, 9)), max_size=9), st.data())
def test_pages_too_are_folded_at_once_as_in_steps(story: list[tuple[Release, int | None]], data: st.DataObject) -> None:
    """Each step begins with nothing but the history: what is counted within it says the same."""
    events = [
        Published(f"{n:03}", at, each, None if wait is None else at + timedelta(seconds=wait))
        for n, (each, wait) in enumerate(story)
        for at in [START + timedelta(seconds=10 * n)]
    ]
    stepwise, left = History(), list(events)
    while left:
        size = data.draw(st.integers(1, len(left)))
        stepwise, left = fold(stepwise, left[:size]), left[size:]
    assert _blank(fold(History(), events)) == _blank(stepwise)


def _blank(history: History) -> History:
    """The history without what differs: an end names the releases that came after it, if they are known by then."""
    return replace(history, changes=tuple(replace(each, ended=frozenset()) for each in history.changes))


def test_a_release_costs_what_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many channels there are, of each release what it names is asked for once or twice."""
    asked = []
    all_keys = Release.all_keys
    monkeypatch.setattr(
        Release,
        "all_keys",
        property(lambda each: (asked.append(each), all_keys.__get__(each))[1]),  # type: ignore[func-returns-value]
    )
    channels = [f"c{n}" for n in range(30)]
    events = [
        Published(f"{n:03}", START + timedelta(seconds=n), release(channels[n % 30], {"a": n}, None))
        for n in range(300)
    ]
    fold(History(), events)
    assert len(asked) <= 2 * len(events)
