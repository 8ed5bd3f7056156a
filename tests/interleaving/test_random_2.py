"""Random schedules, one half of them; ``python -m tests.interleaving SEED`` replays one."""

from __future__ import annotations

from tests.interleaving.__main__ import play

FIRST, HOW_MANY = 70, 70


def test_random_schedules_lose_nothing() -> None:
    findings = play(range(FIRST, FIRST + HOW_MANY))
    assert findings == []
