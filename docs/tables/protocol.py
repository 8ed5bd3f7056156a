"""The table of the protocol's rules."""

from __future__ import annotations

from docs.tables.markdown import code, table
from tests.interleaving.mutants import MUTANTS


def rules() -> str:
    """Each rule that a mutant of the code breaks: where it is held, and what is lost without it."""
    rows = [[mutant.rule, code(mutant.place), mutant.lost] for mutant in MUTANTS]
    return table(["rule", "held by", "without it"], rows)
