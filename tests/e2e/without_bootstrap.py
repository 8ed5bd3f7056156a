"""Deploy the stack as ``cdk deploy`` does, but without ``cdk bootstrap``.

Under IAM the embedded AWS, which speaks http, would refuse the CDK its own bucket, which wants TLS. And it is quicker.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from examples.embedded_aws import ACCOUNT, REGION, ROOT, EmbeddedAws
from examples.installation import wait

if TYPE_CHECKING:
    from collections.abc import Mapping

STACK = "AssetCleaner"
FILES_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
VERSION_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
"""What ``cdk bootstrap`` makes, under the CDK's default names."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployed stack.

    Attributes:
        template: As it was synthesised.
        outputs: The stack's.
        names: Logical id -> physical id.
    """

    template: dict[str, Any]
    outputs: dict[str, str]
    names: dict[str, str]


def deploy(aws: EmbeddedAws, context: Mapping[str, object]) -> Deployed:
    """Synthesise the stack with this repository's app, and give it to CloudFormation."""
    out = aws.scratch / "cdk.out"
    own_context = json.loads((ROOT / "cdk.json").read_text())["context"]
    subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=aws.environment(
            CDK_CONTEXT_JSON=json.dumps(own_context | context),
            CDK_OUTDIR=str(out),
            JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION="1",
        ),
        check=True,
    )
    template: dict[str, Any] = json.loads((out / f"{STACK}.template.json").read_text())

    s3, cloudformation = aws.client("s3"), aws.client("cloudformation")
    s3.create_bucket(Bucket=FILES_BUCKET)
    for folder in out.glob("asset.*"):
        archive = shutil.make_archive(str(aws.scratch / folder.name), "zip", folder)
        s3.upload_file(archive, FILES_BUCKET, f"{folder.name.removeprefix('asset.')}.zip")
    aws.client("ssm").put_parameter(Name=VERSION_PARAMETER, Type="String", Value="30")
    cloudformation.create_stack(
        StackName=STACK, TemplateBody=json.dumps(_without_tls(template)), Capabilities=["CAPABILITY_NAMED_IAM"]
    )

    def look() -> dict[str, Any]:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        return stack

    stack = wait(look, lambda found: not found["StackStatus"].endswith("IN_PROGRESS"), "the stack is never ready")
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    resources = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    names = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}
    return Deployed(template, outputs, names)


def _without_tls(template: dict[str, Any]) -> dict[str, Any]:
    """The template without the policies of its bucket and queues, which refuse whoever comes without TLS.

    Here that is everybody; the template's tests hold those policies.
    """
    guards = {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"}
    kept = {name: each for name, each in template["Resources"].items() if each["Type"] not in guards}
    return {**template, "Resources": kept}
