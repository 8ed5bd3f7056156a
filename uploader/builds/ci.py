"""The commit, branch and URL of the build, from the CI system's environment variables, else from git."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BRANCH = 255
MAX_URL = 1000

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_URL = re.compile(r"(https?://)(?:[^/?#]*@)?([^/?#@]+)([^?#]*)")


class CiSystem(NamedTuple):
    """The environment variables in which a CI system describes its build.

    Attributes:
        commit: The variable with the commit. If it holds one, this CI system runs the build.
        branches: The variables that may hold the branch or the tag; the first that is set counts.
        build_url: The URL of the build, with variables in braces; empty if the CI system has no variable for it.
    """

    commit: str
    branches: tuple[str, ...]
    build_url: str = ""


CI_SYSTEMS = (
    CiSystem(  # GitHub Actions; the first variable is set for pull requests
        "GITHUB_SHA",
        ("GITHUB_HEAD_REF", "GITHUB_REF_NAME"),
        "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
    ),
    CiSystem("CI_COMMIT_SHA", ("CI_COMMIT_REF_NAME",), "{CI_JOB_URL}"),  # GitLab
    CiSystem("CIRCLE_SHA1", ("CIRCLE_BRANCH", "CIRCLE_TAG"), "{CIRCLE_BUILD_URL}"),
    CiSystem(
        "BITBUCKET_COMMIT",
        ("BITBUCKET_BRANCH", "BITBUCKET_TAG"),
        "https://bitbucket.org/{BITBUCKET_REPO_FULL_NAME}/pipelines/results/{BITBUCKET_BUILD_NUMBER}",
    ),
    CiSystem("BUILDKITE_COMMIT", ("BUILDKITE_BRANCH",), "{BUILDKITE_BUILD_URL}"),
    CiSystem("CODEBUILD_RESOLVED_SOURCE_VERSION", ("CODEBUILD_WEBHOOK_HEAD_REF",), "{CODEBUILD_PUBLIC_BUILD_URL}"),
    CiSystem(
        "BUILD_SOURCEVERSION",  # Azure Pipelines
        ("BUILD_SOURCEBRANCH",),
        "{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",
    ),
    CiSystem("DRONE_COMMIT_SHA", ("DRONE_BRANCH",), "{DRONE_BUILD_LINK}"),
    CiSystem(
        "SEMAPHORE_GIT_SHA",
        ("SEMAPHORE_GIT_BRANCH",),
        "{SEMAPHORE_ORGANIZATION_URL}/workflows/{SEMAPHORE_WORKFLOW_ID}",
    ),
    CiSystem("TRAVIS_COMMIT", ("TRAVIS_BRANCH",), "{TRAVIS_BUILD_WEB_URL}"),
    CiSystem("GIT_COMMIT", ("BRANCH_NAME", "GIT_BRANCH"), "{BUILD_URL}"),  # Jenkins
)


def find_ci(environ: Mapping[str, str]) -> CiSystem | None:
    """The CI system that runs the build; None without a CI system, or if it does not tell the commit."""
    return next((each for each in CI_SYSTEMS if _COMMIT.fullmatch(environ.get(each.commit, ""))), None)


def build_metadata(environ: Mapping[str, str]) -> dict[str, str]:
    """The build's ``commit``, ``branch`` and ``build_url`` for the marker; without those that are not known.

    Everybody who may read the bucket can read them, so the URL must not contain credentials: we keep only its scheme,
    host and path, and the build's number, which we add.
    """
    ci = find_ci(environ)
    if ci is None:
        commit, branch = git_head()
        metadata = {"commit": commit, "branch": _branch(branch)}
    else:
        branch = next((environ[name] for name in ci.branches if environ.get(name)), "")
        metadata = {
            "commit": environ[ci.commit],
            "branch": _branch(branch),
            "build_url": _build_url(ci.build_url, environ),
        }
    return {name: value for name, value in metadata.items() if value}


def _branch(name: str) -> str:
    """A branch or tag without the prefixes of git and Jenkins; empty if the name cannot be printed."""
    name = re.sub(r"^(refs/(heads|tags)/|refs/|origin/)", "", name)
    return name[:MAX_BRANCH] if name.isprintable() else ""


def _build_url(template: str, environ: Mapping[str, str]) -> str:
    """A URL without credentials; empty if a variable is missing, or the result is not a usable URL."""
    address, question, number = template.partition("?")
    try:
        url = _URL.match(address.format_map(environ))
        number = number.format_map(environ)
    except KeyError:
        return ""
    if url is None:
        return ""
    clean = "".join(url.groups()).replace(" ", "%20") + question + number
    return clean if len(clean) <= MAX_URL and clean.isprintable() else ""


def git_head() -> tuple[str, str]:
    """The commit and branch of the working directory; empty texts outside a git repository, or without a commit."""
    here = Path.cwd()
    if "GIT_DIR" not in os.environ and not any((folder / ".git").exists() for folder in (here, *here.parents)):
        return "", ""
    import subprocess  # noqa: PLC0415 (3 ms; not needed where a CI system tells the commit)

    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD", "--abbrev-ref", "HEAD"],  # noqa: S607 (the user's git, by their PATH)
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return "", ""
    lines = answer.stdout.split("\n")
    if answer.returncode or len(lines) < 2 or not _COMMIT.fullmatch(lines[0]):  # noqa: PLR2004 (we asked for two lines)
        return "", ""
    return lines[0], "" if lines[1] == "HEAD" else lines[1]  # a detached HEAD has no branch
