"""The default name of a release: the commit from the CI system, else from git; without any, a word that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.builds.ci import find_ci, git_head

if TYPE_CHECKING:
    from collections.abc import Mapping

SHORT = 7
"""How many digits of the commit are in the name, as in git. The id of a release has the time beside the name."""

NO_COMMIT = "no-commit"
"""The name of a release outside git and CI. The id begins with the time, so the name need not have it too."""


def release_name(environ: Mapping[str, str]) -> str:
    """The default name of a release, in this environment."""
    ci = find_ci(environ)
    commit = git_head()[0] if ci is None else environ[ci.commit]
    return commit[:SHORT] or NO_COMMIT
