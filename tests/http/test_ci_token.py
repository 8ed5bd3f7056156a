"""A CI job that publishes by its OpenID Connect token alone, at an AWS that enforces the role's trust policy.

The embedded AWS compares the claims as AWS does. It does not check the signature; AWS does, with the issuer's keys.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from asset_cleaner_cdk.build_job.trusted_job import JobSettings, TrustedJob, trusted_job
from examples.embedded_aws import EmbeddedAws
from tests.http.conftest import Uploader
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Folder = Callable[[str, dict[str, str]], Path]

BUCKET = "my-assets"
JOBS = {
    "github": JobSettings(github="octo-org/octo-repo", github_branch="main"),
    "gitlab": JobSettings(gitlab="group/project", gitlab_branch="main"),
}
FOR_EVER = 4102444800


@pytest.fixture(scope="module")
def guarded() -> Iterator[EmbeddedAws]:
    """An AWS with a bucket, and for each of `JOBS` a role of its name with the policy of ``docs/security.md``."""
    page = (ROOT / "docs" / "security.md").read_text()
    policy, *_ = re.findall(r"```json\n(\{\s*\"Version\".*?)```", page, re.DOTALL)
    with EmbeddedAws(enforce_iam=True) as aws:
        aws.client("s3").create_bucket(Bucket=BUCKET)
        iam = aws.client("iam")
        for name, settings in JOBS.items():
            job = job_of(settings)
            made = iam.create_open_id_connect_provider(Url=f"https://{job.issuer}", ClientIDList=[job.audience])
            statement = {
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {"Federated": made["OpenIDConnectProviderArn"]},
                "Condition": job.conditions,
            }
            trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
            iam.put_role_policy(RoleName=name, PolicyName="only", PolicyDocument=policy)
        yield aws


def job_of(settings: JobSettings) -> TrustedJob:
    """The job that the role trusts."""
    job = trusted_job(settings)
    assert job is not None
    return job


def environment(aws: EmbeddedAws, name: str, token_file: Path, **claims: str) -> dict[str, str]:
    """The variables of a job: its role, and a file with its token, but no keys."""
    job = job_of(JOBS[name])
    said: dict[str, Any] = {"iss": f"https://{job.issuer}", "aud": job.audience, "sub": job.subject, "exp": FOR_EVER}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, said | claims)]
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b"signature")]
    token_file.write_text(".".join(encoded))
    return {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_ROLE_ARN": aws.client("iam").get_role(RoleName=name)["Role"]["Arn"],
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token_file),
    }


@pytest.mark.parametrize("name", JOBS)
def test_a_job_publishes_by_its_token_alone(
    name: str, guarded: EmbeddedAws, site_folder: Folder, tmp_path: Path
) -> None:
    """As in the job for GitLab in ``docs/ci.md``: boto3 reads the two variables, and no AWS command line is needed."""
    uploader, variables = Uploader(guarded, BUCKET), environment(guarded, name, tmp_path / "token")
    answer = uploader.run(site_folder(name, {f"{name}.js": "1"}), "--bucket", BUCKET, "--release", name, **variables)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert f"assets/{name}.js" in uploader.keys()


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("github", {"sub": "repo:octo-org/octo-repo:ref:refs/heads/mai"}),
        ("github", {"sub": "repo:octo-org/octo-repo:ref:refs/heads/main2"}),
        ("github", {"sub": "repo:octo-org/octo-repo:ref:refs/tags/main"}),
        ("github", {"sub": "repo:octo-org/octo-repo:pull_request"}),
        ("github", {"sub": "repo:octo-org/octo-repo:environment:main"}),
        ("github", {"sub": "repo:octo-org/other:ref:refs/heads/main"}),
        ("github", {"aud": "https://github.com/octo-org"}),
        ("gitlab", {"sub": "project_path:group/project:ref_type:branch:ref:other"}),
        ("gitlab", {"sub": "project_path:group/project:ref_type:tag:ref:main"}),
        ("gitlab", {"sub": "project_path:group/project/sub:ref_type:branch:ref:main"}),
        ("gitlab", {"iss": "https://gitlab.example.com"}),
    ],
)
def test_another_job_does_not_get_in(
    name: str, claims: dict[str, str], guarded: EmbeddedAws, site_folder: Folder, tmp_path: Path
) -> None:
    """Another branch, a tag, a pull request, another repository; the uploader says so in one line."""
    uploader, variables = Uploader(guarded, BUCKET), environment(guarded, name, tmp_path / "token", **claims)
    before = uploader.keys()
    answer = uploader.run(site_folder("a", {"intruder.js": "1"}), "--bucket", BUCKET, **variables)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1), answer.stderr
    assert "AssumeRoleWithWebIdentity" in answer.stderr
    assert answer.stderr.endswith("see that the role trusts this job: its repository, its branch or environment\n")
    assert uploader.keys() == before


def test_a_token_file_that_is_missing_is_one_line(guarded: EmbeddedAws, site_folder: Folder, tmp_path: Path) -> None:
    """The job forgot to write the token."""
    variables = environment(guarded, "gitlab", tmp_path / "token")
    (tmp_path / "token").unlink()
    answer = Uploader(guarded, BUCKET).process(site_folder("a", {"app.js": "1"}), "--bucket", BUCKET, **variables)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1), answer.stderr
    assert answer.stderr.startswith("uploader: wrong usage: credentials: ")
    assert variables["AWS_WEB_IDENTITY_TOKEN_FILE"] in answer.stderr
