"""Removes things of an account. Each function does nothing if its thing is not there, and waits until it is gone."""

from __future__ import annotations

import time
from typing import Any

from botocore.exceptions import ClientError

from examples.installation import wait

PAUSE_SECONDS = 2
"""Before it looks again."""

STACK_SECONDS = 2_400
"""A distribution takes a quarter of an hour to go."""

DELETABLE = {"CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS", "DELETE_IN_PROGRESS"}
"""States in which a stack need not come to rest before it is deleted:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html"""


def remove_bucket(s3: Any, bucket: str) -> None:  # noqa: ANN401 (boto3's)
    """Delete a bucket with every version of every object, and the parts of uploads."""
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchBucket"}:
            return
        raise
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        every = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in every]
        if objects:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            if answer.get("Errors"):
                msg = f"{len(answer['Errors'])} versions are left, such as {answer['Errors'][0]}"
                raise RuntimeError(msg)
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for each in page.get("Uploads", ()):
            s3.abort_multipart_upload(Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"])
    s3.delete_bucket(Bucket=bucket)


def remove_buckets(s3: Any, beginning: str) -> None:  # noqa: ANN401 (boto3's)
    """Delete the client's Region's buckets whose names begin so: those that a stack has made and left."""
    for each in s3.list_buckets(BucketRegion=s3.meta.region_name)["Buckets"]:
        if each["Name"].startswith(beginning):
            remove_bucket(s3, each["Name"])


def remove_log_groups(logs: Any, part: str) -> None:  # noqa: ANN401 (boto3's)
    """Delete the log groups whose names have this part: nothing else deletes those that Lambda makes.

    A run that was still going on when its stack went away writes its log afterwards, so it looks again until there is
    none.
    """
    while found := _log_groups(logs, part):
        for each in found:
            logs.delete_log_group(logGroupName=each)
        time.sleep(PAUSE_SECONDS)


def _log_groups(logs: Any, part: str) -> list[str]:  # noqa: ANN401 (boto3's)
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePattern=part)
    return [each["logGroupName"] for page in pages for each in page["logGroups"]]


def stack_of(cloudformation: Any, stack: str) -> dict[str, Any] | None:  # noqa: ANN401 (boto3's)
    """The stack, by its name or id; None if there is none."""
    try:
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return dict(found)


def begin_stack_removal(cloudformation: Any, stack: str) -> None:  # noqa: ANN401 (boto3's)
    """Begin to delete a stack, if it is there and nothing else happens to it."""
    found = stack_of(cloudformation, stack)
    if found is not None and found["StackStatus"] not in {"DELETE_IN_PROGRESS", "DELETE_COMPLETE"}:
        cloudformation.delete_stack(StackName=stack)


def remove_stack(cloudformation: Any, stack: str) -> None:  # noqa: ANN401 (boto3's)
    """Delete a stack, also one that is still being created or changed."""
    found = stack_of(cloudformation, stack)
    if found is None or found["StackStatus"] == "DELETE_COMPLETE":
        return
    # The name of a stack that is gone is not known any more; its id is.
    stack_id, status = found["StackId"], found["StackStatus"]
    if status.endswith("IN_PROGRESS") and status not in DELETABLE:
        _at_rest(cloudformation, stack_id)
    # A second time, as something may have been in use a moment ago, such as a policy.
    for _ in range(2):
        cloudformation.delete_stack(StackName=stack_id)
        ended = _at_rest(cloudformation, stack_id)
        if ended is None or ended["StackStatus"] == "DELETE_COMPLETE":
            return
    assert ended is not None, "it returned above"
    msg = f"{ended['StackStatus']}: {ended.get('StackStatusReason', 'no reason is given')}"
    raise RuntimeError(msg)


def _at_rest(cloudformation: Any, stack_id: str) -> dict[str, Any] | None:  # noqa: ANN401 (boto3's)
    time.sleep(0.5)

    def is_at_rest(found: dict[str, Any] | None) -> bool:
        return found is None or not found["StackStatus"].endswith("IN_PROGRESS")

    look = lambda: stack_of(cloudformation, stack_id)  # noqa: E731
    return wait(look, is_at_rest, f"{stack_id} is never ready", STACK_SECONDS, 2)
