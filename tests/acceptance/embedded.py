"""The embedded AWS in place of an account: it enforces IAM, and gets the stack without the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from examples.embedded_aws import REGION
from tests.acceptance.world import BuildJob, Deploying
from tests.e2e.cloudformation import deploy, destroy
from tests.e2e.enforced import look_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from examples.embedded_aws import EmbeddedAws
    from tests.acceptance.removals import Removals
    from tests.e2e.enforced import Stack
    from tests.e2e.strict_s3 import StrictS3


@dataclass(slots=True)
class EmbeddedRegion:
    """Its one Region, behind an S3 that answers as AWS's does.

    Attributes:
        aws: The server.
        strict: The proxy in front of its S3.
        scratch: The server's folder.
        region: The Region's name.
    """

    aws: EmbeddedAws
    strict: StrictS3
    scratch: Path
    region: str = REGION
    _stacks: dict[str, Stack] = field(default_factory=dict)

    def client(self, service: str, region: str = REGION) -> Any:  # noqa: ANN401 (each service's client has its own type)
        """A boto3 client of root; there is one Region."""
        assert region == REGION
        return self.aws.client(service)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a command, whose S3 is the strict one."""
        return self.aws.environment(**{"AWS_ENDPOINT_URL_S3": self.strict.url, **more})

    def deploy(self, stack: str, context: Mapping[str, object]) -> Deploying:
        """Deploy as soon as somebody waits for it, and let the cleaner's role name the schedules as they are here."""

        def ended() -> dict[str, str]:
            deployed = deploy(self.aws, context)
            self._stacks[stack] = made = look_at(deployed, self.aws, self.strict)
            made.give_role(made.cleaner)
            return deployed.outputs

        return Deploying(ended, lambda: None)

    def destroy(self, stack: str, context: Mapping[str, object]) -> None:
        """Do the same as ``cdk destroy``."""
        del context
        destroy(self.aws, stack)

    def begin_removal(self, stack: str) -> None:
        """Nothing: it is quick."""

    def build_job(self, removals: Removals, policy_arns: list[str], number: int) -> BuildJob:
        """A user with this policy alone: the embedded AWS does not tell who uses a role's session."""
        del removals, number
        (arn,) = policy_arns
        keys = next(iter(self._stacks.values())).user(policy_arn=arn)
        return BuildJob(lambda: keys, lambda: None)
