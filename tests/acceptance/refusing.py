"""Steps: what the build job must not do, each tried; and the release log, which nobody overwrites, in three ways."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from tests.acceptance.publishing import ROLE
from tests.acceptance.steps import Step, expect
from tests.acceptance.template import synthesised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from examples.installation import Installation
    from tests.acceptance.world import World

REFUSALS = {"AccessDenied", "AccessDeniedException", "AccessControlListNotSupported"}
"""S3's, Lambda's, and S3's for a bucket without ACLs:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html"""

TAGS = {"Tagging": {"TagSet": [{"Key": "removed_at", "Value": "2026-01-01T00:00:00Z"}]}}


COPIED = "assets/copied-5d6e7f8a.js"

ANY_POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})


def client_with(keys: Mapping[str, str], site: Installation, service: str) -> Any:  # noqa: ANN401 (a boto3 client)
    """A client with a build job's keys."""
    ours = site.aws.client(service)
    endpoint = site.aws.environment().get("AWS_ENDPOINT_URL_S3") if service == "s3" else None
    create: Any = boto3.client
    return create(
        service,
        region_name=ours.meta.region_name,
        endpoint_url=endpoint or ours.meta.endpoint_url,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys.get("AWS_SESSION_TOKEN"),
    )


def refused(request: Callable[[], object]) -> bool:
    """Whether AWS denies it."""
    try:
        request()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        expect(code in REFUSALS, f"{error.operation_name}: {code}")
        return True
    return False


def actions(world: World) -> str:
    """Each is about an object that is there: what is missing is answered 403 too."""
    installed = world.installed["new"]
    site = installed.site()
    s3, function = (client_with(installed.job.session(), site, service) for service in ("s3", "lambda"))
    asset, marker, where = current_asset(site), newest_marker(site), {"Bucket": site.bucket}
    owner = site.aws.client("s3")
    owner.put_object(**where, Key="elsewhere/app.js", Body=b"1")
    version = owner.head_object(**where, Key=asset).get("VersionId")
    tries: dict[str, Callable[[], object]] = {
        "delete an asset": partial(s3.delete_object, **where, Key=asset),
        "delete a version": partial(s3.delete_object, **where, Key=asset, VersionId=version),
        "delete a marker": partial(s3.delete_object, **where, Key=marker),
        "delete the ledger": partial(s3.delete_object, **where, Key=site.layout.ledger),
        "write the ledger": partial(s3.put_object, **where, Key=site.layout.ledger, Body=b"1"),
        "write the checkpoint": partial(s3.put_object, **where, Key=site.layout.checkpoint, Body=b"1"),
        "write the ledger in parts": partial(s3.create_multipart_upload, **where, Key=site.layout.ledger),
        "tag an asset": partial(s3.put_object_tagging, **where, Key=asset, **TAGS),
        "untag an asset": partial(s3.delete_object_tagging, **where, Key=asset),
        "write with a tag": partial(s3.put_object, **where, Key=asset, Tagging="removed_at=x"),
        "write in parts with a tag": partial(s3.create_multipart_upload, **where, Key=asset, Tagging="removed_at=x"),
        "copy with a tag": partial(
            s3.copy_object,
            **where,
            Key=asset,
            CopySource={**where, "Key": asset},
            TaggingDirective="REPLACE",
            Tagging="removed_at=x",
        ),
        "write with an ACL": partial(s3.put_object, **where, Key=asset, ACL="public-read"),
        "read elsewhere": partial(s3.get_object, **where, Key="elsewhere/app.js"),
        "write elsewhere": partial(s3.put_object, **where, Key="elsewhere/app.js", Body=b"2"),
        "list elsewhere": partial(s3.list_objects_v2, **where, Prefix="elsewhere/"),
        "list the bucket": partial(s3.list_objects_v2, **where),
        "list versions": partial(s3.list_object_versions, **where, Prefix=site.prefix),
        "suspend versioning": partial(
            s3.put_bucket_versioning, **where, VersioningConfiguration={"Status": "Suspended"}
        ),
        "change the bucket's policy": partial(s3.put_bucket_policy, **where, Policy=ANY_POLICY),
        "delete the lifecycle": partial(s3.delete_bucket_lifecycle, **where),
        "delete the bucket": partial(s3.delete_bucket, **where),
        "invoke the cleaner": partial(function.invoke, FunctionName=site.function, Payload="{}"),
    }
    before = _etags(site, asset, marker)
    allowed = [name for name, request in tries.items() if not refused(request)]
    expect(not allowed, f"it may {', '.join(allowed)}")
    expect(_etags(site, asset, marker) == before, "something has changed")
    return f"denied, each: {', '.join(tries)}"


