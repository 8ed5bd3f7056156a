"""What the uploader says when S3 does not let it, by an AWS that checks signatures and policies."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from examples.embedded_aws import ROOT, EmbeddedAws
from tests.http.conftest import Uploader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Folder = Callable[[str, dict[str, str]], Path]

BUCKET = "guarded"


@pytest.fixture(scope="module")
def guarded() -> Iterator[EmbeddedAws]:
    """An AWS that enforces IAM, with one bucket."""
    with EmbeddedAws(enforce_iam=True) as aws:
        aws.client("s3").create_bucket(Bucket=BUCKET)
        yield aws


def _key_pair(aws: EmbeddedAws, user: str, *statements: dict[str, Any]) -> dict[str, str]:
    """A user that may do just this."""
    iam = aws.client("iam")
    iam.create_user(UserName=user)
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName=user, PolicyName="only", PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def _allow(*actions: str) -> dict[str, Any]:
    """A statement for the whole bucket."""
    return {
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    }


@pytest.mark.parametrize(
    ("user", "actions", "missing"),
    [
        ("nothing", ["sts:GetCallerIdentity"], "s3:PutObject"),
        ("writer", ["s3:PutObject", "s3:DeleteObject"], "s3:GetObject"),
        ("reader", ["s3:PutObject", "s3:DeleteObject", "s3:GetObject"], "s3:ListBucket"),
    ],
)
def test_access_denied_names_the_action_and_the_resource(
    guarded: EmbeddedAws, site_folder: Folder, user: str, actions: list[str], missing: str
) -> None:
    """One line, exit 1, no marker, no asset."""
    uploader = Uploader(guarded, BUCKET)
    answer = uploader.run(
        site_folder("a", {"index.html": "x"}), "--bucket", BUCKET, **_key_pair(guarded, user, _allow(*actions))
    )
    assert answer.returncode == 1, answer.stderr
    assert len(answer.stderr.splitlines()) == 1, answer.stderr
    assert f"access denied: allow the build job's role {missing} on s3://{BUCKET}/assets/" in answer.stderr
    assert uploader.keys() == []


def test_the_rights_that_the_readme_gives_are_enough_and_no_more(guarded: EmbeddedAws, site_folder: Folder) -> None:
    """A build job with the README's policy can publish, and can neither delete an asset nor touch the ledger."""
    readme = (ROOT / "README.md").read_text().replace("my-assets", BUCKET)
    (policy,) = [block for block in re.findall(r"```json\n(.*?)```", readme, re.DOTALL) if "Statement" in block]
    rights = _key_pair(guarded, "job", *json.loads(policy)["Statement"])
    uploader = Uploader(guarded, BUCKET)
    for text in ("x", "y", "y"):
        answer = uploader.run(site_folder("a", {"index.html": text}), "--bucket", BUCKET, **rights)
        assert answer.returncode == 0, answer.stderr
        assert "denied" not in answer.stderr
    create: Any = boto3.client
    job = create(
        "s3",
        endpoint_url=guarded.url,
        region_name="us-east-1",
        aws_access_key_id=rights["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=rights["AWS_SECRET_ACCESS_KEY"],
    )
    for forbidden, key in (
        (job.delete_object, "assets/index.html"),
        (job.delete_object, "assets/.releases/markers/x.json"),
        (job.put_object, "assets/.releases/ledger.json.gz"),
        (job.put_object, "other/x"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            forbidden(Bucket=BUCKET, Key=key)


def test_a_wrong_secret(guarded: EmbeddedAws, site_folder: Folder) -> None:
    """Not taken for missing rights."""
    rights = _key_pair(guarded, "forgetful", _allow("s3:*")) | {"AWS_SECRET_ACCESS_KEY": "wrong"}
    answer = Uploader(guarded, BUCKET).run(site_folder("a", {"index.html": "x"}), "--bucket", BUCKET, **rights)
    assert answer.returncode == 1
    assert "does not accept these credentials" in answer.stderr
