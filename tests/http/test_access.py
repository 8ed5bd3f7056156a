"""What the uploader says when S3 does not let it, by an AWS that checks signatures and policies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from examples.embedded_aws import EmbeddedAws
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


def _key_pair(aws: EmbeddedAws, user: str, *actions: str) -> dict[str, str]:
    """A user that may do just this in the bucket."""
    iam = aws.client("iam")
    iam.create_user(UserName=user)
    resources = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resources}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=user, PolicyName="only", PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


@pytest.mark.parametrize(
    ("user", "actions", "missing"),
    [
        ("nothing", ["sts:GetCallerIdentity"], "s3:PutObject"),
        ("writer", ["s3:PutObject", "s3:DeleteObject"], "s3:ListBucket"),
    ],
)
def test_access_denied_names_the_action_and_the_resource(
    guarded: EmbeddedAws, site_folder: Folder, user: str, actions: list[str], missing: str
) -> None:
    """One line, exit 1, no marker, no asset."""
    uploader = Uploader(guarded, BUCKET)
    answer = uploader.run(
        site_folder("a", {"index.html": "x"}), "--bucket", BUCKET, **_key_pair(guarded, user, *actions)
    )
    assert answer.returncode == 1, answer.stderr
    assert len(answer.stderr.splitlines()) == 1, answer.stderr
    assert f"access denied: allow the build job's role {missing} on s3://{BUCKET}/assets/" in answer.stderr
    assert uploader.keys() == []


def test_the_documented_rights_are_enough(guarded: EmbeddedAws, site_folder: Folder) -> None:
    """The actions that the README's policy names, and no other."""
    rights = _key_pair(guarded, "job", "s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject")
    uploader = Uploader(guarded, BUCKET)
    answer = uploader.run(site_folder("a", {"index.html": "x"}), "--bucket", BUCKET, **rights)
    assert answer.returncode == 0, answer.stderr


def test_a_wrong_secret(guarded: EmbeddedAws, site_folder: Folder) -> None:
    """Not taken for missing rights."""
    rights = _key_pair(guarded, "forgetful", "s3:*") | {"AWS_SECRET_ACCESS_KEY": "wrong"}
    answer = Uploader(guarded, BUCKET).run(site_folder("a", {"index.html": "x"}), "--bucket", BUCKET, **rights)
    assert answer.returncode == 1
    assert "does not accept these credentials" in answer.stderr
