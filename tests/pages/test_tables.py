"""The tables of the documents are those that the code makes."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

from docs.tables.__main__ import MODULES, PAGES, write
from docs.tables.markdown import table

USED = [
    f"{module}.{name}("
    for module in MODULES
    for name, function in inspect.getmembers(import_module(f"docs.tables.{module}"), inspect.isfunction)
    if function.__module__ == f"docs.tables.{module}" and function.__annotations__["return"] == "str"
    if not name.startswith("_")
]


@pytest.mark.scenario("L19")
def test_every_table_is_as_it_is_generated() -> None:
    """If not, ``make format`` writes it."""
    assert write(check=True) == 0


@pytest.mark.parametrize("call", USED)
def test_every_table_is_on_a_page(call: str) -> None:
    """A page that loses its comments loses the check too."""
    assert any(f"print({call}" in page.read_text() for page in PAGES)


def test_a_bar_divides_no_cell_and_an_empty_cell_takes_one_space() -> None:
    assert table(["a", ""], [["x|y", "z"]]) == "| a | |\n| --- | --- |\n| x\\|y | z |"
