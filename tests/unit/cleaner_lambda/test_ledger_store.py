"""The ledger in the bucket, in the format whose head names other files."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import ledger_document, ledger_store
from cleaner_lambda.errors import CleanerError
from cleaner_lambda.head import decode
from cleaner_lambda.ledger import Ledger
from cleaner_lambda.segments import SMALL
from release_log import ledger_file
from release_log.bounds import LEDGER_BYTES, LEDGER_VALUES, values_in
from release_log.ledger_file import FORMAT, HEAD_FORMAT, HOLDS
from tests.ledger_formats import NONE, writing
from tests.unit.cleaner_lambda.runs import (
    APP,
    DAY,
    LOGO,
    POLICY,
    A,
    B,
    C,
    at_request,
    fail_with,
    keys_of,
    run,
    stopped_by,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fake_cleaner_s3 import FakeS3

WEEK = 7 * DAY


@pytest.fixture
def heads() -> Iterator[None]:
    """The cleaner writes heads, and nobody runs who does not know them."""
    with writing(HEAD_FORMAT):
        yield


def files(s3: FakeS3) -> list[str]:
    """The files that heads have named."""
    return sorted(key for key in s3.objects if key.startswith(s3.layout.ledger_files))


def named(s3: FakeS3) -> list[str]:
    """The files that the head names."""
    return sorted(map(s3.layout.ledger_file, decode(s3.objects[s3.layout.ledger].body).index.names))


def version(s3: FakeS3) -> int:
    """The format of the ledger."""
    document = json.loads(gzip.decompress(s3.objects[s3.layout.ledger].body))
    assert isinstance(document["format"], int)
    return document["format"]


@pytest.mark.usefixtures("heads")
def test_a_ledger_of_format_1_is_upgraded_in_place(s3: FakeS3) -> None:
    """Nothing of it is lost: what was due is due."""
    before = s3.ledger
    s3.publish("r3", "default", {APP: B, "assets/logo.png": LOGO})
    run(s3)
    assert version(s3) == HEAD_FORMAT
    assert len(named(s3)) == 1
    assert s3.ledger.retired.keys() == before.retired.keys()
    s3.advance(POLICY.version_ttl)
    assert keys_of(run(s3), "delete") == [A]
    assert s3.ledger.retired == {}


def test_until_no_older_version_can_run_the_ledger_only_says_that_it_will_be_upgraded(s3: FakeS3) -> None:
    """An older version would take the head for a broken ledger, and rebuild over what it announces."""
    with writing(HEAD_FORMAT, noted=True):
        for number, seconds in enumerate((0, HOLDS.total_seconds(), 5)):
            assert version(s3) == FORMAT
            s3.advance(seconds)
            s3.publish(f"r{3 + number}", "default", {APP: (B, C)[number % 2]})
            run(s3)
        assert version(s3) == HEAD_FORMAT


def test_an_older_version_that_writes_meanwhile_takes_the_note_away(s3: FakeS3) -> None:
    """Then the wait begins anew."""
    with writing(HEAD_FORMAT, noted=True):
        s3.publish("r3", "default", {APP: C})
        run(s3)
        s3.advance(HOLDS.total_seconds())
        s3.ledger = replace(s3.ledger, upgrading=None)
        s3.advance(5)
        s3.publish("r4", "default", {APP: B})
        run(s3)
        assert version(s3) == FORMAT


@pytest.mark.usefixtures("heads")
def test_a_head_that_names_the_same_assets_names_the_same_files(s3: FakeS3) -> None:
    s3.publish("r3", "default", {APP: C})
    run(s3)
    before = named(s3)
    s3.publish("r4", "default", {APP: C, "assets/logo.png": LOGO})
    run(s3)
    assert named(s3) == before


@pytest.mark.usefixtures("heads")
@pytest.mark.parametrize("broken", [None, b"?"])
def test_a_file_that_is_lost_or_broken_is_a_lost_ledger(s3: FakeS3, broken: bytes | None) -> None:
    """It is rebuilt, and nothing goes meanwhile."""
    s3.publish("r3", "default", {APP: C})
    run(s3)
    (name,) = named(s3)
    if broken is None:
        del s3.objects[name]
    else:
        s3.put(name, broken)
    s3.advance(POLICY.version_ttl)
    assert stopped_by(run(s3)) == ["rebuilt"]
    assert keys_of(run(s3), "delete") == [A, B]


@pytest.mark.usefixtures("heads")
def test_a_file_that_another_run_has_replaced_meanwhile_starts_the_run_over(s3: FakeS3) -> None:
    s3.publish("r3", "default", {APP: C})
    run(s3)
    (name,) = named(s3)

    def another() -> None:
        s3.on_request = None
        s3.publish("r4", "default", {APP: B})
        run(s3, run_id="another")
        del s3.objects[name]

    at_request(s3, "get", name, another)
    assert stopped_by(run(s3)) == []
    assert s3.ledger.retired.keys() == {A, C}


@pytest.mark.usefixtures("heads")
def test_what_no_head_names_goes_two_listings_later(s3: FakeS3) -> None:
    """Nobody who has read an older head looks for it in vain."""
    s3.publish("r3", "default", {APP: C})
    run(s3)
    (old,) = named(s3)
    lost = s3.layout.ledger_file("segment-20261101T000000Z-0123456789abcdef.json.gz")
    s3.put(lost)
    s3.publish("r4", "default", {APP: B})
    run(s3)
    for listing in range(3):
        assert {old, lost} <= set(files(s3)) if listing < 2 else {old, lost}.isdisjoint(files(s3))
        s3.advance(DAY)
        run(s3, policy=replace(POLICY, version_ttl=WEEK), full=True)
        run(s3, policy=replace(POLICY, version_ttl=WEEK), full=True)
    assert files(s3) == named(s3)


@pytest.mark.usefixtures("heads")
@pytest.mark.parametrize("version", [FORMAT, HEAD_FORMAT])
def test_of_a_site_that_has_ended_no_file_is_left(s3: FakeS3, version: int) -> None:
    """None that a head has named either, if the ledger is in format 1 again."""
    s3.publish("r3", "default", {APP: C})
    run(s3)
    s3.advance(1)
    s3.end()
    with writing(version):
        for _ in range(6):
            s3.advance(WEEK)
            run(s3)
    assert s3.objects == {}


@pytest.mark.parametrize("small", [SMALL, NONE])
def test_who_is_told_to_write_format_1_again_does_so_at_once(s3: FakeS3, small: int) -> None:
    """An older uploader may wait for it. Nothing is lost, on a large site neither."""
    with writing(HEAD_FORMAT, small=small):
        s3.publish("r3", "default", {APP: C})
        run(s3)
        s3.advance(1)
        s3.publish("r4", "default", {APP: C, "assets/logo.png": LOGO})
        run(s3)
    before = s3.ledger
    with writing(FORMAT, small=small):
        run(s3)
        assert version(s3) == FORMAT
        assert s3.ledger.same_state(before)
        written = s3.objects[s3.layout.ledger]
        run(s3)
        assert s3.objects[s3.layout.ledger] == written


def test_who_is_told_to_write_format_1_takes_the_note_away(s3: FakeS3) -> None:
    with writing(HEAD_FORMAT, noted=True):
        s3.publish("r3", "default", {APP: C})
        run(s3)
        assert s3.ledger.upgrading is not None
    s3.publish("r4", "default", {APP: B})
    run(s3)
    assert s3.ledger.upgrading is None


@pytest.mark.usefixtures("heads")
def test_a_run_that_dies_before_its_head_has_changed_nothing(s3: FakeS3) -> None:
    """The files come first, so every head finds those that it names."""
    s3.publish("r3", "default", {APP: C})
    run(s3)
    before, there = s3.ledger, files(s3)
    s3.publish("r4", "default", {APP: B})
    at_request(s3, "put_if", s3.layout.ledger, fail_with("InternalError"), number=2)
    with pytest.raises(Exception, match="could not be written"):
        run(s3, run_id="dies")
    assert set(named(s3)) <= set(there) < set(files(s3))
    assert s3.ledger.retired == before.retired


def test_who_reads_a_ledger_without_a_note_sees_none() -> None:
    assert Ledger().upgrading is None


def test_format_1_has_room_for_1_600_000_retired_assets(s3: FakeS3) -> None:
    """As docs/large-sites.md says."""
    (entry,) = s3.ledger.retired.values()
    none, many = (
        gzip.decompress(ledger_document.encode(replace(s3.ledger, retired=retired)))
        for retired in ({}, {f"{A}{number:03}": entry for number in range(1000)})
    )
    share = ledger_store.FULL / 100
    assert 1_600_000 < share * 1000 * LEDGER_VALUES / (values_in(many) - values_in(none)) < 1_700_000
    assert share * 1000 * LEDGER_BYTES / (len(many) - len(none)) > 1_600_000


@pytest.mark.parametrize("bound", ["FILE_BYTES", "LEDGER_BYTES", "LEDGER_VALUES"])
def test_a_ledger_of_format_1_that_is_full_is_not_written_and_format_2_helps(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """What no run could read would be rebuilt by each of them, for ever, and nothing would be deleted."""
    body = s3.objects[s3.layout.ledger].body
    content = gzip.decompress(body)
    size = {"FILE_BYTES": len(body), "LEDGER_BYTES": len(content), "LEDGER_VALUES": values_in(content)}[bound]
    monkeypatch.setattr(ledger_file, bound, 2 * size)
    monkeypatch.setattr(ledger_store, "FULL", 40)
    s3.advance(POLICY.version_ttl)
    with pytest.raises(CleanerError, match=r"ledger\.json\.gz is full .*: deploy the cleaner with -c ledger_format=2"):
        run(s3)
    assert (s3.objects[s3.layout.ledger].body, A in s3.objects) == (body, True)
    with writing(HEAD_FORMAT, noted=True):
        run(s3, run_id="notes it")
        s3.advance(HOLDS.total_seconds() + 5)
        s3.publish("r3", "default", {APP: C})
        run(s3, run_id="upgrades")
    assert (version(s3), A in s3.objects) == (HEAD_FORMAT, False)


def test_a_ledger_that_no_run_can_read_is_never_written(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by a run that says in it that format 2 follows."""
    body = s3.objects[s3.layout.ledger].body
    monkeypatch.setattr(ledger_file, "LEDGER_VALUES", values_in(gzip.decompress(body)) - 1)
    s3.advance(POLICY.version_ttl)
    with writing(HEAD_FORMAT, noted=True), pytest.raises(CleanerError, match="is full"):
        run(s3)
    assert s3.objects[s3.layout.ledger].body == body
