"""The JSON Schema of ``uploader.toml`` says what the code that reads the file says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from tests.paths import ROOT
from uploader.cli.commands.schema import SCHEMA
from uploader.cli.config_file import ConfigFile, find_config
from uploader.cli.configuration import every_setting, kind
from uploader.errors import UsageError
from uploader.treatment.rule_tables import parse_rules

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_TEXT = SCHEMA.read_text()
VALIDATOR = Draft7Validator(json.loads(SCHEMA_TEXT))
PAGES = [ROOT / "docs" / name for name in ("configuration.md", "ci.md", "headers.md", "builds.md", "migrate.md")]
EXAMPLES = [text for page in PAGES for text in re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)]


def is_read(text: str, folder: Path) -> bool:
    """Whether the uploader reads a file without an error."""
    (folder / "uploader.toml").write_text(text)
    try:
        file = find_config(None, folder)
        assert isinstance(file, ConfigFile)
        file.check({key: kind(parameter) for key, parameter in every_setting().items()})
        for environment in (None, *file.environments):
            rules = file.settings(environment).get("rules")
            parse_rules(rules and rules.value, "here")
    except UsageError:
        return False
    return True


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(json.loads(SCHEMA_TEXT))


@pytest.mark.parametrize("text", EXAMPLES)
def test_it_accepts_every_example_of_the_pages(text: str) -> None:
    document: dict[str, Any] = tomllib.loads(text)
    assert [error.message for error in VALIDATOR.iter_errors(document.get("tool", {}).get("uploader", document))] == []


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ('bucket = "b"\nconcurrency = 3\njson = true\nallow = ["*.pem"]', True),
        ('[environments.a]\nsse = "aws:kms"\n[environments.b]\nrules = []', True),
        ('[[rules]]\nmatch = ["a", "b"]\ngzip = true\nmetadata = { team = "web" }', True),
        ('[[rules]]\nmatch = "*"\nstorage_class = "GLACIER_IR"\ncontent_encoding = "identity"', True),
        ('bukket = "b"', False),
        ("full = true", False),
        ("bucket = 3", False),
        ("concurrency = true", False),
        ('concurrency = "3"', False),
        ('quiet = "yes"', False),
        ('exclude = "*.map"', False),
        ("exclude = [3]", False),
        ('environments = "production"', False),
        ("[environments.a.environments.b]", False),
        ('[environments.a]\nbukket = "b"', False),
        ("rules = {}", False),
        ("[[rules]]\nskip = true", False),
        ("[[rules]]\nmatch = []", False),
        ('[[rules]]\nmatch = "*"\nskip = "yes"', False),
        ('[[rules]]\nmatch = "*"\nstorage_class = "GLACIER"', False),
        ('[[rules]]\nmatch = "*"\ncontent_encoding = "zip"', False),
        ('[[rules]]\nmatch = "*"\ncache-control = "no-store"', False),
        ('[[rules]]\nmatch = "*"\nmetadata = { team = 3 }', False),
        ("[[environments.a.rules]]\nmatch = 3", False),
    ],
)
def test_it_refuses_what_the_uploader_refuses(text: str, fine: bool, tmp_path: Path) -> None:  # noqa: FBT001
    assert is_read(text, tmp_path) is fine
    assert VALIDATOR.is_valid(tomllib.loads(text)) is fine


def test_the_command_prints_it(tmp_path: Path) -> None:
    """Also beside a configuration that is broken."""
    (tmp_path / "uploader.toml").write_text("broken")
    words = [sys.executable, "-m", "uploader", "schema"]
    said = subprocess.run(
        words, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert (said.stdout, said.stderr) == (SCHEMA_TEXT, "")
