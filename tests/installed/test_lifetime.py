"""The life of an installation: it is changed, upgraded, destroyed and installed again, beside others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from examples.embedded_aws import EmbeddedAws
from examples.installation import Installation, wait
from release_log.tags import State, read_mark
from tests.e2e.cloudformation import deploy, destroy, give
from tests.e2e.first_version.put_back import put_back
from tests.e2e.first_version.record import HERE as FIRST_VERSION
from tests.e2e.first_version.record import POLICY as FIRST_POLICY
from tests.e2e.first_version.record import RELEASES, STACK
from tests.wake_ups import wait_until_gone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWN_BUCKET = "team-assets"
POLICY = {"grace": 0, "version_limit": 5, "version_ttl": 0, "removed_ttl": 86_400}
OLD, NEW, GONE = "assets/app-1a2b3c4d.js", "assets/app-5e6f7a8b.js", "assets/logo-9c0d1e2f.png"
LAST, PAGE = "assets/app-7b8c9d0e.js", "assets/index.html"
FIRST_ASSETS = {f"assets/{name}" for files in RELEASES.values() for name in files}


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
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
    """Publish, and wait until the cleaner, which the marker wakes, has seen the release."""
    site.wait_until_cleaned(site.publish(build, name)["release"])


def policy(site: Installation) -> dict[str, Any]:
    """The policy in force, as the cleaner's last run noted it."""
    in_force: dict[str, Any] = site.ledger().last_run["policy"]
    return {name: in_force[name] for name in POLICY}


def settings_of(aws: EmbeddedAws, bucket: str) -> dict[str, Any]:
    """The owner's settings of a bucket, without the events that the stack turns on."""
    s3 = aws.client("s3")
    events = s3.get_bucket_notification_configuration(Bucket=bucket)
    return {
        "policy": json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]),
        "queues": events.get("QueueConfigurations"),
        "cors": s3.get_bucket_cors(Bucket=bucket)["CORSRules"],
        "versioning": s3.get_bucket_versioning(Bucket=bucket).get("Status"),
        "lifecycle": s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"],
    }


def test_an_installation_is_changed_destroyed_and_installed_again_and_nothing_is_lost(
    aws: EmbeddedAws, builds: tuple[Path, Path]
) -> None:
    first, second = builds
    deployed = deploy(aws, POLICY)
    site = deployed.installation(aws)
    release(site, first, "r1")
    release(site, second, "r2")
    assert {key: each.mark.state for key, each in site.ledger().retired.items()} == {
        OLD: State.SUPERSEDED,
        GONE: State.REMOVED,
    }

    changed = POLICY | {"version_limit": 0, "removed_ttl": 172_800}
    assert deploy(aws, changed).outputs == deployed.outputs
    assert site.assets().keys() == {OLD, NEW, GONE}
    answer = site.invoke({})
    assert policy(site) == changed
    assert [each["key"] for each in answer["delete"]] == [OLD], "the new settings are in force"

    destroy(aws, STACK)
    assert site.assets().keys() == {NEW, GONE}, "the bucket outlives the stack"
    ledger = site.ledger()
    assert ledger.retired.keys() == {GONE}

    again = deploy(aws, POLICY | {"bucket": site.bucket}).installation(aws)
    assert (again.bucket, again.ledger()) == (site.bucket, ledger)
    release(again, first, "r3")
    assert again.ledger().retired.keys() == {NEW}, "it goes on where it stopped: what was retired is current again"
    destroy(aws, STACK)


def test_an_installation_of_the_first_version_is_upgraded_in_place_and_goes_on(
    aws: EmbeddedAws, builds: tuple[Path, Path]
) -> None:
    """With the ledger, markers, tags and wake-up that the first version left behind."""
    before = give(aws, STACK, json.loads((FIRST_VERSION / "template.json").read_text()))
    site, left = before.installation(aws), json.loads((FIRST_VERSION / "left.json").read_text())
    put_back(site, left["objects"])
    ledger, stored = site.ledger(), site.assets()
    assert stored.keys() == FIRST_ASSETS
    assert ledger.retired.keys() == {OLD, NEW, GONE}

    after = deploy(aws, FIRST_POLICY)
    assert before.outputs.items() <= after.outputs.items()
    lost = before.names.items() - after.names.items()
    anew = {name for name, _ in lost if "AllowEventRule" not in name}
    assert anew == {"WakeUps"}, "all rules have one permission, and a stack's group has a name of its own"
    assert (site.assets(), site.ledger()) == (stored, ledger)
    versioning = aws.client("s3").get_bucket_versioning(Bucket=site.bucket)
    assert versioning["Status"] == "Enabled", "from now on deletions can be undone"

    (wake_up,) = map(json.loads, left["wake_ups"])
    plan = wait(lambda: site.invoke({"dry_run": True, **wake_up}), lambda plan: bool(plan["delete"]), "nothing is due")
    assert ([each["key"] for each in plan["delete"]], plan["tag"], plan["untag"]) == ([OLD], [], []), "as it was left"
    assert [each["key"] for each in site.invoke(wake_up)["delete"]] == [OLD]
    assert site.assets().keys() == stored.keys() - {OLD}

    release(site, builds[0], "v4")
    assert wait_until_gone(site, {NEW}).keys() == FIRST_ASSETS - {NEW}, "the next one beyond the limit"
    assert site.ledger().retired.keys() == {LAST, PAGE}
    assert read_mark(site.tags(GONE)) is None, "what had been removed is in a release again"
    destroy(aws, STACK)


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
    rule = {"ID": "Logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}}
    s3.put_bucket_lifecycle_configuration(Bucket=OWN_BUCKET, LifecycleConfiguration={"Rules": [rule]})
    mine = settings_of(aws, OWN_BUCKET)

    contexts: list[dict[str, Any]] = [{"bucket": OWN_BUCKET}, {"name": "second", "prefix": "web/"}]
    stacks = [deploy(aws, POLICY | context) for context in contexts]
    sites = [stacks[0].installation(aws), stacks[1].installation(aws, "web/")]
    assert settings_of(aws, OWN_BUCKET) == mine
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=OWN_BUCKET)
    assert json.loads(stacks[0].outputs["BucketStatements"])[0]["Effect"] == "Deny"

    for site in sites:
        release(site, builds[0], "r1")
    release(sites[0], builds[1], "r2")
    assert sites[0].ledger().retired.keys() == {OLD, GONE}
    assert sites[1].ledger().retired == {}, "the other one is not concerned"
    assert "site 'web/'" in sites[0].invoke({"site": "web/"})["errorMessage"], "and is not the first one's"
    wait(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), bool, "the owner's queue is not told any more")

    destroy(aws, STACK)
    assert settings_of(aws, OWN_BUCKET) == mine
    assert sites[0].assets().keys() == {OLD, NEW, GONE}
