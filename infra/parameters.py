"""The parameters of the plain template: the settings that a person gives to CloudFormation, and not to the CDK."""

from __future__ import annotations

from typing import NamedTuple

from asset_cleaner_cdk.settings.values import LEDGER_FORMATS
from release_log.policy_settings import SETTINGS, Orphans, Policy

NOT_OFFERED = ("orphans_pattern", "site_ttl")
"""Settings of the policy that are no parameter: a pattern's backslashes and quotes would need escaping in JSON, and the
one site of such a stack is no preview that ends by itself."""


class Parameter(NamedTuple):
    """One parameter.

    Attributes:
        name: Its name.
        doc: What it means, in Markdown.
        default: Its default; None if it has to be given.
        pattern: What a text must look like; empty for any.
        values: The only values; empty for any.
        low: A number's least value; None for a text.
        high: A number's greatest value.
    """

    name: str
    doc: str
    default: int | float | str | None = None
    pattern: str = ""
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


CODE_BUCKET = Parameter("CodeBucket", "the bucket with the zip, in the stack's Region", pattern="[a-z0-9][a-z0-9.-]+")
CODE_PREFIX = Parameter("CodePrefix", "what goes before the zip's name in its key, such as `lambda/`", default="")
BUCKET = Parameter("Bucket", "the bucket of the assets", pattern="[a-z0-9][a-z0-9.-]+")
PREFIX = Parameter(
    "Prefix",
    "the key prefix of the assets: one folder, with its slash",
    default="assets/",
    pattern="[A-Za-z0-9_-][A-Za-z0-9._-]*/",
)
ALARM_EMAIL = Parameter("AlarmEmail", "the address that the alarms go to; empty for none", default="")
LEDGER_FORMAT = Parameter(
    "LedgerFormat",
    "the format of the cleaner's ledger: `1`, or `2` for a site with many retired assets, once every uploader reads it",
    default=str(LEDGER_FORMATS[0]),
    values=tuple(map(str, LEDGER_FORMATS)),
)

POLICY = {
    name: Parameter(
        "".join(word.capitalize() for word in name.split("_")),
        field.metadata["doc"],
        default=getattr(Policy(), name),
        values=tuple(map(str, Orphans)) if name == "orphans" else (),
        low=None if isinstance(field.default, str) else field.metadata["low"],
        high=None if isinstance(field.default, str) else field.metadata["high"],
    )
    for name, field in SETTINGS.items()
    if name not in NOT_OFFERED
}
"""Setting of the policy -> its parameter."""

PARAMETERS = (CODE_BUCKET, CODE_PREFIX, BUCKET, PREFIX, ALARM_EMAIL, *POLICY.values(), LEDGER_FORMAT)
