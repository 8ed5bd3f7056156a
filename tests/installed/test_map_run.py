"""A full listing and a rebuild that the deployed cleaner hands out: workers of Step Functions do it, it takes it in.

The function is told that every site is large, and that no older version can run beside it.
"""

from __future__ import annotations

import io
import json
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda.cursor import Kind
from examples.embedded_aws import EmbeddedAws
from examples.installation import wait
from infra.bundle import build
from release_log import ledger_file
from release_log.environment import SITES_FILE
from release_log.ledger_file import HEAD_FORMAT, READABLE
from tests.e2e.cloudformation import Deployed, deploy
from tests.e2e.stories import SENT, release

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from examples.installation import Installation

PREFIX = "assets/"
CONTEXT = {"prefix": PREFIX, "ledger_format": HEAD_FORMAT, "version_limit": 9, "removed_ttl": 9 * 86_400}
ASSETS = {f"{PREFIX}{number}.js": f"{PREFIX}{number:02}-1a2b3c4d.js" for number in range(40)}
OLD = f"{PREFIX}00-0a0b0c0d.js"

RANGES = 3
LARGE, FEW, NOW = "LARGE = 0\n", f"RANGES = {RANGES}\n", "def _may_write_heads(before, now):\n    return True\n"
AT_ONCE = "def heads_are_safe(noted, now):\n    return True\n"
GROUPS = "SMALL, ENTRIES, GROUP = -1, 10, 10\n"
CUT = "EVERY = 1\nSETTLED = timedelta(seconds=1)\n"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Deployed]]:
    """A stack whose function takes every site for a large one."""
    with EmbeddedAws(enforce_iam=True) as aws:
        made = deploy(aws, CONTEXT)
        site = made.installation(aws, PREFIX)
        function = aws.client("lambda")
        folder = tmp_path_factory.mktemp("large") / "bundle"
        function.update_function_code(FunctionName=site.function, ZipFile=_for_large_sites(folder, site))
        function.get_waiter("function_updated_v2").wait(FunctionName=site.function)
        yield site, made


def _for_large_sites(folder: Path, site: Installation) -> bytes:
    build(folder)
    policy = {name: value for name, value in CONTEXT.items() if name not in {"prefix", "ledger_format"}}
    (folder / SITES_FILE).write_text(json.dumps([{"bucket": site.bucket, "prefix": PREFIX, "policy": policy}]))
    first = (("scan", LARGE), ("listing", FEW), ("ledger_store", NOW), ("tag_workers", "LARGE = 2\n"))
    for module, more in (*first, ("rebuilding", AT_ONCE), ("segments", GROUPS), ("pruning", CUT)):
        file = folder / "cleaner_lambda" / f"{module}.py"
        file.write_text(f"{file.read_text()}\n{more}")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.rglob("*"):
            archive.write(file, file.relative_to(folder))
    return packed.getvalue()


def _is_done(current: dict[str, str], answer: dict[str, Any]) -> bool:
    return bool(answer["current"] == current and not answer["unfinished"])


def _cut(site: Installation) -> str | None:
    """The newest release that the checkpoint knows, after one more run."""
    site.invoke({"force": True})
    cut = ledger(site)["cut"]
    return None if cut is None else str(cut[1])


def publish(site: Installation, assets: dict[str, str], release_id: str) -> None:
    """A release, as the uploader writes it: the marker last."""
    s3 = site.aws.client("s3")
    for key in assets.values():
        s3.put_object(Bucket=site.bucket, Key=key, Body=b"1", Metadata=SENT)
    body = release(assets, PREFIX)
    s3.put_object(Bucket=site.bucket, Key=site.layout.marker_key(release_id), Body=body)


def ledger(site: Installation) -> dict[str, Any]:
    """The content of the ledger's file."""
    body = site.aws.client("s3").get_object(Bucket=site.bucket, Key=site.layout.ledger)["Body"].read()
    return ledger_file.unpack(body, READABLE)


def findings(site: Installation, kind: Kind = Kind.RANGE) -> list[str]:
    """The workers' files."""
    prefix = f"{site.layout.ledger_files}{kind.file}-"
    found = site.aws.client("s3").list_objects_v2(Bucket=site.bucket, Prefix=prefix)
    return [each["Key"] for each in found.get("Contents", ())]


