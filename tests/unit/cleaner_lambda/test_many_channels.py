"""A site with a channel for each preview: what a run does of each channel does not grow with their number."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda.ending import ended_log
from cleaner_lambda.history import History, Published
from cleaner_lambda.ledger import Folded, Ledger
from cleaner_lambda.lost import find_lost, lines_with_lost
from cleaner_lambda.markers import Markers
from cleaner_lambda.next_ledger import without_ended
from release_log.marker import Release
from tests.fake_cleaner_s3 import NOON

if TYPE_CHECKING:
    from collections.abc import Callable

CHANNELS = 20


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The properties of a ledger that go through all of its channels, each time that one is asked for."""
    found: list[str] = []

    def counted(name: str, of: Callable[[Ledger], object]) -> property:
        def look(ledger: Ledger) -> object:
            found.append(name)
            return of(ledger)

        return property(look)

    for name in ("ends", "lines", "seen"):
        monkeypatch.setattr(Ledger, name, counted(name, Ledger.__dict__[name].fget))
    return found


def test_all_channels_are_gone_through_once_and_not_for_each_of_them(looked: list[str]) -> None:
    """With 50,000 of them a run would take minutes, and one that takes in a long log would not come to its end."""
    names = {f"pr-{n}": f"20261123T120000Z-r{n}" for n in range(CHANNELS)}
    folded = {i: Folded(NOON, channel, ended=channel < "pr-2") for channel, i in names.items()}
    releases = {
        channel: (Published(i, NOON, Release("r", channel, NOON, "assets/", {}, {}, ended=folded[i].ended)),)
        for channel, i in names.items()
    }
    listed = dict.fromkeys(list(folded)[::2], NOON + timedelta(seconds=1))
    ledger, history = Ledger(current=names, folded=folded), History(releases)
    without_ended(Ledger(current=names, gone=folded))
    ended_log(ledger, history, folded, nothing_left=False)
    lost = find_lost(history, ledger, Markers(listed, listed))
    lines_with_lost(history, ledger, listed, lost or names)
    assert len(looked) < CHANNELS, looked
