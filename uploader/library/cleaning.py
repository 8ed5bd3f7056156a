"""Invokes the cleaner, for a plan or for a run. This takes lambda:InvokeFunction on its function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uploader.aws.cleaner_function import invoke, open_lambda

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploader.library.site import Site


def plan(
    site: Site,
    function: str,
    *,
    full: bool = False,
    force: bool = False,
    adopt: bool = False,
    policy: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Ask the cleaner what it would do now, and what falls due later; change nothing.

    Args:
        site: The site.
        function: The cleaner's function: the stack's output CleanerFunctionName.
        full: List the whole site: this finds orphans and missing assets.
        force: As if `clean` were forced.
        adopt: As if it were told to adopt an old bucket.
        policy: Setting -> value: what if the policy were so?

    Returns:
        The cleaner's answer, as ``docs/commands.md`` has it.

    Raises:
        UploaderError: It refused, failed, or did not answer.
    """
    return _ask(site, function, {"dry_run": True, **_flags(full=full, force=force, adopt=adopt), **(policy or {})})


def clean(
    site: Site,
    function: str,
    *,
    full: bool = False,
    force: bool = False,
    adopt: bool = False,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Let the cleaner run now: tag, untag and delete what is due.

    Args:
        site: The site.
        function: The cleaner's function.
        full: List the whole site: this finds orphans and missing assets.
        force: Delete, whatever ``max_delete_fraction`` says.
        adopt: List the whole site, and retire all orphans, though there are more than 100,000.
        dry_run: Change nothing, as `plan`.

    Returns:
        The cleaner's answer.

    Raises:
        UploaderError: It refused, failed, or did not answer.
    """
    return _ask(site, function, _flags(dry_run=dry_run, full=full, force=force, adopt=adopt))


def _flags(**flags: bool) -> dict[str, bool]:
    return {name: True for name, given in flags.items() if given}


def _ask(site: Site, function: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    # The cleaner refuses a bucket and a prefix that are not its own.
    return invoke(open_lambda(site.access), function, {"bucket": site.bucket, "site": site.prefix, **payload})
