"""More releases than a run reads at once: it takes them in in parts, over several invocations, and deletes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import backlog
from release_log.marker import Asset, Release, encode
from release_log.release_id import make_id
from tests.http.in_process import publish_here
from tests.http.test_large_work import give_time_for, has_wake_up_at_once, read_ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import SimpleNamespace

    from release_log.layout import Layout
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

PART = 40
RELEASES = 300
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MARKERS", PART)


def name(number: int) -> str:
    """The one file that the release changes."""
    return f"app-{number:04x}9c2ab1.js"


def release_many(uploader: Uploader, layout: Layout, numbers: range) -> None:
    """As many releases, in two channels; each has another version of one file, and the last ones' are there."""
    s3 = uploader.aws.client("s3")
    for number in numbers:
        at = BEGIN + timedelta(minutes=number)
        assets = {"assets/app.js": Asset(f"assets/{name(number)}", 1, fingerprinted=True)}
        by = {"name": "tests", "version": "0"}
        release = Release(f"r{number}", ("default", "staging")[number % 2], at, layout.prefix, by, assets)
        if number >= numbers.stop - 4:
            s3.put_object(Bucket=uploader.bucket, Key=f"assets/{name(number)}", Body=b"1", Metadata={"headers": "0"})
        key = layout.marker_key(make_id(at, f"r{number}"))
        s3.put_object(Bucket=uploader.bucket, Key=key, Body=encode(release))


def reasons(answer: dict[str, Any]) -> list[str]:
    """Why nothing was deleted."""
    return [stop["reason"] for stop in answer["stopped_by"]]


@pytest.mark.usefixtures("_small_parts")
def test_a_log_that_no_run_has_seen_is_taken_in_by_several_invocations(
    uploader: Uploader, cleaner: Cleaner, context: SimpleNamespace, layout: Layout
) -> None:
    release_many(uploader, layout, range(RELEASES))
    everything, known = {*uploader.keys(), layout.ledger}, [0]
    while RELEASES - known[-1] > 3 * PART:
        give_time_for(2, context)
        answer = cleaner()
        assert set(uploader.keys()) == everything
        assert not answer["counts"]["tag"]
        assert reasons(answer) == ["catching_up"]
        assert answer["unfinished"]
        assert has_wake_up_at_once(uploader)
        known.append(len(read_ledger(uploader, layout).folded))
    assert known == [0, 3 * PART, 6 * PART]
    context.get_remaining_time_in_millis = lambda: 900_000
    assert reasons(cleaner()) == ["rebuilt"]
    answer = cleaner()
    assert reasons(answer) == []
    ledger = read_ledger(uploader, layout)
    assert ledger.backlog is None
    assert {channel: i.partition("-")[2] for channel, i in ledger.current.items()} == {
        "default": f"r{RELEASES - 2}",
        "staging": f"r{RELEASES - 1}",
    }
    assert {key for key in uploader.keys() if layout.owns(key)} >= {f"assets/{name(RELEASES - n)}" for n in (1, 2)}


@pytest.mark.usefixtures("_small_parts")
def test_meanwhile_an_upload_brings_back_what_is_due_by_the_parts_so_far(
    uploader: Uploader, cleaner: Cleaner, context: SimpleNamespace, layout: Layout, site_folder: Folder
) -> None:
    """It waits for nobody, and what it relies on stays."""
    release_many(uploader, layout, range(4))
    while reasons(cleaner()):
        pass
    release_many(uploader, layout, range(4, RELEASES))
    give_time_for(2, context)
    assert reasons(cleaner()) == ["catching_up"]
    publish_here(uploader, site_folder("back", {name(3): "1", "index.html": "1"}), "back")
    for _ in range(9):
        give_time_for(2, context)
        answer = cleaner()
        if "catching_up" not in reasons(answer):
            break
    context.get_remaining_time_in_millis = lambda: 900_000
    answer = cleaner(force=True)
    assert reasons(answer) == []
    assert answer["current"]["default"].endswith("back")
    assert f"assets/{name(3)}" in uploader.keys()
    assert f"assets/{name(RELEASES - 1)}" in uploader.keys()
