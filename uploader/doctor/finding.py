"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is, from the best to the worst."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's.

    Attributes:
        check: What was looked at, in a word.
        state: How it is.
        finding: What was seen.
        remedy: What to do about it; empty if nothing.
    """

    check: str
    state: State
    finding: str
    remedy: str = ""


def ok(check: str, finding: str) -> Finding:
    """All is well."""
    return Finding(check, State.OK, finding)


def unknown(check: str, finding: str, remedy: str) -> Finding:
    """It cannot be told; the remedy says how it could."""
    return Finding(check, State.UNKNOWN, finding, remedy)


def warning(check: str, finding: str, remedy: str) -> Finding:
    """It works, and could be better."""
    return Finding(check, State.WARNING, finding, remedy)


def problem(check: str, finding: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(check, State.PROBLEM, finding, remedy)
