"""The build's metadata in the marker: from the CI system, else from git, and never a secret."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploader.builds.ci import CI_SYSTEMS, MAX_BRANCH, MAX_URL, build_metadata, find_ci
from uploader.builds.release_name import release_name

if TYPE_CHECKING:
    from pathlib import Path

    from uploader.builds.ci import CiSystem

COMMIT = "3f9c2ab1" * 5


@pytest.mark.parametrize(
    ("environ", "branch", "build_url"),
    [
        pytest.param(
            {"GITHUB_SHA": COMMIT, "GITHUB_HEAD_REF": "", "GITHUB_REF_NAME": "main",
             "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "us/site", "GITHUB_RUN_ID": "42"},
            "main", "https://github.com/us/site/actions/runs/42", id="GitHub",
        ),
        pytest.param(
            {"GITHUB_SHA": COMMIT, "GITHUB_HEAD_REF": "feature", "GITHUB_REF_NAME": "7/merge"},
            "feature", None, id="GitHub pull request",
        ),
        pytest.param(
            {"CI_COMMIT_SHA": COMMIT, "CI_COMMIT_REF_NAME": "main", "CI_JOB_URL": "https://gitlab.com/us/site/-/jobs/42"},
            "main", "https://gitlab.com/us/site/-/jobs/42", id="GitLab",
        ),
        pytest.param(
            {"CIRCLE_SHA1": COMMIT, "CIRCLE_TAG": "v1", "CIRCLE_BUILD_URL": "https://circleci.com/gh/us/site/42"},
            "v1", "https://circleci.com/gh/us/site/42", id="CircleCI",
        ),
        pytest.param(
            {"BITBUCKET_COMMIT": COMMIT, "BITBUCKET_BRANCH": "main", "BITBUCKET_REPO_FULL_NAME": "us/site",
             "BITBUCKET_BUILD_NUMBER": "42"},
            "main", "https://bitbucket.org/us/site/pipelines/results/42", id="Bitbucket",
        ),
        pytest.param(
            {"BUILDKITE_COMMIT": COMMIT, "BUILDKITE_BRANCH": "main",
             "BUILDKITE_BUILD_URL": "https://buildkite.com/us/site/builds/42"},
            "main", "https://buildkite.com/us/site/builds/42", id="Buildkite",
        ),
        pytest.param(
            {"CODEBUILD_RESOLVED_SOURCE_VERSION": COMMIT, "CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/main"},
            "main", None, id="CodeBuild",
        ),
        pytest.param(
            {"BUILD_SOURCEVERSION": COMMIT, "BUILD_SOURCEBRANCH": "refs/heads/feature/cart", "BUILD_BUILDID": "42",
             "SYSTEM_COLLECTIONURI": "https://dev.azure.com/us/", "SYSTEM_TEAMPROJECT": "the site"},
            "feature/cart", "https://dev.azure.com/us/the%20site/_build/results?buildId=42", id="Azure Pipelines",
        ),
        pytest.param(
            {"DRONE_COMMIT_SHA": COMMIT, "DRONE_BRANCH": "main", "DRONE_BUILD_LINK": "https://drone.example/us/site/42"},
            "main", "https://drone.example/us/site/42", id="Drone",
        ),
        pytest.param(
            {"SEMAPHORE_GIT_SHA": COMMIT, "SEMAPHORE_GIT_BRANCH": "main", "SEMAPHORE_WORKFLOW_ID": "42",
             "SEMAPHORE_ORGANIZATION_URL": "https://us.semaphoreci.com"},
            "main", "https://us.semaphoreci.com/workflows/42", id="Semaphore",
        ),
        pytest.param(
            {"TRAVIS_COMMIT": COMMIT, "TRAVIS_BRANCH": "main", "TRAVIS_BUILD_WEB_URL": "https://travis-ci.com/us/site/42"},
            "main", "https://travis-ci.com/us/site/42", id="Travis",
        ),
        pytest.param(
            {"GIT_COMMIT": COMMIT, "GIT_BRANCH": "origin/main", "BUILD_URL": "https://jenkins.example/job/site/42/"},
            "main", "https://jenkins.example/job/site/42/", id="Jenkins",
        ),
    ],
)  # fmt: skip
def test_metadata_and_name_from_each_ci_system(environ: dict[str, str], branch: str, build_url: str | None) -> None:
    expected = {"commit": COMMIT, "branch": branch, "build_url": build_url}
    assert build_metadata(environ) == {name: value for name, value in expected.items() if value}
    assert release_name(environ) == "3f9c2ab"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://user:secret@jenkins.example/job/1/", "https://jenkins.example/job/1/"),
        ("https://token@jenkins.example:8443/job/1/", "https://jenkins.example:8443/job/1/"),
        ("https://us@corp:secret@jenkins.example/1", "https://jenkins.example/1"),
        ("https://jenkins.example/job/1/?token=secret#secret", "https://jenkins.example/job/1/"),
        ("https://jenkins.example", "https://jenkins.example"),
        ("ftp://jenkins.example/job/1/", None),
        ("jenkins.example/job/1/", None),
        ("https://jenkins.example/\x1b[31m", None),
        ("https://jenkins.example/\udcff", None),
        ("https://jenkins.example/" + "a" * MAX_URL, None),
        ("", None),
    ],
)
def test_a_build_url_is_kept_without_its_secrets(url: str, kept: str | None) -> None:
    assert build_metadata({"GIT_COMMIT": COMMIT, "BUILD_URL": url}).get("build_url") == kept


@given(st.text(), st.text(), st.sampled_from(CI_SYSTEMS))
def test_metadata_is_short_and_printable_whatever_the_environment_holds(branch: str, url: str, ci: CiSystem) -> None:
    """A marker is an open format, and people show it in terminals."""
    environ = dict.fromkeys(ci.branches, branch) | {ci.commit: COMMIT, "BUILD_URL": url, "CI_JOB_URL": url}
    metadata = build_metadata(environ)
    assert all(value and value.isprintable() for value in metadata.values())
    assert len(metadata.get("branch", "")) <= MAX_BRANCH
    assert len(metadata.get("build_url", "")) <= MAX_URL


def test_without_a_ci_system_git_tells_commit_and_branch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A detached HEAD has no branch; without a commit there is no metadata."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    environ = {"GITHUB_SHA": "", "BUILDKITE_COMMIT": "HEAD", "GIT_COMMIT": "main"}
    assert find_ci(environ) is None
    assert build_metadata(environ) == {}
    assert release_name(environ) == "no-commit"

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-b", "trunk")
    assert build_metadata(environ) == {}
    git("commit", "--allow-empty", "-m", "x")
    commit = git("rev-parse", "HEAD")
    assert build_metadata(environ) == {"commit": commit, "branch": "trunk"}
    assert release_name(environ) == commit[:7]
    git("checkout", "--detach")
    assert build_metadata(environ) == {"commit": commit}
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build_metadata(environ) == {}
