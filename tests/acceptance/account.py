"""A Region of a real account: its clients, the environment of commands, and the CDK with a bootstrap of its own.

That bootstrap has its own qualifier, so it stands beside the account's and can be removed:
https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from examples.cdk_command import begin_cdk
from examples.embedded_aws import KEPT_OUT
from tests.acceptance.cleaning import begin_stack_removal, remove_bucket, remove_stack
from tests.acceptance.world import TAG, BuildJob, Deploying

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import boto3

    from examples.cdk_command import CdkRun
    from tests.acceptance.removals import Removals

SESSION_SECONDS = 900
"""The shortest session of a role: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""

IAM_SECONDS = 15
"""Until a change of a role is known everywhere:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency"""


@dataclass(slots=True)
class Region:
    """One Region.

    Attributes:
        session: The session; it asks for the credentials once, also for an MFA code.
        region: The Region's name.
        run: The run's id.
        scratch: A folder of this Region's.
    """

    session: boto3.Session
    region: str
    run: str
    scratch: Path
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The account's number."""
        return str(self.client("sts").get_caller_identity()["Account"])

    def client(self, service: str, region: str = "") -> Any:  # noqa: ANN401 (each service's client has its own type)
        """A boto3 client, of this Region unless another one is named; the same for each call."""
        key = service, region or self.region
        if key not in self._clients:
            create: Any = self.session.client
            # A run may last a quarter of an hour, and is not to be repeated.
            patient = Config(read_timeout=910, retries={"max_attempts": 0}) if service == "lambda" else None
            self._clients[key] = create(service, region_name=key[1], config=patient)
        return self._clients[key]

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a command, with this session's credentials unless others are given."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(KEPT_OUT)}
        if "AWS_ACCESS_KEY_ID" not in more:
            found = self.session.get_credentials()
            assert found is not None, "the account was asked who we are"
            keys = found.get_frozen_credentials()
            more |= {"AWS_ACCESS_KEY_ID": keys.access_key or "", "AWS_SECRET_ACCESS_KEY": keys.secret_key or ""}
            more |= {"AWS_SESSION_TOKEN": keys.token} if keys.token else {}
        return {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            **more,
        }

    def prepare(self, removals: Removals) -> CdkRun:
        """Begin ``cdk bootstrap``, with names of the run's own."""
        stack, bucket = f"CDKToolkit-{self.run}", f"cdk-{self.run}-assets-{self.account}-{self.region}"
        # The template keeps its bucket when the stack goes.
        removals.later(f"bucket {bucket} in {self.region}", lambda: remove_bucket(self.client("s3"), bucket))
        removals.later(f"stack {stack} in {self.region}", partial(remove_stack, self.client("cloudformation"), stack))
        return self._cdk(
            "bootstrap",
            f"aws://{self.account}/{self.region}",
            "--app=",
            f"--qualifier={self.run}",
            f"--toolkit-stack-name={stack}",
            f"--tags={TAG}={self.run}",
            context={},
        )

    def deploy(self, stack: str, context: Mapping[str, object]) -> Deploying:
        """Begin ``cdk deploy``."""
        outputs = self.scratch / f"{stack}.json"
        run = self._cdk(
            "deploy", stack, "--require-approval=never", f"--outputs-file={outputs}", context={**self._own, **context}
        )

        def ended() -> dict[str, str]:
            run.wait()
            found: dict[str, str] = json.loads(outputs.read_text())[stack]
            return found

        return Deploying(ended, run.end)

    def destroy(self, stack: str, context: Mapping[str, object]) -> None:
        """Run ``cdk destroy``."""
        self._cdk("destroy", stack, "--force", context={**self._own, **context}).wait()

    def begin_removal(self, stack: str) -> None:
        """Begin to delete a stack that the acceptance has deployed."""
        begin_stack_removal(self.client("cloudformation"), stack)

    @property
    def _own(self) -> dict[str, object]:
        return {"@aws-cdk/core:bootstrapQualifier": self.run}

    def _cdk(self, command: str, subject: str, *options: str, context: Mapping[str, object]) -> CdkRun:
        out = self.scratch / f"cdk.out-{subject.replace('/', '-')}"
        return begin_cdk(command, subject, *options, environment=self.environment(), out=out, context=context)

    def build_job(self, removals: Removals, policy_arns: list[str], number: int) -> BuildJob:
        """A role that has these policies alone, as a build job has; each session assumes it."""
        iam, role = self.client("iam"), f"acc-{self.run}-job-{self.region}-{number}"
        end = partial(remove_role, iam, role)
        removals.first(f"role {role}", end)
        caller = self.client("sts").get_caller_identity()["Arn"]
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": self.account}}
        iam.create_role(
            RoleName=role,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            Description=f"Acceptance of the asset cleaner, begun by {caller}"[:1000],
            Tags=[{"Key": TAG, "Value": self.run}],
        )
        for arn in policy_arns:
            iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        made = time.monotonic()
        return BuildJob(partial(self._assumed, f"arn:{self.partition}:iam::{self.account}:role/{role}", made), end)

    def _assumed(self, role_arn: str, made: float) -> dict[str, str]:
        """A session of a role, for the shortest time that there is."""
        sts = self.client("sts")
        time.sleep(max(0.0, made + IAM_SECONDS - time.monotonic()))
        keys = patiently(
            lambda: sts.assume_role(RoleArn=role_arn, RoleSessionName="acceptance", DurationSeconds=SESSION_SECONDS)[
                "Credentials"
            ]
        )
        return {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }

    @property
    def partition(self) -> str:
        """The partition of this Region, such as ``aws``."""
        return str(self.session.get_partition_for_region(self.region))


def patiently(ask: Callable[[], Any], seconds: float = 90) -> Any:  # noqa: ANN401 (what is asked for)
    """Ask again while AWS refuses: it may not know yet what was changed a moment ago."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except ClientError:
            if time.monotonic() > deadline:
                raise
            time.sleep(3)


def remove_role(iam: Any, role: str) -> None:  # noqa: ANN401 (boto3's)
    """Delete a role with its policies."""
    try:
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    except iam.exceptions.NoSuchEntityException:
        return
    for policy in attached:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    iam.delete_role(RoleName=role)
