"""A marker that counts and that a run cannot read: the ledger stays as it is, until a run can, or the marker goes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from release_log.marker import FORMAT, decode, encode
from tests.fake_cleaner_s3 import FakeS3
from tests.unit.cleaner_lambda.runs import APP, DAY, LOGO, POLICY, A, B, C, keys_of, run, stopped_by

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def unread(s3: FakeS3, release_id: str) -> Iterator[None]:
    """Nobody can read a marker for a while; nothing about it changes."""
    key = s3.layout.marker_key(release_id)
    stored = s3.objects[key]
    s3.objects[key] = replace(stored, body=b"{")
    yield
    s3.objects[key] = stored


def cut_off(s3: FakeS3, name: str, channel: str, assets: dict[str, str]) -> str:
    """A release that is not in place: its upload ended after the marker."""
    release_id = s3.publish(name, channel, assets)
    key = s3.layout.marker_key(release_id)
    release = replace(decode(s3.objects[key].body, s3.layout.prefix), format=FORMAT)
    s3.objects[key] = replace(s3.objects[key], body=encode(release))
    return release_id


@pytest.fixture
def s3() -> FakeS3:
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    run(s3)
    s3.advance(60)
    return s3


def test_release_stays_current_behind_one_that_is_not_in_place(s3: FakeS3) -> None:
    first = s3.ledger.current["default"]
    second = cut_off(s3, "r2", "default", {APP: B})
    with unread(s3, first):
        assert stopped_by(run(s3)) == ["invalid_marker"]
    for _ in range(5):
        run(s3, full=True)
        s3.advance(POLICY.version_ttl + 2 * DAY)
    assert s3.ledger.lines == {"default": (second, first)}
    assert s3.assets() == {A, B}


def test_what_is_put_in_place_meanwhile_supersedes_from_then_on(s3: FakeS3) -> None:
    first = s3.ledger.current["default"]
    second = cut_off(s3, "r2", "default", {APP: B})
    run(s3)
    s3.advance(60)
    s3.put(s3.layout.placed_key(second), b"{}")
    placed = s3.clock
    s3.advance(60)
    with unread(s3, first):
        run(s3)
    run(s3)
    assert s3.ledger.lines == {"default": (second,)}
    assert {key: each.mark.since for key, each in s3.ledger.retired.items()} == {A: placed}


def test_marker_that_was_written_again_meanwhile_is_read_again(s3: FakeS3) -> None:
    """It never is; where a bucket allows it all the same, the ledger is put right."""
    first = s3.ledger.current["default"]
    second = s3.publish("r2", "staging", {APP: A, LOGO: C})
    run(s3)
    s3.advance(60)
    key = s3.layout.marker_key(second)
    s3.put(key, s3.objects[key].body.replace(C.encode(), B.encode()))
    s3.put(B)
    with unread(s3, first):
        run(s3)
    s3.publish("r3", "staging", {APP: A})
    run(s3)
    assert set(s3.ledger.retired) == {B}


@pytest.mark.parametrize("late", [False, True], ids=["new", "late"])
def test_what_comes_meanwhile_is_folded_in_later_with_the_same_instants(*, late: bool) -> None:
    """Also if the history has to be replayed, as a marker turned up late."""
    instants = []
    for is_unread in (False, True):
        s3 = FakeS3()
        s3.publish("r1", "default", {APP: A, LOGO: "assets/logo-11111111.png"})
        s3.advance(60)
        current = s3.publish("r2", "default", {APP: B})
        run(s3)
        s3.advance(0 if late else 60)
        s3.publish("an-other", "staging", {APP: C})
        s3.advance(60)
        if is_unread:
            with unread(s3, current):
                assert stopped_by(run(s3)) == ["invalid_marker"]
        run(s3)
        assert stopped_by(run(s3)) == []
        instants.append({key: (each.mark, each.release) for key, each in s3.ledger.retired.items()})
    assert instants[0] == instants[1]
    assert set(instants[0]) == {A, "assets/logo-11111111.png"}


def test_marker_that_is_deleted_instead_is_missed(s3: FakeS3) -> None:
    current = s3.publish("r2", "default", {APP: B})
    run(s3)
    s3.advance(60)
    s3.publish("r3", "staging", {APP: C})
    with unread(s3, current):
        run(s3)
    del s3.objects[s3.layout.marker_key(current)]
    s3.advance(POLICY.version_ttl + 2 * DAY)
    assert stopped_by(run(s3, full=True)) == ["missing_marker"]
    assert s3.assets() == {A, B, C}


def test_of_the_releases_that_wait_none_is_lost_with_the_ledger(s3: FakeS3) -> None:
    """A rebuild reads them anew."""
    first = s3.ledger.current["default"]
    second = s3.publish("r2", "default", {APP: B})
    with unread(s3, first):
        run(s3)
        assert s3.ledger.current == {"default": first}
        del s3.objects[s3.layout.ledger]
        run(s3)
    s3.advance(60)
    run(s3)
    run(s3)
    assert s3.ledger.current == {"default": second}
    assert keys_of(run(s3), "delete") == []
    s3.advance(POLICY.version_ttl)
    assert keys_of(run(s3), "delete") == [A]


def test_assets_of_a_release_that_is_kept_stay_though_its_marker_cannot_be_read(s3: FakeS3) -> None:
    """A lifecycle rule that archives old objects reaches these first."""
    first = s3.ledger.current["default"]
    s3.publish("r2", "default", {APP: B})
    keeping = replace(POLICY, keep_releases=1)
    run(s3, policy=keeping)
    s3.advance(POLICY.version_ttl)
    with unread(s3, first):
        report = run(s3, policy=keeping)
        assert first in report.plan.stops[0].message
        assert s3.assets() == {A, B}
    assert stopped_by(run(s3, policy=keeping)) == []
    s3.publish("r3", "default", {APP: C})
    s3.advance(POLICY.version_ttl)
    with unread(s3, first):
        assert keys_of(run(s3, policy=keeping), "delete") == [A]
