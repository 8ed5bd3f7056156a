"""Steps: installations of each kind, their end, and their return."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from examples.cdk_command import CdkError
from infra.alarms import ALARMS, Subject
from release_log.environment import Variable
from tests.acceptance.account import patiently
from tests.acceptance.steps import DiffersError, Step, expect
from tests.acceptance.template import count, synthesised, texts

if TYPE_CHECKING:
    from tests.acceptance.world import Installed, World

NEW, ADOPTED, KMS, CDN, SECOND = "new installation", "adopted bucket", "KMS key", "distribution", "second Region"
AGAIN = "deployed again"


def policy(world: World) -> dict[str, object]:
    """The policy of the installation that cleans: seconds in place of hours, more of them where wake-ups are real."""
    ttls = {"version_ttl": 1, "removed_ttl": 2} if world.embedded else {"version_ttl": 60, "removed_ttl": 420}
    return {"grace": 0, "version_limit": 0, **ttls}


def tells_events(installed: Installed, bucket: str) -> dict[str, Any]:
    """The bucket's notifications, which have to go to EventBridge too."""
    found = installed.place.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    expect("EventBridgeConfiguration" in found, f"the bucket's events do not go to EventBridge: {found}")
    return dict(found)


def install_new(world: World) -> str:
    installed = world.install("new", policy(world))
    tells_events(installed, installed.outputs["BucketName"])
    function = installed.function()
    expect(function.get("State", "Active") == "Active", f"the function is {function.get('State')}")
    expect(function["TracingConfig"]["Mode"] == "Active", function["TracingConfig"])
    return f"deployed, with the outputs {', '.join(sorted(installed.outputs))}"


