"""The last look: what AWS still finds by the tag, in case a removal has missed it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from examples.installation import DemoError, wait
from tests.acceptance.cleaning import stack_of
from tests.acceptance.removals import Left
from tests.acceptance.world import TAG

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.world import Place, World

GLOBAL = "us-east-1"
"""Where AWS lists what belongs to no Region, such as distributions. In other partitions we make no such thing."""

GONE_SECONDS = 300
"""AWS may list what is gone for a while:
https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html"""

WHY = f"AWS still finds it by its tag, {GONE_SECONDS // 60} minutes after the removal; if it is there, delete it"


def look_for_tagged(world: World, say: Callable[[str], None]) -> list[Left]:
    """What still has the run's tag, but for the keys that are about to be deleted."""
    left = []
    for place in world.places:
        say(f"looking for what still has the tag {TAG}={world.run} in {place.region}")
        seconds = 0 if world.embedded else GONE_SECONDS
        try:
            found = _found_after(place, world.run, seconds)
        except (ClientError, BotoCoreError) as error:
            left.append(Left(f"whatever has the tag {TAG}={world.run} in {place.region}", f"not looked for: {error}"))
            continue
        left += [Left(arn, WHY) for arn in found]
    for each in left:
        say(f"  LEFT: {each.what}: {each.why}")
    return left


def _found_after(place: Place, run: str, seconds: float) -> list[str]:
    """The ARNs that are still found after so many seconds; none as soon as there are none."""
    found: list[str] = []

    def look() -> list[str]:
        found[:] = tagged(place, run)
        return found

    with contextlib.suppress(DemoError):
        wait(look, lambda arns: not arns, "", seconds, 10)
    return found


def tagged(place: Place, run: str) -> list[str]:
    """The ARNs of what has the tag in a Region, and in none."""
    clients = [place.client("resourcegroupstaggingapi")]
    if place.region != GLOBAL and clients[0].meta.partition == "aws":
        clients.append(place.client("resourcegroupstaggingapi", GLOBAL))
    arns = {
        str(each["ResourceARN"])
        for client in clients
        for page in client.get_paginator("get_resources").paginate(TagFilters=[{"Key": TAG, "Values": [run]}])
        for each in page["ResourceTagMappingList"]
    }
    return sorted(arn for arn in arns if not _is_removed(place, arn))


def _is_removed(place: Place, arn: str) -> bool:
    """Whether it is a KMS key that is about to be deleted, or a stack that was, which AWS shows for months."""
    service, region = arn.split(":")[2:4]
    if service == "kms":
        return bool(place.client("kms", region).describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingDeletion")
    if service == "cloudformation":
        found = stack_of(place.client("cloudformation", region), arn)
        return found is None or found["StackStatus"] == "DELETE_COMPLETE"
    return False
