"""A preview that is closed, or that nobody publishes any more, is gone after `removed_ttl`, release log included."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda.s3 import S3Store
from release_log.instants import parse_instant
from release_log.metrics import Metric
from tests.few_markers import few_markers
from tests.http.in_process import publish_here
from tests.http.test_end import shown
from tests.http.test_events import metrics
from tests.http.test_patterns import schedules, wake_up_in_a_group_of_its_own

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

__all__ = ["metrics"]

ALARMING = {
    Metric.FAILED,
    Metric.SET_ASIDE,
    Metric.INVALID_MARKERS,
    Metric.NOT_IN_PLACE,
    Metric.BRAKE_PULLED,
    Metric.MISSING_ASSETS,
    Metric.WAKE_UPS_NOT_SET,
}
PATTERN, SITE, DAY = "previews/*/", "previews/pr-1/", 86_400


class Clock:
    """S3's clock, as far as the cleaner sees it; a test moves it."""

    ahead = timedelta(0)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.ahead += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of each run."""
    clock, real = Clock(), S3Store.now

    def now(store: S3Store) -> datetime:
        return real(store) + clock.ahead

    monkeypatch.setattr(S3Store, "now", now)
    return clock


@pytest.fixture
def previews(cleaner: Cleaner, uploader: Uploader, monkeypatch: pytest.MonkeyPatch) -> Cleaner:
    """The daily run of a pattern."""
    wake_up_in_a_group_of_its_own(uploader, monkeypatch)
    policy = {"removed_ttl": DAY, "site_ttl": 7 * DAY}
    monkeypatch.setenv("SITES", json.dumps([{"bucket": uploader.bucket, "prefix": PATTERN, "policy": policy}]))
    return lambda **more: cleaner(site=PATTERN, bucket=uploader.bucket, full=True, **more)


def preview(uploader: Uploader, site_folder: Folder) -> None:
    """A preview with pages in two channels, a staged release, and the intent of an upload that died."""
    for number in "123":
        page = {"index.html": f"<script src=app-3f9c2a{number}{number}.js>", f"app-3f9c2a{number}{number}.js": number}
        folder = site_folder(number, page)
        publish_here(uploader, folder, f"r{number}", prefix=SITE, channel="default" if number < "3" else "beta")
    staged = uploader.upload(site_folder("4", {"x-6f6f6f6a.js": "x"}), "--prefix", SITE, "--stage")
    s3 = uploader.aws.client("s3")
    died = s3.get_object(Bucket=uploader.bucket, Key=staged["staged"])["Body"].read()
    key = staged["staged"].replace("staged/", "pending/").replace("Z-", "Z-died-")
    s3.put_object(Bucket=uploader.bucket, Key=key, Body=died)


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "forgotten"])
def test_nothing_of_it_is_left_and_the_daily_run_costs_nothing_more(
    uploader: Uploader,
    site_folder: Folder,
    previews: Cleaner,
    clock: Clock,
    metrics: Callable[[], list[dict[str, Any]]],
    closed: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    preview(uploader, site_folder)
    with few_markers():
        clock.wait(2 * 3600)
        assert previews()["sites"] == 1
        (site,) = shown(uploader, "sites", PATTERN)["sites"]
        status = shown(uploader, "status", "--prefix", SITE)
        assert site["ends_at"] == status["cleaner"]["last_run"]["ends_at"] is not None
        if closed:
            assert uploader.run("end", "--site", "--prefix", SITE, "--bucket", uploader.bucket).returncode == 0
        else:
            clock.wait(7 * DAY)
        previews()
        status = shown(uploader, "status", "--prefix", SITE)
        assert [each["channel"] for each in status["ended"]] == ["beta", "default"]
        assert status["current"] == []
        assert status["problems"] == []
        assert SITE + "index.html" in uploader.every_key()
        clock.wait(DAY)
        answers = []
        for _ in range(7):
            answers.append(previews())
            clock.wait(DAY / 2)
    assert uploader.every_key() == []
    assert [each["failed"] for each in answers] == [{}] * 7
    assert answers[-1]["sites"] == 0
    counted = metrics()
    assert {name: each[name] for each in counted for name in ALARMING if sum(each.get(name, [0]))} == {}
    assert all(each.get("Runs", [1.0]) == [1.0] for each in counted)


def test_the_wake_up_ends_it_in_its_minute(
    uploader: Uploader, site_folder: Folder, previews: Cleaner, cleaner: Cleaner, clock: Clock
) -> None:
    publish_here(uploader, site_folder("1", {"app-3f9c2ab1.js": "1"}), "r1", prefix=SITE)
    at = parse_instant(cleaner(site=SITE)["ends_at"])
    assert {"site": SITE, "bucket": uploader.bucket, "wake_up": True} in schedules(uploader)
    planned = cleaner(site=SITE, dry_run=True, site_ttl=6 * 3600)
    assert (at - parse_instant(planned["ends_at"])).total_seconds() == pytest.approx(7 * DAY - 6 * 3600)
    clock.wait(7 * DAY)
    assert list(cleaner(site=SITE, dry_run=True)["ended"]) == ["default"]
    assert previews()["sites"] == 1


def test_until_its_assets_are_gone_a_rollback_brings_it_back(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, previews: Cleaner, clock: Clock
) -> None:
    """By the id, too, though no marker says that the channel has ended."""
    first = publish_here(uploader, site_folder("1", {"app-3f9c2ab1.js": "1"}), "r1", prefix=SITE)
    clock.wait(7 * DAY + 60)
    previews()
    where = ("--prefix", SITE)
    (listed,) = shown(uploader, "releases", *where)["releases"]
    assert listed["standing"] == "earlier"
    again = uploader.run("end", "--site", *where, "--bucket", uploader.bucket)
    assert (again.returncode, "has ended" in again.stdout + again.stderr) == (0, True)
    refused = uploader.run("verify", *where, "--bucket", uploader.bucket)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    for which in ("--previous", first.id):
        planned = shown(uploader, "rollback", which, *where, "--dry-run")
        assert (planned["from"], planned["rollback_of"]) == (None, first.id)
    assert cleaner(site=SITE)["current"] == {}
