"""The scenarios of other tools and their users, each with the tests that hold it."""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from docs.tables.markdown import code, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "tests" / "scenarios.toml"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    Attributes:
        scenario: What happens.
        here: How this project differs, or what the tests' names do not tell.
    """

    scenario: str
    here: str = ""


def scenarios() -> dict[str, Scenario]:
    """Name -> scenario, in the order of the list."""
    return {name: Scenario(**entry) for name, entry in tomllib.loads(LIST.read_text()).items()}


@cache
def held() -> Mapping[str, list[str]]:
    """Name of a scenario -> the tests that are marked with it, as pytest names them."""
    found = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for test, names in _marked(ast.parse(path.read_text())):
            for name in names:
                found[name].append(f"{path.relative_to(ROOT).as_posix()}::{test}")
    return found


def _marked(node: ast.Module | ast.ClassDef, inside: str = "") -> Iterator[tuple[str, list[str]]]:
    for each in node.body:
        if isinstance(each, ast.ClassDef):
            yield from _marked(each, f"{each.name}::")
        elif isinstance(each, ast.FunctionDef):
            for decorator in each.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.scenario":
                    yield f"{inside}{each.name}", [ast.literal_eval(name) for name in decorator.args]


def listed(letter: str) -> str:
    """The table of the scenarios whose names begin with a letter."""
    rows = [
        [name, each.scenario, each.here, ", ".join(map(code, held().get(name, ())))]
        for name, each in scenarios().items()
        if name.startswith(letter)
    ]
    return table(["", "scenario", "here", "tests"], rows)