@pytest.mark.timeout(180)
def test_the_deployed_cleaner_hands_out_a_listing_and_takes_it_in(deployed: tuple[Installation, Deployed]) -> None:
    site, made = deployed
    publish(site, {**ASSETS, f"{PREFIX}0.js": OLD}, "20260101T000000Z-r1")
    site.invoke({})
    publish(site, ASSETS, "20260101T000001Z-r2")
    wait(lambda: ledger(site), lambda found: found["current"] == {"default": "20260101T000001Z-r2"}, "not folded in")
    wait(lambda: site.invoke({}), lambda answer: not answer["unfinished"], "it is never done")
    missing = ASSETS[f"{PREFIX}7.js"]
    site.aws.client("s3").delete_object(Bucket=site.bucket, Key=missing)
    before = len(findings(site))

    answer = site.invoke({"full": True})
    assert (answer["unfinished"], answer["orphans"]) == (True, None)
    found = wait(lambda: ledger(site), lambda found: "listing" not in found, "nobody has taken the listing in")
    handed_out = found["listed_at"]
    assert handed_out <= answer["at"], "by the run that answered, whose last attempt may be a second later"
    assert len(findings(site)) - before == RANGES, "a worker for each range"
    machine = made.names[next(name for name in made.names if name.startswith("MapRuns"))]
    states = site.aws.client("stepfunctions")
    (execution,) = [
        each
        for each in states.list_executions(stateMachineArn=machine)["executions"]
        if json.loads(states.describe_execution(executionArn=each["executionArn"])["input"])["then"]["map_run"]["at"]
        == handed_out
    ]
    ended = wait(
        lambda: states.describe_execution(executionArn=execution["executionArn"]),
        lambda said: said["status"] != "RUNNING",
        "the execution never ends",
    )
    assert ended["status"] == "SUCCEEDED", ended
    assert json.loads(ended["output"])["missing"] == [missing]


def versions(fingerprint: str) -> dict[str, str]:
    """The assets of a release, each in a version of its own."""
    return {path: key.replace("1a2b3c4d", fingerprint) for path, key in ASSETS.items()}


@pytest.mark.timeout(600)
def test_the_deployed_cleaner_hands_out_the_tags_of_a_rebuild(deployed: tuple[Installation, Deployed]) -> None:
    """Of all that has retired the workers read the tags, after others have listed the site; nothing goes meanwhile."""
    site, _ = deployed
    publish(site, versions("2b3c4d5e"), "20260102T000000Z-r3")
    first = {"default": "20260102T000000Z-r3"}
    wait(lambda: site.invoke({}), lambda answer: answer["current"] == first, "not taken in")
    last = versions("3c4d5e6f")
    # Of what the first one of these releases leaves, the checkpoint knows that the second one brings.
    for release_id, more in (("20260102T000001Z-r4", {}), ("20260102T000002Z-r5", {f"{PREFIX}5.js": OLD})):
        publish(site, {**last, **more}, release_id)
        wait(
            lambda: site.invoke({"force": True}),
            partial(_is_done, {"default": release_id}),
            "it is never done",
        )
        # Until the checkpoint says so too, a rebuild takes the releases in from their markers, in memory.
        wait(partial(_cut, site), release_id.__eq__, "no checkpoint knows this release")
    before = assets(site)
    site.aws.client("s3").delete_object(Bucket=site.bucket, Key=site.layout.ledger)

    answer = site.invoke({})
    assert "rebuilt" in {stop["reason"] for stop in answer["stopped_by"]}, answer
    wait(lambda: ledger(site), lambda found: found["tags_read_to"] is None, "the rebuild never ends")
    assert len(findings(site, Kind.GROUP)) > 1, "a worker for each group"
    assert assets(site) == before


def assets(site: Installation) -> set[str]:
    """The keys of all assets."""
    pages = site.aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=site.bucket, Prefix=PREFIX)
    keys = {each["Key"] for page in pages for each in page["Contents"]}
    return {key for key in keys if not key.startswith(site.layout.log)}
