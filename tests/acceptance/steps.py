"""A step: what AWS should do, how one sees that it did, and what is asserted where there is no AWS to ask."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.world import World

    Look = Callable[[World], str]
    """Does the step, and says what was seen; raises `DiffersError` if that is not what was expected."""


class Outcome(StrEnum):
    """What became of a step."""

    AS_EXPECTED = "as expected"
    OTHERWISE = "asserted otherwise"
    DIFFERS = "differs"
    FAILED = "failed"
    NOT_TRIED = "not tried"


BAD = {Outcome.DIFFERS, Outcome.FAILED, Outcome.NOT_TRIED}
"""The outcomes after which the acceptance has failed."""


class DiffersError(Exception):
    """AWS did something else than the step expects. The message says what."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        name: Its name in the report; others need it by this name.
        expected: What AWS should do.
        look: Does it.
        source: The page of AWS's documentation that says so.
        needs: The steps that have to have gone well before.
        lacks: What the embedded AWS lacks for this step; empty if it can do it.
        instead: What is asserted there; with `lacks` only.
    """

    name: str
    expected: str
    look: Look
    source: str = ""
    needs: tuple[str, ...] = ()
    lacks: str = ""
    instead: Look | None = None

    def __post_init__(self) -> None:
        """A step that the embedded AWS cannot do is asserted otherwise, and no other is."""
        if bool(self.lacks) != (self.instead is not None):
            msg = f"step {self.name!r}: `lacks` and `instead` go together"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a step.

    Attributes:
        step: The step.
        outcome: What became of it.
        seen: What AWS did, or why it was not asked.
        seconds: How long it took.
    """

    step: Step
    outcome: Outcome
    seen: str
    seconds: float = 0.0


def expect(fine: bool, seen: object) -> None:  # noqa: FBT001 (as in an assert)
    """Go on if it is fine.

    Raises:
        DiffersError: It is not.
    """
    if not fine:
        raise DiffersError(str(seen))