def install_adopted(world: World) -> str:
    place, bucket = world.places[0], world.bucket("adopted")
    sqs, name = place.client("sqs"), f"acc-{world.run}-own"
    world.removals.later(f"queue {name}", partial(_remove_queue, sqs, name))
    url = sqs.create_queue(QueueName=name, tags={"acceptance": world.run})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    own = {"Id": "own", "QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
    # SQS needs up to a minute for a policy, without which S3 refuses the queue:
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    change = partial(place.client("s3").put_bucket_notification_configuration, Bucket=bucket)
    patiently(lambda: change(NotificationConfiguration={"QueueConfigurations": [own]}))
    found = tells_events(world.install("adopted", {"bucket": bucket, "orphans": "report"}), bucket)
    kept = [each for each in found.get("QueueConfigurations", []) if each["Id"] == "own"]
    expect(kept == [own], f"the owner's notification was {own} and is {kept}")
    return "the bucket's events go to EventBridge too; its owner's notification is as it was, with its id"


def _remove_queue(sqs: Any, name: str) -> None:  # noqa: ANN401 (boto3's)
    for url in sqs.list_queues(QueueNamePrefix=name).get("QueueUrls", ()):
        sqs.delete_queue(QueueUrl=url)


def install_kms(world: World) -> str:
    kms, says = world.places[0].client("kms"), f"acceptance {world.run}"
    world.removals.later("KMS key (disabled at once, deleted after seven days)", partial(_remove_keys, kms, says))
    key = kms.create_key(Description=says, Tags=[{"TagKey": "acceptance", "TagValue": world.run}])["KeyMetadata"]
    site = world.install("kms", {"kms_key_arn": key["Arn"], **policy(world)}).site()
    release = site.publish(world.build({"app-1a2b3c4d.js": "1"}), "kms")["release"]
    answer = site.invoke({})
    expect("errorMessage" not in answer, answer)
    expect(release in site.ledger().folded, "the cleaner has not seen the release")
    head = site.aws.client("s3").head_object(Bucket=site.bucket, Key="assets/app-1a2b3c4d.js")
    seen = {name: head.get(name) for name in ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled")}
    expect(seen == {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["Arn"], "BucketKeyEnabled": True}, seen)
    return "build job and cleaner use the key; the asset is encrypted with it and the bucket key"


def _remove_keys(kms: Any, description: str) -> None:  # noqa: ANN401 (boto3's)
    """Schedule the deletion of the key that is described so: a process that ended early did not hear its id."""
    for page in kms.get_paginator("list_keys").paginate():
        for each in page["Keys"]:
            try:
                found = kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]
            except ClientError:
                continue  # a key of somebody else's, whose policy does not let us see it
            if found["Description"] == description and found["KeyState"] != "PendingDeletion":
                # The shortest time that KMS allows. Such a key costs nothing: https://aws.amazon.com/kms/pricing/
                kms.schedule_key_deletion(KeyId=each["KeyId"], PendingWindowInDays=7)


def kms_in_template(world: World) -> str:
    key = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789"
    said = texts(synthesised(world, kms_key_arn=key))
    expect(said.count('"kms:ViaService"') == 2, f"kms:ViaService is there {said.count('kms:ViaService')} times")
    expect('"BucketKeyEnabled": true' in said, "the bucket has no bucket key")
    return "in the template cleaner and build job may use the key through S3 alone, and the bucket has a bucket key"


def install_distribution(world: World) -> str:
    installed = world.install("cdn", {"distribution": "true", "cors_origins": "https://www.example.com"})
    site = installed.site()
    site.publish(world.build({"app-3f9c2ab1.js": "console.log(1);" * 200}), "cdn")
    return f"the distribution {installed.outputs['DistributionId']} is deployed, and a release is behind it"


def distribution_in_template(world: World) -> str:
    made = synthesised(world, distribution="true", cors_origins="https://www.example.com")
    kinds = ("Distribution", "OriginAccessControl", "ResponseHeadersPolicy", "CachePolicy")
    lacking = [kind for kind in kinds if count(made, f"AWS::CloudFront::{kind}") != 1]
    expect(not lacking, f"the template has not one of each of {lacking}")
    expect("AWS:SourceArn" in texts(made), "the bucket's policy names no distribution")
    return f"the template has one of each of {', '.join(kinds)}, and the bucket's policy names the distribution"


def install_sites(number: int, world: World) -> str:
    installed = world.install(f"{number}sites", {"sites": json.dumps(_sites(number))})
    entries = json.loads(installed.function()["Environment"]["Variables"][Variable.SITES.value])
    expect([each["prefix"] for each in entries] == [each["prefix"] for each in _sites(number)], entries)
    pages = (
        installed.place.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=f"{installed.stack}-")
    )
    alarms = sum(len(page["MetricAlarms"]) for page in pages)
    expect(alarms == _alarms(number), f"{alarms} alarms")
    last = installed.site(_sites(number)[min(number, 10) - 1]["prefix"])
    answer = last.invoke({"site": last.prefix, "full": True})
    expect("errorMessage" not in answer, answer)
    return f"deployed, with {alarms} alarms; a run of the site {last.prefix} ended well"


def sites_in_template(number: int, world: World) -> str:
    made = synthesised(world, sites=json.dumps(_sites(number)))
    rules, alarms = count(made, "AWS::Events::Rule"), count(made, "AWS::CloudWatch::Alarm")
    expect((rules, alarms) == (2 * number, _alarms(number)), f"{rules} rules, {alarms} alarms")
    return f"the template has {rules} rules and {alarms} alarms; its quotas have tests of their own"


def _alarms(number: int) -> int:
    return sum(number if each.subject is Subject.SITE else 1 for each in ALARMS)


def _sites(number: int) -> list[dict[str, str]]:
    return [{"prefix": f"team-{each:02}/assets/"} for each in range(1, number + 1)]


def refuse_another_region(world: World) -> str:
    other = world.places[1]
    bucket = world.installed["new"].outputs["BucketName"]
    try:
        world.install("wrong", {"bucket": bucket}, other)
    except CdkError as error:
        home = world.places[0].region
        said = f"the bucket {bucket} is in {home}"
        expect(said in str(error), f"the deploy failed, but without a line that says: {said}: {error}")
        return "the deploy failed, and CloudFormation shows the line that names the bucket's Region"
    msg = "a bucket of another Region was adopted"
    raise DiffersError(msg)


def refuse_in_handler(world: World) -> str:
    from infra.adoption_handler import turn_on  # noqa: PLC0415 (for the embedded AWS only)

    place, bucket = world.places[0], world.bucket("elsewhere")
    try:
        turn_on(_S3Elsewhere(place.client("s3")), bucket, place.region, "000000000000")
    except ValueError as error:
        expect("is in eu-central-1" in str(error), error)
        return f"the handler, given AWS's answer, says: {error}"
    msg = "the handler adopted a bucket of another Region"
    raise DiffersError(msg)


