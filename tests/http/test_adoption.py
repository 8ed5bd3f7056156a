"""The handler that turns on the events of an existing bucket, against a real S3 server."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from asset_cleaner_cdk import adoption_handler
from asset_cleaner_cdk.adoption_handler import turn_on
from examples.embedded_aws import ACCOUNT, REGION
from tests.e2e.strict_s3 import StrictS3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.embedded_aws import EmbeddedAws

GONE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone"
THEIRS = {"Id": "uploads", "QueueArn": GONE, "Events": ["s3:ObjectCreated:*"]}


@pytest.fixture
def answers() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Where CloudFormation waits for the answer, and what it got."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as the base class names it)
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", got
        server.shutdown()
        thread.join()


def ask(request: str, bucket: str, answers: tuple[str, list[dict[str, Any]]]) -> tuple[str, str]:
    """Status and reason of the answer to CloudFormation's request."""
    url, got = answers
    ids = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "BucketNotifications", "ResponseURL": url}
    event = {**ids, "RequestType": request, "ResourceProperties": {"BucketName": bucket}}
    context = SimpleNamespace(invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:handler")
    adoption_handler.handler(event, context)
    assert got[-1]["PhysicalResourceId"] == "BucketNotifications"
    return got[-1]["Status"], got[-1]["Reason"]


@pytest.fixture
def own(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the handler."""
    for name, value in aws.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.mark.usefixtures("own")
def test_a_bucket_is_adopted_and_left_whatever_its_owner_did_meanwhile(
    aws: EmbeddedAws, bucket: str, answers: tuple[str, list[dict[str, Any]]]
) -> None:
    """Notifications keep their ids, also those whose destination is gone; so does a bucket that is gone its peace."""
    s3 = aws.client("s3")
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [THEIRS]}, SkipDestinationValidation=True
    )
    for request in ("Create", "Update", "Delete"):
        assert ask(request, bucket, answers) == ("SUCCESS", "done")
        found = s3.get_bucket_notification_configuration(Bucket=bucket)
        assert (found["QueueConfigurations"], found["EventBridgeConfiguration"]) == ([THEIRS], {})
    s3.delete_bucket(Bucket=bucket)
    assert ask("Delete", bucket, answers) == ("SUCCESS", "done")
    status, reason = ask("Create", bucket, answers)
    assert (status, f"the bucket {bucket} cannot be adopted: NoSuchBucket" in reason) == ("FAILED", True)


def test_a_bucket_in_another_region_is_refused(aws: EmbeddedAws, bucket: str) -> None:
    """Its events would arrive where no rule waits for them."""
    with StrictS3(aws.url) as strict:
        create: Any = boto3.client
        client = create(
            "s3", endpoint_url=strict.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )
        turn_on(client, bucket, REGION, ACCOUNT)
        strict.region = "eu-west-1"
        with pytest.raises(ValueError, match=rf"bucket {bucket} is in eu-west-1, .* deploy the stack in eu-west-1"):
            turn_on(client, bucket, REGION, ACCOUNT)


def test_a_bucket_of_another_account_is_refused(aws: EmbeddedAws, bucket: str) -> None:
    """S3 itself compares the account; the embedded one does not, so its answer is AWS's."""
    client = aws.client("s3")
    asked: list[dict[str, Any]] = []

    def answer(params: dict[str, Any], **_: object) -> None:
        asked.append(params)
        error = {"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}
        raise client.exceptions.ClientError(error, "GetBucketNotificationConfiguration")

    client.meta.events.register("provide-client-params.s3.GetBucketNotificationConfiguration", answer)
    with pytest.raises(ValueError, match="belongs to another account than 000000000000, or its policy denies"):
        turn_on(client, bucket, REGION, ACCOUNT)
    assert asked == [{"Bucket": bucket, "ExpectedBucketOwner": ACCOUNT}]
