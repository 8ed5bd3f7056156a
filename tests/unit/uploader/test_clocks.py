"""The clock that an intent's age is measured by also counts while the machine sleeps."""

from __future__ import annotations

import time

import pytest

from uploader.clocks import seconds_passed


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        ({"CLOCK_BOOTTIME": 7, "CLOCK_MONOTONIC": 1}, 7),
        ({"CLOCK_MONOTONIC": 1}, 1),
    ],
    ids=["Linux", "macOS"],
)
def test_the_clock_that_counts_sleep_is_asked_where_the_system_has_it(
    monkeypatch: pytest.MonkeyPatch, known: dict[str, int], asked: int
) -> None:
    """On Linux the monotonic clock stands still meanwhile; on macOS it does not."""
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):
        monkeypatch.delattr(time, name, raising=False)
    for name, clock in known.items():
        monkeypatch.setattr(time, name, clock, raising=False)
    monkeypatch.setattr(time, "clock_gettime", lambda clock: 100.0 + clock, raising=False)
    assert seconds_passed() == 100.0 + asked


def test_a_system_without_such_clocks_has_python_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):
        monkeypatch.delattr(time, name, raising=False)
    monkeypatch.setattr(time, "monotonic", lambda: 5.0)
    assert seconds_passed() == 5.0
