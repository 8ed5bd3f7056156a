"""Who publishes hears that the cleaner does not see it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from release_log.layout import Layout
from uploader.history.unseen import SOON, warning_of

LAYOUT = Layout("assets/")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OLD, NEW = (f"2026112{day}T060500Z-r" for day in (1, 2))


@pytest.mark.parametrize(
    ("seen", "ago", "warned"),
    [
        ([OLD], SOON + timedelta(seconds=1), True),
        ([], SOON + timedelta(seconds=1), True),
        ([OLD], SOON, False),
        ([NEW], timedelta(days=9), False),
    ],
    ids=["an hour later", "no ledger yet", "it may still come", "an older one that is not folded in"],
)
def test_the_newest_marker_should_be_seen_within_ten_minutes(seen: list[str], ago: timedelta, *, warned: bool) -> None:
    log = {LAYOUT.marker_key(OLD): NOW - timedelta(days=10), LAYOUT.marker_key(NEW): NOW - ago, LAYOUT.ledger: NOW}
    line = warning_of(LAYOUT, log, seen, NOW)
    assert (line is not None) is warned
    if line is not None:
        assert line.startswith(f"the cleaner has not seen {LAYOUT.marker_key(NEW)} of 2026-11-23T11:49:59Z")
        assert "`python -m uploader clean`" in line


def test_without_a_marker_there_is_nothing_to_see() -> None:
    assert warning_of(LAYOUT, {LAYOUT.pending_key(NEW): NOW - timedelta(days=1)}, [], NOW) is None
