"""The lines that a CI job's log gets while something takes long."""

from __future__ import annotations

import logging
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from uploader.cli import heartbeat
from uploader.cli.heartbeat import Heartbeat
from uploader.cli.progress_lines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator

BIG, SMALL = (SimpleNamespace(size=size) for size in (2_000_000, 500))


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The lines of one upload."""
    made = Lines()
    yield made
    made.finished()


def uploads(*assets: Any) -> list[Any]:  # noqa: ANN401 (stand for uploads)
    return [SimpleNamespace(asset=asset) for asset in assets]


def send(lines: Lines, *assets: Any) -> None:  # noqa: ANN401
    for asset in assets:
        lines.sent(asset)


def test_it_says_what_is_sent_and_how_fast_since_the_last_line(lines: Lines) -> None:
    assert lines.line(10) == "reading the build, and comparing it with the bucket: 10 s"
    lines.started(uploads(*[SMALL] * 1500, BIG))
    send(lines, *[SMALL] * 1200)
    assert lines.line(20) == "1,200 of 1,501 files sent, 600.0 kB of 2.8 MB, 60.0 kB/s: 20 s"
    send(lines, BIG)
    assert lines.line(30) == "1,201 of 1,501 files sent, 2.6 MB of 2.8 MB, 200.0 kB/s: 30 s"
    send(lines, *[SMALL] * 300)
    assert lines.line(40) == "1,501 files sent, the marker is next: 40 s"


def test_an_upload_that_checks_everything_again_counts_anew(lines: Lines) -> None:
    lines.started(uploads(SMALL, SMALL))
    send(lines, SMALL)
    lines.started(uploads(SMALL))
    assert lines.line(10) == "0 of 1 file sent, 0 B of 500 B, 0 B/s: 10 s"


def test_the_lines_come_by_themselves_until_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(heartbeat, "SECONDS", 0.01)
    caplog.set_level(logging.INFO, "uploader")
    monkeypatch.setattr(logging.getLogger("uploader"), "propagate", True)
    with Heartbeat(lambda seconds: f"{seconds < 60}"):
        until = time.monotonic() + 10
        while len(caplog.messages) < 2 and time.monotonic() < until:
            time.sleep(0.01)
    time.sleep(0.05)
    said = len(caplog.messages)
    time.sleep(0.05)
    assert caplog.messages == ["True"] * said
    assert said >= 2
