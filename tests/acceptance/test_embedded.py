"""The acceptance at the embedded AWS: each step that it can do, and what is asserted in place of each other step."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import boto3
import pytest

from tests.acceptance import installing, publishing
from tests.acceptance.__main__ import embedded_place, preparations, say
from tests.acceptance.account import Region
from tests.acceptance.embedded import EmbeddedRegion
from tests.acceptance.plan import STEPS
from tests.acceptance.report import report
from tests.acceptance.runner import run
from tests.acceptance.steps import Outcome, Step
from tests.acceptance.world import World
from tests.e2e.strict_s3 import StrictS3
from tests.paths import ROOT
from tests.torture import TORTURE

if TYPE_CHECKING:
    from pathlib import Path

    from examples.embedded_aws import EmbeddedAws
    from tests.acceptance.world import Place

RUN = "abc0123"


def left_in(place: Place | EmbeddedAws) -> list[str]:
    """What a run has left: buckets, stacks and log groups."""
    groups = place.client("logs").describe_log_groups()["logGroups"]
    names = [each["Name"] for each in place.client("s3").list_buckets()["Buckets"]]
    names += [each["StackName"] for each in place.client("cloudformation").describe_stacks()["Stacks"]]
    names += [each["RoleName"] for each in place.client("iam").list_roles()["Roles"]]
    return [each for each in (*names, *(group["logGroupName"] for group in groups)) if RUN in each]


@pytest.mark.timeout(400)
def test_every_step_goes_as_expected_and_nothing_is_left(tmp_path: Path) -> None:
    with ExitStack() as stack:
        place = embedded_place(stack)
        ended = run(STEPS, World(RUN, [place], embedded=True, scratch=tmp_path), say)
        assert ended.fine, report(ended, {})
        wanted = [Outcome.OTHERWISE if step.lacks else Outcome.AS_EXPECTED for step in STEPS]
        assert [each.outcome for each in ended.results] == wanted
        assert left_in(place) == []


def test_without_yes_it_says_what_it_would_create_and_creates_nothing(aws: EmbeddedAws, tmp_path: Path) -> None:
    """The embedded AWS stands for an account here."""
    answer = subprocess.run(
        [sys.executable, "-m", "tests.acceptance", "--region=eu-central-1", "--region=us-east-1"],
        cwd=ROOT,
        env=aws.environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stderr) == (2, "acceptance: nothing was created; add --yes to go on\n")
    assert answer.stdout.startswith("account 000000000000, as arn:aws:")
    assert "US dollars" in answer.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(600)
@pytest.mark.skipif(not TORTURE, reason="the command line of the CDK has its test in tests/installed")
def test_a_region_is_bootstrapped_installed_into_and_cleared(
    aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at an account, by the CDK's command line; the embedded AWS stands for one."""

    class Here(Region):
        def environment(self, **more: str) -> dict[str, str]:
            return super().environment(**{"AWS_ENDPOINT_URL": aws.url, **more})

    for name, value in aws.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    world = World(RUN, [Here(boto3.Session(), "us-east-1", RUN, tmp_path)], embedded=False, scratch=tmp_path)

    def begin(world: World) -> str:
        installing.begin_new(world)
        return "begun"

    steps = [*preparations(world), Step(installing.BEGUN, "", begin), installing.FIRST, publishing.UPLOAD]
    ended = run(steps, world, say)
    assert ended.fine, report(ended, {})
    assert left_in(aws) == []


def test_what_still_has_the_tag_is_named(aws: EmbeddedAws, tmp_path: Path) -> None:
    """Whatever a removal has missed; a key that is about to be deleted is not."""
    sqs, kms, tag = aws.client("sqs"), aws.client("kms"), {"acceptance": RUN}
    sqs.create_queue(QueueName="of-another-run", tags={"acceptance": "a000000"})
    url = sqs.create_queue(QueueName="missed", tags=tag)["QueueUrl"]
    key = kms.create_key(Tags=[{"TagKey": "acceptance", "TagValue": RUN}])["KeyMetadata"]["KeyId"]
    with StrictS3(aws.url) as strict:
        world = World(RUN, [EmbeddedRegion(aws, strict, tmp_path)], embedded=True, scratch=tmp_path)
        assert [each.what.split(":")[2] for each in run([], world, say).left] == ["kms", "sqs"]
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        ended = run([], world, say)
        assert [each.what.rpartition(":")[2] for each in ended.left] == ["missed"]
        assert "## What is left\n\n- arn:aws:sqs:us-east-1:000000000000:missed: AWS still finds it" in report(ended, {})
        sqs.delete_queue(QueueUrl=url)
        assert run([], world, say).fine
