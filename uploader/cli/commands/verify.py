"""``verify``: every asset of the current releases is there with the right size, content and headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from release_log.layout import Layout
from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.cli.console import answer, table
from uploader.cli.logs import log_to_stderr
from uploader.errors import EXIT_DONE, EXIT_FAILED, EXIT_STATUS_OF_LOOKING

if TYPE_CHECKING:
    from uploader.operations.verify import Verified


def _id(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    return None if value is None else shared.check_release_id(context, parameter, value)


@command(epilog=EXIT_STATUS_OF_LOOKING)
@shared.takes(
    *shared.SITE,
    shared.ONLY_CHANNEL,
    click.option(
        "--release",
        "release_id",
        metavar="ID",
        callback=_id,
        help="This release, staged and earlier ones included.  [default: the current ones]",
    ),
    shared.JSON,
    *shared.WAY,
    shared.CONCURRENCY_OPTION,
    *shared.LOGS,
)
def verify(**options: Any) -> int:  # noqa: ANN401 (click's own names and types, as declared above)
    """Check that every asset of the current releases is there, with the right size, type and other headers.

    One request for each asset. A file without a fingerprint may be as another current, staged or pending release has
    it: the latest upload decides.

    \b
    Examples:
      python -m uploader verify --bucket my-assets
      python -m uploader verify --bucket my-assets --channel production --json
      python -m uploader verify --bucket my-assets --release 20261123T060500Z-3f9c2ab
    """
    log_to_stderr(options)
    if options["release_id"] and options["only_channel"]:
        msg = "--release and --channel exclude each other: a release has one channel"
        raise click.UsageError(msg, click.get_current_context())
    bucket = shared.open_to_read(options)
    from uploader.operations import verify as verifying  # noqa: PLC0415 (a wrong option needs no more than this)

    found = verifying.verify(
        bucket, Layout(options["prefix"]), channel=options["only_channel"], release_id=options["release_id"]
    )
    document = {
        "bucket": options["bucket"],
        "prefix": options["prefix"],
        "releases": dict(found.releases),
        "assets": found.assets,
        "findings": [
            {
                "key": each.key,
                "wrong": each.problem,
                "detail": each.detail,
                "remedy": each.remedy,
                "releases": list(each.releases),
            }
            for each in found.findings
        ],
        "problems": list(found.problems),
    }
    answer(options, document, _text(found, options), done="nothing was written")
    return EXIT_FAILED if found.findings or found.problems else EXIT_DONE


def _text(found: Verified, options: dict[str, Any]) -> str:
    lines = list(found.problems)
    names = ", ".join(f"{release_id} ({channel})" for channel, release_id in found.releases.items())
    where = f"s3://{options['bucket']}/{options['prefix']}"
    if found.findings:
        rows = [(each.key, each.problem, each.detail) for each in found.findings]
        lines.append(table(("asset", "wrong", "how it is"), rows))
        lines += sorted({f"{each.problem}: {each.remedy}" for each in found.findings})
        lines.append(f"{len(found.findings)} of {found.assets} assets of {names} at {where} are not as they should be")
    elif names:
        lines.append(f"{found.assets} assets of {names} at {where} are as they should be")
    return "\n".join(lines)
