"""The check of each value of the CDK's context. ``-c NAME=VALUE`` gives a text, ``cdk.json`` any JSON value."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from release_log.ledger_file import FORMAT, HEAD_FORMAT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Check = Callable[[object], Any]
    """Parses a value; raises `ValueError` with a text that says what is allowed."""

NONCURRENT_DAYS = range(1, 3651)
"""S3 accepts no shorter time; a longer one is surely a mistake."""

MEMORY = range(512, 10_241)
"""MB. With less memory the cleaner is slow and a large site does not fit; Lambda offers no more:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

TIMEOUT = range(60, 901)
"""Seconds. A run reserves some of them to finish; Lambda allows at most 15 minutes."""

CONCURRENCY = range(1, 1001)
"""How many runs at one time may be reserved: as many as an account has without a higher quota."""

LEDGER_FORMATS = range(FORMAT, HEAD_FORMAT + 1)
"""The formats in which the cleaner can write its ledger."""

DAY_HOURS = 24

_ARN = r"arn:aws[a-z-]*"
_RATE_HOURS = {"minute": 1 / 60, "hour": 1.0, "day": 24.0}


def _matching(pattern: str, allowed: str) -> Check:
    def check(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(allowed)
        return value

    return check


def _whole(within: range, unit: str) -> Check:
    def check(value: object) -> int:
        if isinstance(value, bool) or not re.fullmatch("[0-9]{1,5}", str(value)) or int(str(value)) not in within:
            msg = f"a whole number of {unit} from {within[0]} to {within[-1]}"
            raise ValueError(msg)
        return int(str(value))

    return check


def _ledger_format(value: object) -> int:
    if isinstance(value, bool) or str(value) not in map(str, LEDGER_FORMATS):
        raise ValueError(" or ".join(map(str, LEDGER_FORMATS)))
    return int(str(value))


def _flag(value: object) -> bool:
    if value not in (True, False, "true", "false") or isinstance(value, int) != isinstance(value, bool):
        msg = "true or false"
        raise ValueError(msg)
    return value in (True, "true")


def _unchecked(value: object) -> object:
    return value


def _schedule(value: object) -> str:
    allowed = "rate(N hours) or rate(1 day), one day at most, or cron(...) with six fields"
    text = value if isinstance(value, str) else ""
    rate = re.fullmatch(r"rate\(([1-9][0-9]{0,3}) (minute|hour|day)(s?)\)", text)
    if rate is None:
        if re.fullmatch(r"cron\((?:[^\s()]+ ){5}[^\s()]+\)", text):
            return text
        raise ValueError(allowed)
    # AWS demands the singular after 1, and the plural after any other number.
    if (rate[1] == "1") == bool(rate[3]) or int(rate[1]) * _RATE_HOURS[rate[2]] > DAY_HOURS:
        raise ValueError(allowed)
    return text


def _each(check: Check, allowed: str) -> Check:
    """A list in ``cdk.json``; a text separated by commas after ``-c``."""

    def check_all(value: object) -> tuple[Any, ...]:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list) or not items:
            raise ValueError(allowed)
        return tuple(check(item.strip() if isinstance(item, str) else item) for item in items)

    return check_all


def _tags(value: object) -> dict[str, str]:
    """An object in ``cdk.json``; after ``-c``, ``team=web,stage=live``."""
    allowed = "up to 50 tags, as in team=web,stage=live; a name must not begin with aws:"
    pairs: Any = value
    if isinstance(value, str):
        split = [pair.partition("=") for pair in value.split(",")]
        pairs = {name: text for name, sign, text in split if sign} if all(sign for _, sign, _ in split) else {}
    if not isinstance(pairs, dict) or not 0 < len(pairs) <= 50:  # noqa: PLR2004 (AWS's limit, and ours in the message)
        raise ValueError(allowed)
    for name, text in pairs.items():
        fine = isinstance(text, str) and re.fullmatch(r"(?!aws:)[\w .:/=+@-]{1,128}", name)
        if not fine or not re.fullmatch(r"[\w .:/=+@-]{0,256}", text):
            raise ValueError(allowed)
    return dict(pairs)


