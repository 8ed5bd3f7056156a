"""The command that comes next, as the user can paste it."""

from __future__ import annotations

import shlex
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING

from uploader.cli.configuration import in_force
from uploader.library.defaults import DEFAULT_PREFIX

if TYPE_CHECKING:
    from uploader.library.site import Site


def next_command(command: str, release_id: str, site: Site, digest: str | None = None) -> str:
    """A command on a release of the same site, which has to have this digest if one is given."""
    words = [*program(), command, release_id, "--bucket", site.bucket]
    if digest is not None:
        words += ["--digest", digest]
    if site.prefix != DEFAULT_PREFIX or "prefix" in in_force().settings:
        words += ["--prefix", site.prefix]
    for option, value in (
        ("--region", site.region),
        ("--profile", site.profile),
        ("--endpoint-url", site.endpoint_url),
        ("--sse", site.sse),
        ("--sse-kms-key-id", site.sse_kms_key_id),
    ):
        if value:
            words += [option, value]
    if site.sse_bucket_key:
        words.append("--sse-bucket-key")
    return shlex.join(words)


def program() -> list[str]:
    """The words that start the uploader as this process was started."""
    if PurePath(sys.argv[0]).stem == "uploader":
        return ["uploader"]
    return ["python", *(["-P"] if sys.flags.safe_path else []), "-m", "uploader"]


def staged_for() -> str:
    """How long a staged release keeps its assets. The command line knows only the default of that setting."""
    from release_log.policy_settings import Policy  # noqa: PLC0415 (every command loads this module at its start)

    return f"staged_ttl ({Policy().staged_ttl // 3600} hours by default)"
