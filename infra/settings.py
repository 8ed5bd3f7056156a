"""The stack's settings, from the CDK's context (``-c NAME=VALUE`` or ``cdk.json``), checked at synth."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from release_log.errors import ReleaseLogError
from release_log.layout import check_prefix
from release_log.settings import SETTINGS, parse_setting

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN = ("bucket", "prefix", "name", "noncurrent_days")
"""Settings of the installation; the others are the policy's."""

NONCURRENT_DAYS = range(1, 3651)
"""The shortest that S3 takes, and the longest that can be meant."""

_BUCKET = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}")
_FOREIGN = re.compile(
    r"(@aws-cdk/|aws-cdk:|aws:|cli-|availability-zones:|hosted-zone:|vpc-provider:|ssm:|ami:)"
    r"|acknowledged-issue-numbers$"
)
"""Context that is the CDK's own."""


class ContextError(Exception):
    """A setting that is unknown or wrong; one line that names the key, the value and what is allowed."""


@dataclass(frozen=True, slots=True)
class StackSettings:
    """What to install.

    Attributes:
        bucket: An existing bucket's name; None to create one.
        prefix: The site's prefix.
        name: Tells a second installation from the first; None for the first.
        policy: The policy settings that differ from their defaults, as JSON has them.
        noncurrent_days: How long a new bucket keeps noncurrent versions: for so long a deletion can be undone.
    """

    bucket: str | None = None
    prefix: str = "assets/"
    name: str | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    noncurrent_days: int = 7

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
    known = (*OWN, *SETTINGS)
    ours = {key: value for key, value in context.items() if not _FOREIGN.match(key)}
    for key, value in ours.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            msg = f"context {key}={value!r}: no such setting; {hint}known: {', '.join(known)}"
            raise ContextError(msg)
    bucket, prefix, name = ours.get("bucket"), ours.get("prefix", "assets/"), ours.get("name")
    if bucket is not None and not (isinstance(bucket, str) and _BUCKET.fullmatch(bucket)):
        msg = f"context bucket={bucket!r}: not a bucket's name; leave it out to create one"
        raise ContextError(msg)
    if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
        msg = f"context name={name!r}: up to 32 letters, digits and hyphens, first a letter"
        raise ContextError(msg)
    noncurrent_days = _noncurrent_days(ours, bucket)
    if not isinstance(prefix, str):
        msg = f"context prefix={prefix!r}: not a text such as 'assets/'"
        raise ContextError(msg)
    try:
        check_prefix(prefix)
        policy = {key: parse_setting(key, str(ours[key])) for key in SETTINGS if key in ours}
    except ReleaseLogError as error:
        msg = f"context {error}"
        raise ContextError(msg) from error
    return StackSettings(bucket, prefix, name, policy, noncurrent_days)


def _noncurrent_days(ours: Mapping[str, Any], bucket: str | None) -> int:
    """The lifecycle of a new bucket; that of an existing one is its owner's."""
    if "noncurrent_days" not in ours:
        return StackSettings().noncurrent_days
    value = ours["noncurrent_days"]
    if bucket is not None:
        msg = f"context noncurrent_days={value!r}: only for a new bucket; leave it out with bucket={bucket!r}"
        raise ContextError(msg)
    if isinstance(value, bool) or not re.fullmatch("[0-9]{1,4}", str(value)) or int(value) not in NONCURRENT_DAYS:
        low, high = NONCURRENT_DAYS[0], NONCURRENT_DAYS[-1]
        msg = f"context noncurrent_days={value!r}: a whole number of days from {low} to {high}"
        raise ContextError(msg)
    return int(value)