class _S3Elsewhere:
    """A client whose bucket is in another Region, as HeadBucket's answer says."""

    def __init__(self, s3: Any) -> None:  # noqa: ANN401 (boto3's)
        self._s3 = s3

    def head_bucket(self, **arguments: object) -> dict[str, Any]:
        answer: dict[str, Any] = self._s3.head_bucket(**arguments)
        answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] = "eu-central-1"
        return answer


def install_in_second_region(world: World) -> str:
    site = world.install("second", policy(world), world.places[1]).site()
    release = site.publish(world.build({"app-1a2b3c4d.js": "2"}), "second")["release"]
    answer = site.invoke({})
    expect("errorMessage" not in answer and release in site.ledger().folded, answer)
    return f"in {world.places[1].region} a release was published, and the cleaner has seen it"


def second_region_in_template(world: World) -> str:
    said = texts(synthesised(world))
    for each in world.places:
        expect(f'"{each.region}"' not in said, f"the template names {each.region}")
    return "the template names no Region: it is the same in each"


def destroy_adopted(world: World) -> str:
    installed = world.installed["adopted"]
    installed.destroy()
    found = tells_events(installed, str(installed.context["bucket"]))
    expect([each["Id"] for each in found.get("QueueConfigurations", [])] == ["own"], found)
    return "the stack is gone; the bucket and its notifications are as they were"


def destroy_and_deploy_again(world: World) -> str:
    installed = world.installed["new"]
    bucket, ledger = installed.outputs["BucketName"], installed.site().ledger()
    expect(bool(ledger.folded), "there is no ledger to keep")
    installed.destroy()
    kept = installed.site().ledger()
    expect(kept == ledger, "the ledger has changed")
    again = world.install("new", {"bucket": bucket, **policy(world)}, installed.place)
    site = again.site()
    release = site.publish(world.build({"app-9a8b7c6d.js": "again"}), "again")["release"]
    answer = site.invoke({})
    expect("errorMessage" not in answer and release in site.ledger().folded, answer)
    return "destroyed, and deployed again at once under the same name; the ledger was kept, and the cleaner goes on"


FIRST = (Step(NEW, "A new account deploys the stack with a new bucket, whose events go to EventBridge.", install_new),)

OTHERS = (
    Step(
        ADOPTED,
        "A bucket with a notification of its owner's is adopted: its events go to EventBridge, nothing else changes.",
        install_adopted,
        "https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html",
    ),
    Step(
        KMS,
        "Build job and cleaner use the key through S3, and the bucket key is on.",
        install_kms,
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html",
        lacks="a KMS that looks at policies",
        instead=kms_in_template,
    ),
    Step(
        CDN,
        "A distribution is created, with its function and its access to the bucket.",
        install_distribution,
        lacks="CloudFront's edges",
        instead=distribution_in_template,
    ),
    *(
        Step(
            f"{number} sites",
            "All alarms, rules and policies fit into AWS's quotas, and a run of the last site may do what it needs.",
            partial(install_sites, number),
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
            lacks="quotas",
            instead=partial(sites_in_template, number),
        )
        for number in (5, 12)
    ),
    Step(
        SECOND,
        "The stack works in another Region of the same account.",
        install_in_second_region,
        lacks="a second Region",
        instead=second_region_in_template,
    ),
    Step(
        "bucket of another Region",
        "To adopt it is refused with a line that names the bucket's Region.",
        refuse_another_region,
        "https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html",
        needs=(NEW,),
        lacks="a second Region",
        instead=refuse_in_handler,
    ),
)

END = (
    Step(
        "adopted bucket, destroyed",
        "The bucket keeps its objects and notifications.",
        destroy_adopted,
        needs=(ADOPTED,),
    ),
    Step(
        AGAIN,
        "After `cdk destroy` the bucket stays; a deploy at once with `bucket=` goes on where the cleaner stopped.",
        destroy_and_deploy_again,
        "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-group-delete.html",
        needs=(NEW, "upload by the role"),
    ),
)
