"""Samples of the commands' output, made by the code that prints it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from release_log.layout import Layout
from uploader.cli.cleaner_answer import text
from uploader.cli.console import plain
from uploader.cli.table import Table
from uploader.doctor.ask import Answer
from uploader.doctor.bucket_settings import check_bucket, check_event_bridge
from uploader.doctor.finding import State
from uploader.doctor.release_log import LogSnapshot, check_cleaner

BUCKET, FUNCTION, LAYOUT = "my-assets", "AssetCleaner-Cleaner-1A2B3C", Layout("assets/")
_RAN = datetime(2026, 11, 23, 6, 5, 38, tzinfo=UTC)

_DELETED = {
    "key": "assets/app-1b2c3d4e.js",
    "state": "superseded",
    "since": "2026-11-23T05:00:00Z",
    "reason": "beyond_version_limit",
}
_LATER = {
    "key": "assets/map-5d6e7f8a.js",
    "state": "removed",
    "since": "2026-11-22T09:00:00Z",
    "reason": "within_removed_ttl",
    "due": "2026-11-24T09:00:00Z",
}


def plan() -> str:
    """What ``plan`` prints of a site where one asset is due, and another falls due later."""
    nothing: dict[str, Any] = {each: [] for each in ("failed", "missing", "tag", "untag", "stopped_by")}
    answer = nothing | {
        "dry_run": True,
        "at": "2026-11-23T07:30:00Z",
        "delete": [_DELETED],
        "upcoming": [_LATER],
        "counts": {"tag": 0, "untag": 0, "delete": 1, "keep": 41, "failed": 0, "set_aside": 0},
        "bytes_deleted": 48_213,
        "orphans": None,
        "unfinished": False,
        "truncated": False,
        "next_due": _LATER["due"],
    }
    return _console(
        f"plan --bucket {BUCKET} --function {FUNCTION}",
        "\n".join(plain(text(answer, f"s3://{BUCKET}/{LAYOUT.prefix}"))),
    )


def doctor() -> str:
    """Some lines of what ``doctor`` prints in a build job."""
    region = {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}}}
    answers = {"head_bucket": Answer(document=region), "get_bucket_notification_configuration": Answer("AccessDenied")}

    def ask(operation: str, **_: object) -> Answer:
        return answers[operation]

    findings = [
        check_bucket(ask, BUCKET, "eu-west-1"),
        check_event_bridge(ask, BUCKET, LAYOUT.prefix),
        check_cleaner(LogSnapshot(_RAN, {LAYOUT.ledger: _RAN}, ledger={}), LAYOUT),
    ]
    rows = [(each.check, each.state.value, each.finding, each.remedy) for each in findings]
    header, bucket, event_bridge, cleaner = Table(("check", "state", "finding", "remedy"), rows).lines()
    counts = {State.PROBLEM: 0, State.WARNING: 0, State.UNKNOWN: 4, State.OK: 10}
    summary = ", ".join(f"{state.value}: {number}" for state, number in counts.items())
    lines = [header, bucket, "…", event_bridge, cleaner, "…", "", summary]
    return _console(f"doctor --bucket {BUCKET}", "\n".join(line.rstrip() for line in lines))


def _console(command: str, output: str) -> str:
    return f"```console\n$ python -m uploader {command}\n{output}\n```"
