"""What a release is called when nobody says: the CI system's commit, else git's, else the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.builds.ci import find_ci, git_head

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SHORT = 7
"""A commit's first digits, as git shortens it: the id of a release has its time beside it."""


def release_name(environ: Mapping[str, str], at: datetime) -> str:
    """The name of a release.

    Args:
        environ: The process's environment.
        at: When the upload began; its name if there is no commit.
    """
    ci = find_ci(environ)
    commit = git_head()[0] if ci is None else environ[ci.commit]
    return commit[:SHORT] or f"{at:%Y%m%dT%H%M%SZ}"
