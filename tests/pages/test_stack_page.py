"""The examples of docs/stack.md are accepted."""

from __future__ import annotations

import json
import re

from infra.settings.stack import settings_from
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "stack.md").read_text()


def test_the_sites_shown_are_accepted() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    settings = settings_from(json.loads(block)["context"])
    assert [(site.prefix, site.bucket, site.policy["version_limit"]) for site in settings.sites] == [
        ("shop/", None, 3),
        ("blog/", None, 1),
        ("assets/", "my-assets", 3),
    ]