def overwrite_marker_in_place(world: World) -> str:
    seen = overwrite_marker(world)
    made = synthesised(world)
    (policy,) = (each for each in made["Resources"].values() if each["Type"] == "AWS::S3::BucketPolicy")
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    conditions = [each["Condition"] for each in statements if each.get("Sid", "").startswith("WriteOnce")]
    wanted = {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
    expect(conditions == [wanted], conditions)
    return f"{seen}; the template's statement holds for every request that creates an object, {wanted}"


def overwrite_marker(world: World) -> str:
    installed = world.installed["new"]
    site = installed.site()
    s3, marker = client_with(installed.job.session(), site, "s3"), newest_marker(site)
    where = {"Bucket": site.bucket, "Key": marker}
    before = site.aws.client("s3").head_object(**where)["ETag"]
    source = {"Bucket": site.bucket, "Key": current_asset(site)}
    expect(refused(partial(s3.put_object, **where, Body=b"{}")), "a PUT overwrote a marker")
    expect(refused(partial(s3.copy_object, **where, CopySource=source)), "a copy overwrote a marker")
    # The same copy elsewhere is allowed, so that was not for want of another right.
    s3.copy_object(Bucket=site.bucket, Key=COPIED, CopySource=source)
    # Only the request that completes it creates an object, and needs the condition.
    made = s3.create_multipart_upload(**where)["UploadId"]
    part = s3.upload_part(**where, UploadId=made, PartNumber=1, Body=b"{}")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    try:
        complete = partial(s3.complete_multipart_upload, **where, UploadId=made, MultipartUpload=parts)
        expect(refused(complete), "a multipart upload overwrote a marker")
    finally:
        s3.abort_multipart_upload(**where, UploadId=made)
    expect(_fails_as_there(partial(s3.put_object, **where, Body=b"{}", IfNoneMatch="*")), "written twice")
    after = site.aws.client("s3").head_object(**where)["ETag"]
    expect(after == before, "the marker has changed")
    return "denied by PUT, copy and multipart upload; with If-None-Match S3 answers 412"


def _fails_as_there(request: Callable[[], object]) -> bool:
    try:
        request()
    except ClientError as error:
        return str(error.response["Error"]["Code"]) == "PreconditionFailed"
    return False


def current_asset(site: Installation) -> str:
    """The key of an asset that no run deletes meanwhile."""
    retired = site.ledger().retired
    return next(key for key in site.assets() if key not in retired)


def _etags(site: Installation, *keys: str) -> list[str]:
    """The ETags of objects."""
    return [site.aws.client("s3").head_object(Bucket=site.bucket, Key=key)["ETag"] for key in keys]


def newest_marker(site: Installation) -> str:
    """The key of the newest marker."""
    listing = site.aws.client("s3").list_objects_v2(Bucket=site.bucket, Prefix=site.layout.markers)
    return str(max(each["Key"] for each in listing["Contents"]))


STEPS = (
    Step(
        "denied actions",
        "The build job is denied each action that the policy does not allow.",
        actions,
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html",
        needs=(ROLE,),
    ),
    Step(
        "marker overwritten",
        "The bucket's policy denies it by PUT, by copy and by a multipart upload.",
        overwrite_marker,
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html",
        needs=(ROLE,),
        lacks="the condition keys of write-once (a proxy in front of it refuses as AWS does)",
        instead=overwrite_marker_in_place,
    ),
)
