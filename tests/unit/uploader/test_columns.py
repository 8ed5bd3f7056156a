"""Columns act as the dictionaries that they replace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from uploader.columns import Digests, Names, Numbers, Objects, places_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from uploader.columns import Column

PLACES = places_of(["a", "b", "c", "b"])
MD5 = "0123456789abcdef" * 2


def digests(places: Mapping[str, int]) -> Digests:
    return Digests(places, 32)


CASES: list[tuple[Callable[[Mapping[str, int]], Any], list[object]]] = [
    (Objects, [object(), "text"]),
    (Numbers, [0, 5 * 2**40]),
    (Names, ["one", "two", "one", ""]),
    (digests, [MD5, f"{MD5}-2", MD5.upper(), "", "0" * 32, MD5[:-1], f"{MD5[:-1]} ", "other text"]),
]


def test_each_key_has_one_place() -> None:
    assert PLACES == {"a": 0, "b": 1, "c": 2}


@pytest.mark.parametrize(("kind", "values"), CASES)
def test_a_column_is_a_mapping_of_the_keys_that_have_a_value(
    kind: Callable[[Mapping[str, int]], Any], values: list[object]
) -> None:
    for value in values:
        column: Column[object] = kind(PLACES)
        assert column == {}
        assert column.get("b") is None
        column.put(1, value)  # type: ignore[attr-defined]
        assert column == {"b": value}
        assert (column["b"], column.get("b", 7), column.get("a", 7), column.get("z", 7)) == (value, value, 7, 7)
        assert ("b" in column, "a" in column, "z" in column, len(column)) == (True, False, False, 1)
        with pytest.raises(KeyError):
            column["a"]
        column.put(1, None)  # type: ignore[attr-defined]
        assert column == {}


@pytest.mark.parametrize(("kind", "values"), CASES)
def test_a_value_replaces_another(kind: Callable[[Mapping[str, int]], Any], values: list[object]) -> None:
    for first in values:
        for second in values:
            column = kind(PLACES)
            column.put(2, first)
            column.put(2, second)
            assert column == {"c": second}


def test_values_of_keys_without_a_place_are_added() -> None:
    column = Numbers(PLACES)
    column.put(0, 1)
    more = Numbers(places_of(["z"]))
    more.put(0, 2)
    column.add(more)
    assert column == {"a": 1, "z": 2}
    assert (column["z"], "z" in column, len(column)) == (2, True, 2)
