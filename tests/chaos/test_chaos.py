"""A round of chaos; ``CHAOS_SEED`` in the environment sets its seed, and a failure names it."""

from __future__ import annotations

import os
import random

import pytest

from tests.chaos.run import play

SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(10**6))
SECONDS = 60
"""The actions' time. With the deployment, and the quiet time at the end, the test lasts a minute and a half."""


@pytest.mark.timeout(400)
def test_nothing_is_lost_or_early_or_left() -> None:
    """Real processes, killed and cut off, and the deployed function: the model looks at every key after every step."""
    world = play(SEED, SECONDS, print)
    assert world.counts["processes"] > 0
    assert world.counts["answers"] > 0
    assert world.counts["assets that went"] > 0, "nothing was deleted, so nothing was tried"
