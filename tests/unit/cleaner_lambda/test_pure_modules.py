"""The modules that decide are pure: they do no I/O and read no clock, nor does any module that they import."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PURE = (
    *("changes", "changes_file", "cursor", "cut", "finding", "guard", "head", "history", "key_hashes", "ledger"),
    *("orphans", "outcome", "parts", "policy", "pruning", "reconcile", "report", "segment", "segments", "spelling"),
    *("adoption", "answer", "backlog", "dating", "live", "packed_orphans", "rebuilding"),
    *("ledger_document", "plan", "tag_finding", "totals", "view", "waiting"),
)
"""Modules of the cleaner: a test can decide for any state at any instant, and a dry run decides as a real run does."""

RELEASE_LOG = sorted(path.stem for path in (ROOT / "release_log").glob("[a-z]*.py"))

LIBRARIES = {
    "__future__",
    "abc",
    "array",
    "bisect",
    "codecs",
    "collections",
    "collections.abc",
    "contextlib",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "gzip",
    "hashlib",
    "heapq",
    "io",
    "itertools",
    "json",
    "json.encoder",
    "operator",
    "re",
    "re._constants",
    "re._parser",
    "string",
    "typing",
    "unicodedata",
    "urllib.parse",
    "zlib",
}
"""What they may import beside each other: only what computes."""

CALLS = {"open", "input", "print", "now", "utcnow", "today", "time", "monotonic"}
"""Names of functions and methods that do I/O or read a clock, where a module could reach them by an allowed import."""


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that a module imports: at its top, in a function, or for types only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            parts = (f"{module}.{alias.name}" for alias in node.names)
            yield from (part if is_module(part) else module for part in parts)


def is_module(name: str) -> bool:
    """Whether it is a module of the project."""
    return (ROOT / f"{name.replace('.', '/')}.py").exists()


def impurities(name: str, source: str) -> set[str]:
    """What a module has that a pure module must not have: imports and calls."""
    tree = ast.parse(source)
    ours = {f"cleaner_lambda.{module}" for module in (*PURE, "port")} | {
        f"release_log.{module}" for module in RELEASE_LOG
    }
    found = {f"{name} imports {module}" for module in set(imported(tree)) - ours - LIBRARIES}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            found |= {f"{name} calls {called}"} & {f"{name} calls {each}" for each in CALLS}
    return found


@pytest.mark.parametrize(
    "name",
    [*(f"cleaner_lambda.{module}" for module in (*PURE, "port")), *(f"release_log.{module}" for module in RELEASE_LOG)],
)
def test_module_does_no_io_and_reads_no_clock(name: str) -> None:
    """``port`` only declares what a bucket can do, so a pure module may name its types."""
    assert impurities(name, (ROOT / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    ("source", "impurity"),
    [
        ("import os", "imports os"),
        ("def f():\n    import time", "imports time"),
        ("if TYPE_CHECKING:\n    from cleaner_lambda.apply import apply", "imports cleaner_lambda.apply"),
        ("from cleaner_lambda import load", "imports cleaner_lambda.load"),
        ("from datetime import datetime\nx = datetime.now()", "calls now"),
        ("open('x')", "calls open"),
    ],
)
def test_finder_sees_each_kind_of_impurity(source: str, impurity: str) -> None:
    """Or the test above would pass for nothing."""
    assert impurities("m", source) == {f"m {impurity}"}


def test_only_the_handler_and_what_it_asks_of_others_read_the_environment() -> None:
    """So `tests/infra/test_names.py` sees each variable that the function reads."""
    readers = {
        path.stem
        for path in (ROOT / "cleaner_lambda").glob("*.py")
        if "os" in set(imported(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert readers == {"handler", "afterwards"}
