"""What ``status`` shows of a site with very many retired assets."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from release_log.ledger_view import LedgerView, RetiredAsset
from release_log.tags import State
from uploader.cli.bodies import status as body
from uploader.cli.output import OutputOptions
from uploader.history.current import Current
from uploader.library import inspection
from uploader.library.site import Site
from uploader.operations.status import Status

LEFT = datetime(2026, 11, 23, 6, 0, 0, tzinfo=UTC)
FAR = datetime(2126, 1, 1, tzinfo=UTC)


def retired(number: int) -> RetiredAsset:
    """Every seventh is kept by the limit on versions; the first twelve of the others are overdue."""
    due = None if number % 7 == 0 else (LEFT if number < 14 else FAR) + timedelta(seconds=number)
    kept = "within_version_limit" if due is None else None
    return RetiredAsset(f"assets/a{number}.js", "a.js", State.SUPERSEDED, LEFT, 1000, "r", due, kept)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site with 3,011 retired assets."""
    ledger = LedgerView({}, {}, {}, {}, tuple(map(retired, range(3011))), None, LEFT, rebuilding=False, last_run={})
    found = Status(Current({}, {}, (), (), {}, {}), (), (), ledger, ("a problem",), tuple(f"a//{n}" for n in range(21)))
    monkeypatch.setattr(inspection, "status", lambda *_, **__: found)
    return Site(bucket="b")


def test_the_next_twenty_are_shown_and_the_others_are_counted(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    body.status(site, OutputOptions())
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert len(lines) == 53
    assert "3,011 retired, 3.0 MB: 12 overdue, 2,568 due later, 431 kept" in lines
    assert [line.split()[0] for line in lines if line.startswith("assets/a")][:3] == [
        f"assets/a{n}.js" for n in (1, 2, 3)
    ]
    assert [line for line in lines if "more" in line] == ["1 more: --all shows them", "2,991 more: --all shows them"]
    assert "\x1b" not in said


def test_all_of_them_are_shown_if_somebody_asks(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    body.status(site, OutputOptions(show_all=True))
    said = capsys.readouterr().out
    assert said.count("assets/a") == 3011
    assert said.count("a//") == 21
    assert "more" not in said


def test_a_program_gets_all_of_them(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    body.status(site, OutputOptions(as_json=True))
    assert len(json.loads(capsys.readouterr().out)["retired"]) == 3011
