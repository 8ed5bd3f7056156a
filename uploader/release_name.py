"""What a release is called when nobody says: the CI system's commit, else git's, else the time."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

COMMIT_VARIABLES = (
    "GITHUB_SHA",
    "CI_COMMIT_SHA",  # GitLab
    "CIRCLE_SHA1",
    "BITBUCKET_COMMIT",
    "BUILDKITE_COMMIT",
    "CODEBUILD_RESOLVED_SOURCE_VERSION",  # AWS CodeBuild
    "BUILD_SOURCEVERSION",  # Azure Pipelines
    "DRONE_COMMIT_SHA",
    "SEMAPHORE_GIT_SHA",
    "TRAVIS_COMMIT",
    "GIT_COMMIT",  # Jenkins
)

SHORT = 7
"""A commit's first digits, as git shortens it: the id of a release has its time beside it."""


def release_name(environ: Mapping[str, str], at: datetime) -> str:
    """The name of a release.

    Args:
        environ: The process's environment.
        at: When the upload began; its name if there is no commit.
    """
    for variable in COMMIT_VARIABLES:
        commit = environ.get(variable, "")
        if re.fullmatch(r"[0-9a-f]{7,64}", commit):
            return commit[:SHORT]
    return _git_commit() or f"{at:%Y%m%dT%H%M%SZ}"


def _git_commit() -> str | None:
    try:
        answer = subprocess.run(
            ["git", "rev-parse", f"--short={SHORT}", "HEAD"],  # noqa: S607 (the user's git, by their PATH)
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
