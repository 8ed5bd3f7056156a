"""Whole runs of the uploader and of the cleaner in a bucket of their own, with somebody's keys."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cleaner_lambda import afterwards, handler, pruning
from examples.embedded_aws import ACCOUNT, REGION, EmbeddedAws
from release_log.layout import Layout
from release_log.ledger_file import FORMAT
from release_log.marker import Asset, Release, encode
from release_log.sent import HEADERS
from tests.e2e.strict_s3 import BROKEN
from tests.http.in_process import SMALL_PART, no_sleep, parts_are_small, run_here
from tests.ledger_formats import at_once
from tests.wake_ups import wake_ups

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path

LAYOUT = Layout("assets/")
POLICY = {"grace": 0, "version_limit": 0, "version_ttl": 0, "staged_ttl": 3600}
"""Superseded assets go at once, removed ones stay for two days."""

OLD_MARKERS, KEPT_MARKERS = 3, 4
"""The number of earlier releases, and of the markers that the cleaner keeps, in place of a hundred."""

SENT = {HEADERS: "3f21424a888c"}
"""The metadata by which an object says that an upload sent it."""

BUILDS = {"broken": set(), "new": {"index.html", "app-3f9c2ab1.js", "film.mp4"}, "changed": {"index.html"}}
"""Build -> the files that its upload sends; the first upload fails half way."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at a bucket.

    Attributes:
        aws: The AWS that has the bucket.
        bucket: The bucket.
        endpoint: The endpoint of S3 for this visitor.
        keys: Their keys.
    """

    aws: EmbeddedAws
    bucket: str
    endpoint: str
    keys: Mapping[str, str]

    def environment(self) -> dict[str, str]:
        """The environment of this visitor's processes."""
        return self.aws.environment(**self.keys, AWS_ENDPOINT_URL_S3=self.endpoint, UPLOADER_BUCKET=self.bucket)

    def uploader(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run the uploader's command line."""
        with parts_are_small():
            return run_here([*arguments, "--json"], self.environment(), no_sleep)

    def upload(self, directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
        """Publish a build."""
        # Each has its own name: of two releases with one name in the same second, the second would wait for an id.
        return self.uploader("upload", directory, f"--release={directory.name}", *options)

    def stored(self) -> set[str]:
        """Every key in the bucket."""
        listing = self.aws.client("s3").list_objects_v2(Bucket=self.bucket)
        return {entry["Key"] for entry in listing.get("Contents", ())}


def write_builds(directory: Path) -> None:
    """Write the builds that `upload_everything` uploads."""
    for build in BUILDS:
        (directory / build).mkdir()
        (directory / build / f"{BROKEN + '-3f9c2ab1' if build == 'broken' else 'film'}.mp4").write_bytes(
            bytes(SMALL_PART + 1)
        )
        if build != "broken":
            (directory / build / "app-3f9c2ab1.js").write_text("1")
            (directory / build / "index.html").write_text(build[0])


def upload_everything(visitor: Visitor, builds: Path) -> list[str]:
    """Do all that a build job does.

    An upload that breaks in the middle of a large file, a new one, one with a changed page; a release that is staged
    and activated, and one that is staged and dropped.

    Returns:
        The first step that failed, or nothing.
    """
    for build, sent in BUILDS.items():
        answer = visitor.upload(builds / build)
        problems = _left_over(visitor)
        if answer.returncode != (build == "broken"):
            problems.append(f"{build}: {answer.stderr}")
        elif answer.returncode == 0:
            uploaded = {entry["key"].removeprefix(LAYOUT.prefix) for entry in json.loads(answer.stdout)["uploaded"]}
            problems += [f"{build}: sent {sorted(uploaded)}"] if uploaded != sent else []
            problems += _unless(f"{build}: no marker", any(f"-{build}.json" in key for key in visitor.stored()))
        if problems:
            return problems
    for command in ("activate", "drop"):
        staged = visitor.upload(builds / "new", "--stage", f"--release={command}")
        if staged.returncode:
            return [f"stage: {staged.stderr}"]
        release_id = json.loads(staged.stdout)["release"]
        problems = _unless("not staged", LAYOUT.staged_key(release_id) in visitor.stored())
        answer = visitor.uploader(command, release_id)
        problems += _unless(f"{command}: {answer.stderr}", answer.returncode == 0) + _left_over(visitor)
        is_current = LAYOUT.marker_key(release_id) in visitor.stored()
        problems += _unless(f"{command}: the marker", is_current == (command == "activate"))
        if problems:
            return problems
    return _unless("a site around is hidden from it", _sees_a_site_around(visitor))


def _sees_a_site_around(visitor: Visitor) -> bool:
    """Whether the doctor sees one. An upload that may not read its ledger would wait for a quarter of an hour."""
    visitor.aws.client("s3").put_object(Bucket=visitor.bucket, Key=Layout("").ledger, Body=b"")
    findings = json.loads(visitor.uploader("doctor").stdout)["findings"]
    return ("neighbours", "warning") in {(each["check"], each["state"]) for each in findings}


def _unless(problem: str, fine: bool) -> list[str]:  # noqa: FBT001 (what follows the words)
    return [] if fine else [problem]


def _left_over(visitor: Visitor) -> list[str]:
    """The objects that no command may leave behind."""
    parts = visitor.aws.client("s3").list_multipart_uploads(Bucket=visitor.bucket).get("Uploads", [])
    log = (key for key in visitor.stored() if key.startswith((LAYOUT.pending, LAYOUT.staged)))
    return [f"parts of {part['Key']} are left" for part in parts] + [f"{key} is left" for key in log]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The results of three runs of the cleaner.

    Attributes:
        counts: The counts in each run's answer.
        marks: The tags of the asset that left and came back, after each run.
        wake_ups: Whether a wake-up was set, after each run.
        left: Every key in the bucket at the end.
    """

    counts: list[dict[str, int]]
    marks: list[list[str]]
    wake_ups: list[bool]
    left: set[str]

    def begins(self, other: Cleaned) -> bool:
        """Whether the runs so far are the other's first ones."""
        so_far = len(self.counts)
        theirs = (other.counts[:so_far], other.marks[:so_far], other.wake_ups[:so_far])
        return (self.counts, self.marks, self.wake_ups) == theirs


def clean_everything(visitor: Visitor, ledger_format: int = FORMAT, usual: Cleaned | None = None) -> Cleaned:
    """Three releases with a run of the cleaner after each, which writes its ledger in a format.

    The second supersedes one asset and lacks another, the third has it again. The log holds an intent and a staged
    release that have expired, and more markers than it needs.
    A site around this one has a release log too.

    Args:
        visitor: Whose keys the cleaner has.
        ledger_format: The ledger's format.
        usual: What comes of it with all rights: a run that differs is the last one.
    """
    s3 = visitor.aws.client("s3")
    old, new, image = "assets/app-1a2b3c4d.js", "assets/app-5e6f7a8b.js", "assets/logo.png"
    for key in (old, new, image):
        s3.put_object(Bucket=visitor.bucket, Key=key, Body=b"1", Metadata=SENT)
    for key in (LAYOUT.pending_key("20260101T000000Z-gone"), f"{LAYOUT.staged}20260101T000000Z-gone.json"):
        s3.put_object(Bucket=visitor.bucket, Key=key, Body=release({"app.js": old}))
    around = Layout("").pending_key("20260101T000000Z-around")
    s3.put_object(Bucket=visitor.bucket, Key=around, Body=release({"page.js": "page.js"}, prefix=""))
    for number in range(OLD_MARKERS):
        marker = LAYOUT.marker_key(f"20250101T000000Z-{number:04}")
        s3.put_object(Bucket=visitor.bucket, Key=marker, Body=release({"app.js": old}))
    cleaned = Cleaned([], [], [], set())
    for number, assets in enumerate(
        ({"app.js": old, "logo.png": image}, {"app.js": new}, {"app.js": new, "logo.png": image})
    ):
        marker = LAYOUT.marker_key(f"20260101T00000{number}Z-r{number}")
        s3.put_object(Bucket=visitor.bucket, Key=marker, Body=release(assets))
        cleaned.counts.append(clean(visitor, ledger_format)["counts"])
        tags = s3.get_object_tagging(Bucket=visitor.bucket, Key=image)["TagSet"]
        cleaned.marks.append([tag["Key"] for tag in tags])
        cleaned.wake_ups.append(is_wake_up_set(visitor.aws, visitor.bucket))
        if usual is not None and not cleaned.begins(usual):
            return cleaned
    # The names of the ledger's files are random.
    cleaned.left.update(LAYOUT.ledger_files if LAYOUT.ledger_files in key else key for key in visitor.stored())
    return cleaned


def is_wake_up_set(aws: EmbeddedAws, bucket: str) -> bool:
    """Whether a wake-up is set for that bucket."""
    return bool(wake_ups(aws, bucket, group_of(aws)))


def group_of(aws: EmbeddedAws) -> str:
    """The name of the installation's schedule group."""
    groups = aws.client("scheduler").list_schedule_groups(NamePrefix="AssetCleaner-wake-ups")["ScheduleGroups"]
    return str(groups[0]["Name"])


def release(assets: Mapping[str, str], prefix: str = LAYOUT.prefix) -> bytes:
    """The body of a marker."""
    made = {logical: Asset(key, 1, fingerprinted=logical == "app.js") for logical, key in assets.items()}
    uploader = {"name": "test", "version": "0"}
    return encode(Release("r", "default", datetime(2026, 1, 1, tzinfo=UTC), prefix, uploader, made))


def clean(visitor: Visitor, ledger_format: int = FORMAT) -> dict[str, Any]:
    """Run the Lambda's handler in this process."""
    with pytest.MonkeyPatch.context() as patch, at_once(ledger_format):
        for name in list(os.environ):
            if name.startswith("AWS_"):
                patch.delenv(name)
        site = {"bucket": visitor.bucket, "prefix": LAYOUT.prefix, "policy": POLICY}
        for name, value in {
            **{name: value for name, value in visitor.environment().items() if name.startswith("AWS_")},
            "SITES": json.dumps([site]),
            "WAKE_UP_GROUP": group_of(visitor.aws),
            "WAKE_UP_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/wake-up",
            "WAKE_UP_DEAD_LETTER_ARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead",
            "LEDGER_FORMAT": str(ledger_format),
        }.items():
            patch.setenv(name, value)
        patch.setattr(pruning, "KEEP_MARKERS", KEPT_MARKERS)
        patch.setattr(pruning, "EVERY", 1)
        patch.setattr(pruning, "SETTLED", timedelta())
        patch.setattr(boto3, "DEFAULT_SESSION", None)  # otherwise the handler would use the keys of the last visitor
        context: Any = SimpleNamespace(
            aws_request_id="run",
            function_name="cleaner",
            memory_limit_in_mb=128,
            get_remaining_time_in_millis=lambda: 900_000,
            invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:cleaner",
        )
        _forget_clients()
        try:
            answer: dict[str, Any] = handler.lambda_handler({}, context)
        finally:
            _forget_clients()
    return answer


def _forget_clients() -> None:
    """Let the handler make new clients, with the keys of the next visitor."""
    for made in (*vars(handler).values(), *vars(afterwards).values()):
        getattr(made, "cache_clear", lambda: None)()
