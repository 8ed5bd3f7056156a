"""The stack's settings, from the CDK's context (``-c NAME=VALUE`` or ``cdk.json``), checked at synth."""

from __future__ import annotations

import difflib
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asset_cleaner_cdk.settings.errors import ContextError, refuse
from asset_cleaner_cdk.settings.values import CHECKS, CONCURRENCY, MEMORY, NONCURRENT_DAYS, TIMEOUT
from release_log.errors import ReleaseLogError
from release_log.ledger_file import FORMAT
from release_log.policy_settings import SETTINGS, parse_setting
from release_log.site_pattern import check_site

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_cdk import aws_s3 as s3

OWN = ("prefix", *CHECKS)
"""The settings of the installation. All others belong to the policy."""

_FOREIGN = re.compile(
    r"(@aws-cdk/|aws-cdk:|aws:|cli-|availability-zones:|hosted-zone:|vpc-provider:|ssm:|ami:)"
    r"|acknowledged-issue-numbers$"
)
"""The keys of the CDK's own context."""

_NEEDS = {
    "cors_origins": ("distribution",),
    "domain_name": ("distribution", "certificate_arn"),
    "certificate_arn": ("domain_name",),
    "access_logs": ("distribution",),
}
"""Setting -> the settings without which it has no effect."""

_EXCLUSIVE = (
    ("distribution", "distribution_id"),
    ("sites", "prefix"),
)
"""Pairs of settings that cannot be combined."""


def _setting(default: object, doc: str) -> Any:  # noqa: ANN401 (any field)
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """One site. The metadata of a setting's field says what it means (``doc``).

    Attributes:
        prefix: The site's key prefix.
        bucket: The name of an existing bucket, or a bucket of the app; None for the bucket that the stack creates.
        policy: The policy settings that were given, as JSON values.
    """

    prefix: str = _setting(
        "assets/", "the site's key prefix, or [a pattern](stack.md#sites-by-pattern); empty for the whole bucket"
    )
    bucket: str | s3.IBucket | None = _setting(  # noqa: RUF009 (it is dataclasses.field)
        None, "an existing bucket, for every site that names none; without it the stack creates a bucket"
    )
    policy: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StackSettings:
    """What to install. The metadata of each field says what it means (``doc``), for the documents.

    Attributes:
        sites: The sites that the cleaner cleans; at least one. The template tells the first from the others, so a new
            site goes to the end.
        name: None for the first installation in an account and Region.
        kms_key_arn: None for the keys that AWS manages.
        gitlab_environment: Refused; see `asset_cleaner_cdk.build_job.trusted_job`.
    """

    sites: tuple[SiteSettings, ...] = _setting(
        (SiteSettings(),), "several sites, instead of `prefix` ([several sites](stack.md#several-sites))"
    )
    name: str | None = _setting(
        None, "up to 32 letters, digits and hyphens: names a further installation in the same account and Region"
    )
    noncurrent_days: int = _setting(
        7,
        f"days that a new bucket keeps noncurrent versions, {NONCURRENT_DAYS[0]} to {NONCURRENT_DAYS[-1]}: "
        "a deletion can be undone for so long",
    )
    kms_key_arn: str | None = _setting(None, "the ARN of a KMS key ([your own key](stack.md#a-key-of-your-own))")
    permissions_boundary: str | None = _setting(None, "the ARN of a managed policy that bounds every role of the stack")
    tags: Mapping[str, str] = field(
        default_factory=dict, metadata={"doc": "tags of every resource, as in `team=web,stage=live`"}
    )
    schedule: str = _setting(
        "rate(1 day)", "when the full run starts: `rate(...)`, at most one day, or `cron(...)` in UTC"
    )
    memory: int = _setting(2048, f"the function's memory in MB, {MEMORY[0]} to {MEMORY[-1]}")
    timeout: int = _setting(900, f"the function's timeout in seconds, {TIMEOUT[0]} to {TIMEOUT[-1]}")
    concurrency: int | None = _setting(
        None,
        f"how many runs there may be at one time, {CONCURRENCY[0]} to {CONCURRENCY[-1]}, reserved for the function; "
        "a new account may have none to reserve",
    )
    ledger_format: int = _setting(
        FORMAT,
        "the format of the cleaner's ledger: 1, or 2 for sites with many retired assets, once every uploader reads it "
        "([upgrade.md](upgrade.md#the-ledgers-format-2))",
    )
    distributed: bool = _setting(
        True,
        "with `ledger_format=2`; `false`: a listing or a rebuild that one invocation cannot make is made by one "
        "invocation after the other, and not by workers of Step Functions side by side "
        "([large-sites.md](large-sites.md))",
    )
    alarm_email: str | None = _setting(None, "the address that the alarms go to ([operate.md](operate.md#alarms))")
    distribution: bool = _setting(
        False, "`true`: create a CloudFront distribution in front of the sites ([cloudfront.md](cloudfront.md))"
    )
    distribution_id: str | None = _setting(
        None, "the id of an existing distribution, instead of a new one; the stack does not change it"
    )
    cors_origins: tuple[str, ...] = _setting(
        (),
        "with `distribution`: the origins whose pages may read the assets, such as `https://www.example.com`, or "
        "`https://*.example.com` for its subdomains; separate several by commas",
    )
    domain_name: str | None = _setting(
        None, "with `distribution`: your own domain, such as `assets.example.com`; needs `certificate_arn`"
    )
    certificate_arn: str | None = _setting(
        None, "with `domain_name`: the domain's ACM certificate **in us-east-1**, whatever the stack's Region"
    )
    access_logs: bool = _setting(False, "with `distribution`, `true`: log each request, to a separate bucket")
    github: str | None = _setting(None, "`owner/repo`, whose jobs may publish ([security.md](security.md))")
    github_branch: str | None = _setting(None, "with `github`: only jobs of this branch may publish")
    github_environment: str | None = _setting(
        None, "with `github`, instead of `github_branch`: only jobs of this environment may publish"
    )
    gitlab: str | None = _setting(None, "`group/project`, whose jobs may publish ([security.md](security.md))")
    gitlab_branch: str | None = _setting(None, "with `gitlab`: only jobs of this branch may publish")
    gitlab_environment: str | None = _setting(None, "refused: AWS cannot see a GitLab job's environment")
    oidc_provider_arn: str | None = _setting(
        None, "the account's OpenID Connect provider for GitHub or GitLab, if it has one already"
    )

    @property
    def stack_name(self) -> str:
        """The CloudFormation stack's name."""
        return "AssetCleaner" if self.name is None else f"AssetCleaner-{self.name}"


