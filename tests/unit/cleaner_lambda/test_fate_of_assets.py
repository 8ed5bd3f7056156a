"""What the ledger says for people: when each asset falls due, or why it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.unit.cleaner_lambda.runs import (
    APP,
    POLICY,
    A,
    keys_of,
    run,
    stopped_by,
)

if TYPE_CHECKING:
    from release_log.policy_settings import Policy
    from tests.fake_cleaner_s3 import FakeS3


def fate(s3: FakeS3, key: str) -> tuple[datetime | None, str | None]:
    """When an asset falls due, and why it is kept if it does not."""
    entry = s3.ledger.retired[key]
    return entry.due, entry.kept_by


def test_ledger_says_when_each_asset_falls_due_or_what_keeps_it(s3: FakeS3) -> None:
    """By the policy of the last run, which the ledger holds too."""
    since = s3.ledger.retired[A].mark.since
    assert fate(s3, A) == (since + timedelta(seconds=POLICY.version_ttl), None)
    assert s3.ledger.last_run["policy"]["version_ttl"] == POLICY.version_ttl
    run(s3, policy=replace(POLICY, version_limit=2))
    assert fate(s3, A) == (None, "within_version_limit")
    run(s3, policy=replace(POLICY, keep_releases=1))
    assert fate(s3, A) == (None, "kept_release")
    s3.stage("r3", "default", {APP: A})
    run(s3)
    assert fate(s3, A) == (None, "staged")


def test_what_a_stop_or_an_error_holds_up_keeps_its_instant(s3: FakeS3) -> None:
    """It is overdue, and the summary of the run says why."""
    due, _ = fate(s3, A)
    s3.advance(POLICY.version_ttl)
    s3.refuse[A] = ["AccessDenied: no"] * 9
    run(s3)
    assert fate(s3, A) == (due, None)
    assert s3.ledger.last_run["counts"]["failed"] == 1
    s3.refuse.clear()
    s3.put("assets/.releases/markers/20200101T000000Z-bad.json", b"not JSON")
    stopped = run(s3)
    assert stopped_by(stopped) == ["invalid_marker"]
    assert keys_of(stopped, "upcoming") == [], "it is due already"
    assert fate(s3, A) == (due, None)


@pytest.mark.parametrize("policy", [POLICY, replace(POLICY, version_limit=2)], ids=["due later", "kept"])
def test_passing_time_does_not_write_the_ledger(s3: FakeS3, policy: Policy) -> None:
    """Also when the grace period ends meanwhile: the due instants have not changed."""
    run(s3, policy=policy)
    s3.advance(policy.grace)
    s3.requests.clear()
    run(s3, policy=policy)
    assert s3.made("put_if") == []
