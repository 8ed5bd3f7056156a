"""The variables and examples of ``docs/configuration.md`` are right."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT
from uploader.cli.ci_job import DOTENV
from uploader.cli.config_file import find_config
from uploader.cli.configuration import every_setting, kind
from uploader.cli.group import COMMANDS, load

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "configuration.md").read_text()
CI = (ROOT / "docs" / "ci.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE + CI, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_valid(text: str, tmp_path: Path) -> None:
    name = "pyproject.toml" if "tool" in tomllib.loads(text) else "uploader.toml"
    (tmp_path / name).write_text(text)
    file = find_config(None, tmp_path)
    assert file is not None
    file.check({key: kind(parameter) for key, parameter in every_setting().items()})
    assert file.keys()
    for environment in (None, *file.environments):
        assert file.settings(environment)["directory"].value


def test_there_are_examples_on_both_pages() -> None:
    assert len(EXAMPLES) > 3
    assert EXAMPLES[-1] in CI


def test_the_variables_it_names_exist() -> None:
    there = {str(parameter.envvar) for name in COMMANDS for parameter in load(name).params}
    named = set(re.findall(r"UPLOADER_[A-Z_]+", PAGE + CI)) - {"UPLOADER_POLICY_ARN"}
    assert named <= there | {"UPLOADER_DOTENV", "UPLOADER_SUMMARY"} | set(DOTENV.values())
