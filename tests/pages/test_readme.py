"""The README and the pages beside it say what the code does: targets, exit statuses, payloads, dependencies."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib

import pytest

from cleaner_lambda.answer import LISTS
from cleaner_lambda.request import parse
from tests.paths import ROOT
from uploader.errors import EXIT_STATUS

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = (ROOT / "docs" / "commands.md").read_text()


def test_the_answer_shown_has_the_answers_lists() -> None:
    (block,) = re.findall(r"```json\n(\{\"dry_run\".*?)\n```", COMMANDS, re.DOTALL)
    assert set(LISTS) < set(json.loads(block))


def test_payloads_shown_are_accepted_or_refused_as_said() -> None:
    assert parse({"dry_run": True}).dry_run
    assert parse({}) == parse({"dry_run": False})
    with pytest.raises(Exception, match="dryrun"):
        parse({"dryrun": True})


def test_make_targets_shown_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    text = "".join(page.read_text() for page in PAGES)
    targets = set(re.findall(r"(?:`|\$ |run: |- )make (?:-C \S+ )?([\w-]+)", text))
    assert {"demo", "setup", "test", "uploader"} < targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_make_alone_lists_each_target_with_a_line() -> None:
    listed = subprocess.run(
        ["make"],  # noqa: S607 (the user's make)
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for target in ("setup", "demo", "test", "lint", "format"):
        assert re.search(rf"^make {target} +\w.+$", listed, re.MULTILINE), listed


def test_the_exit_statuses_are_the_helps() -> None:
    said = " ".join((ROOT / "docs" / "ci.md").read_text().split())
    assert f"{EXIT_STATUS.rstrip('.')}; that of `run` is its command's." in said


def test_every_dependency_has_one_line_and_every_line_is_a_dependency() -> None:
    """Of every environment; `boto3`, which several of them have, has a line for each use."""
    said = re.findall(r"^- `([@\w/-]+)`(?: \(npm\))?: ", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    named: set[str] = set()
    for folder in ("", "infra/package", "examples/emulator", "bench", "bench/runtime"):
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())
        lists = [project["project"]["dependencies"], *project.get("dependency-groups", {}).values()]
        lists += project["project"].get("optional-dependencies", {}).values()
        named |= {re.split(r"[\[=<>]", each)[0] for one in lists for each in one if isinstance(each, str)}
    named -= {"asset-cleaner", "asset-cleaner-cdk"}  # our own
    for folder in ("", "examples/site", "tests/browser"):
        named |= json.loads((ROOT / folder / "package.json").read_text())["devDependencies"].keys()
    assert set(said) == named
    assert {name for name in said if said.count(name) > 1} == {"boto3"}
