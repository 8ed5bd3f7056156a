"""The stack in the hands of CloudFormation, as ``cdk deploy`` puts it there, but without the command line.

That is quicker, and it needs no ``cdk bootstrap``: under IAM the embedded AWS, which speaks http, would refuse the CDK
its own bucket, which wants TLS. `test_main_job` has the command line.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from examples.embedded_aws import ACCOUNT, REGION, EmbeddedAws
from examples.installation import Installation, wait
from infra.bundle import PACKAGES, build
from release_log.environment import SITES_FILE
from tests.synthesis import define

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
VERSION_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
"""The resources of ``cdk bootstrap``, under the CDK's default names."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployed stack.

    Attributes:
        template: The template as synthesised.
        outputs: The stack's.
        names: Logical id -> physical id.
        changed: Whether CloudFormation changed anything.
    """

    template: dict[str, Any]
    outputs: dict[str, str]
    names: dict[str, str]
    changed: bool

    def installation(self, aws: EmbeddedAws, prefix: str = "assets/") -> Installation:
        """One of its sites, as its users see it."""
        return Installation(aws, self.outputs["BucketName"], self.outputs["CleanerFunctionName"], prefix)


@cache
def _bundled() -> TemporaryDirectory[str]:
    """A folder with the Lambda's bundle, which is the same for every stack."""
    made = TemporaryDirectory(prefix="bundle-")
    build(Path(made.name) / "bundle")
    return made


def dependencies() -> Path:
    """The folder with what the Lambda's bundle holds besides our own packages."""
    made = Path(_bundled().name) / "dependencies"
    if not made.exists():
        shutil.copytree(Path(_bundled().name) / "bundle", made, ignore=shutil.ignore_patterns(*PACKAGES, SITES_FILE))
    return made


def deploy(aws: EmbeddedAws, context: Mapping[str, object]) -> Deployed:
    """Synthesise the stack, and let CloudFormation create or update it."""
    out = aws.scratch / "cdk.out"
    shutil.rmtree(out, ignore_errors=True)
    app, stack = define(context, Path(_bundled().name) / "bundle", out)
    app.synth()
    return deploy_assembly(aws, str(stack.stack_name), out)


def deploy_assembly(aws: EmbeddedAws, stack_name: str, out: Path) -> Deployed:
    """Give CloudFormation the output of a synthesis: a template, and the files that it refers to."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=FILES_BUCKET)
    for asset in out.glob("asset.*"):
        folder = asset.is_dir()
        archive = shutil.make_archive(str(aws.scratch / asset.name), "zip", asset) if folder else asset
        s3.upload_file(archive, FILES_BUCKET, f"{asset.name.removeprefix('asset.').removesuffix('.zip')}.zip")
    return give(aws, stack_name, json.loads((out / f"{stack_name}.template.json").read_text()))


def give(
    aws: EmbeddedAws, stack_name: str, template: dict[str, Any], parameters: Mapping[str, object] | None = None
) -> Deployed:
    """Create or update the stack with a template and its parameters, and wait until that has ended."""
    cloudformation = aws.client("cloudformation")
    aws.client("ssm").put_parameter(Name=VERSION_PARAMETER, Type="String", Value="30", Overwrite=True)
    body = json.dumps(_without_tls(template) if aws.enforces_iam else template)
    arguments = {
        "StackName": stack_name,
        "TemplateBody": body,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": str(value)} for name, value in (parameters or {}).items()
        ],
    }
    changed, wanted = True, "UPDATE_COMPLETE"
    try:
        cloudformation.update_stack(**arguments)
    except ClientError as error:
        said = error.response["Error"]["Message"]
        if "No updates are to be performed" in said:
            changed = False
        elif "does not exist" in said:
            cloudformation.create_stack(**arguments)
            wanted = "CREATE_COMPLETE"
        else:
            raise
    stack = _at_rest(aws, stack_name)
    assert not changed or stack["StackStatus"] == wanted, stack
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    resources = cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]
    names = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}
    return Deployed(template, outputs, names, changed)


def destroy(aws: EmbeddedAws, stack_name: str) -> None:
    """Do the same as ``cdk destroy``."""
    cloudformation = aws.client("cloudformation")
    stack_id = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=stack_name)
    assert _at_rest(aws, stack_id)["StackStatus"] == "DELETE_COMPLETE"


def _at_rest(aws: EmbeddedAws, stack: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        (found,) = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return dict(found)

    return wait(look, lambda found: not found["StackStatus"].endswith("IN_PROGRESS"), f"{stack} is never ready")


def _without_tls(template: dict[str, Any]) -> dict[str, Any]:
    """The template without the policies of its bucket and queues, which refuse requests without TLS.

    No client uses TLS here; the template's tests hold those policies.
    """
    guards = {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"}
    kept = {name: each for name, each in template["Resources"].items() if each["Type"] not in guards}
    return {**template, "Resources": kept}
