"""The examples of docs/stack.md are accepted."""

from __future__ import annotations

import json
import re

from asset_cleaner_cdk.settings.stack import settings_from
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "stack.md").read_text()


def test_the_sites_shown_are_accepted() -> None:
    block, by_pattern = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    settings = settings_from(json.loads(block)["context"])
    assert [(site.prefix, site.bucket, site.policy["version_limit"]) for site in settings.sites] == [
        ("shop/", None, 3),
        ("blog/", None, 1),
        ("assets/", "my-assets", 3),
    ]
    settings = settings_from(json.loads(by_pattern)["context"])
    assert [(site.prefix, dict(site.policy)) for site in settings.sites] == [
        ("assets/", {}),
        ("previews/*/", {"removed_ttl": 3600, "site_ttl": 1_209_600}),
    ]
