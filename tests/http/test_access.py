"""The uploader's messages when S3 denies a request, with an AWS that checks signatures and policies."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from examples.embedded_aws import EmbeddedAws
from release_log.ledger_file import pack
from tests.http.conftest import Uploader
from tests.paths import ROOT

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
    """A user with exactly these rights."""
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
        ("writer", ["s3:PutObject", "s3:DeleteObject"], "s3:(GetObject|ListBucket)"),
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
    assert re.search(f"access denied: allow the build job's role {missing} on s3://{BUCKET}/assets/", answer.stderr)
    assert uploader.keys() == []


def _pages_statements(bucket: str) -> list[dict[str, Any]]:
    """The build job's policy, as ``docs/security.md`` shows it."""
    page = (ROOT / "docs" / "security.md").read_text().replace("my-assets", bucket)
    policy, *_ = [block for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if "Statement" in block]
    statements: list[dict[str, Any]] = json.loads(policy)["Statement"]
    return statements


def test_the_rights_that_the_page_shows_are_enough_and_no_more(guarded: EmbeddedAws, site_folder: Folder) -> None:
    """A build job with this policy can publish, and can neither delete an asset nor write the ledger."""
    rights = _key_pair(guarded, "job", *_pages_statements(BUCKET))
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
        (job.delete_object, "assets/.releases/pins/x.json"),
        (job.put_object, "assets/.releases/ledger.json.gz"),
        (job.put_object, "other/x"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            forbidden(Bucket=BUCKET, Key=key)


def test_a_roll_out_needs_no_more_rights_and_a_restoration_an_operators(
    guarded: EmbeddedAws, site_folder: Folder
) -> None:
    """What ``docs/releases.md`` names besides; without it, the one line names the first right that is missing."""
    bucket = "guarded-versions"
    s3, site = guarded.client("s3"), site_folder("a", {"app-3f9c2ab1.js": "x", "index.html": "x"})
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    uploader, job = Uploader(guarded, bucket), _pages_statements(bucket)
    rights = _key_pair(guarded, "roller", *job)
    for command, code in (("true", 0), ("false", 1)):
        answer = uploader.run("run", site, "--bucket", bucket, "--json", "--", command, **rights)
        assert answer.returncode == code, answer.stderr
        assert "denied" not in answer.stderr
        assert not [key for key in uploader.keys() if "/pending/" in key or "/staged/" in key]
    (marker,) = (key for key in uploader.keys() if "/markers/" in key)
    s3.delete_object(Bucket=bucket, Key="assets/app-3f9c2ab1.js")

    restore = ["restore", "--release", marker.rpartition("/")[2].removesuffix(".json"), "--bucket", bucket]
    answer = uploader.run(*restore, **rights)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (1, 1), answer.stderr
    assert "access denied: allow the operator's role s3:ListBucketVersions on s3://" in answer.stderr
    objects = ["s3:DeleteObjectVersion", "s3:GetObjectTagging", "s3:PutObjectTagging"]
    more: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": "s3:ListBucketVersions", "Resource": f"arn:aws:s3:::{bucket}"},
        {"Effect": "Allow", "Action": objects, "Resource": f"arn:aws:s3:::{bucket}/assets/*"},
    ]
    answer = uploader.run(*restore, **_key_pair(guarded, "operator", *job, *more))
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("restored 1 asset of ")


def test_a_roll_back_and_a_pin_need_no_more_rights_and_the_end_of_a_pin_an_operators(
    guarded: EmbeddedAws, site_folder: Folder
) -> None:
    """As ``docs/releases.md`` says; without it, the one line names the right that is missing, and the pin stays."""
    bucket = "guarded-pins"
    guarded.client("s3").create_bucket(Bucket=bucket)
    uploader, job = Uploader(guarded, bucket), _pages_statements(bucket)
    rights = _key_pair(guarded, "pinner", *job)
    for name in ("r1", "r2"):
        site = site_folder(name, {f"app-3f9c2ab{name[1]}.js": name})
        assert uploader.run(site, "--bucket", bucket, "--release", name, **rights).returncode == 0
    for words in (["rollback", "r1"], ["rollback", "--previous"], ["pin", "r1"], ["pin", "r1"]):
        answer = uploader.run(*words, "--bucket", bucket, **rights)
        assert (answer.returncode, answer.stderr) == (0, "")

    answer = uploader.run("unpin", "r1", "--bucket", bucket, **rights)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (1, 1), answer.stderr
    (pin,) = (key for key in uploader.keys() if "/pins/" in key)
    assert answer.stderr.endswith(f"access denied: allow the operator's role s3:DeleteObject on s3://{bucket}/{pin}\n")
    pins = f"arn:aws:s3:::{bucket}/assets/.releases/pins/*"
    more: dict[str, Any] = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": pins}
    answer = uploader.run("unpin", "r1", "--bucket", bucket, **_key_pair(guarded, "unpinner", *job, more))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert not [key for key in uploader.keys() if "/pins/" in key]


