"""Many sites of one pattern, with the deployed stack under an AWS that enforces its policies; `make torture`: 200."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from examples.embedded_aws import EmbeddedAws
from examples.installation import wait
from release_log.layout import Layout
from tests.e2e.cloudformation import deploy
from tests.e2e.stories import SENT, release
from tests.torture import TORTURE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from examples.installation import Installation

PATTERN = "previews/*/"
POLICY = {"grace": 0, "version_limit": 0, "version_ttl": 0, "max_delete_fraction": 1.0}
SITES, AT_ONCE = (200, 100) if TORTURE else (8, 4)
LAYOUTS = [Layout(f"previews/pr-{number:03}/") for number in range(SITES)]
SECONDS = 60
"""How soon after its marker each site is cleaned, on a machine that does nothing else."""

OLD, NEW = "app-1a2b3c4d.js", "app-5e6f7a8b.js"


@pytest.fixture(scope="module")
def installed() -> Iterator[Installation]:
    """A stack that cleans the sites of a pattern."""
    with EmbeddedAws(enforce_iam=True) as aws:
        yield deploy(aws, {**POLICY, "prefix": PATTERN}).installation(aws, PATTERN)


def marker(layout: Layout, name: str) -> str:
    """The key of a release's marker."""
    return layout.marker_key(f"20260101T000000Z-{name}")


def publish(installed: Installation, layout: Layout, asset: str, name: str) -> None:
    """A release with one asset, as the uploader writes it: the marker last."""
    s3, key = installed.aws.client("s3"), layout.prefix + asset
    s3.put_object(Bucket=installed.bucket, Key=key, Body=b"1", Metadata=SENT)
    body = release({"app.js": key}, layout.prefix)
    s3.put_object(Bucket=installed.bucket, Key=marker(layout, name), Body=body)


def stored(installed: Installation) -> dict[str, datetime]:
    """Key -> S3's ``LastModified``."""
    pages = installed.aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=installed.bucket)
    return {each["Key"]: each["LastModified"] for page in pages for each in page.get("Contents", ())}


def switch_events(installed: Installation, *, on: bool) -> None:
    """Turn the bucket's events on or off."""
    configuration: dict[str, Any] = {"EventBridgeConfiguration": {}} if on else {}
    s3 = installed.aws.client("s3")
    s3.put_bucket_notification_configuration(Bucket=installed.bucket, NotificationConfiguration=configuration)


@pytest.mark.timeout(900 if TORTURE else 180)
def test_the_daily_run_finds_each_site_and_markers_of_many_at_once_clean_each_within_a_minute(
    installed: Installation,
) -> None:
    """Whoever publishes has events; those that were lost are made up for by the daily run."""
    switch_events(installed, on=False)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda layout: publish(installed, layout, OLD, "r1"), LAYOUTS))
    answer = installed.invoke({"site": PATTERN, "full": True})
    assert answer == {"site": PATTERN, "sites": SITES, "failed": {}, "after": None}
    before = stored(installed)
    assert {layout.ledger for layout in LAYOUTS} <= before.keys()

    switch_events(installed, on=True)
    woken, others = LAYOUTS[:AT_ONCE], LAYOUTS[AT_ONCE:]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda layout: publish(installed, layout, NEW, "r2"), woken))
    old = {layout.prefix + OLD for layout in woken}

    def are_cleaned(found: dict[str, datetime]) -> bool:
        written = all(found[each.ledger] >= found[marker(each, "r2")] for each in woken)
        return written and not old & found.keys()

    # Each waits in its turn for a process of its own, which a machine with few cores starts one after the other.
    after = wait(lambda: stored(installed), are_cleaned, "not cleaned", seconds=600 if TORTURE else 120, pause=1)
    assert all(layout.prefix + NEW in after for layout in woken)
    assert all(after[key] == before[key] for layout in others for key in (layout.prefix + OLD, layout.ledger))
    lags = [after[each.ledger] - after[marker(each, "r2")] for each in woken]
    if TORTURE:
        assert max(lags).total_seconds() <= SECONDS, sorted(lags)[-5:]
