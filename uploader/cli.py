"""The command line. ``upload`` is the default command: ``python -m uploader DIRECTORY --bucket NAME``."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from release_log.errors import LayoutError
from release_log.fingerprints import PatternError, compile_pattern
from release_log.layout import check_prefix, make_id
from release_log.marker import CHANNEL, DEFAULT_CHANNEL
from uploader import __version__
from uploader.collect import collect
from uploader.errors import EXIT_INTERRUPTED, UploaderError, UsageError
from uploader.publish import Build, publish
from uploader.release_name import release_name
from uploader.store import ReadOnly

if TYPE_CHECKING:
    import re

    from uploader.publish import Published
    from uploader.store import BucketPort

DEFAULT_COMMAND = "upload"

KILO = 1000


class DefaultCommand(click.Group):
    """A group that takes its first argument for `DEFAULT_COMMAND`'s if it names no command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click."""
        own = {name for option in self.params for name in option.opts}
        if not args or (args[0] not in self.commands and args[0] not in own | {"--help"}):
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)


@click.group(cls=DefaultCommand)
@click.version_option(__version__, prog_name="uploader")
def main() -> None:
    """Publish builds of fingerprinted assets to S3. `upload` is the default command."""


def _prefix(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        return check_prefix(value)
    except LayoutError as error:
        raise click.BadParameter(str(error)) from error


def _pattern(_context: click.Context, _parameter: click.Parameter, value: str | None) -> re.Pattern[str] | None:
    try:
        return None if value is None else compile_pattern(value)
    except PatternError as error:
        raise click.BadParameter(str(error)) from error


def _channel(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if CHANNEL.fullmatch(value):
        return value
    msg = f"{value!r} is not up to 64 letters, digits, dots, hyphens and underscores, first a letter or digit"
    raise click.BadParameter(msg)


def _release(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    now = datetime.now(UTC)
    name = release_name(os.environ, now) if value is None else value
    try:
        make_id(now, name)
    except LayoutError as error:
        raise click.BadParameter(str(error)) from error
    return name


@main.command(
    epilog=(
        "Exit status: 0 done, 1 failed (no marker was written: what was live stays so), 2 wrong usage, 130 interrupted."
    )
)
@click.argument("directory", type=click.Path(path_type=Path), envvar="UPLOADER_DIRECTORY")
@click.option("--bucket", envvar="UPLOADER_BUCKET", required=True, help="The bucket.")
@click.option(
    "--prefix",
    envvar="UPLOADER_PREFIX",
    default="assets/",
    callback=_prefix,
    show_default=True,
    help="The site's key prefix; empty, or ending with a slash.",
)
@click.option(
    "--channel",
    envvar="UPLOADER_CHANNEL",
    default=DEFAULT_CHANNEL,
    callback=_channel,
    show_default=True,
    help="The line of releases this one belongs to, such as production or staging.",
)
@click.option(
    "--release",
    envvar="UPLOADER_RELEASE",
    callback=_release,
    help="The release's name.  [default: the CI system's commit, else git's, else the time]",
)
@click.option(
    "--fingerprint-pattern",
    envvar="UPLOADER_FINGERPRINT_PATTERN",
    callback=_pattern,
    metavar="REGEX",
    help="A regular expression with a group `fingerprint`, instead of the built-in recognition.",
)
@click.option("--dry-run", envvar="UPLOADER_DRY_RUN", is_flag=True, help="Say what would be sent; write nothing.")
@click.option("--json", "as_json", envvar="UPLOADER_JSON", is_flag=True, help="One JSON document on standard output.")
@click.option("--region", envvar="UPLOADER_REGION", help="The bucket's region.  [default: as boto3 finds it]")
@click.option("--profile", envvar="UPLOADER_PROFILE", help="The AWS profile.  [default: as boto3 finds it]")
@click.option("--endpoint-url", envvar="UPLOADER_ENDPOINT_URL", help="Another S3 server than AWS.")
@click.option(
    "--concurrency",
    envvar="UPLOADER_CONCURRENCY",
    default=64,
    type=click.IntRange(1, 512),
    show_default=True,
    help="How many requests run at once.",
)
@click.option("-v", "--verbose", envvar="UPLOADER_VERBOSE", is_flag=True, help="Log every file on standard error.")
@click.option("-q", "--quiet", envvar="UPLOADER_QUIET", is_flag=True, help="Say nothing but errors.")
def upload(**options: Any) -> None:  # noqa: ANN401 (click's own names and types, as declared above)
    """Upload what is new in DIRECTORY, then write the release marker.

    \b
    Examples:
      python -m uploader dist --bucket my-assets
      python -m uploader dist --bucket my-assets --channel staging --dry-run
      python -m uploader dist --bucket my-assets --json > release.json
    """
    _log_to_stderr(verbose=options["verbose"], quiet=options["quiet"])
    began = time.monotonic()
    build = Build(
        assets=collect(options["directory"], options["prefix"], options["fingerprint_pattern"]),
        prefix=options["prefix"],
        channel=options["channel"],
        release=options["release"],
    )
    published = _publish(_open(options), build, bar=_wants_bar(options))
    document = _document(published, build, options, time.monotonic() - began)
    for entry in document["uploaded"]:
        logging.getLogger("uploader").debug("%s: %s", entry["reason"], entry["key"])
    if options["as_json"]:
        click.echo(json.dumps(document))
    elif not options["quiet"]:
        click.echo(_summary(document))


def _open(options: dict[str, Any]) -> BucketPort:
    from uploader.s3 import connect  # noqa: PLC0415 (a wrong option needs no AWS library)

    bucket = connect(
        options["bucket"],
        region=options["region"],
        profile=options["profile"],
        endpoint_url=options["endpoint_url"],
        concurrency=options["concurrency"],
    )
    return ReadOnly(bucket) if options["dry_run"] else bucket


def _publish(bucket: BucketPort, build: Build, *, bar: bool) -> Published:
    if not bar:
        return publish(bucket, build)
    from uploader.progress import Bar  # noqa: PLC0415 (rich is only loaded when it is shown)

    with Bar() as shown:
        return publish(bucket, build, started=shown.started, sent=shown.sent)


def _wants_bar(options: dict[str, Any]) -> bool:
    return sys.stderr.isatty() and not (options["quiet"] or options["as_json"] or options["verbose"])


def _document(published: Published, build: Build, options: dict[str, Any], seconds: float) -> dict[str, Any]:
    return {
        "dry_run": options["dry_run"],
        "bucket": options["bucket"],
        "prefix": build.prefix,
        "channel": build.channel,
        "release": published.id,
        "marker": published.key,
        "uploaded": [
            {
                "key": upload.asset.key,
                "logical": upload.asset.logical,
                "size": upload.asset.size,
                "fingerprinted": upload.asset.fingerprinted,
                "reason": upload.reason,
            }
            for upload in published.uploads
        ],
        "counts": {"uploaded": len(published.uploads), "unchanged": len(published.unchanged)},
        "bytes_uploaded": published.bytes_uploaded,
        "seconds": round(seconds, 3),
    }


def _summary(document: dict[str, Any]) -> str:
    counts, size = document["counts"], _readable(document["bytes_uploaded"])
    if document["dry_run"]:
        lines = [f"would upload {entry['key']} ({entry['reason']})" for entry in document["uploaded"]]
        lines.append(
            f"dry run: {counts['uploaded']} to upload ({size}), {counts['unchanged']} unchanged; nothing written"
        )
        return "\n".join(lines)
    return (
        f"released {document['release']} to s3://{document['bucket']}/{document['prefix']}: {counts['uploaded']} "
        f"uploaded ({size}), {counts['unchanged']} unchanged, {document['seconds']:.1f} s"
    )


def _readable(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < KILO or unit == "GB":
            break
        size /= KILO
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def _log_to_stderr(*, verbose: bool, quiet: bool) -> None:
    level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.INFO
    logger = logging.getLogger("uploader")
    logger.setLevel(level)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("uploader: %(message)s"))
    logger.handlers = [handler]
    logger.propagate = False


def run() -> int:
    """Run the command line; the one place that maps errors to exit codes.

    Returns:
        The exit code.
    """
    try:
        main.main(prog_name="python -m uploader", standalone_mode=False)
    except UploaderError as error:
        click.echo(f"uploader: {'wrong usage: ' if isinstance(error, UsageError) else ''}{error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"uploader: wrong usage: {error.format_message()}; see python -m uploader upload --help", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("uploader: interrupted: no marker was written; run again to finish", err=True)
        return EXIT_INTERRUPTED
    return 0
