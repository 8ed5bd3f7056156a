"""Steps: a bucket that its owner has already, in this Region and in another one."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from examples.cdk_command import CdkError
from tests.acceptance.account import patiently
from tests.acceptance.installing import BEGUN, SECOND, tells_events
from tests.acceptance.steps import DiffersError, Step, expect
from tests.acceptance.world import TAG

if TYPE_CHECKING:
    from tests.acceptance.world import World

ADOPTED = "adopted bucket"


def begin_adopted(world: World) -> None:
    place, bucket = world.places[0], world.bucket("adopted")
    sqs, name = place.client("sqs"), f"acc-{world.run}-own"
    world.removals.later(f"queue {name}", partial(_remove_queue, sqs, name))
    url = sqs.create_queue(QueueName=name, tags={TAG: world.run})["QueueUrl"]
    own = owners_notification(world)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": own["QueueArn"],
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    # SQS needs up to a minute for a policy, without which S3 refuses the queue:
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    change = partial(place.client("s3").put_bucket_notification_configuration, Bucket=bucket)
    patiently(lambda: change(NotificationConfiguration={"QueueConfigurations": [own]}))
    world.begin("adopted", {"bucket": bucket, "orphans": "report"})


def owners_notification(world: World) -> dict[str, Any]:
    """To a queue of the owner's."""
    sqs = world.places[0].client("sqs")
    url = sqs.get_queue_url(QueueName=f"acc-{world.run}-own")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return {"Id": "own", "QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}


def install_adopted(world: World) -> str:
    installed, own = world.installation("adopted"), owners_notification(world)
    found = tells_events(installed, str(installed.context["bucket"]))
    kept = [each for each in found.get("QueueConfigurations", []) if each["Id"] == "own"]
    expect(kept == [own], f"the owner's notification was {own} and is {kept}")
    return "the bucket's events go to EventBridge too; its owner's notification is as it was, with its id"


def _remove_queue(sqs: Any, name: str) -> None:  # noqa: ANN401 (boto3's)
    for url in sqs.list_queues(QueueNamePrefix=name).get("QueueUrls", ()):
        sqs.delete_queue(QueueUrl=url)


def refuse_another_region(world: World) -> str:
    bucket = world.installed["new"].outputs["BucketName"]
    try:
        world.installation("wrong")
    except CdkError as error:
        home = world.places[0].region
        said = f"the bucket {bucket} is in {home}"
        expect(said in str(error), f"the deploy failed, but without a line that says: {said}: {error}")
        return "the deploy failed, and CloudFormation shows the line that names the bucket's Region"
    msg = "a bucket of another Region was adopted"
    raise DiffersError(msg)


def refuse_in_handler(world: World) -> str:
    from asset_cleaner_cdk.adoption_handler import turn_on  # noqa: PLC0415 (for the embedded AWS only)

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


def destroy_adopted(world: World) -> str:
    installed = world.installed["adopted"]
    installed.destroy()
    found = tells_events(installed, str(installed.context["bucket"]))
    expect([each["Id"] for each in found.get("QueueConfigurations", [])] == ["own"], found)
    return "the stack is gone; the bucket and its notifications are as they were"


OTHERS = (
    Step(
        ADOPTED,
        "A bucket with a notification of its owner's is adopted: its events go to EventBridge, nothing else changes.",
        install_adopted,
        "https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html",
        needs=(BEGUN,),
    ),
    Step(
        "bucket of another Region",
        "To adopt it is refused with a line that names the bucket's Region.",
        refuse_another_region,
        "https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html",
        needs=(SECOND,),
        lacks="a second Region",
        instead=refuse_in_handler,
    ),
)

DESTROYED = Step(
    "adopted bucket, destroyed",
    "The bucket keeps its objects and notifications.",
    destroy_adopted,
    needs=(ADOPTED,),
)
