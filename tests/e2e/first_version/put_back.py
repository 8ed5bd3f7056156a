"""Store again the objects that an installation of the first version left behind."""

from __future__ import annotations

import gzip
import json
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from release_log.instants import format_instant

if TYPE_CHECKING:
    from examples.installation import Installation

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d{8}T\d{6}Z"


def put_back(site: Installation, objects: list[dict[str, Any]]) -> None:
    """Store the objects in their first order, with the present as their time.

    A release counts from the time of its marker, and does not retire an asset that S3 stored later.
    """
    s3 = site.aws.client("s3")
    assets = [each for each in objects if site.layout.owns(each["Key"])]
    markers = [each for each in objects if each["Key"].startswith(site.layout.markers)]
    (ledger,) = (each for each in objects if each["Key"] == site.layout.ledger)
    now: dict[str, str] = {}

    def put(each: dict[str, Any]) -> datetime:
        key, body = (_moved(each[name], now) for name in ("Key", "Body"))
        headers = {name: each[name] for name in each.keys() - {"Key", "Body", "tags"}}
        content = gzip.compress(body.encode()) if key.endswith(".gz") else body
        s3.put_object(Bucket=site.bucket, Key=key, Body=content, **headers)
        stored: datetime = s3.head_object(Bucket=site.bucket, Key=key)["LastModified"]
        return stored

    for asset in assets:
        put(asset)
    time.sleep(1)
    for marker in markers:
        recorded = json.loads(marker["Body"])["created_at"]
        at = format_instant(datetime.now(UTC))
        now |= {recorded: at, _compact(recorded): _compact(at)}
        now[recorded] = format_instant(put(marker))
    put(ledger)
    for asset in assets:
        tags = [{"Key": name, "Value": now[since]} for name, since in asset["tags"].items()]
        s3.put_object_tagging(Bucket=site.bucket, Key=asset["Key"], Tagging={"TagSet": tags})


def _moved(text: str, now: dict[str, str]) -> str:
    return re.sub(INSTANT, lambda found: now.get(found[0], found[0]), text)


def _compact(instant: str) -> str:
    """An instant as it begins a release's id."""
    return re.sub("[-:]", "", instant)
