"""The deployed stack under an AWS that enforces IAM: its policies as they are deployed, and users who have them."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from examples.installation import Installation
from release_log.environment import Variable
from tests.e2e.stories import Visitor

if TYPE_CHECKING:
    from examples.embedded_aws import EmbeddedAws
    from tests.e2e.cloudformation import Deployed
    from tests.e2e.strict_s3 import StrictS3

Statement = dict[str, Any]

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Stack:
    """The deployed stack and its policies.

    Attributes:
        aws: The AWS that it is deployed in.
        deployed: The stack.
        site: The site, for reading it.
        strict: The proxy that answers as AWS's S3 does.
        role: The cleaner's role and its policy, by their names.
        uploader: The build job's statements.
        cleaner: The cleaner's statements.
    """

    aws: EmbeddedAws
    deployed: Deployed
    site: Installation
    strict: StrictS3
    role: dict[str, str]
    uploader: list[Statement]
    cleaner: list[Statement]

    def give_role(self, statements: list[Statement]) -> None:
        """Give the deployed cleaner exactly these rights."""
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.aws.client("iam").put_role_policy(**self.role, PolicyDocument=document)

    def user(self, statements: list[Statement] | None = None, policy_arn: str | None = None) -> dict[str, str]:
        """The keys of a new user with exactly these rights."""
        iam, name = self.aws.client("iam"), f"user-{next(_numbers)}"
        iam.create_user(UserName=name)
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=document)
        if policy_arn:
            iam.attach_user_policy(UserName=name, PolicyArn=policy_arn)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def visitor(self, statements: list[Statement] | None) -> Visitor:
        """A visitor with these rights, moved from the stack's bucket to a new one; with None, the almighty root."""
        bucket = f"bucket-{next(_numbers)}"
        self.aws.client("s3").create_bucket(Bucket=bucket)
        self.aws.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        there = self.moved(statements, bucket) if statements else None
        return Visitor(self.aws, bucket, self.strict.url, self.user(there) if there else {})

    def moved(self, statements: list[Statement], bucket: str) -> list[Statement]:
        """Statements moved from the stack's bucket to another one."""
        there: list[Statement] = json.loads(json.dumps(statements).replace(f":::{self.site.bucket}", f":::{bucket}"))
        return there


def look_at(deployed: Deployed, aws: EmbeddedAws, strict: StrictS3) -> Stack:
    """The stack with its policies as CloudFormation resolved them."""
    site = Installation(aws, deployed.outputs["BucketName"], deployed.outputs["CleanerFunctionName"])
    iam, arn = aws.client("iam"), deployed.outputs["UploaderPolicyArn"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    uploader = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    function = aws.client("lambda").get_function_configuration(FunctionName=site.function)
    role = {"RoleName": function["Role"].rpartition("/")[2]}
    (role["PolicyName"],) = iam.list_role_policies(**role)["PolicyNames"]
    cleaner = json.dumps(iam.get_role_policy(**role)["PolicyDocument"]["Statement"])
    # The embedded AWS takes every schedule for one of the default group. AWS does not:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
    group = function["Environment"]["Variables"][Variable.WAKE_UP_GROUP.value]
    cleaner = cleaner.replace(f":schedule/{group}/", ":schedule/default/")
    return Stack(aws, deployed, site, strict, role, uploader["Statement"], json.loads(cleaner))


def actions(statement: Statement) -> list[str]:
    """A statement's actions as a list; IAM writes a single one without it."""
    return _listed(statement["Action"])


def _listed(found: str | list[str]) -> list[str]:
    return found if isinstance(found, list) else [found]


def without_one(statements: list[Statement], effect: str) -> list[tuple[str, list[Statement]]]:
    """Each action of each statement on each of its resources, and the statements without it."""
    found = []
    for index, statement in enumerate(statements):
        resources = _listed(statement["Resource"])
        for action in actions(statement) if statement["Effect"] == effect else ():
            others = [other for other in actions(statement) if other != action]
            for resource in resources:
                elsewhere = [other for other in resources if other != resource]
                less = [{**statement, "Action": others}] if others else []
                less += [{**statement, "Action": action, "Resource": elsewhere}] if elsewhere else []
                found.append((action, [*statements[:index], *less, *statements[index + 1 :]]))
    return found
