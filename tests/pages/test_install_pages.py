"""``docs/install.md`` and ``docs/migrate.md``: their settings, outputs and examples are the code's."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING

from asset_cleaner_cdk.settings.stack import SiteSettings, settings_from
from release_log.policy_settings import SETTINGS, Orphans
from tests.paths import ROOT
from uploader.cli.config_file import find_config
from uploader.cli.configuration import every_setting, kind
from uploader.cli.group import COMMANDS, load
from uploader.treatment.rule_settings import RULE_SETTINGS
from uploader.treatment.rule_tables import parse_rules
from uploader.treatment.rules import Rule

if TYPE_CHECKING:
    from pathlib import Path

PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text() for name in ("install", "migrate")}


def test_the_context_shown_for_cdk_json_is_accepted() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGES["install"], re.DOTALL)
    context = json.loads(block)["context"]
    settings = settings_from(context)
    assert settings.sites == (SiteSettings("assets/", "my-assets", {"orphans": Orphans.REPORT}),)


def test_the_outputs_shown_are_the_stacks() -> None:
    stack = "".join(path.read_text() for path in (ROOT / "asset_cleaner_cdk").rglob("*.py"))
    named = re.findall(r"^AssetCleaner\.(\w+) = ", PAGES["install"], re.MULTILINE)
    assert len(named) == 3
    for name in named:
        assert re.search(rf', f?"{name}[{{"]', stack), name


def test_the_configuration_for_asset_sync_is_valid_and_each_rule_changes_something(tmp_path: Path) -> None:
    (_, text) = re.findall(r"```toml\n(.*?)```", PAGES["migrate"], re.DOTALL)  # the first is a pattern alone
    (tmp_path / "uploader.toml").write_text(text)
    file = find_config(None, tmp_path)
    assert file is not None
    file.check({key: kind(parameter) for key, parameter in every_setting().items()})
    rules = parse_rules(tomllib.loads(text)["rules"], "docs/migrate.md").rules
    assert all(rule != Rule(match=rule.match) for rule in rules)
    assert file.settings("production")["invalidate"].value == "E2EXAMPLE"


def test_every_option_named_in_the_tables_exists() -> None:
    """In the right column, which has our own terms."""
    there = {name for command in map(load, COMMANDS) for option in command.params for name in option.opts}
    right = [line.split(" | ", 1)[1] for line in PAGES["migrate"].splitlines() if re.match(r"\| .+ \| .+ \|$", line)]
    named = {flag for cell in right for flag in re.findall(r"`(--[a-z-]+)", cell)}
    assert len(named) > 10
    assert named <= there
    rules = {name for cell in right if cell.startswith("a rule with ") for name in re.findall(r"`(\w+)`", cell)}
    assert len(rules) > 4
    assert rules <= set(RULE_SETTINGS)


def test_the_defaults_named_are_the_codes() -> None:
    for name in ("version_limit", "version_ttl", "removed_ttl"):
        default = SETTINGS[name].default
        assert f"| `{name}: {default}` | `{name}`, {default} as well" in PAGES["migrate"]


def test_the_table_of_orphans_has_every_word_and_the_default() -> None:
    before_the_steps, _, _ = PAGES["migrate"].partition("## Step by step")
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", before_the_steps, re.MULTILINE)
    assert {word for word, _ in rows} == {str(word) for word in Orphans}
    assert [word for word, said in rows if said == "the default"] == [SETTINGS["orphans"].default]
