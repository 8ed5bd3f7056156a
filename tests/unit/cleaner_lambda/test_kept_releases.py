"""Pins and `keep_releases` keep the assets of whole releases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.unit.cleaner_lambda.runs import (
    APP,
    DAY,
    LOGO,
    POLICY,
    A,
    B,
    C,
    at_request,
    keys_of,
    nothing,
    run,
)

if TYPE_CHECKING:
    from tests.fake_cleaner_s3 import FakeS3


def test_pinned_release_keeps_its_assets_until_it_is_unpinned(s3: FakeS3) -> None:
    """They stay tagged as retired, however long ago; once unpinned, the next run deletes them."""
    pin = s3.pin("20261123T000000Z-r1", "default", {APP: A})
    s3.advance(400 * DAY)
    report = run(s3)
    assert {action.key: str(action.reason) for action in report.plan.keep}[A] == "pinned"
    assert s3.tags(A).keys() == {"superseded_at"}
    assert report.next_due is None
    assert s3.layout.pin_key(pin) in s3.objects, "a pin does not expire"
    s3.break_off(pin)
    assert keys_of(run(s3), "delete") == [A]


def test_pinned_release_that_becomes_current_and_is_superseded_again_stays(s3: FakeS3) -> None:
    """Its tags are removed and written as for other releases."""
    s3.pin("20261123T000000Z-r1", "default", {APP: A})
    s3.publish("r3", "default", {APP: A})
    run(s3)
    assert s3.tags(A) == {}
    s3.advance(DAY)
    s3.publish("r4", "default", {APP: C})
    s3.advance(DAY)
    report = run(s3)
    assert keys_of(report, "delete") == [B]
    assert s3.tags(A).keys() == {"superseded_at"}


def test_pin_written_after_the_first_look_saves_its_keys(s3: FakeS3) -> None:
    """Its intent is gone by then."""
    s3.advance(POLICY.version_ttl)
    pin = "20261123T000000Z-r1"
    at_request(s3, "put_if", s3.layout.ledger, lambda: nothing(s3.pin(pin, "default", {APP: A})))
    report = run(s3)
    assert A in s3.assets()
    assert {action.key: str(action.reason) for action in report.plan.keep}[A] == "pinned"


def test_intent_that_becomes_a_pin_between_two_listings_of_the_second_look_is_missed_by_neither(s3: FakeS3) -> None:
    """Intents are read before pins."""
    release_id, begun = "20261124T000000Z-r1", False
    asked: list[str] = []

    def intervene(operation: str, key: str) -> None:
        nonlocal begun
        if operation == "put_if" and not begun:
            begun = True
            s3.intend(release_id, "default", {APP: A})
        elif begun and operation == "list" and key in {s3.layout.pending, s3.layout.pins}:
            asked.append(key)
            if len(asked) == 2:
                s3.pin(release_id, "default", {APP: A})
                s3.objects.pop(s3.layout.pending_key(release_id))

    s3.advance(POLICY.version_ttl)
    s3.on_request = intervene
    run(s3)
    assert len(asked) >= 2
    assert A in s3.assets()


def test_pin_that_vanishes_between_list_and_get_keeps_nothing_any_more(s3: FakeS3) -> None:
    """It was unpinned, and nobody relies on it."""
    s3.advance(POLICY.version_ttl)
    pin = s3.pin("20261123T000000Z-r1", "default", {APP: A})
    at_request(s3, "get", s3.layout.pin_key(pin), lambda: s3.break_off(pin))
    assert keys_of(run(s3), "delete") == [A]


@pytest.mark.parametrize(("name", "body"), [("20261124T000000Z-bad.json", b"{}"), ("notes.txt", b"call Ann")])
def test_invalid_pin_stops_all_deletion_and_says_what_to_do(s3: FakeS3, name: str, body: bytes) -> None:
    """It is unknown which assets the pin is for."""
    s3.advance(POLICY.version_ttl)
    s3.put(f"{s3.layout.pins}{name}", body)
    (stop,) = run(s3).plan.stops
    assert stop.reason == "invalid_marker"
    assert stop.message.startswith(f"{s3.layout.pins}{name} is not valid (")
    assert stop.message.endswith(
        "so it is unknown which assets are pinned: nothing is deleted until you "
        "delete this file and pin its release again"
    )
    assert s3.assets() == {A, B}


def test_key_of_a_pin_is_not_an_orphan(s3: FakeS3) -> None:
    """A release that was only staged can be pinned; once unpinned, its assets are orphans."""
    s3.put(C)
    pin = s3.pin("20261123T000000Z-trial", "default", {APP: C})
    s3.advance(2 * DAY)
    run(s3, full=True)
    assert s3.tags(C) == {}
    s3.break_off(pin)
    run(s3, full=True)
    assert s3.tags(C).keys() == {"superseded_at"}


@pytest.mark.scenario("A1")
def test_keep_releases_keeps_the_assets_of_the_earlier_releases(s3: FakeS3) -> None:
    """Whatever their age, for a roll-back without a new build; the run reads their markers."""
    s3.publish("r3", "default", {APP: C})
    s3.publish("s1", "staging", {"assets/logo.png": LOGO})
    run(s3)
    s3.advance(30 * DAY)
    policy = replace(POLICY, keep_releases=1)
    report = run(s3, policy=policy)
    assert s3.assets() == {B, C, LOGO}, "B is of the one release before the current one; A of the one before that"
    assert {action.key: str(action.reason) for action in report.plan.keep}[B] == "kept_release"
    assert keys_of(run(s3), "delete") == [B], "without the setting it goes"
