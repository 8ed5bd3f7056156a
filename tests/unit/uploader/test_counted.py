"""A number with its noun, and no message that counts without it."""

from __future__ import annotations

import re

import pytest

from tests.paths import ROOT
from uploader.counted import all_of, counted


def test_one_is_singular_and_everything_else_plural() -> None:
    assert [counted(number, "file") for number in (0, 1, 2, 3011)] == ["0 files", "1 file", "2 files", "3,011 files"]
    assert [counted(number, "file was", "files were") for number in (1, 2)] == ["1 file was", "2 files were"]
    assert [all_of(number, "asset") for number in (0, 1, 3011)] == ["all 0 assets", "the one asset", "all 3,011 assets"]


@pytest.mark.parametrize("file", sorted((ROOT / "uploader").rglob("*.py")), ids=lambda file: file.stem)
def test_what_is_counted_goes_through_it(file: object) -> None:
    """A number in a message with a plural noun right behind it would be wrong for one."""
    nouns = "assets?|files?|releases?|bytes|keys|maps|objects|paths|rules|markers|entries|versions"
    found = re.findall(rf"(?:%d|\{{(?:len\(|counts\[)[^{{}}]*\}}) (?:{nouns})\b[^\n]*", file.read_text())  # type: ignore[attr-defined]
    assert [line for line in found if "more than" not in line] == []
