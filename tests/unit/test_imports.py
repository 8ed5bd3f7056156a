"""The direction of imports: pyproject.toml has the contracts, each with its reason; here is what they cannot say."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.paths import ROOT

PACKAGES = ("release_log", "uploader", "cleaner_lambda", "asset_cleaner_cdk", "infra")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
(PURE,) = (contract for contract in CONTRACTS if contract["name"].startswith("pure: "))


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter's judgement of the packages in a folder."""
    command: list[str | Path] = [
        Path(sys.executable).with_name("lint-imports"),
        "--no-cache",
        "--config",
        str(ROOT / "pyproject.toml"),
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={"COLUMNS": "400"})


def test_the_contracts_are_kept() -> None:
    """Each import counts, wherever it stands: in a function, or for types only."""
    answer = lint(ROOT)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in answer.stdout


WRONG = [
    ("uploader/history/find.py", "import uploader.protocol.intent", "the uploader's packages import downwards"),
    ("uploader/operations/pins.py", "from uploader.s3 import bucket", "only s3/ knows how the bucket is asked"),
    ("uploader/history/current.py", "import botocore", "boto3 is loaded where AWS is asked"),
    ("uploader/library/site.py", "import click", "only the command line speaks to people"),
    ("uploader/cli/bodies/run.py", "from uploader.cli.bodies import upload", "a body never imports another body"),
    ("uploader/cli/commands/run.py", "import uploader.cli.commands.clean", "a command never imports another"),
    ("uploader/treatment/globs.py", "import os", "pure: "),
    ("cleaner_lambda/policy.py", "import time", "pure: "),
    ("cleaner_lambda/run.py", "import uploader.about", "the build job's side, the cleaner and the stack"),
    ("release_log/layout.py", "import asset_cleaner_cdk.sites", "release_log knows nobody"),
]
"""An import that stands in a module, and the contract that it breaks."""


@pytest.mark.parametrize("hidden", ["if TYPE_CHECKING:\n    {}\n", "def _inner() -> None:\n    {}\n"])
def test_every_import_against_a_contract_is_found(hidden: str, tmp_path: Path) -> None:
    """Also where only types need it, and in a function."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for module, line, _ in WRONG:
        (tmp_path / module).write_text(f"{(ROOT / module).read_text()}\n{hidden.format(line)}")
    answer = lint(tmp_path)
    assert answer.returncode == 1
    broken = re.findall(r"^(.*) BROKEN", answer.stdout, re.MULTILINE)
    for module, line, contract in WRONG:
        assert any(each.startswith(contract) for each in broken), contract
        importer = module.removesuffix(".py").replace("/", ".")
        wanted = re.sub(r"from (\S+) import ", r"\1.", line.removeprefix("import "))
        assert f"{importer} -> {wanted} (l." in answer.stdout, line


def imported(source: str) -> set[str]:
    """The modules that a module imports, wherever it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used here"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def sources(package: str) -> dict[Path, str]:
    """The modules of a package; there are some."""
    found = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / package).rglob("*.py"))}
    assert found, package
    return found


def test_nothing_imports_the_public_names_of_the_uploader() -> None:
    """They are for programs outside of it: what is inside imports from where a thing lives."""
    public = {"uploader", *(f"uploader.{name}" for name in __import__("uploader").__all__), "uploader.__version__"}
    wrong = {str(path) for path, source in sources("uploader").items() if imported(source) & public}
    assert not wrong


def test_only_the_start_imports_the_command_line() -> None:
    below = ("uploader/cli/", "uploader/start.py")
    wrong = {
        name
        for path, source in sources("uploader").items()
        if not (name := str(path.relative_to(ROOT))).startswith(below)
        and any(each.startswith("uploader.cli") for each in imported(source))
    }
    assert not wrong


def test_release_log_needs_only_the_standard_library() -> None:
    """Every build tool and the Lambda can carry it."""
    allowed = sys.stdlib_module_names | {"release_log"}
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path, source in sources("release_log").items()
        for name in imported(source)
        if name.partition(".")[0] not in allowed
    }
    assert not wrong


@pytest.mark.parametrize("module", PURE["source_modules"])
def test_what_decides_asks_no_clock(module: str) -> None:
    path = ROOT / module.replace(".", "/")
    for each in [path.with_suffix(".py")] if path.with_suffix(".py").exists() else path.rglob("*.py"):
        assert ".now(" not in each.read_text(encoding="utf-8")


def test_the_import_finder_sees_inner_and_conditional_imports() -> None:
    """Or the tests above would pass for nothing."""
    source = "def f():\n    if x:\n        import uploader.cli.entry\nfrom infra.stack import y"
    assert imported(source) == {"uploader.cli.entry", "infra.stack.y"}
