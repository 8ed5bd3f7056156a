"""A full listing that is handed out, and what its alarm counts: a map run that was not started, and one that failed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import afterwards
from examples.embedded_aws import ACCOUNT, REGION
from tests.http.in_process import publish_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

NOT_THERE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:not-there"
COUNTED = "MapRunsFailed"


@pytest.fixture
def site(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Uploader]:
    """A site that counts as large, and whose cleaner has a state machine that nobody has made."""
    monkeypatch.setenv("LEDGER_FORMAT", "2")
    monkeypatch.setenv("STATE_MACHINE_ARN", NOT_THERE)
    monkeypatch.setattr("cleaner_lambda.scan.LARGE", 0)
    monkeypatch.setattr("cleaner_lambda.ledger_store._may_write_heads", lambda *_: True)
    afterwards.step_functions.cache_clear()
    publish_here(uploader, site_folder("a", {"app-3f9c2ab1.js": "1"}), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", {"app-4a1b2c3d.js": "2"}), "r2")
    cleaner()
    yield uploader
    afterwards.step_functions.cache_clear()


def counted(text: str) -> list[dict[str, str]]:
    """The dimensions under which map runs that failed were counted."""
    found = []
    for line in text.splitlines():
        document = json.loads(line) if line.startswith("{") else {}
        if COUNTED in document:
            (directive,) = document["_aws"]["CloudWatchMetrics"]
            assert [each["Name"] for each in directive["Metrics"]] == [COUNTED], "nothing else counts there"
            assert document[COUNTED] == [1.0]
            (names,) = directive["Dimensions"]
            found.append({name: document[name] for name in names})
    return found


def test_a_map_run_that_was_not_started_and_one_that_failed_are_counted_for_the_installation(
    site: Uploader, cleaner: Cleaner, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    service = {"service": "asset-cleaner"}
    capsys.readouterr()
    handed_out = cleaner(full=True)
    assert handed_out["unfinished"]
    assert "the map run was not started" in caplog.text
    assert counted(capsys.readouterr().out) == [service]

    answer = cleaner({"site": "assets/", "bucket": site.bucket, "map_run": {"at": handed_out["at"]}})
    assert [stop["reason"] for stop in answer["stopped_by"]] == ["map_run"], "no worker has listed anything"
    assert counted(capsys.readouterr().out) == [service]

    while answer["unfinished"]:
        answer = cleaner()
    capsys.readouterr()
    cleaner()
    assert counted(capsys.readouterr().out) == [], "the cleaner has listed it by itself"


@pytest.mark.parametrize("kind", ["range", "group"])
def test_a_worker_that_nobody_waits_for_says_so(site: Uploader, cleaner: Cleaner, kind: str) -> None:
    answer = cleaner({"site": "assets/", "bucket": site.bucket, "map_run": {"at": "2026-01-01T00:00:00Z", kind: 3}})
    assert answer == {"site": "assets/", kind: 3, "passed_over": f"the ledger does not wait for this {kind}"}
