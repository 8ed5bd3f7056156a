"""The options that commands share: each is declared once, with its environment variable, default and check."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from release_log.channel import CHANNEL, DEFAULT_CHANNEL
from release_log.errors import LayoutError
from release_log.layout import Layout, check_prefix
from release_log.release_id import is_id, make_id
from uploader.aws.encryptions import ALGORITHMS
from uploader.aws.values import ValueProblemError, check_bucket, check_endpoint, check_profile, check_region
from uploader.builds.release_name import release_name
from uploader.builds.spelling import NFC
from uploader.cli import suggestions
from uploader.cli.group import similar_command
from uploader.cli.paths import PathOrNone
from uploader.cli.webhook_url import check_webhook
from uploader.library.defaults import DEFAULT_CONCURRENCY, DEFAULT_PREFIX
from uploader.s3.open import bytes_per_second

if TYPE_CHECKING:
    from collections.abc import Callable

    Option = Callable[[Any], Any]

Function = TypeVar("Function")

CHANNEL_HELP = "The line of releases this one belongs to, such as production or staging."


def takes(*options: Option) -> Callable[[Function], Function]:
    """Give a command these parameters, in this order."""

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def _prefix(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        return check_prefix(value)
    except LayoutError as error:
        raise click.BadParameter(str(error)) from error


def _checked(check: Callable[[str], object]) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """A callback: the value as given, if it can be used."""

    def callback(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
        if value is not None:
            try:
                check(value)
            except ValueProblemError as error:
                raise click.BadParameter(str(error)) from error
        return value

    return callback


def _directory(context: click.Context, _parameter: click.Parameter, value: Path) -> Path:
    """A build's directory as given, unless it is a command behind an option."""
    command = similar_command(str(value))
    if command is not None:
        msg = (
            f"no such directory: {str(value)!r}; build first, or, if you mean the command {command!r}, "
            "write it before its options"
        )
        raise click.UsageError(msg, context)
    return value


def _pattern(_context: click.Context, _parameter: click.Parameter, value: str | None) -> re.Pattern[str] | None:
    if value is None:
        return None
    from release_log.fingerprints import PatternError, compile_pattern  # noqa: PLC0415 (few have one of their own)

    try:
        return compile_pattern(value)
    except PatternError as error:
        raise click.BadParameter(str(error)) from error


