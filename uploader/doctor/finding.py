"""The finding of a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The states of a finding, from the best to the worst."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding of one check.

    Attributes:
        check: The subject of the check, in a word or two.
        state: The state.
        finding: What the check found.
        remedy: What to do; empty if nothing has to be done.
    """

    check: str
    state: State
    finding: str
    remedy: str = ""


def ok(check: str, finding: str) -> Finding:
    """All is well."""
    return Finding(check, State.OK, finding)


def unknown(check: str, finding: str, remedy: str) -> Finding:
    """The check could not find out; the remedy says how to."""
    return Finding(check, State.UNKNOWN, finding, remedy)


def warning(check: str, finding: str, remedy: str) -> Finding:
    """It works, but could be better."""
    return Finding(check, State.WARNING, finding, remedy)


def problem(check: str, finding: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(check, State.PROBLEM, finding, remedy)
