"""``plan`` and ``clean``: invoke the cleaner, and show its answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from uploader.cli.cleaner_answer import exit_code, needs, text
from uploader.cli.console import answer
from uploader.cli.heartbeat import Heartbeat
from uploader.errors import UsageError
from uploader.library import cleaning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploader.cli.output import OutputOptions
    from uploader.library.site import Site

log = logging.getLogger("uploader")


def plan(
    site: Site,
    output: OutputOptions,
    *,
    function: str | None,
    full: bool,
    force: bool,
    adopt: bool,
    **what_if: Any,  # noqa: ANN401 (the policy's settings, each checked where it is declared)
) -> int:
    """Ask the cleaner what it would do."""
    policy = {name: value for name, value in what_if.items() if value is not None}
    with _waiting():
        document = cleaning.plan(site, _named(function), full=full, force=force, adopt=adopt, policy=policy)
    return _show(document, site, output)


def clean(  # noqa: PLR0913 (what the cleaner can be asked)
    site: Site,
    output: OutputOptions,
    *,
    function: str | None,
    full: bool,
    force: bool,
    adopt: bool,
    dry_run: bool,
) -> int:
    """Let the cleaner run."""
    with _waiting():
        document = cleaning.clean(site, _named(function), full=full, force=force, adopt=adopt, dry_run=dry_run)
    return _show(document, site, output)


def _waiting() -> Heartbeat:
    return Heartbeat(lambda seconds: f"waiting for the cleaner's answer: {seconds:.0f} s")


def _named(function: str | None) -> str:
    if not function:
        msg = (
            "which function is the cleaner? Name the stack's output CleanerFunctionName, which `cdk deploy` prints, "
            "with --function or UPLOADER_FUNCTION"
        )
        raise UsageError(msg)
    return function


def _show(document: Mapping[str, Any], site: Site, output: OutputOptions) -> int:
    answer(output, document, text(document, site.url), done="the cleaner has answered")
    if needs(document):
        log.error("the cleaner needs your attention: %s", "; ".join(needs(document)))
    return exit_code(document)
