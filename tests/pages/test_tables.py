"""The tables of the documents are those that the code makes."""

from __future__ import annotations

import pytest

from docs.tables.__main__ import write


@pytest.mark.scenario("L19")
def test_every_table_is_as_it_is_generated() -> None:
    """If not, ``make format`` writes it."""
    assert write(check=True) == 0
