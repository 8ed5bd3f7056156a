"""The stack's settings, from the CDK's context (``-c NAME=VALUE`` or ``cdk.json``), checked at synth."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from infra.settings.values import BUCKET, CHECKS
from release_log.errors import ReleaseLogError
from release_log.layout import check_prefix
from release_log.settings import SETTINGS, parse_setting

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN = ("prefix", *CHECKS)
"""Settings of the installation; the others are the policy's."""

MOST_SITES_BYTES = 3500
"""A function's environment holds 4 KB, and there is more in it than the sites:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

_FOREIGN = re.compile(
    r"(@aws-cdk/|aws-cdk:|aws:|cli-|availability-zones:|hosted-zone:|vpc-provider:|ssm:|ami:)"
    r"|acknowledged-issue-numbers$"
)
"""Context that is the CDK's own."""

_NEEDS = {
    "cors_origins": ("distribution",),
    "domain_name": ("distribution", "certificate_arn"),
    "certificate_arn": ("domain_name",),
    "access_logs": ("distribution",),
}
"""Setting -> those without which it means nothing."""

_INSTEAD = (
    ("distribution", "distribution_id"),
    ("sites", "prefix"),
)
"""Settings that exclude each other."""


class ContextError(Exception):
    """A setting that is unknown or wrong; one line that names the key, the value and what is allowed."""


class SiteSettings(NamedTuple):
    """One site.

    Attributes:
        prefix: Its prefix.
        bucket: An existing bucket's name; None: the one that is created.
        policy: The policy settings that differ from their defaults, as JSON has them.
    """

    prefix: str = "assets/"
    bucket: str | None = None
    policy: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class StackSettings:
    """What to install; see docs/install.md for each.

    Attributes:
        sites: What is cleaned; one at least. Their order tells them apart in the template: a new one comes last.
        name: Tells a second installation from the first; None for the first.
        noncurrent_days: How long a new bucket keeps noncurrent versions: for so long a deletion can be undone.
        kms_key_arn: The key that everything is encrypted with; None for the services' own.
        permissions_boundary: The ARN of a managed policy that bounds every role.
        tags: On every resource.
        schedule: When the full run comes.
        memory: Of the function, in MB.
        timeout: Of the function, in seconds.
        alarm_email: Who gets the alarms.
        distribution: Whether a CloudFront distribution is created.
        distribution_id: One that exists; it is not changed.
        cors_origins: Whose pages may load the assets.
        domain_name: Of the distribution.
        certificate_arn: For that domain.
        access_logs: Whether the distribution keeps them.
        github: The repository whose build jobs may publish.
        github_branch: Of it, this branch only.
        github_environment: Of it, this environment only.
        gitlab: The project whose build jobs may publish.
        gitlab_branch: Of it, this branch only.
        gitlab_environment: Refused; see `infra.build_job.trusted_job`.
        oidc_provider_arn: The account's OIDC provider for that, if there is one.
    """

    sites: tuple[SiteSettings, ...] = (SiteSettings(),)
    name: str | None = None
    noncurrent_days: int = 7
    kms_key_arn: str | None = None
    permissions_boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    schedule: str = "rate(1 day)"
    memory: int = 2048
    timeout: int = 900
    alarm_email: str | None = None
    distribution: bool = False
    distribution_id: str | None = None
    cors_origins: tuple[str, ...] = ()
    domain_name: str | None = None
    certificate_arn: str | None = None
    access_logs: bool = False
    github: str | None = None
    github_branch: str | None = None
    github_environment: str | None = None
    gitlab: str | None = None
    gitlab_branch: str | None = None
    gitlab_environment: str | None = None
    oidc_provider_arn: str | None = None

    @property
    def stack_name(self) -> str:
        """The CloudFormation stack's name."""
        return "AssetCleaner" if self.name is None else f"AssetCleaner-{self.name}"


