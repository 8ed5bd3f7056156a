"""``docs/library.md`` names everything that a program can import and set."""

from __future__ import annotations

import re
from dataclasses import fields

import uploader
from tests.paths import ROOT
from uploader import BuildOptions, Published, Site

NAMED = set(re.findall(r"`(\w+)[`(]", (ROOT / "docs" / "library.md").read_text()))
FOR_MESSAGES = {"who", "rules_source"}
"""Fields that the command line sets for its own error messages."""


def test_every_public_name_is_named() -> None:
    assert set(uploader.__all__) <= NAMED


def test_every_field_is_named() -> None:
    assert {field.name for each in (Site, BuildOptions, Published) for field in fields(each)} - FOR_MESSAGES <= NAMED