def check_channel(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """A channel's name as given, if it is valid; None if none was given."""
    if value is None or CHANNEL.fullmatch(value):
        return value
    msg = f"{value!r} is not up to 64 letters, digits, dots, hyphens and underscores, first a letter or digit"
    raise click.BadParameter(msg)


def _release(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    now = datetime.now(UTC)
    name = release_name(os.environ) if value is None else value
    try:
        make_id(now, name)
    except LayoutError as error:
        raise click.BadParameter(str(error)) from error
    return name


def _distribution(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is None or re.fullmatch(r"[A-Z0-9]{5,64}", value):
        return value
    msg = f"{value!r} is not a distribution's id such as E2QWRUHAPOMQZL; a domain name or an ARN is not accepted"
    raise click.BadParameter(msg)


def check_release_id(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """A release's id as given, if it is valid."""
    layout = Layout("")
    try:
        return layout.release_id(layout.marker_key(value))
    except LayoutError as error:
        msg = f"{value!r} is not the id of a release, such as 20261123T060500Z-3f9c2ab"
        raise click.BadParameter(msg) from error


def _release_or_name(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is None or is_id(value):
        return value
    try:
        make_id(datetime.now(UTC), value)
    except LayoutError as error:
        msg = f"{value!r} is neither the id of a release, such as 20261123T060500Z-3f9c2ab, nor a name, such as 3f9c2ab"
        raise click.BadParameter(msg) from error
    return value


def release_argument(offered: suggestions.Complete = suggestions.PUBLISHED, *, required: bool = True) -> Option:
    """RELEASE: the id or the name of an existing release.

    It has no environment variable: UPLOADER_RELEASE_ID, which a roll-out command gets, is the release being rolled out.

    Args:
        offered: What a shell offers.
        required: Whether the command cannot do without.
    """
    return click.argument(
        "wanted", metavar="RELEASE", callback=_release_or_name, required=required, shell_complete=offered
    )


DIRECTORY = click.argument(
    "directory", type=click.Path(path_type=Path), envvar="UPLOADER_DIRECTORY", callback=_directory
)
ID = click.argument(
    "release_id",
    metavar="ID",
    callback=check_release_id,
    envvar="UPLOADER_RELEASE_ID",
    shell_complete=suggestions.STAGED,
)
RELEASE_ID = click.option(
    "--release",
    "release_id",
    metavar="ID",
    callback=check_release_id,
    envvar="UPLOADER_RELEASE_ID",
    required=True,
    shell_complete=suggestions.PUBLISHED,
    help="The id of the release.",
)
BUCKET = click.option(
    "--bucket", envvar="UPLOADER_BUCKET", required=True, callback=_checked(check_bucket), help="The bucket."
)
PREFIX = click.option(
    "--prefix",
    envvar="UPLOADER_PREFIX",
    default=DEFAULT_PREFIX,
    callback=_prefix,
    show_default=True,
    help="The site's key prefix; empty, or ending with a slash.",
)
CHANNEL_OPTION = click.option(
    "--channel",
    envvar="UPLOADER_CHANNEL",
    default=DEFAULT_CHANNEL,
    callback=check_channel,
    shell_complete=suggestions.channels,
    show_default=True,
    help=CHANNEL_HELP,
)
ONLY_CHANNEL = click.option(
    "--channel",
    "only_channel",
    metavar="NAME",
    callback=check_channel,
    shell_complete=suggestions.channels,
    help="Only this channel.  [default: all channels]",
)
RELEASE = click.option(
    "--release",
    envvar="UPLOADER_RELEASE",
    callback=_release,
    help="The release's name.  [default: the CI system's commit, else git's, else `no-commit`]",
)
PATTERN = click.option(
    "--fingerprint-pattern",
    envvar="UPLOADER_FINGERPRINT_PATTERN",
    callback=_pattern,
    metavar="REGEX",
    help="A regular expression with a group `fingerprint`, instead of the built-in recognition.",
)
MANIFEST = click.option(
    "--manifest",
    envvar="UPLOADER_MANIFEST",
    type=PathOrNone(path_type=Path),
    help="The build manifest, instead of those found in DIRECTORY; `none`: no manifest.",
)
COLLECTOR = click.option(
    "--collector",
    envvar="UPLOADER_COLLECTOR",
    metavar="PACKAGE.MODULE:FUNCTION",
    help="A function of your own that finds the files, instead of taking all of DIRECTORY.",
)
ALLOW = click.option(
    "--allow",
    envvar="UPLOADER_ALLOW",
    metavar="GLOB",
    multiple=True,
    help="Publish these private files, such as `certificates/*.pem`; may be given several times.",
)
NORMALIZE = click.option(
    "--normalize",
    envvar="UPLOADER_NORMALIZE",
    type=click.Choice([NFC]),
    help="Store names in this form of Unicode.  [default: as the file system has them]",
)
INCLUDE = click.option(
    "--include",
    envvar="UPLOADER_INCLUDE",
    metavar="GLOB",
    multiple=True,
    help="Publish only these files; may be given several times.",
)
EXCLUDE = click.option(
    "--exclude",
    envvar="UPLOADER_EXCLUDE",
    metavar="GLOB",
    multiple=True,
    help="Do not publish these files, whatever --include says; may be given several times.",
)
DRY_RUN = click.option(
    "--dry-run", envvar="UPLOADER_DRY_RUN", is_flag=True, help="Show what would be sent; write nothing."
)
JSON = click.option(
    "--json", "as_json", envvar="UPLOADER_JSON", is_flag=True, help="One JSON document on standard output."
)
FUNCTION = click.option(
    "--function",
    envvar="UPLOADER_FUNCTION",
    metavar="NAME",
    help="The cleaner's function: the stack's output CleanerFunctionName.",
)
REGION = click.option(
    "--region",
    envvar="UPLOADER_REGION",
    callback=_checked(check_region),
    help="The bucket's region.  [default: as boto3 finds it]",
)
PROFILE = click.option(
    "--profile",
    envvar="UPLOADER_PROFILE",
    callback=_checked(check_profile),
    help="The AWS profile.  [default: as boto3 finds it]",
)
ENDPOINT_URL = click.option(
    "--endpoint-url",
    envvar="UPLOADER_ENDPOINT_URL",
    callback=_checked(check_endpoint),
    help="An S3 server other than AWS.",
)
CONCURRENCY_OPTION = click.option(
    "--concurrency",
    envvar="UPLOADER_CONCURRENCY",
    default=DEFAULT_CONCURRENCY,
    type=click.IntRange(1, 512),
    show_default=True,
    help="How many requests run at once.",
)
MAX_BANDWIDTH = click.option(
    "--max-bandwidth",
    envvar="UPLOADER_MAX_BANDWIDTH",
    metavar="RATE",
    callback=_checked(bytes_per_second),
    help="Send files no faster than this, such as 20MB/s.  [default: as fast as it goes]",
)
NOTIFY_URL = click.option(
    "--notify-url",
    envvar="UPLOADER_NOTIFY_URL",
    metavar="URL",
    callback=_checked(check_webhook),
    help="Tell this webhook how it ended, as Slack takes it. The URL is a secret: rather set the variable.",
)
SSE_OPTION = click.option(
    "--sse",
    envvar="UPLOADER_SSE",
    type=click.Choice(ALGORITHMS),
    help="How S3 encrypts the stored objects.  [default: the bucket's default]",
)
SSE_KMS_KEY_ID = click.option(
    "--sse-kms-key-id",
    envvar="UPLOADER_SSE_KMS_KEY_ID",
    metavar="KEY",
    help="The KMS key: its id, ARN or alias.  [default: the account's own for S3]",
)
SSE_BUCKET_KEY = click.option(
    "--sse-bucket-key",
    envvar="UPLOADER_SSE_BUCKET_KEY",
    is_flag=True,
    help="Let S3 keep a bucket key, for fewer requests to KMS.",
)
INVALIDATE_OPTION = click.option(
    "--invalidate",
    envvar="UPLOADER_INVALIDATE",
    metavar="DISTRIBUTION",
    callback=_distribution,
    help="Invalidate the replaced files at this CloudFront distribution.",
)
INVALIDATE_ROOT = click.option(
    "--invalidate-root",
    envvar="UPLOADER_INVALIDATE_ROOT",
    metavar="PATH",
    default="",
    help="The distribution's origin path: the beginning of each key that its URL lacks.",
)
VERBOSE = click.option(
    "-v", "--verbose", envvar="UPLOADER_VERBOSE", is_flag=True, help="Log more on standard error, such as every file."
)
QUIET = click.option("-q", "--quiet", envvar="UPLOADER_QUIET", is_flag=True, help="Show errors only.")

SITE = (BUCKET, PREFIX)
ENCRYPTION = (SSE_OPTION, SSE_KMS_KEY_ID, SSE_BUCKET_KEY)
INVALIDATION = (INVALIDATE_OPTION, INVALIDATE_ROOT)
NAMES = (PATTERN, MANIFEST, COLLECTOR, NORMALIZE, ALLOW, INCLUDE, EXCLUDE)
WAY = (REGION, PROFILE, ENDPOINT_URL)
LOGS = (VERBOSE, QUIET)
