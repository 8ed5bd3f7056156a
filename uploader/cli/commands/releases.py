"""``releases``: what was published, when, from which commit, and whether it is still whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from release_log.instants import format_instant
from release_log.layout import Layout
from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.cli.console import answer, readable, table
from uploader.cli.logs import log_to_stderr
from uploader.errors import EXIT_DONE, EXIT_FAILED, EXIT_STATUS_OF_LOOKING
from uploader.operations import releases as release_list
from uploader.operations.releases import Standing

if TYPE_CHECKING:
    from uploader.operations.releases import Listed

SHORT_COMMIT = 12


@command(epilog=EXIT_STATUS_OF_LOOKING)
@shared.takes(
    *shared.SITE,
    shared.ONLY_CHANNEL,
    click.option(
        "--limit",
        default=20,
        type=click.IntRange(min=1),
        metavar="N",
        show_default=True,
        help="How many releases are shown.",
    ),
    shared.JSON,
    *shared.WAY,
    *shared.LOGS,
)
def releases(**options: Any) -> int:  # noqa: ANN401 (click's own names and types, as declared above)
    """List what was published, newest first.

    Of each release when it was published, from which commit, how much it holds, and whether all of it is still there.
    Current is the newest of its channel.

    \b
    Examples:
      python -m uploader releases --bucket my-assets
      python -m uploader releases --bucket my-assets --channel production --limit 5 --json
    """
    log_to_stderr(options)
    bucket, layout = shared.open_to_read(options), Layout(options["prefix"])
    found = release_list.releases(bucket, layout, channel=options["only_channel"], limit=options["limit"])
    document = {
        "bucket": options["bucket"],
        "prefix": options["prefix"],
        "releases": [_entry(each) for each in found],
    }
    answer(options, document, _text(found, options), done="nothing was written")
    return EXIT_FAILED if any(each.problem for each in found) else EXIT_DONE


def _entry(each: Listed) -> dict[str, Any]:
    return {
        "release": each.id,
        "key": each.key,
        "standing": each.standing,
        "pinned": each.pinned,
        "channel": each.channel,
        "name": each.name,
        "at": format_instant(each.at),
        "metadata": dict(each.metadata),
        "assets": each.assets,
        "bytes": each.size,
        "missing": each.missing,
        "problem": each.problem,
    }


def _text(found: list[Listed], options: dict[str, Any]) -> str:
    if not found:
        where = f"s3://{options['bucket']}/{options['prefix']}"
        channel = options["only_channel"]
        return f"no release {f'of channel {channel} ' if channel else ''}at {where} yet"
    columns = ("release", "channel", "standing", "published", "commit", "branch", "assets", "size", "whole")
    lines = [table(columns, [_row(each) for each in found])]
    lines += [each.problem for each in found if each.problem]
    return "\n".join(lines)


def _row(each: Listed) -> tuple[str, ...]:
    if each.standing is Standing.UNREADABLE:
        return (each.id, "?", each.standing, format_instant(each.at), "", "", "", "", "?")
    return (
        each.id,
        each.channel or "",
        f"{each.standing}, pinned" if each.pinned else each.standing,
        format_instant(each.at),
        each.metadata.get("commit", "")[:SHORT_COMMIT],
        each.metadata.get("branch", ""),
        str(each.assets),
        readable(each.size or 0),
        f"{each.missing} missing" if each.missing else "yes",
    )
