"""More work than one invocation has time for: it stops in order, reports it, and the next invocations finish."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import ledger_document as ledgers
from cleaner_lambda.pace import batches
from cleaner_lambda.wake_up import LEAD_SECONDS
from release_log.instants import parse_instant
from release_log.tags import read_mark
from tests.http.in_process import publish_here
from tests.wake_ups import wake_ups

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import SimpleNamespace

    from cleaner_lambda.ledger import Ledger
    from release_log.layout import Layout
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

BATCH = 6
EACH = 20
SUPERSEDED = {f"chunk{number}-3f9c2ab1.js": "1" for number in range(EACH)}
REMOVED = {f"page{number}.html": "1" for number in range(EACH)}
LATEST = {name.replace("3f9c", "4f9c"): "1" for name in SUPERSEDED} | {"index.html": "1"}


@pytest.fixture
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the clock as often as on a large site."""

    def small(items: Sequence[Any], _size: int = BATCH) -> object:
        return batches(items, BATCH)

    monkeypatch.setattr("cleaner_lambda.apply.batches", small)
    monkeypatch.setattr("cleaner_lambda.deletion.batches", small)
    monkeypatch.setattr("cleaner_lambda.rebuild.batches", small)


def give_time_for(number: int, context: SimpleNamespace) -> None:
    """Give the next invocation time for this number of batches."""
    left = iter([900_000] * (number + 1))
    context.get_remaining_time_in_millis = lambda: next(left, 60_000)


def has_wake_up_at_once(uploader: Uploader) -> bool:
    """Whether a wake-up is set for the earliest possible minute; it is removed, as if it had fired."""
    first, *_ = wake_ups(uploader.aws, uploader.bucket)
    at = parse_instant(first["ScheduleExpression"].removeprefix("at(").replace(")", "Z"))
    uploader.aws.client("scheduler").delete_schedule(GroupName=first["GroupName"], Name=first["Name"])
    return at <= datetime.now(UTC) + timedelta(seconds=LEAD_SECONDS + 60)


def read_ledger(uploader: Uploader, layout: Layout) -> Ledger:
    answer = uploader.aws.client("s3").get_object(Bucket=uploader.bucket, Key=layout.ledger)
    return ledgers.decode(answer["Body"].read())


def assets(uploader: Uploader, layout: Layout) -> set[str]:
    return {key for key in uploader.keys() if layout.owns(key)}


def check_ledger(uploader: Uploader, layout: Layout) -> int:
    """Compare the ledger with the bucket; returns the number of assets with a tag of ours."""
    ledger, s3 = read_ledger(uploader, layout), uploader.aws.client("s3")
    current = {f"assets/{name}" for name in LATEST}
    assert ledger.retired.keys() == assets(uploader, layout) - current
    assert (ledger.deleting, ledger.tagging, ledger.owed) == (None, (), frozenset())
    marks = {}
    for key in ledger.retired:
        tags = s3.get_object_tagging(Bucket=uploader.bucket, Key=key)["TagSet"]
        marks[key] = read_mark({tag["Key"]: tag["Value"] for tag in tags})
    assert marks == {key: entry.tagged for key, entry in ledger.retired.items()}
    return sum(mark is not None for mark in marks.values())


@pytest.mark.usefixtures("_small_batches")
def test_deletions_and_tags_in_several_invocations(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, context: SimpleNamespace, layout: Layout
) -> None:
    """After each invocation the ledger matches the bucket, and the next is due at once."""
    publish_here(uploader, site_folder("a", SUPERSEDED | REMOVED), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", LATEST), "r2")
    done = []
    for _ in range(9):
        give_time_for(3, context)
        answer = cleaner()
        done.append((answer["counts"]["delete"], answer["counts"]["tag"], check_ledger(uploader, layout)))
        assert answer["counts"]["failed"] == 0
        assert len(answer["delete"]) == answer["counts"]["delete"], "what was not done is not told as done"
        if not answer["unfinished"]:
            break
        assert has_wake_up_at_once(uploader)
    # Three batches each: deletions first. Assets tagged in between wait for their two days.
    assert done == [(18, 0, 0), (2, 12, 12), (0, 8, 20)]
    assert not has_wake_up_at_once(uploader)
    assert assets(uploader, layout) == {f"assets/{name}" for name in (*LATEST, *REMOVED)}


@pytest.mark.usefixtures("_small_batches")
def test_a_lost_ledgers_tags_in_several_invocations(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, context: SimpleNamespace, layout: Layout
) -> None:
    """Until all are read, no run deletes anything, not even the run that reads the last of them."""
    publish_here(uploader, site_folder("a", SUPERSEDED), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", LATEST), "r2")
    uploader.aws.client("s3").delete_object(Bucket=uploader.bucket, Key=layout.ledger)
    everything, read_to = assets(uploader, layout), [""]
    for _ in range(9):
        give_time_for(3, context)
        answer = cleaner()
        assert (answer["delete"], [stop["reason"] for stop in answer["stopped_by"]]) == ([], ["rebuilt"])
        assert assets(uploader, layout) == everything
        so_far = read_ledger(uploader, layout).tags_read_to
        if so_far is None:
            break
        assert answer["unfinished"]
        assert has_wake_up_at_once(uploader)
        assert so_far > read_to[-1]
        read_to.append(so_far)
    assert len(read_to) == 3, f"40 keys, 18 an invocation: {read_to}"
    give_time_for(1, context)
    answer = cleaner()
    assert (answer["counts"]["delete"], answer["unfinished"]) == (BATCH, True)
    assert has_wake_up_at_once(uploader)
    context.get_remaining_time_in_millis = lambda: 900_000
    answer = cleaner()
    assert (answer["counts"]["delete"], answer["unfinished"]) == (EACH - BATCH, False)
    assert assets(uploader, layout) == {f"assets/{name}" for name in LATEST}
    assert check_ledger(uploader, layout) == 0
