"""The default name of a release: the commit from the CI system, else from git, else the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.builds.ci import find_ci, git_head

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SHORT = 7
"""How many digits of the commit are in the name, as in git. The id of a release has the time beside the name."""


def release_name(environ: Mapping[str, str], at: datetime) -> str:
    """The default name of a release.

    Args:
        environ: The process's environment.
        at: When the upload began; this time is the name if there is no commit.
    """
    ci = find_ci(environ)
    commit = git_head()[0] if ci is None else environ[ci.commit]
    return commit[:SHORT] or f"{at:%Y%m%dT%H%M%SZ}"
