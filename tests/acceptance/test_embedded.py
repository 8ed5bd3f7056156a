"""The acceptance at the embedded AWS: each step that it can do, and what is asserted in place of each other step."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.__main__ import embedded_place, say
from tests.acceptance.plan import STEPS
from tests.acceptance.report import report
from tests.acceptance.runner import run
from tests.acceptance.steps import Outcome
from tests.acceptance.world import World

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(400)
def test_every_step_goes_as_expected_and_nothing_is_left(tmp_path: Path) -> None:
    with ExitStack() as stack:
        place = embedded_place(stack)
        buckets = place.client("s3").list_buckets()["Buckets"]
        world = World("0123abcd", [place], embedded=True, scratch=tmp_path)
        ended = run(STEPS, world, say)
        assert ended.fine, report(ended, {})
        wanted = [Outcome.OTHERWISE if step.lacks else Outcome.AS_EXPECTED for step in STEPS]
        assert [each.outcome for each in ended.results] == wanted
        left = [each["Name"] for each in place.client("s3").list_buckets()["Buckets"] if "0123abcd" in each["Name"]]
        assert (buckets, left) == ([], [])
        assert place.client("cloudformation").describe_stacks()["Stacks"] == []
