"""CloudFormation's handler for an existing bucket: it turns the events to EventBridge on, and changes nothing else.

Its text is in the template. The CDK's own handler fails for a bucket that is gone or has a
notification whose destination is gone, takes the ids of its owner's notifications away, and sees no wrong Region.
"""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

import boto3
from botocore.exceptions import ClientError


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 (Lambda's)
    """Handle CloudFormation's request; at the end of the stack the events stay on, as others may need them."""
    status, reason = "SUCCESS", "done"
    try:
        if event["RequestType"] != "Delete":
            account = context.invoked_function_arn.split(":")[4]
            turn_on(boto3.client("s3"), event["ResourceProperties"]["BucketName"], os.environ["AWS_REGION"], account)
    except Exception as error:  # noqa: BLE001 (without an answer CloudFormation would wait for an hour)
        status, reason = "FAILED", str(error)
    same = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    physical = event.get("PhysicalResourceId") or event["LogicalResourceId"]
    body = json.dumps({**same, "PhysicalResourceId": physical, "Status": status, "Reason": reason}).encode()
    request = urllib.request.Request(event["ResponseURL"], body, {"content-type": ""}, method="PUT")  # noqa: S310
    urllib.request.urlopen(request).close()  # noqa: S310 (CloudFormation's own URL)


def turn_on(s3: Any, bucket: str, region: str, account: str) -> None:  # noqa: ANN401 (boto3's)
    """Turn the events on, if the bucket is of this Region and account; else the error says what to do."""
    home = region_of(s3, bucket)
    if home not in (None, region):
        msg = f"the bucket {bucket} is in {home}, and its events do not arrive in {region}: deploy the stack in {home}"
        raise ValueError(msg)
    where = {"Bucket": bucket, "ExpectedBucketOwner": account}
    try:
        found = s3.get_bucket_notification_configuration(**where)
        del found["ResponseMetadata"]
        if "EventBridgeConfiguration" in found:
            return
        found["EventBridgeConfiguration"] = {}
        # The destinations of the owner's notifications are not ours to check: one may be gone.
        s3.put_bucket_notification_configuration(
            **where, NotificationConfiguration=found, SkipDestinationValidation=True
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "AccessDenied":
            code = f"it belongs to another account than {account}, or its policy denies the stack its notifications"
        msg = f"the bucket {bucket} cannot be adopted: {code}"
        raise ValueError(msg) from error


def region_of(s3: Any, bucket: str) -> str | None:  # noqa: ANN401 (boto3's)
    """The bucket's Region, which S3 also tells who may not read it; None if it does not."""
    try:
        answer = s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = error.response
    found: str | None = answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
    return found