def test_a_wrong_secret(guarded: EmbeddedAws, site_folder: Folder) -> None:
    """It does not report missing rights."""
    rights = _key_pair(guarded, "forgetful", _allow("s3:*")) | {"AWS_SECRET_ACCESS_KEY": "wrong"}
    answer = Uploader(guarded, BUCKET).run(site_folder("a", {"index.html": "x"}), "--bucket", BUCKET, **rights)
    assert answer.returncode == 1
    assert "does not accept these credentials" in answer.stderr


@pytest.fixture(scope="module")
def doctors(guarded: EmbeddedAws) -> Uploader:
    """A versioned bucket for `doctor`, with something in its release log to try."""
    bucket = "guarded-doctor"
    s3 = guarded.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("assets/.releases/ledger.json.gz", "assets/index.html"):
        s3.put_object(Bucket=bucket, Key=key, Body=pack({"current": {}, "folded": {}, "last_run": {}}))
    return Uploader(guarded, bucket)


def _states(uploader: Uploader, rights: dict[str, str]) -> dict[str, str]:
    """Check -> state, from `doctor` with these rights; it leaves neither a version nor a marker behind."""
    s3 = uploader.aws.client("s3")
    before = [s3.list_object_versions(Bucket=uploader.bucket).get(kind) for kind in ("Versions", "DeleteMarkers")]
    answer = uploader.run("doctor", "--bucket", uploader.bucket, "--function", "cleaner", "--json", **rights)
    after = [s3.list_object_versions(Bucket=uploader.bucket).get(kind) for kind in ("Versions", "DeleteMarkers")]
    assert after == before
    assert answer.stderr == ""
    return {each["check"]: each["state"] for each in json.loads(answer.stdout)["findings"]}


CREDENTIALS = ("list", "read", "write", "ledger", "intents", "delete")
"""The findings of `doctor` about the credentials themselves."""


def test_the_doctor_finds_nothing_wrong_with_the_build_jobs_rights(guarded: EmbeddedAws, doctors: Uploader) -> None:
    """Where the rights show nothing, the state is unknown."""
    found = _states(doctors, _key_pair(guarded, "patient", *_pages_statements(doctors.bucket)))
    assert {name: found[name] for name in CREDENTIALS} == dict.fromkeys(CREDENTIALS, "ok")
    hidden = ("EventBridge", "versioning", "lifecycle", "function")
    assert {name: found[name] for name in hidden} == dict.fromkeys(hidden, "unknown")


@pytest.mark.parametrize(
    ("sid", "expected"),
    [
        ("ListSite", {"list": "problem", "read": "unknown", "ledger": "unknown"}),
        ("s3:GetObject", {"read": "problem", "ledger": "unknown"}),
        ("s3:PutObject", {"write": "problem"}),
        ("TakeBackIntents", {"intents": "warning"}),
        ("KeepLedger", {"ledger": "warning"}),
        ("+s3:DeleteObject", {"delete": "warning"}),
    ],
)
def test_the_doctor_names_each_right_that_is_missing_or_too_much(
    guarded: EmbeddedAws, doctors: Uploader, sid: str, expected: dict[str, str]
) -> None:
    """With one statement or action less, or one more."""
    statements = [each for each in _pages_statements(doctors.bucket) if each["Sid"] != sid]
    for each in statements:
        if isinstance(each["Action"], list):
            each["Action"] = [action for action in each["Action"] if action != sid]
    if sid.startswith("+"):
        everything = f"arn:aws:s3:::{doctors.bucket}/assets/*"
        statements.append({"Effect": "Allow", "Action": sid[1:], "Resource": everything})
    found = _states(doctors, _key_pair(guarded, f"without-{sid.strip('+').replace(':', '-')}", *statements))
    assert {name: state for name, state in found.items() if name in CREDENTIALS and state != "ok"} == expected


def test_the_doctor_stops_at_a_wrong_secret(guarded: EmbeddedAws, doctors: Uploader) -> None:
    """`doctor` cannot check anything then: one line, and no finding."""
    rights = _key_pair(guarded, "muddled", _allow("s3:*")) | {"AWS_SECRET_ACCESS_KEY": "wrong"}
    answer = doctors.run("doctor", "--bucket", doctors.bucket, **rights)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "does not accept these credentials" in answer.stderr


def test_who_may_not_invoke_the_cleaner_is_told_what_is_missing(guarded: EmbeddedAws, doctors: Uploader) -> None:
    rights = _key_pair(guarded, "curious", *_pages_statements(doctors.bucket))
    answer = doctors.run("plan", "--bucket", doctors.bucket, "--function", "cleaner", **rights)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == (
        "uploader: access denied: allow the operator's role lambda:InvokeFunction on function 'cleaner'\n"
    )
