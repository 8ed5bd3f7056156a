"""The direction of imports: neither side knows the other, and what both agree on knows nobody."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

OURS = {"release_log", "uploader", "cleaner_lambda", "infra", "examples", "tests"}
MAY_IMPORT = {
    "release_log": {"release_log"},
    "cleaner_lambda": {"cleaner_lambda", "release_log"},
    "uploader": {"uploader", "release_log"},
    "infra": {"infra", "release_log"},
}


def imports(source: str) -> set[str]:
    """The packages that a module imports, wherever it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used here"
            found.add((node.module or "").partition(".")[0])
    return found


def modules(package: str) -> list[Path]:
    """The modules of a package; there are some."""
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, package
    return found


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_package_imports_only_what_it_may_know(package: str) -> None:
    """`cleaner_lambda` never `uploader` or `infra`, nor the other way round."""
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(package)
        for name in (imports(path.read_text(encoding="utf-8")) & OURS) - MAY_IMPORT[package]
    }
    assert not wrong


def test_release_log_needs_only_the_standard_library() -> None:
    """Every build tool and the Lambda can carry it."""
    allowed = sys.stdlib_module_names | {"release_log"}
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("release_log")
        for name in imports(path.read_text(encoding="utf-8")) - allowed
    }
    assert not wrong


@pytest.mark.parametrize("module", ["policy", "history", "report", "ledger"])
def test_what_decides_imports_nothing_that_does_io(module: str) -> None:
    """Pure: no AWS SDK, no store, no clock of its own."""
    source = (ROOT / "cleaner_lambda" / f"{module}.py").read_text(encoding="utf-8")
    assert not imports(source) & {"boto3", "botocore", "time", "os"}
    assert ".now(" not in source


def test_import_finder_sees_inner_and_conditional_imports() -> None:
    """Or the tests above would pass for nothing."""
    assert imports("def f():\n    if x:\n        import uploader.cli.entry\nfrom infra.stack import y") == {
        "uploader",
        "infra",
    }
