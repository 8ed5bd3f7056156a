"""Files that a document names exist; ``docs/architecture.md``: its names exist, and its layers are import-linter's."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "architecture.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
HOUSES = (
    "app.py",
    "asset_cleaner_cdk",
    "bench",
    "cleaner_lambda",
    "docs",
    "examples",
    "infra",
    "release_log",
    "tests",
    "uploader",
)
QUESTIONS = re.findall(r"^\| ([^|]+\?) \| `([\w./]+)` \| `([\w.]+)` \|$", PAGE, re.MULTILINE)
LAYERS = [re.findall(r"`([\w/]+)`", row) for row in re.findall(r"^\| (`[^|]+`) \| [^|]+ \|$", PAGE, re.MULTILINE)]


def defined(source: str) -> set[str]:
    """The names that a module defines; of a class's methods as ``Class.method``."""
    found: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
            found |= {f"{node.name}.{each.name}" for each in ast.walk(node) if isinstance(each, ast.FunctionDef)}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_every_file_and_folder_that_a_page_names_exists(page: Path) -> None:
    """But for the environments that set-up makes."""
    named = {each for each in re.findall(r"`([\w.-]+/[\w./-]*)`", page.read_text()) if each.split("/")[0] in HOUSES}
    assert {each for each in named if not (ROOT / each).exists() and not each.endswith(".venv")} == set()


def test_every_package_of_the_uploader_named_exists() -> None:
    named = {each for each in re.findall(r"`([\w-]+/[\w./-]*)`", PAGE) if each.split("/")[0] not in HOUSES}
    assert len(named) > 10
    assert {each for each in named if not (ROOT / "uploader" / each).exists()} == set()


def test_every_module_of_the_cleaner_named_exists() -> None:
    picture = PAGE.partition("```text\n")[2].partition("```")[0]
    named = set(re.findall(r" (\w+) {2,}[a-z ,]+$", picture, re.MULTILINE))
    (flow,) = re.findall(r"^In `cleaner_lambda/`.*?\n\n", PAGE, re.DOTALL | re.MULTILINE)
    named |= set(re.findall(r"`(\w+)`", flow)) - {"now"}
    named -= {"releases"}
    assert {"load", "policy", "apply", "report"} <= named
    assert {name for name in named if not (ROOT / "cleaner_lambda" / f"{name}.py").exists()} == set()


@pytest.mark.parametrize(("question", "file", "name"), QUESTIONS)
def test_the_answer_is_in_the_file(question: str, file: str, name: str) -> None:
    assert name in defined((ROOT / file).read_text()), question


def test_there_are_ten_questions() -> None:
    assert len(QUESTIONS) == 10


def test_the_layers_are_those_that_import_linter_holds() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (held,) = (each["layers"] for each in contracts if each.get("containers") == ["uploader"])
    said = [" | ".join(name.rstrip("/") for name in layer if name.count("/") < 2) for layer in LAYERS]
    assert ["__main__", *said] == held
