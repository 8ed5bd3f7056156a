"""What people write where a bucket's name belongs, and the name that they mean. Pure."""

from __future__ import annotations

import re

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
"""Laxer than S3's rules of today, which older buckets and other servers do not follow."""

_RULES = "names have 3 to 63 lower-case letters, digits, dots and hyphens"
_MODERN = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""

_ITSELF = "name the bucket itself, by which the cleaner knows the site"
_OTHER = "name a general purpose bucket"
_OTHER_KINDS = {
    "-s3alias": f"is an access point's alias: {_ITSELF}",
    "--ol-s3": f"is the alias of an Object Lambda access point: {_ITSELF}",
    ".mrap": f"is the alias of a multi-region access point: {_ITSELF}",
    "--x-s3": f"is a directory bucket, whose objects have no tags: {_OTHER}",
    "--table-s3": f"is a table bucket: {_OTHER}",
}
"""Ending that S3 reserves -> what is wrong with a name that has it."""

_IP = re.compile(r"\d+\.\d+\.\d+\.\d+")
_ARN = re.compile(r"arn:[\w-]+:(?P<service>[\w-]*):[^:]*:[^:]*:(?P<resource>.*)")
_HOST = re.compile(r"(?:(?P<bucket>[^/]+)\.)?s3[.-][a-z0-9.-]*amazonaws\.com(?:\.cn)?(?:/(?P<path>.*))?")


def not_a_name(value: str) -> str | None:
    """What is wrong with a text that should be a bucket's name, and what to write instead; None if it may be one.

    Args:
        value: Visible ASCII, and not empty.
    """
    if value.startswith("-"):
        return "is an option, so the option before it has no value: is its variable empty?"
    if value.startswith(("$", "%")):
        return (
            "is the name of a variable: in the shell it needs double quotes, or none, and in a file the bucket's name"
        )
    meant = _meant(value)
    if meant is not None:
        return meant
    if not NAME.fullmatch(value):
        return f"cannot be used: it is not a bucket's name; {_RULES}"
    if _IP.fullmatch(value):
        return "is an IP address, which no bucket is called: name the bucket, and another server with --endpoint-url"
    return next((problem for ending, problem in _OTHER_KINDS.items() if value.endswith(ending)), None)


def is_host(bucket: str) -> bool:
    """Whether a bucket's name can be part of a host's name, which has one certificate for all names without a dot."""
    return _MODERN.fullmatch(bucket) is not None and "." not in bucket


def remedy_for_missing(bucket: str) -> str:
    """What to do about a bucket that does not exist."""
    if _MODERN.fullmatch(bucket):
        return "check --bucket, or create it with `cdk deploy`"
    return f"check --bucket: {_RULES}"


def _meant(value: str) -> str | None:
    """The remedy for a URL, an ARN, or a bucket with a prefix; None for anything else."""
    found = _ARN.fullmatch(value)
    if found:
        if found["service"] != "s3" or found["resource"].startswith("accesspoint"):
            return "is not a bucket's ARN: name the bucket itself, without an ARN"
        return _instead("is an ARN", found["resource"])
    scheme, separator, rest = value.rpartition("://")
    host = _HOST.fullmatch(rest) if scheme in {"", "http", "https"} else None
    if host:
        return _instead("is a URL", "/".join(filter(None, (host["bucket"], host["path"]))))
    if separator:
        return _instead("is a URL", rest if scheme == "s3" else "")
    return _instead("is more than a bucket's name", value) if "/" in value else None


def _instead(problem: str, path: str) -> str:
    bucket, _, prefix = path.partition("/")
    prefix = prefix.strip("/*")
    if not NAME.fullmatch(bucket):
        return f"{problem}: name the bucket alone, as in --bucket my-assets"
    if not prefix:
        return f"{problem}: name the bucket alone: --bucket {bucket}"
    return f"{problem}: name bucket and prefix apart: --bucket {bucket} --prefix {prefix}/"