def _sites(value: object) -> list[dict[str, Any]]:
    """A list in ``cdk.json``; the same list as JSON after ``-c``. The settings of each site are not checked here."""
    allowed = 'a list of sites such as [{"prefix": "shop/"}, {"prefix": "blog/", "version_limit": 3}]'
    try:
        sites = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(allowed) from error
    if not isinstance(sites, list) or not sites or not all(isinstance(site, dict) for site in sites):
        raise ValueError(allowed)
    return sites


_ORIGIN = _matching(
    r"https?://(?:\*\.)?[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?|\*",
    "origins such as https://www.example.com, or https://*.example.com for its subdomains, or *",
)

_OTHER_BUCKETS = {
    r".*-s3alias|.*--ol-s3|.*\.mrap": "an access point's alias; name the bucket itself",
    r".*--x-s3": "a directory bucket, whose objects have no tags; name a general purpose bucket",
    r".*--table-s3": "a table bucket; name a general purpose bucket",
    r"\d+\.\d+\.\d+\.\d+": "an IP address, which no bucket is called",
    r"xn--.*|sthree-.*|amzn-s3-demo-.*": "a name that S3 keeps for itself",
}
"""Pattern -> what a name is that S3 reserves: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""


def _bucket(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", value):
        msg = "not a bucket name; leave this setting out to create a bucket"
        raise ValueError(msg)
    for pattern, problem in _OTHER_BUCKETS.items():
        if re.fullmatch(pattern, value):
            raise ValueError(problem)
    return value


CHECKS: Mapping[str, Check] = {
    "bucket": _bucket,
    "name": _matching(r"[A-Za-z][A-Za-z0-9-]{0,31}", "up to 32 letters, digits and hyphens, starting with a letter"),
    "sites": _sites,
    "noncurrent_days": _whole(NONCURRENT_DAYS, "days"),
    "kms_key_arn": _matching(
        rf"{_ARN}:kms:[a-z0-9-]+:[0-9]{{12}}:key/[A-Za-z0-9-]+",
        "the ARN of a KMS key (arn:aws:kms:...:key/...), not of an alias",
    ),
    "permissions_boundary": _matching(
        rf"{_ARN}:iam::(?:[0-9]{{12}}|aws):policy/[\w+=,.@/-]+",
        "the ARN of a managed policy (arn:aws:iam::...:policy/...)",
    ),
    "tags": _tags,
    "schedule": _schedule,
    "memory": _whole(MEMORY, "MB"),
    "timeout": _whole(TIMEOUT, "seconds"),
    "concurrency": _whole(CONCURRENCY, "concurrent executions"),
    "ledger_format": _ledger_format,
    "distributed": _flag,
    "alarm_email": _matching(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+", "one e-mail address"),
    "distribution": _flag,
    "distribution_id": _matching(r"[A-Z0-9]{8,20}", "a CloudFront distribution's id such as E2QWRUHAPOMQZL"),
    "cors_origins": _each(_ORIGIN, "origins such as https://www.example.com, or https://*.example.com, or *"),
    "domain_name": _matching(
        r"(?=.{4,253}\Z)(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
        "a domain such as assets.example.com",
    ),
    "certificate_arn": _matching(
        # CloudFront accepts certificates of this Region only:
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
        rf"{_ARN}:acm:us-east-1:[0-9]{{12}}:certificate/[A-Za-z0-9-]+",
        "the ARN of an ACM certificate in us-east-1 (arn:aws:acm:us-east-1:...:certificate/...)",
    ),
    "access_logs": _flag,
    # These depend on one another, so `asset_cleaner_cdk.build_job.trusted_job` checks them.
    **dict.fromkeys(
        (
            "github",
            "github_branch",
            "github_environment",
            "gitlab",
            "gitlab_branch",
            "gitlab_environment",
            "oidc_provider_arn",
        ),
        _unchecked,
    ),
}
"""Setting -> its check, for every setting of the installation except the prefix and the policy's settings."""
