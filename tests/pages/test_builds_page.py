"""``docs/builds.md``: the code takes from a manifest exactly what the page says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT
from uploader.builds.collect import collect

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "builds.md").read_text()
ROWS = re.findall(
    r"^\| (.*) \| `([^`]+)` \| (.*) \|$", PAGE.split("| manifest | file | logical path |")[1], re.MULTILINE
)
TWO_INDEXES = {
    "cart/index.js": {"file": "assets/index-BxY_1z9Q.js", "name": "index", "src": "cart/index.js"},
    "tea/index.js": {"file": "assets/index-Bd_otbPA.js", "name": "index", "src": "tea/index.js"},
}


@pytest.mark.parametrize(("manifest", "file", "logical"), ROWS)
def test_each_row_is_so(tmp_path: Path, manifest: str, file: str, logical: str) -> None:
    """In a build of these files alone."""
    entry = re.match(r"`(\"[^`]*)`", manifest)
    entries = json.loads("{" + entry[1].replace("…", '"isEntry": true') + "}") if entry else TWO_INDEXES
    files = [file] if entry else [each["file"] for each in TWO_INDEXES.values()]
    files += re.findall(r"`([^`]+)` is there too", manifest)
    name = ".vite/manifest.json" if "name" in str(entries) else "manifest.json"
    for path in (name, *files):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(json.dumps(entries) if path == name else "")
    found = {asset.key: asset.logical for asset in collect(tmp_path, "")}
    assert found[file] == (file if logical.startswith("itself") else logical.split("`")[1])


def test_there_are_rows() -> None:
    assert len(ROWS) == PAGE.count('\n| `"') + 1