def settings_from(context: Mapping[str, Any]) -> StackSettings:
    """Read the context.

    Args:
        context: Every context value that the CDK hands to the app; its own are passed over.

    Raises:
        ContextError: See there.
    """
    ours = {key: value for key, value in context.items() if not _FOREIGN.match(key)}
    _refuse_unknown(ours, (*OWN, *SETTINGS), "context ")
    checked: dict[str, Any] = {}
    for key in CHECKS.keys() & ours.keys():
        try:
            checked[key] = CHECKS[key](ours[key])
        except ValueError as error:
            _refuse(f"context {key}", ours[key], str(error))
    _check_together(ours, checked)
    bucket, sites = checked.pop("bucket", None), checked.pop("sites", None)
    policy = _policy(ours, "context ")
    found: tuple[SiteSettings, ...] = (SiteSettings(_prefix(ours, "context "), bucket, policy),)
    if sites is not None:
        found = tuple(_site(site, number, bucket, policy) for number, site in enumerate(sites, 1))
    _check_sites(found)
    if "noncurrent_days" in ours and all(site.bucket for site in found):
        with_bucket = f"leave it out with bucket={found[0].bucket!r}"
        _refuse("context noncurrent_days", ours["noncurrent_days"], f"only for a new bucket; {with_bucket}")
    return StackSettings(found, **checked)


def _refuse_unknown(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key, value in given.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            _refuse(f"{where}{key}", value, f"no such setting; {hint}known: {', '.join(known)}")


def _check_together(given: Mapping[str, Any], checked: Mapping[str, Any]) -> None:
    for key, others in _NEEDS.items():
        for other in others:
            if key in checked and checked[key] is not False and not checked.get(other):
                _refuse(f"context {key}", given[key], f"means nothing without {other}")
    for one, other in _INSTEAD:
        if given.get(one) not in (None, False, "false") and given.get(other) not in (None, False, "false"):
            _refuse(f"context {other}", given[other], f"not together with {one}; leave one of them out")


def _site(given: dict[str, Any], number: int, bucket: str | None, policy: Mapping[str, Any]) -> SiteSettings:
    where = f"context sites[{number}] "
    _refuse_unknown(given, ("prefix", "bucket", *SETTINGS), where)
    if "prefix" not in given:
        msg = f"{where.rstrip()}: no prefix; write {{'prefix': 'assets/'}}"
        raise ContextError(msg)
    if "bucket" in given:
        try:
            bucket = BUCKET(given["bucket"])
        except ValueError as error:
            _refuse(f"{where}bucket", given["bucket"], str(error))
    return SiteSettings(_prefix(given, where), bucket, {**policy, **_policy(given, where)})


def _check_sites(sites: tuple[SiteSettings, ...]) -> None:
    seen: set[tuple[str | None, str]] = set()
    for number, site in enumerate(sites, 1):
        if (site.bucket, site.prefix) in seen:
            msg = f"context sites[{number}]: prefix {site.prefix!r} stands twice for one bucket; leave one out"
            raise ContextError(msg)
        seen.add((site.bucket, site.prefix))
    size = sum(len(json.dumps([site.prefix, "?" * 63, dict(site.policy)])) + 32 for site in sites)
    if size > MOST_SITES_BYTES:
        msg = (
            f"context sites: {len(sites)} of them, with their policies, are more than a function's environment holds; "
            "put some into a second installation (-c name=...), or what their policies share beside sites"
        )
        raise ContextError(msg)


def _prefix(given: Mapping[str, Any], where: str) -> str:
    prefix = given.get("prefix", "assets/")
    if not isinstance(prefix, str):
        _refuse(f"{where}prefix", prefix, "not a text such as 'assets/'")
    try:
        return check_prefix(prefix)
    except ReleaseLogError as error:
        msg = f"{where}{error}"
        raise ContextError(msg) from error


def _policy(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    try:
        return {key: parse_setting(key, str(given[key])) for key in SETTINGS if key in given}
    except ReleaseLogError as error:
        msg = f"{where}{error}"
        raise ContextError(msg) from error


def _refuse(what: str, value: object, allowed: str) -> NoReturn:
    msg = f"{what}={value!r}: {allowed}"
    raise ContextError(msg)
