"""The tables of the protocol: its rules, and the bounds of what is read."""

from __future__ import annotations

from docs.tables.markdown import code, table
from release_log.bounds import BOUNDS
from tests.interleaving.mutants import MUTANTS


def rules() -> str:
    """Each rule that a mutant of the code breaks: where it is held, and what is lost without it."""
    rows = [[mutant.rule, code(mutant.place), mutant.lost] for mutant in MUTANTS]
    return table(["rule", "held by", "without it"], rows)


def bounds() -> str:
    """Each bound of what is read from a bucket."""
    return table(["", "at most"], ([bound.of, f"{_number(bound.value)} {bound.unit}".strip()] for bound in BOUNDS))


def _number(value: int) -> str:
    """A number, with commas if it is a long one."""
    return f"{value:,}" if value >= 10_000 else str(value)  # noqa: PLR2004 (four digits are easily read)
