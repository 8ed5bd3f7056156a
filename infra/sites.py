"""A site as the stack sees it: where it is, whose bucket that is, and what it is called in the template."""

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
        bucket: Its bucket; sites that share one have the same construct, or at least the same name.
        layout: Its keys.
        adopted: Whether the bucket was there before: its policy is its owner's then, and the stack does not write it.
        policy: The policy settings that differ from their defaults, as JSON has them.
        suffix: What the names of its constructs end with: nothing for the first site, so that those of an installation
            with one site stay what they are when it gets a second one.
        number: Its place among the sites, from 1.
    """

    bucket: s3.IBucket
    layout: Layout
    adopted: bool
    policy: Mapping[str, Any] = {}
    suffix: str = ""
    number: int = 1


def suffix_of(number: int, bucket: str | None, prefix: str) -> str:
    """See `SiteInStack.suffix`.

    Args:
        number: The site's place, from 1.
        bucket: Its bucket's name; None for the one that is created.
        prefix: Its prefix.
    """
    return "" if number == 1 else hashlib.sha256(f"{bucket or ''}/{prefix}".encode()).hexdigest()[:8]


def by_bucket(sites: Iterable[SiteInStack]) -> list[list[SiteInStack]]:
    """The sites of each bucket, in the order in which the buckets come first."""
    found: dict[str, list[SiteInStack]] = {}
    for site in sites:
        found.setdefault(site.bucket.bucket_name, []).append(site)
    return list(found.values())
