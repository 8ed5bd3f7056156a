"""The version before this one: its stack, and its uploader. `record` writes the files, so no test needs git."""

from __future__ import annotations

import json
import lzma
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from examples.embedded_aws import ACCOUNT, REGION
from infra.bundle import PACKAGES as BUNDLED
from tests.e2e.cloudformation import Deployed, dependencies, deploy_assembly
from tests.paths import ROOT

if TYPE_CHECKING:
    from examples.embedded_aws import EmbeddedAws
    from examples.installation import Installation

HERE = Path(__file__).parent
PACKAGES, TEMPLATE, RECORDED = HERE / "packages.tar.xz", HERE / "template.json", HERE / "recorded.json"

STACK = "AssetCleaner"
POLICY = {"grace": 0, "version_limit": 0, "version_ttl": 0, "removed_ttl": 3_153_600_000}
"""A superseded asset is due at once, a removed one after a hundred years."""


HANDLER = """
import json, types
from cleaner_lambda.handler import lambda_handler
context = types.SimpleNamespace(
    aws_request_id="run", function_name="cleaner", memory_limit_in_mb=128, invoked_function_arn="cleaner",
    get_remaining_time_in_millis=lambda: 900_000,
)
print(json.dumps(lambda_handler({"full": True}, context)))
"""


class Recorded(TypedDict):
    """What was recorded.

    Attributes:
        name: The version's tag, or its commit.
        commit: Its commit.
        bundle: The name of its function's code in the template.
    """

    name: str
    commit: str
    bundle: str


@dataclass(frozen=True, slots=True)
class PreviousVersion:
    """The version before this one, unpacked.

    Attributes:
        folder: Has its packages.
    """

    folder: Path

    @property
    def reads_all(self) -> bool:
        """Whether it reads every format of a marker that this version writes."""
        ours, its = (
            json.loads((each / "release_log" / "marker.schema.json").read_text())["properties"]["format"]["enum"]
            for each in (ROOT, self.folder)
        )
        return set(ours) <= set(its)

    def deploy(self, aws: EmbeddedAws) -> Deployed:
        """Let CloudFormation create its stack, or put it in place of this version's."""
        recorded: Recorded = json.loads(RECORDED.read_text())
        out = aws.scratch / "previous"
        shutil.rmtree(out, ignore_errors=True)
        bundle = out / f"asset.{recorded['bundle']}"
        shutil.copytree(dependencies(), bundle)
        for package in BUNDLED:
            shutil.copytree(self.folder / package, bundle / package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(self.folder / "sites.json", bundle)
        shutil.copy(TEMPLATE, out / f"{STACK}.template.json")
        return deploy_assembly(aws, STACK, out)

    def run(self, site: Installation, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run its command line for a site."""
        process = self.start(site, *arguments)
        told, said = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, told, said)

    def start(self, site: Installation, *arguments: object) -> subprocess.Popen[str]:
        """Start its command line for a site."""
        where = [f"--bucket={site.bucket}", f"--prefix={site.prefix}", "--json"]
        return subprocess.Popen(
            [sys.executable, "-m", "uploader", *map(str, arguments), *where],
            cwd=self.folder,
            env=site.aws.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def clean(self, site: Installation) -> dict[str, Any]:
        """Run its cleaner once; see `clean`."""
        return clean(self.folder, site)

    def publish(self, site: Installation, build: Path, *options: str) -> dict[str, Any]:
        """Publish a build that must succeed; returns the JSON document."""
        answer = self.run(site, build, f"--release={build.name}", *options)
        assert answer.returncode == 0, answer.stderr
        document: dict[str, Any] = json.loads(answer.stdout)
        return document


def clean(folder: Path, site: Installation) -> dict[str, Any]:
    """Run the cleaner of a version in a process of its own, with a full listing; what nobody needs goes at once."""
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"
    sites = [{"bucket": site.bucket, "prefix": site.prefix, "policy": POLICY | {"removed_ttl": 0}}]
    environment = site.aws.environment(
        SITES=json.dumps(sites), WAKE_UP_GROUP="default", WAKE_UP_ROLE_ARN=arn, WAKE_UP_DEAD_LETTER_ARN=arn
    )
    command = [sys.executable, "-c", HANDLER]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def unpack(folder: Path) -> PreviousVersion:
    """Unpack it into a folder."""
    with lzma.open(PACKAGES) as packed, tarfile.open(fileobj=packed) as tar:
        tar.extractall(folder, filter="data")
    return PreviousVersion(folder)
