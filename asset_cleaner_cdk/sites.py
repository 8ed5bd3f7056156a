"""A site in the stack: its bucket, who owns the bucket, and the site's part of the ids in the template."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_cdk import aws_s3 as s3

    from release_log.layout import Layout


class SiteInStack(NamedTuple):
    """One site of the installation.

    Attributes:
        bucket: The site's bucket. Sites that share a bucket have the same construct, or at least the same bucket name.
        layout: The site's keys.
        adopted: Whether the app does not define the bucket. Its owner keeps its policy then, and we do not write it.
        policy: The policy settings that were given, as JSON values.
        suffix: The end of the ids of the site's constructs. It is empty for the first site, so that the ids of an
            installation with one site stay the same when a second site is added.
        number: The site's place, from 1.
    """

    bucket: s3.IBucket
    layout: Layout
    adopted: bool
    policy: Mapping[str, Any] = {}
    suffix: str = ""
    number: int = 1


def suffix_of(number: int, bucket: str | s3.IBucket | None, prefix: str) -> str:
    """The end of the ids of a site's constructs; see `SiteInStack`.

    Args:
        number: The site's place, from 1.
        bucket: Its bucket: a name, a construct, or None for the bucket that the stack creates.
        prefix: The site's prefix.
    """
    known = bucket if isinstance(bucket, str) else "" if bucket is None else bucket.node.id
    return "" if number == 1 else hashlib.sha256(f"{known}/{prefix}".encode()).hexdigest()[:8]


def by_bucket(sites: Iterable[SiteInStack]) -> list[list[SiteInStack]]:
    """The sites, grouped by bucket. The groups are in the order of their first sites."""
    found: dict[str, list[SiteInStack]] = {}
    for site in sites:
        found.setdefault(site.bucket.bucket_name, []).append(site)
    return list(found.values())
