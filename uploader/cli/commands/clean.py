"""``plan`` and ``clean``: an operator's commands, which invoke the cleaner and show its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from release_log.errors import SettingError
from release_log.policy_settings import SETTINGS, parse_setting
from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.errors import EXIT_STATUS

if TYPE_CHECKING:
    from dataclasses import Field

    from uploader.cli.options import Option


STATUS = (
    f"{EXIT_STATUS} 1 also if the answer has `failed`, `missing`, `wake_up_error`, or a `stopped_by` that does not "
    "pass by itself (`brake`, `adoption`, `invalid_marker`, `missing_marker`, `unknown_order`, `unreadable_file`, "
    "`unknown_page`, `map_run`)."
)


# None of these has an environment variable: a forgotten one would turn a plan into another question.
FULL = click.option("--full", is_flag=True, help="List the whole site now: finds orphans and missing assets.")


FORCE = click.option("--force", is_flag=True, help="Delete, whatever max_delete_fraction says.")


ADOPT = click.option(
    "--adopt", is_flag=True, help="List the whole site now, and retire all orphans, though there are more than 100,000."
)


def _what_if(name: str, field: Field[Any]) -> Option:
    """A policy setting as an option of `plan`."""

    def check(_context: click.Context, _parameter: click.Parameter, value: str | None) -> object:
        try:
            return None if value is None else parse_setting(name, value)
        except SettingError as error:
            raise click.BadParameter(str(error)) from error

    return click.option(
        f"--{name.replace('_', '-')}",
        name,
        callback=check,
        metavar="WORD" if isinstance(field.default, str) else "NUMBER",
        help=f"What if: {field.metadata['doc'].replace('`', '')}.",
    )


WHAT_IF = tuple(_what_if(name, field) for name, field in SETTINGS.items())


LAMBDA = (*shared.SITE, shared.FUNCTION)


WAY = (shared.JSON, shared.REGION, shared.PROFILE, *shared.LOGS)


@command(epilog=STATUS)
@shared.takes(*LAMBDA, FULL, FORCE, ADOPT, *WHAT_IF, *WAY)
def plan() -> None:
    """Show what the cleaner would do now, and what falls due later; change nothing.

    With policy settings: what if the policy were so? An operator's command: it needs lambda:InvokeFunction on the
    cleaner.

    \b
    Examples:
      python -m uploader plan --bucket my-assets --function AssetCleaner-Cleaner-1A2B3C
      python -m uploader plan --bucket my-assets --function AssetCleaner-Cleaner-1A2B3C --version-limit 5
      python -m uploader plan --bucket my-assets --function AssetCleaner-Cleaner-1A2B3C --full --json
    """


@command(epilog=STATUS)
@shared.takes(
    *LAMBDA,
    FULL,
    FORCE,
    ADOPT,
    click.option("--dry-run", envvar="UPLOADER_DRY_RUN", is_flag=True, help="The same as `plan`; change nothing."),
    *WAY,
)
def clean() -> None:
    """Let the cleaner run now: tag, untag and delete what is due.

    The cleaner runs by itself; this command is for those who cannot wait. An operator's command: it needs
    lambda:InvokeFunction on the cleaner.

    \b
    Examples:
      python -m uploader clean --bucket my-assets --function AssetCleaner-Cleaner-1A2B3C
      python -m uploader clean --bucket my-assets --function AssetCleaner-Cleaner-1A2B3C --dry-run
      python -m uploader clean --bucket my-assets --function AssetCleaner-Cleaner-1A2B3C --force
    """
