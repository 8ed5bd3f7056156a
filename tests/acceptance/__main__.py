"""``make acceptance``: the product at a real AWS, or at the embedded one with ``--embedded``."""

from __future__ import annotations

import argparse
import platform
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from examples.cdk_command import ROOT
from examples.embedded_aws import EmbeddedAws
from tests.acceptance.account import Region
from tests.acceptance.embedded import EmbeddedRegion
from tests.acceptance.plan import STEPS, costs
from tests.acceptance.report import report
from tests.acceptance.runner import run
from tests.acceptance.steps import Step
from tests.acceptance.world import World
from tests.e2e.strict_s3 import StrictS3

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.acceptance.world import Place


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it.

    Returns:
        0 if each step went as expected and nothing is left, 1 otherwise, 2 for wrong usage.
    """
    options = _options(arguments)
    run_id = f"a{secrets.token_hex(3)}"  # a name of an installation begins with a letter
    account = ""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="acceptance-")))
        if options.embedded:
            world = World(run_id, [embedded_place(stack)], embedded=True, scratch=scratch)
        else:
            places, account, problem = _account(options, run_id, scratch)
            if problem:
                sys.stderr.write(f"acceptance: {problem}\n")
                return 2
            world = World(run_id, places, embedded=False, scratch=scratch)
        began = datetime.now(UTC)
        ended = run((*preparations(world), *STEPS), world, say)
        text = report(ended, _facts(world, began))
        options.report.write_text(text.replace(account, "ACCOUNT") if account else text)
    say(f"{'passed' if ended.fine else 'NOT passed'}; the report is {options.report}")
    return 0 if ended.fine else 1


def say(text: str) -> None:
    """Tell the person, at once also where standard output is a file."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def embedded_place(stack: ExitStack) -> EmbeddedRegion:
    """An AWS on this machine, as long as the stack is open."""
    aws = stack.enter_context(EmbeddedAws(enforce_iam=True))
    return EmbeddedRegion(aws, stack.enter_context(StrictS3(aws.url)), aws.scratch)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description=__doc__)
    parser.add_argument("--region", action="append", default=[], help="give it twice: two different Regions")
    parser.add_argument("--profile", help="the profile of the account; by default the environment's credentials")
    parser.add_argument("--yes", action="store_true", help="create what is said, in the account that is said")
    parser.add_argument("--embedded", action="store_true", help="no account: the embedded AWS")
    parser.add_argument("--report", type=Path, default=Path("acceptance.md"), help="the report (default: %(default)s)")
    return parser.parse_args(arguments)


def _account(options: argparse.Namespace, run_id: str, scratch: Path) -> tuple[list[Place], str, str]:
    """The two Regions and the account's number, or what is wrong."""
    names: list[str] = options.region
    if len(set(names)) != 2 or len(names) != 2:
        return [], "", "name two different Regions: --region eu-central-1 --region us-east-1"
    places = []
    try:
        session = boto3.Session(profile_name=options.profile)
        caller = session.client("sts", region_name=names[0]).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        return [], "", f"AWS does not say who we are: {error}"
    for name in names:
        folder = scratch / name
        folder.mkdir()
        places.append(Region(session, name, run_id, folder))
    say(f"account {caller['Account']}, as {caller['Arn']}")
    say(costs(run_id, *names))
    if not options.yes:
        return [], "", "nothing was created; add --yes to go on"
    return list(places), str(caller["Account"]), ""


def preparations(world: World) -> list[Step]:
    """The step that comes first at an account: a bootstrap of each Region."""

    regions = [place for place in world.places if isinstance(place, Region)]

    def prepare(_world: World) -> str:
        for begun in [place.prepare(world.removals) for place in regions]:
            begun.wait()
        return f"bootstrapped {' and '.join(place.region for place in regions)}"

    expected = "`cdk bootstrap` with a qualifier of the run's own stands beside the account's."
    source = "https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html"
    return [Step("bootstrap", expected, prepare, source)] if regions else []


def _facts(world: World, began: datetime) -> dict[str, str]:
    git = subprocess.run(
        [shutil.which("git") or "git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "run": f"{world.run}, {began:%Y-%m-%dT%H:%M:%SZ} to {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "at": "the embedded AWS" if world.embedded else f"AWS, {', '.join(place.region for place in world.places)}",
        "version": git.stdout.strip() or "unknown",
        "machine": f"Python {platform.python_version()}, boto3 {boto3.__version__}, {platform.system()}",
    }


if __name__ == "__main__":
    sys.exit(main())
