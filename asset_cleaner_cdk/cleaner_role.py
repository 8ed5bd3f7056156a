"""The cleaner's role, whose policies hold the statements of every site.

The CDK would spread them over several policies too, but it does not know how long a prefix is, nor when there are too
many: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from asset_cleaner_cdk.permissions import cleaner_statements
from asset_cleaner_cdk.settings.errors import ContextError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from constructs import Construct

    from asset_cleaner_cdk.sites import SiteInStack

INLINE = 8_000
"""Characters of the role's own policy that the sites may take. Of its 10,240 the other statements need some.

The longest prefix of all takes 7,000, so there is room for the first site in any case.
"""

MANAGED = 6_000
"""Characters of a managed policy that they may take. Of its 6,144 some are around the statements."""

ATTACHED = 10
"""Managed policies of a role, without a higher quota."""

LONGEST_ARN = 20 + 63
"""Characters of a bucket's ARN, whose name is not known yet if the stack creates it."""

_TOKEN = re.compile(r"\$\{Token\[[^\]]*\]\}")


def add_role(scope: Construct, sites: Sequence[SiteInStack]) -> iam.Role:
    """Create the role, with the statements of all sites.

    Args:
        scope: The installation, or its stack.
        sites: The sites that the cleaner cleans.

    Raises:
        ContextError: The policies of a role have no room for them.
    """
    role = iam.Role(scope, "CleanerRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    statements = [cleaner_statements(site.bucket.bucket_arn, site.layout, site.number) for site in sites]
    sizes = [_size(each) for each in statements]
    together = pack(sizes)
    for number in (number for numbers in together[1:] for number in numbers if sizes[number] > MANAGED):
        msg = (
            f"context sites[{number + 1}] prefix {sites[number].layout.prefix!r}: too long for a policy of the "
            "cleaner's role; put this site first, or shorten its prefix"
        )
        raise ContextError(msg)
    if len(together) > 1 + ATTACHED:
        most = sum(map(len, together[: 1 + ATTACHED]))
        msg = (
            f"context sites: {len(sites)} sites, but the policies of one installation's role have room for {most} of "
            "them; move some to a second installation (-c name=...), or give them shorter prefixes"
        )
        raise ContextError(msg)
    for number in together[0]:
        for statement in statements[number]:
            role.add_to_policy(statement)
    for place, numbers in enumerate(together[1:], 1):
        iam.ManagedPolicy(
            scope,
            f"CleanerSites{place}",
            description="Further sites of the cleaner",
            statements=[statement for number in numbers for statement in statements[number]],
            roles=[role],
        )
    return role


def pack(sizes: Sequence[int]) -> list[list[int]]:
    """The places of the sites in each policy, in their order: the role's own policy first, then managed ones. Pure.

    Args:
        sizes: How many characters the statements of each site have.
    """
    together: list[list[int]] = [[]]
    left = INLINE
    for number, size in enumerate(sizes):
        if size > left and number:
            together.append([])
            left = MANAGED
        together[-1].append(number)
        left -= size
    return together


def _size(statements: Iterable[iam.PolicyStatement]) -> int:
    texts = (json.dumps(each.to_statement_json(), separators=(",", ":")) for each in statements)
    return sum(len(_TOKEN.sub("x" * LONGEST_ARN, text)) + 1 for text in texts)
