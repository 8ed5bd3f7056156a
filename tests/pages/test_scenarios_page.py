"""Every scenario of ``tests/SCENARIOS.md`` has a test; `test_tables` checks that the page is up to date."""

from __future__ import annotations

import re

from docs.tables.scenarios import held, scenarios

NUMBERED = 35
"""The number of scenarios in the list of the peers' own tests."""


def test_every_scenario_has_a_test() -> None:
    assert [name for name in scenarios() if not held().get(name)] == []


def test_every_marked_scenario_is_in_the_list() -> None:
    assert held().keys() - scenarios().keys() == set()


def test_every_number_of_the_peers_tests_is_in_the_list() -> None:
    numbers = [int(found[1]) for name in scenarios() if (found := re.fullmatch(r"T(\d+)[a-z]?", name))]
    assert sorted(set(numbers)) == list(range(1, NUMBERED + 1))


def test_the_sections_are_complete() -> None:
    """The page has one for each of these letters."""
    assert {name[0] for name in scenarios()} == set("TLA")
