"""Mappings name each key once: of two texts for one key Python keeps the last, and ruff compares plain values only."""

from __future__ import annotations

import ast
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = ("release_log", "uploader", "cleaner_lambda", "asset_cleaner_cdk", "infra", "standalone", "docs")


def twice(source: str) -> Iterator[tuple[int, str]]:
    """The line of each mapping or set that names a key twice, and the key."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Dict(keys=keys):
                named = [ast.unparse(key) for key in keys if key is not None]
            case ast.Set(elts=elements):
                named = [ast.unparse(element) for element in elements]
            case _:
                continue
        yield from ((node.lineno, key) for key, count in Counter(named).items() if count > 1)


@pytest.mark.parametrize("source", ["{A.B: 1, A.C: 2, A.B: 3}", "{A.B, A.C, A.B}"])
def test_a_key_that_stands_twice_is_found(source: str) -> None:
    assert list(twice(source)) == [(1, "A.B")]


def test_no_mapping_names_a_key_twice() -> None:
    files = chain.from_iterable((ROOT / folder).rglob("*.py") for folder in FOLDERS)
    found = {str(file.relative_to(ROOT)): lines for file in files if (lines := list(twice(file.read_text())))}
    assert found == {}
