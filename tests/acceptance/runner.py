"""Runs the steps in their order. One that fails hides no other, and at the end everything is removed."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from examples.installation import DemoError
from tests.acceptance.interrupts import EndEarly, interrupts
from tests.acceptance.steps import BAD, DiffersError, Outcome, Result
from tests.acceptance.tagged import look_for_tagged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.acceptance.removals import Left
    from tests.acceptance.steps import Look, Step
    from tests.acceptance.world import World


@dataclass(slots=True)
class Ended:
    """How the acceptance ended.

    Attributes:
        results: One for each step.
        left: What could not be removed.
        ended_by: The signal that ended it early; empty without one.
    """

    results: list[Result] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    ended_by: str = ""

    @property
    def fine(self) -> bool:
        """Whether each step went as expected, and nothing is left."""
        return not self.ended_by and not self.left and not any(each.outcome in BAD for each in self.results)


def run(steps: Sequence[Step], world: World, say: Callable[[str], None]) -> Ended:
    """Run the steps, then remove everything, also after a signal.

    Args:
        steps: The steps.
        world: Where they happen, and what they have made.
        say: Gets a line about each step.
    """
    ended, say = Ended(), _to_whoever_listens(say)
    with interrupts(say) as state:
        try:
            try:
                for step in steps:
                    ended.results.append(_result(step, world, ended.results))
                    say(f"{ended.results[-1].outcome}: {step.name}: {ended.results[-1].seen}")
            finally:
                state.removing = True
        except EndEarly as signal:
            ended.ended_by = str(signal)
            say(f"{ended.ended_by}: removing everything")
        finally:
            ended.left = world.removals.all(say) + look_for_tagged(world, say)
    for step in steps[len(ended.results) :]:
        ended.results.append(Result(step, Outcome.NOT_TRIED, f"ended early by {ended.ended_by}"))
    return ended


def _to_whoever_listens(say: Callable[[str], None]) -> Callable[[str], None]:
    """A terminal that was closed must not end the removal."""

    def told(text: str) -> None:
        with contextlib.suppress(OSError):
            say(text)

    return told


def _result(step: Step, world: World, before: Sequence[Result]) -> Result:
    began = time.monotonic()
    look, fine = step.look, Outcome.AS_EXPECTED
    if world.embedded and step.instead is not None:
        look, fine = step.instead, Outcome.OTHERWISE
    else:
        went_well = {each.step.name for each in before if each.outcome is Outcome.AS_EXPECTED}
        missing = [name for name in step.needs if name not in went_well]
        if missing:
            return Result(step, Outcome.NOT_TRIED, f"needs: {', '.join(missing)}")
    outcome, seen = _tried(look, world, fine)
    return Result(step, outcome, seen, time.monotonic() - began)


def _tried(look: Look, world: World, fine: Outcome) -> tuple[Outcome, str]:
    try:
        return fine, look(world)
    except (DiffersError, DemoError) as error:
        return Outcome.DIFFERS, str(error)
    except ClientError as error:
        said = error.response["Error"]
        return Outcome.FAILED, f"{error.operation_name}: {said.get('Code')}: {said.get('Message')}"
    except Exception as error:  # noqa: BLE001 (the other steps are tried all the same)
        return Outcome.FAILED, f"{type(error).__name__}: {error}"