def settings_from(context: Mapping[str, Any], region: str | None = None) -> StackSettings:
    """Read the settings from the context.

    Args:
        context: Every context value that the CDK hands to the app. The CDK's own values are ignored.
        region: The Region that the stack goes to, if the CDK's command line knows it.

    Raises:
        ContextError: A setting is unknown or wrong, or two settings do not go together.
    """
    given = {key: value for key, value in context.items() if not _FOREIGN.match(key)}
    _refuse_unknown(given, (*OWN, *SETTINGS))
    checked = {key: _checked(key, given[key]) for key in CHECKS if key in given}
    _check_together(given, checked)
    _check_key(checked.get("kms_key_arn"), region)
    bucket, sites = checked.pop("bucket", None), checked.pop("sites", None)
    policy = _policy(given)
    found: tuple[SiteSettings, ...] = (SiteSettings(_prefix(given), bucket, policy),)
    if sites is not None:
        found = tuple(_site(site, number, bucket, policy) for number, site in enumerate(sites, 1))
    _check_sites(found)
    if "noncurrent_days" in given and all(site.bucket for site in found):
        why = f"applies to a new bucket only; leave it out with bucket={found[0].bucket!r}"
        refuse("noncurrent_days", given["noncurrent_days"], why)
    return StackSettings(found, **checked)


def _refuse_unknown(given: Mapping[str, Any], known: tuple[str, ...], where: str = "") -> None:
    for key, value in given.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            refuse(f"{where}{key}", value, f"no such setting; {hint}known: {', '.join(known)}")


def _checked(key: str, value: object, where: str = "") -> Any:  # noqa: ANN401 (each setting has a type of its own)
    try:
        return CHECKS[key](value)
    except ValueError as error:
        refuse(f"{where}{key}", value, str(error))


def _check_together(given: Mapping[str, Any], checked: Mapping[str, Any]) -> None:
    for key, others in _NEEDS.items():
        for other in others:
            if key in checked and checked[key] is not False and not checked.get(other):
                refuse(key, given[key], f"has no effect without {other}")
    for one, other in _EXCLUSIVE:
        if given.get(one) not in (None, False, "false") and given.get(other) not in (None, False, "false"):
            refuse(other, given[other], f"cannot be combined with {one}; leave one of them out")


def _check_key(key_arn: str | None, region: str | None) -> None:
    """S3 uses a key of the bucket's Region: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html."""
    home = key_arn.split(":")[3] if key_arn else region
    if region is not None and home != region:
        refuse(
            "kms_key_arn", key_arn, f"the key is in {home}, and S3 in {region} cannot use it; name a key of {region}"
        )


def _site(given: dict[str, Any], number: int, bucket: str | None, policy: Mapping[str, Any]) -> SiteSettings:
    where = f"sites[{number}] "
    _refuse_unknown(given, ("prefix", "bucket", *SETTINGS), where)
    if "prefix" not in given:
        msg = f"context sites[{number}]: no prefix; write {{'prefix': 'assets/'}}"
        raise ContextError(msg)
    if "bucket" in given:
        bucket = _checked("bucket", given["bucket"], where)
    return SiteSettings(_prefix(given, where), bucket, {**policy, **_policy(given, where)})


def _check_sites(sites: tuple[SiteSettings, ...]) -> None:
    seen: set[tuple[object, str]] = set()
    for number, site in enumerate(sites, 1):
        if (site.bucket, site.prefix) in seen:
            msg = f"context sites[{number}]: prefix {site.prefix!r} is listed twice for one bucket; leave one out"
            raise ContextError(msg)
        seen.add((site.bucket, site.prefix))


def _prefix(given: Mapping[str, Any], where: str = "") -> str:
    prefix = given.get("prefix", "assets/")
    if not isinstance(prefix, str):
        refuse(f"{where}prefix", prefix, "not a text such as 'assets/'")
    with _at(where):
        return check_site(prefix)


def _policy(given: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    with _at(where):
        return {key: parse_setting(key, str(given[key])) for key in SETTINGS if key in given}


@contextmanager
def _at(where: str) -> Iterator[None]:
    """Raise an error of `release_log`, which names key and value itself, as one of the context."""
    try:
        yield
    except ReleaseLogError as error:
        msg = f"context {where}{error}"
        raise ContextError(msg) from error
