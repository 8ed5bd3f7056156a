"""Links of the documents lead somewhere: to a file of the project, and to a heading of it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
OUTSIDE = re.compile(r"[a-z]+:|//")


@cache
def text_of(page: Path) -> str:
    """A page without its code blocks, which have no links and no headings."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


@cache
def anchors_of(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        again = found.count(anchor)
        found.append(anchor)
        if again:
            found.append(f"{anchor}-{again}")
    return frozenset(found)


def pages() -> list[Path]:
    """Every Markdown file of ours; what build tools read and wrote is theirs."""
    found = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "tests").rglob("*.md")]
    return sorted(page for page in found if not {"outputs", "projects", "node_modules"} & set(page.parts))


def links(page: Path) -> list[str]:
    """The targets of a page's links within the project."""
    text = re.sub(r"`[^`\n]*`", "", text_of(page))
    inline = re.findall(r"\]\(<?([^)>\s]+)>?\)", text)
    by_name = re.findall(r"^\[[^\]]+\]: (\S+)$", text, re.MULTILINE)
    return [target for target in inline + by_name if not OUTSIDE.match(target)]


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages()])
def test_every_link_leads_to_a_file_and_a_heading_of_it(page: Path) -> None:
    wrong = []
    for target in links(page):
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors_of(file)):
            wrong.append(target)
    assert wrong == []


def test_links_are_found() -> None:
    """Or the test above would pass for nothing."""
    found = [target for page in pages() for target in links(page)]
    assert len(found) > 50
    assert any("#" in target for target in found)


def test_the_list_of_pages_has_every_page_once() -> None:
    listed = re.findall(r"^- \[([\w-]+\.md)\]\(\1\)", (DOCS / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(page.name for page in DOCS.glob("*.md") if page.name != "README.md")


def test_the_readme_stays_short() -> None:
    """It says what this is and where to go on; the pages say the rest."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 180
