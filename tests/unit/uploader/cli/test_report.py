"""The report as a page and as Markdown: what comes from the bucket is text in both."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser import sites
from uploader.cli.bodies import report as body
from uploader.cli.output import OutputOptions
from uploader.cli.report.markdown import markdown
from uploader.cli.report.page import page
from uploader.errors import UploaderError, UsageError
from uploader.library import inspection
from uploader.library.site import Site

SMALL, EMPTY = sites.small(), sites.empty()


def data(text: str) -> dict[str, Any]:
    """The data in a page."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    document: dict[str, Any] = json.loads(found)
    return document


def test_nothing_from_the_bucket_is_markup() -> None:
    text = page(SMALL)
    assert text.count("</script>") == 3
    assert "<img" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "{{" not in re.sub(r'<script type="application/json".*?</script>', "", text).replace(sites.HOSTILE, "")[:200]
    assert r"\u202e\x1b[2J${7*7}{{data}}" in data(text)["releases"][0]["name"]


def test_the_policy_allows_the_pages_own_scripts_and_styles_and_no_others() -> None:
    text = page(SMALL)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for name, pattern in (("script-src", "<script>(.*?)</script>"), ("style-src", "<style>(.*?)</style>")):
        parts = re.findall(pattern, text, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in parts]
        assert rules[name].split() == [f"'sha256-{each}'" for each in digests]
    assert "unsafe" not in policy


def test_the_licence_of_the_charts_is_in_the_page() -> None:
    assert "Copyright (c) 2022 Leon Sorokin" in page(EMPTY)


def test_the_charts_library_is_as_its_package_has_it() -> None:
    """uPlot 1.6.32's `dist/uPlot.iife.min.js` and `dist/uPlot.min.css`."""
    parts = Path(inspection.__file__).parents[1] / "cli" / "report" / "parts"
    found = {name: hashlib.sha256((parts / name).read_bytes()).hexdigest()[:16] for name in ("uPlot.js", "uPlot.css")}
    assert found == {"uPlot.js": "19c8d4c6ad88929a", "uPlot.css": "df630c6a8d6f8eea"}


def test_markdown_has_no_markup_from_the_bucket_either() -> None:
    text = markdown(SMALL)
    outside = re.sub(r"`+[^`]*`+", "", text)
    assert "script" not in outside
    assert "<img" not in outside
    assert "\x1b" not in text
    assert len(text) < 65_536, "GitHub takes no longer comment"


def test_each_row_of_a_table_of_the_markdown_is_whole() -> None:
    blocks = re.findall(r"(?:^\|.*\n)+", markdown(SMALL), re.MULTILINE)
    assert len(blocks) == 4
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block


def test_a_site_without_releases() -> None:
    text = markdown(EMPTY)
    assert "nothing is wrong" in text
    assert "no cleaner has run here yet" in text


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (OutputOptions(), "say what the report becomes: --html FILE, --markdown or --json"),
        (OutputOptions(as_json=True, as_markdown=True), "give one of them"),
    ],
)
def test_what_it_becomes_must_be_said(output: OutputOptions, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        body.report(Site(bucket="b"), output, newest=1)


def test_a_page_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "report", lambda *_, **__: None)
    monkeypatch.setattr(body, "document", lambda *_: EMPTY)
    file = tmp_path / "missing" / "site.html"
    with pytest.raises(UploaderError, match=re.escape(f"cannot be written to {file}: No such file")):
        body.report(Site(bucket="b"), OutputOptions(html=file), newest=1)
