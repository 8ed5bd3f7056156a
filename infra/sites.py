"""A site as the stack's parts see it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from aws_cdk import aws_s3 as s3

    from release_log.layout import Layout


class SiteInStack(NamedTuple):
    """One site.

    Attributes:
        bucket: Where it is.
        layout: Its keys.
        adopted: Whether the bucket is its owner's, and only uses what we add to its notifications.
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
