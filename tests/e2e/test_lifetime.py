"""The life of an installation: settings are changed, it is deployed again, destroyed, and installed again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from examples.embedded_aws import EmbeddedAws
from examples.installation import Installation, wait
from release_log.tags import State
from tests.http.fault_turns import TORTURE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not TORTURE, reason="nine deployments take more than a minute: `make torture` has it")

STACK = "AssetCleaner"
OWN_BUCKET = "team-assets"
POLICY = {"grace": 0, "version_limit": 5, "version_ttl": 0, "removed_ttl": 86_400}
OLD, NEW, GONE = "assets/app-1a2b3c4d.js", "assets/app-5e6f7a8b.js", "assets/logo-9c0d1e2f.png"


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        aws.bootstrap()
        yield aws


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A build, and the next one: one asset is superseded, one removed."""
    first, second = (tmp_path_factory.mktemp(name) for name in ("first", "second"))
    for name in (OLD, GONE):
        (first / name.rpartition("/")[2]).write_text("1")
    (second / NEW.rpartition("/")[2]).write_text("2")
    return first, second


def release(site: Installation, build: Path, name: str) -> None:
    """Publish, and wait until the cleaner, which the marker wakes, has seen it."""
    site.wait_until_cleaned(site.publish(build, name)["release"])


def policy(site: Installation) -> dict[str, Any]:
    """The policy in force, as the function has it."""
    configuration = site.aws.client("lambda").get_function_configuration(FunctionName=site.function)
    (entry,) = json.loads(configuration["Environment"]["Variables"]["SITES"])
    return dict(entry["policy"])


def last_change(aws: EmbeddedAws) -> object:
    """When CloudFormation last changed the stack."""
    (stack,) = aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return stack.get("LastUpdatedTime", stack["CreationTime"])


def settings_of(aws: EmbeddedAws, bucket: str) -> dict[str, Any]:
    """What an owner has set on a bucket, the events apart that the stack turns on."""
    s3 = aws.client("s3")
    events = s3.get_bucket_notification_configuration(Bucket=bucket)
    return {
        "policy": json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]),
        "queues": events.get("QueueConfigurations"),
        "cors": s3.get_bucket_cors(Bucket=bucket)["CORSRules"],
        "versioning": s3.get_bucket_versioning(Bucket=bucket).get("Status"),
    }


def test_an_installation_is_changed_destroyed_and_installed_again_and_nothing_is_lost(
    aws: EmbeddedAws, builds: tuple[Path, Path]
) -> None:
    first, second = builds
    outputs = aws.deploy(**POLICY)
    site = Installation(aws, outputs["BucketName"], outputs["CleanerFunctionName"])
    release(site, first, "r1")
    release(site, second, "r2")
    assert {key: each.mark.state for key, each in site.ledger().retired.items()} == {
        OLD: State.SUPERSEDED,
        GONE: State.REMOVED,
    }

    before = last_change(aws)
    assert aws.deploy(**POLICY) == outputs
    assert last_change(aws) == before, "deploying the same changes nothing"

    assert aws.deploy(**POLICY | {"version_limit": 0, "removed_ttl": 172_800}) == outputs
    assert policy(site) == POLICY | {"version_limit": 0, "removed_ttl": 172_800}
    assert site.assets().keys() == {OLD, NEW, GONE}
    answer = site.invoke({})
    assert [each["key"] for each in answer["delete"]] == [OLD], "the new settings are in force"

    aws.cdk("destroy", "--all", "--force")
    assert site.assets().keys() == {NEW, GONE}, "the bucket outlives the stack"
    ledger = site.ledger()
    assert ledger.retired.keys() == {GONE}

    again = aws.deploy(**POLICY, bucket=site.bucket)
    site = Installation(aws, again["BucketName"], again["CleanerFunctionName"])
    assert (site.bucket, site.ledger()) == (outputs["BucketName"], ledger)
    release(site, first, "r3")
    assert site.ledger().retired.keys() == {NEW}, "it goes on where it stopped: what was retired is current again"
    aws.cdk("destroy", "--all", "--force")


def test_a_bucket_of_ones_own_keeps_its_settings_beside_another_installation(
    aws: EmbeddedAws, builds: tuple[Path, Path]
) -> None:
    s3, sqs = aws.client("s3"), aws.client("sqs")
    s3.create_bucket(Bucket=OWN_BUCKET)
    url = sqs.create_queue(QueueName="uploads")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3.put_bucket_notification_configuration(
        Bucket=OWN_BUCKET,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}]},
    )
    statement = {
        "Sid": "Pages",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{OWN_BUCKET}/assets/*",
    }
    s3.put_bucket_policy(Bucket=OWN_BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    cors = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://www.example.com"]}]}
    s3.put_bucket_cors(Bucket=OWN_BUCKET, CORSConfiguration=cors)
    s3.put_bucket_versioning(Bucket=OWN_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    mine = settings_of(aws, OWN_BUCKET)

    sites = []
    for context in ({"bucket": OWN_BUCKET}, {"name": "second"}):
        outputs = aws.deploy(**POLICY, **context)
        sites.append(Installation(aws, outputs["BucketName"], outputs["CleanerFunctionName"]))
    assert settings_of(aws, OWN_BUCKET) == mine
    assert json.loads(aws.deploy(**POLICY, bucket=OWN_BUCKET)["BucketStatements"])[0]["Effect"] == "Deny"

    for site in sites:
        release(site, builds[0], "r1")
    release(sites[0], builds[1], "r2")
    assert sites[0].ledger().retired.keys() == {OLD, GONE}
    assert sites[1].ledger().retired == {}, "the other one is not concerned"
    wait(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), bool, "the owner's queue is not told any more")

    aws.cdk("destroy", STACK, "--force", context={"bucket": OWN_BUCKET})
    assert settings_of(aws, OWN_BUCKET) == mine
    assert sites[0].assets().keys() == {OLD, NEW, GONE}
