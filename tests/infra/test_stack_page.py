"""docs/stack.md: every setting with its default, and examples that are accepted."""

from __future__ import annotations

import json
import re
from dataclasses import fields

from infra.settings.stack import OWN, SiteSettings, StackSettings, settings_from
from tests.synthesis import ROOT

PAGE = (ROOT / "docs" / "stack.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \|(.*?)\|", PAGE, re.MULTILINE))


def test_every_setting_is_there_and_no_other() -> None:
    assert ROWS.keys() == set(OWN)


def test_the_defaults_are_the_stacks() -> None:
    defaults = StackSettings()
    said = {name: cell.strip("` ") for name, cell in ROWS.items() if cell.strip()}
    expected = {
        field.name: str(value).lower() if isinstance(value, bool) else str(value)
        for field in fields(StackSettings)
        if (value := getattr(defaults, field.name)) not in (None, (), {}) and field.name != "sites"
    }
    assert said == expected | {"prefix": SiteSettings().prefix}


def test_the_sites_shown_are_accepted() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    settings = settings_from(json.loads(block)["context"])
    assert [(site.prefix, site.bucket, site.policy["version_limit"]) for site in settings.sites] == [
        ("shop/", None, 3),
        ("blog/", None, 1),
        ("assets/", "my-assets", 3),
    ]
