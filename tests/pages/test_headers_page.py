"""The rules accept everything that docs/headers.md shows."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.paths import ROOT
from uploader.publishing.invalidation import MAX_PATHS
from uploader.treatment.encodings import _HEADER_COST, _SERVED_DECODED, CODINGS
from uploader.treatment.globs import translate
from uploader.treatment.headers import IMMUTABLE, NO_CACHE
from uploader.treatment.rule_settings import RULE_SETTINGS
from uploader.treatment.rule_tables import parse_rules
from uploader.treatment.rule_values import _OWN_BYTES, METADATA_BYTES, OWN_METADATA
from uploader.treatment.rules import Rule

PAGE = (ROOT / "docs" / "headers.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def rows(header: str) -> list[list[str]]:
    """The cells of the table under a header row."""
    lines = PAGE[PAGE.index(header) :].splitlines()[2:]
    end = next(number for number, line in enumerate(lines) if not line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:end]]


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_is_accepted_and_each_of_its_rules_changes_something(example: str) -> None:
    rules = parse_rules(tomllib.loads(example)["rules"], "docs/headers.md").rules
    assert rules
    assert all(rule != Rule(match=rule.match) for rule in rules)


def test_there_is_an_example_of_every_setting() -> None:
    shown = {setting for example in EXAMPLES for rule in tomllib.loads(example)["rules"] for setting in rule}
    assert shown == set(RULE_SETTINGS)


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("js/app.js.map", None, None),
        ("service-worker.js", "cache_control", "no-cache, no-store"),
        ("old/service-worker.js", "cache_control", NO_CACHE),
    ],
)
def test_the_first_example_does_what_it_says(name: str, setting: str | None, value: str | None) -> None:
    treatment = parse_rules(tomllib.loads(EXAMPLES[0])["rules"], "").treat(name, fingerprinted=False)
    assert (treatment and getattr(treatment.headers, setting or "")) == value


def test_the_globs_shown_are_globs() -> None:
    shown = [glob for row in rows("| glob | files |") for glob in re.findall(r"`([^`]+)`", row[0])]
    assert len(shown) > len(rows("| glob | files |"))
    for glob in shown:
        translate(glob)


def test_the_numbers_and_names_are_the_codes() -> None:
    assert f"`{IMMUTABLE}` for a fingerprinted name, `{NO_CACHE}` for the rest" in PAGE
    assert f"Metadata: {METADATA_BYTES - _OWN_BYTES:,} bytes" in PAGE
    assert f"of S3's {METADATA_BYTES:,}" in PAGE
    assert f"costs, {_HEADER_COST} bytes" in PAGE
    assert f"More than {MAX_PATHS} paths" in PAGE
    assert all(f"`{name}`" in PAGE for name in OWN_METADATA)
    assert all(f"`app.js.{ending}`" in PAGE for ending in CODINGS)
    assert "csv" not in _SERVED_DECODED
