"""Step: all installations that need no other one are begun at one time, as each takes minutes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.acceptance import adopting, installing
from tests.acceptance.installing import BEGUN, SITES
from tests.acceptance.steps import Step

if TYPE_CHECKING:
    from tests.acceptance.world import World


def begin_all(world: World) -> str:
    """One that cannot be begun fails in its own step."""
    begins = {"new": installing.begin_new, "adopted": adopting.begin_adopted}
    if not world.embedded:
        begins |= {"second": installing.begin_second, "kms": installing.begin_kms, "cdn": installing.begin_distribution}
        begins |= {f"{number}sites": partial(installing.begin_sites, number) for number in SITES}
    for kind, begin in begins.items():
        try:
            begin(world)
        except Exception as error:  # noqa: BLE001 (the others begin all the same)
            world.begun[kind] = error
    going_on = sum(not isinstance(each, Exception) for each in world.begun.values())
    return f"{going_on} of {len(begins)} deployments go on at one time"


BEGIN = Step(BEGUN, "AWS takes several stacks at one time.", begin_all)
