"""A rebuild where tags cannot be read: a few objects are set aside, an outage of S3 is waited for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda.next_due import RETRY_SECONDS
from cleaner_lambda.rebuild import FEW
from release_log.instants import format_instant
from tests.fake_cleaner_s3 import FakeS3, client_error
from tests.unit.cleaner_lambda.runs import APP, DAY, POLICY, A, B, keys_of, run, stopped_by

if TYPE_CHECKING:
    from collections.abc import Collection

STRAY = "assets/stray-0123abcd.js"


def deny(s3: FakeS3, keys: Collection[str], code: str = "AccessDenied") -> None:
    """Let nobody read the tags of some objects."""

    def refuse(made: str, key: str) -> None:
        if made == "get_tags" and key in keys:
            raise client_error(code, "GetObjectTagging")

    s3.on_request = refuse


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidObjectState", "InternalError"])
def test_asset_whose_tags_cannot_be_read_stays_and_the_others_go(s3: FakeS3, code: str) -> None:
    """Also if the error is one that passes as a rule: it lasts for this object."""
    s3.put(STRAY)
    s3.advance(2 * DAY)
    run(s3, full=True, policy=replace(POLICY, version_limit=9))
    s3.objects.pop(s3.layout.ledger)
    deny(s3, {A}, code)
    assert stopped_by(run(s3)) == ["rebuilt"]
    assert s3.ledger.tags_read_to is None
    s3.advance(30 * DAY)
    for _ in range(2):
        report = run(s3)
        assert (stopped_by(report), keys_of(report, "failed")) == ([], [A])
        passes = code == "InternalError"
        assert report.next_due == s3.clock + timedelta(seconds=RETRY_SECONDS if passes else DAY)
        assert keys_of(report, "set_aside") == ([] if passes else [A])
    assert s3.assets() == {A, B}
    assert (set(s3.ledger.tags_unknown), s3.ledger.retired[A].kept_by) == ({A}, "tags_unknown")
    s3.on_request = None
    assert keys_of(run(s3), "delete") == [A]
    assert s3.ledger.tags_unknown == frozenset()


def test_tag_that_is_read_at_last_dates_its_asset(s3: FakeS3) -> None:
    """The later instant counts, as if it had been read at once."""
    s3.objects.pop(s3.layout.ledger)
    later = s3.clock + timedelta(days=10, minutes=-10)
    s3.tags(A)["superseded_at"] = format_instant(later)
    deny(s3, {A})
    run(s3)
    s3.on_request = None
    s3.advance(10 * DAY)
    assert keys_of(run(s3), "delete") == []
    assert s3.ledger.retired[A].mark.since == later


def test_live_asset_whose_tags_were_not_read_loses_a_left_over_tag_once_they_are(s3: FakeS3) -> None:
    s3.tags(B)["removed_at"] = "2020-01-01T00:00:00Z"
    s3.objects.pop(s3.layout.ledger)
    deny(s3, {B})
    run(s3)
    s3.on_request = None
    run(s3)
    assert (s3.tags(B), s3.ledger.tags_unknown) == ({}, frozenset())


def test_object_that_is_gone_is_not_unknown_any_more(s3: FakeS3) -> None:
    s3.objects.pop(s3.layout.ledger)
    deny(s3, {A})
    run(s3)
    del s3.objects[A]
    s3.on_request = None
    run(s3, full=True)
    assert s3.ledger.tags_unknown == frozenset()
    assert A not in s3.ledger.retired


@pytest.mark.parametrize("number", [FEW, FEW + 1])
def test_outage_is_waited_for_and_a_few_objects_are_not(number: int) -> None:
    """SlowDown for many: the rebuild stops and goes on later, and no asset is set aside for it."""
    s3 = FakeS3()
    names = [f"assets/app-{n:04}aaaa.js" for n in range(100)]
    s3.publish("r1", "default", dict(zip(names, names, strict=True)))
    run(s3)
    s3.publish("r2", "default", {APP: A})
    run(s3)
    s3.objects.pop(s3.layout.ledger)
    deny(s3, set(names[:number]), "SlowDown")
    report = run(s3)
    outage = number > FEW
    assert (s3.ledger.tags_read_to is not None) is outage
    assert s3.ledger.tags_unknown == (frozenset() if outage else set(names[:number]))
    assert report.next_due is not None
    assert (report.next_due == s3.clock + timedelta(seconds=RETRY_SECONDS)) is outage or not outage
    s3.on_request = None
    run(s3)
    assert (s3.ledger.tags_read_to, s3.ledger.tags_unknown) == (None, frozenset())
    s3.advance(POLICY.removed_ttl)
    assert keys_of(run(s3, force=True), "delete") == names
