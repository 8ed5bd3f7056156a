"""A ledger or a checkpoint that a newer version of the cleaner wrote: this one leaves it as it is, and says so."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from release_log.ledger_file import HEAD_FORMAT
from tests.unit.cleaner_lambda.runs import POLICY, A, at_request, keys_of, run, stopped_by

if TYPE_CHECKING:
    from tests.fake_cleaner_s3 import FakeS3


def make_newer(s3: FakeS3, key: str) -> None:
    """Have a newer version write a file as this one would, with its own format."""
    document = json.loads(gzip.decompress(s3.objects[key].body))
    s3.put(key, gzip.compress(json.dumps({**document, "format": HEAD_FORMAT + 1}).encode()))


@pytest.fixture
def newer(s3: FakeS3) -> FakeS3:
    """A site with a due asset, whose ledger is a newer cleaner's."""
    s3.advance(POLICY.version_ttl)
    make_newer(s3, s3.layout.ledger)
    s3.requests.clear()
    return s3


@pytest.mark.parametrize("asked", ["", "full", "force", "dry_run"])
def test_nothing_is_written_and_nothing_is_deleted(newer: FakeS3, asked: str) -> None:
    """It is not rebuilt: what it announces would be lost."""
    before = dict(newer.objects)
    report = run(newer, full=asked == "full", force=asked == "force", dry_run=asked == "dry_run")
    assert (newer.objects, newer.writes) == (before, [])
    assert (keys_of(report, "delete"), stopped_by(report)) == ([], ["unreadable_file"])


def test_the_stop_names_the_file_the_formats_and_both_remedies(newer: FakeS3) -> None:
    """Forward to the newer version; or back to this one, once nothing of the newer one is under way."""
    (stop,) = run(newer).document()["stopped_by"]
    assert stop["message"] == (
        "assets/.releases/ledger.json.gz cannot be read (its format 3 is newer than 2, which this version reads): "
        "a newer version of the cleaner wrote it: deploy that version again; nothing is deleted until then. If that "
        "cannot be done, stop the cleaner, wait for 15 minutes, and delete the file: the next run rebuilds the ledger"
    )


def test_when_the_file_is_deleted_the_cleaner_goes_on(newer: FakeS3) -> None:
    run(newer)
    del newer.objects[newer.layout.ledger]
    run(newer)
    assert keys_of(run(newer), "delete") == [A]


def test_a_newer_cleaner_that_writes_during_the_run_keeps_its_ledger(s3: FakeS3) -> None:
    """This run has announced by then: it starts over, reads the newer format, and ends with the record of its work."""
    s3.advance(POLICY.version_ttl)
    at_request(s3, "put_if", s3.layout.ledger, lambda: make_newer(s3, s3.layout.ledger), number=2)
    report = run(s3)
    assert json.loads(gzip.decompress(s3.objects[s3.layout.ledger].body))["format"] == HEAD_FORMAT + 1
    assert stopped_by(report) == ["unreadable_file"]
    assert report.done.deleted.keys() == {A}


def test_a_lost_ledger_is_not_rebuilt_from_a_newer_checkpoint(s3: FakeS3) -> None:
    """Nobody knows what it says of the assets whose markers are gone."""
    s3.put(s3.layout.checkpoint, s3.objects[s3.layout.ledger].body)
    make_newer(s3, s3.layout.checkpoint)
    del s3.objects[s3.layout.ledger]
    s3.requests.clear()
    report = run(s3)
    assert (s3.writes, stopped_by(report)) == ([], ["unreadable_file"])
    assert "checkpoint.json.gz cannot be read (its format 3 is" in report.document()["stopped_by"][0]["message"]
