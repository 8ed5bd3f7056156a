"""The main job as its users run it: ``cdk deploy``, three real builds, and the cleaner that comes by itself."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from examples.embedded_aws import EmbeddedAws
from examples.installation import Installation, wait
from examples.site_builds import RELEASES, build
from release_log.instants import parse_instant
from release_log.tags import read_mark
from tests.http.in_process import run_here
from tests.wake_ups import wait_until_gone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

POLICY = {"grace": 2, "version_limit": 1, "version_ttl": 8, "removed_ttl": 10}


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        aws.bootstrap()
        yield aws


@pytest.fixture(scope="module")
def site(aws: EmbeddedAws) -> Installation:
    """The stack, installed into an embedded AWS of its own."""
    outputs = aws.deploy(**POLICY)
    return Installation(aws, outputs["BucketName"], outputs["CleanerFunctionName"])


def logged_metrics(site: Installation, name: str) -> list[float]:
    """The values of a metric in the function's log, one for each run that changed or could change something."""
    configuration = site.aws.client("lambda").get_function_configuration(FunctionName=site.function)
    events = site.aws.client("logs").filter_log_events(logGroupName=configuration["LoggingConfig"]["LogGroup"])[
        "events"
    ]
    lines = (line for event in events for line in event["message"].splitlines() if line.startswith("{"))
    return [value for document in map(json.loads, lines) if "_aws" in document for value in document.get(name, ())]


def wake_ups_soon(site: Installation) -> list[str]:
    """When the cleaner comes back for what falls due, which is in seconds.

    A run that found another one deleting comes back after a quarter of an hour, and one that saw a marker before the
    file that says that its pages are in place after an hour.
    """
    limit = datetime.now(UTC) + timedelta(minutes=10)
    return [at for each in site.wake_ups() if (at := each["ScheduleExpression"]) < f"at({limit:%Y-%m-%dT%H:%M:%S})"]


def ask(site: Installation, command: str, *options: str) -> CompletedProcess[str]:
    """An operator's command about this installation."""
    where = ["--bucket", site.bucket, "--prefix", site.prefix, "--function", site.function]
    return run_here([command, *where, *options], site.aws.environment())


def restorable(site: Installation) -> set[str]:
    """Keys whose newest version is a delete marker, with a noncurrent version of an object under it."""
    pages = site.aws.client("s3").get_paginator("list_object_versions").paginate(Bucket=site.bucket)
    kept, deleted = set(), set()
    for page in pages:
        kept |= {version["Key"] for version in page.get("Versions", ()) if not version["IsLatest"]}
        deleted |= {marker["Key"] for marker in page.get("DeleteMarkers", ()) if marker["IsLatest"]}
    return kept & deleted


@pytest.mark.scenario("A7", "A8")
def test_releases_are_tagged_by_events_and_deleted_by_the_schedule(site: Installation, tmp_path: Path) -> None:
    """EventBridge wakes the cleaner for each marker; the cleaner's own schedule deletes the planned assets."""
    published = {}
    for release in RELEASES:
        published[release] = site.publish(build(release, tmp_path / str(release)), f"v{release}")
        ledger = site.wait_until_cleaned(published[release]["release"])
        assert ledger.current == {"default": published[release]["release"]}
    first, third = ({entry["key"] for entry in published[n]["uploaded"]} for n in (1, 3))
    assert third & {"assets/index.html"}, "a page without a fingerprint is replaced in place"

    on_disk = {
        f"assets/{path.relative_to(tmp_path / '3').as_posix()}"
        for path in (tmp_path / "3").rglob("*")
        if path.is_file()
    }
    for key in site.assets():
        mark = read_mark(site.tags(key))
        assert (mark is None) == (key in on_disk), f"{key} is tagged if and only if it is not in the current release"
        if mark is not None:
            assert ledger.retired[key].mark == mark, "the tag says what the ledger says"
    assert {entry.mark.state for entry in ledger.retired.values()} == {"superseded", "removed"}

    plan = site.invoke({"dry_run": True})
    planned = {entry["key"] for entry in [*plan["delete"], *plan["upcoming"]]}
    assert planned
    assert not planned & on_disk
    wake_up, *_ = site.wait_for_wake_up()
    assert re.fullmatch(r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:00\)", wake_up["ScheduleExpression"])
    assert wake_up["ActionAfterCompletion"] == "DELETE"

    before = site.assets().keys()
    left = wait_until_gone(site, planned).keys()
    assert before - left == planned & before, "exactly what the plan named"
    assert on_disk <= left
    assert planned <= restorable(site), "in the versioned bucket a deletion can be undone"
    wait(lambda: wake_ups_soon(site), lambda left: not left, "a wake-up is left though nothing falls due")
    # On a slow machine some fell due before the plan was asked for. A run's log is written when it has ended.
    log, pages = site.layout.log, site.layout.pages
    gone = {key for key in restorable(site) if key.startswith(pages) or not key.startswith(log)}
    assert gone & first
    assert any(key.startswith(pages) for key in gone), "a page as an old release had it goes as an old asset does"
    deleted = wait(
        lambda: sum(logged_metrics(site, "Deleted")), lambda number: number >= len(gone), "not all are in the log"
    )
    assert deleted == len(gone)
    assert set(logged_metrics(site, "Failed")) == {0.0}
    assert set(logged_metrics(site, "MissingAssets")) == {0.0}


@pytest.mark.scenario("L18")
def test_a_dry_run_is_exactly_the_real_run_that_follows(site: Installation, tmp_path: Path) -> None:
    """With the wake-up out of the way, the dry run's answer and the real run's differ in nothing but ``dry_run``.

    `plan` and `clean` show what the function answers.
    """
    site.wait_until_cleaned(site.publish(build(1, tmp_path / "again"), "v4")["release"])
    for wake_up in site.wait_for_wake_up():  # one for each minute in which something falls due
        site.aws.client("scheduler").delete_schedule(GroupName=wake_up["GroupName"], Name=wake_up["Name"])
    upcoming = site.invoke({"dry_run": True})["upcoming"]
    last = max(parse_instant(entry["due"]) for entry in upcoming)
    wait(lambda: datetime.now(last.tzinfo), lambda now: now > last, "the clock does not move")

    dry = site.invoke({"dry_run": True})
    assert {entry["key"] for entry in dry["delete"]} == {entry["key"] for entry in upcoming}
    assert not {entry["key"] for entry in dry["delete"]} - site.assets().keys(), "a dry run deletes nothing"
    planned = ask(site, "plan")
    assert (planned.returncode, planned.stderr) == (0, "")
    assert {line.split()[2] for line in planned.stdout.splitlines() if line.startswith("would delete ")} == {
        entry["key"] for entry in dry["delete"]
    }
    kept = json.loads(ask(site, "plan", "--removed-ttl", "86400", "--version-limit", "9", "--json").stdout)
    assert kept["delete"] == [], "what if nothing were due yet?"
    assert not {entry["key"] for entry in dry["delete"]} - site.assets().keys(), "nor does a plan"
    cleaned = ask(site, "clean", "--json")
    assert (cleaned.returncode, cleaned.stderr) == (0, "")
    real = json.loads(cleaned.stdout)
    assert {**real, "at": "", "dry_run": True} == {**dry, "at": ""}
    assert not {entry["key"] for entry in real["delete"]} & site.assets().keys()


def test_what_the_payload_must_not_hold_is_refused(site: Installation) -> None:
    """A slip such as ``dryrun`` never deletes anything: the deployed function answers with an error that names it."""
    before = site.assets()
    assert "unknown key 'dryrun'" in site.invoke({"dryrun": True})["errorMessage"]
    assert "version_ttl: -1" in site.invoke({"dry_run": True, "version_ttl": -1})["errorMessage"]
    assert "site 'other/'" in site.invoke({"site": "other/"})["errorMessage"]
    for elsewhere in (["--prefix", "other/"], ["--bucket", "another"]):
        refused = ask(site, "clean", *elsewhere)
        assert "is not configured here; configured: 'assets/'" in refused.stderr
        assert refused.returncode, "which of the two the embedded AWS cannot tell: it hides the error's class"
    assert site.assets() == before


def test_the_doctor_finds_nothing_wrong(site: Installation) -> None:
    """It reports two things: root's credentials may more than an upload needs, and the bucket has no lifecycle rules.

    The rules are in the template, but the embedded CloudFormation leaves them out.
    """
    answer = ask(site, "doctor", "--json")
    assert (answer.returncode, answer.stderr) == (0, "")
    found = {each["check"]: each for each in json.loads(answer.stdout)["findings"]}
    assert {name for name, each in found.items() if each["state"] != "ok"} == {
        "ledger",
        "delete",
        "versioning",
        "lifecycle",
    }, found
    assert set(found) > {"EventBridge", "versioning", "cleaner", "function"}


@pytest.mark.usefixtures("site")
def test_deploying_the_same_again_changes_nothing(aws: EmbeddedAws) -> None:
    """The bundle's hash is stable, so CloudFormation finds nothing to do."""
    said = aws.cdk("deploy", "--all", "--require-approval=never", context=POLICY)
    assert "(no changes)" in said
