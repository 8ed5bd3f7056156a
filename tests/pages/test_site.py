"""The site of the documents: it is built strictly, every link leads somewhere, and no page is wider than its window."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from docs.site import sources
from docs.site.__main__ import NAME, SiteError, build
from docs.site.indent import widen
from docs.site.links import problems
from docs.site.sources import places, target_of
from docs.tables.command_help import every_help
from tests.browser.chromium import Chromium, ChromiumError, find

if TYPE_CHECKING:
    from pathlib import Path

REPOSITORY = f"https://github.com/{NAME}"
LEFT_OVER = re.compile(r"```|^\s*[-*] \S|\]\(|\*\*|^\||\|$|\[\[\[|\\[*_<\[]")
"""What Markdown would leave in a page if the generator read it otherwise than GitHub does."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site") / "built"
    build(folder, NAME)
    return folder


def text_of(page: Path) -> str:
    """What a visitor reads on a page, without code."""
    (article,) = re.findall(r"<article.*?</article>", page.read_text(), re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"<(pre|code)\b.*?</\1>", "", article, flags=re.DOTALL)))


def test_every_page_of_the_repository_and_every_command_has_one(site: Path) -> None:
    pages = {page.parent.relative_to(site).as_posix() for page in site.rglob("index.html")}
    commands = {f"commands/{each.name}" for each in every_help() if each.name}
    assert len(commands) > 15
    assert pages == {page.removesuffix(".md").replace("index", ".") for page in places().values()} | commands


def test_the_page_of_a_command_has_each_option_and_is_linked_from_the_overview(site: Path) -> None:
    overview = (site / "commands" / "index.html").read_text()
    for command in every_help()[1:]:
        page = html.unescape((site / "commands" / command.name / "index.html").read_text())
        assert [each.names for each in command.options if f"<code>{each.names}</code>" not in page] == []
        assert re.search(rf'href="(\./)?{command.name}/"', overview), command.name


def test_no_page_shows_markdown(site: Path) -> None:
    shown = {
        page: [line for line in text_of(page).splitlines() if LEFT_OVER.search(line)]
        for page in site.rglob("*.html")
        if page.name == "index.html"
    }
    assert {page.parent.name: lines for page, lines in shown.items() if lines} == {}


def test_a_link_that_leads_nowhere_and_a_page_that_no_list_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = sources.pages(REPOSITORY)
    for more, said in (
        (
            {"events.md": "[gone](gone.md)\n\n[gone](policy.md#gone)\n"},
            "(?s)page does not exist.*anchor does not exist",
        ),
        ({"new.md": "# New\n"}, "lists no new.md"),
    ):
        monkeypatch.setattr(sources, "pages", lambda _, more=more: good | more)
        with pytest.raises(SiteError, match=said):
            build(tmp_path / "built", NAME)
    assert not (tmp_path / "built").exists()


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("other/", ""),
        ("other/#there", ""),
        ("#here", ""),
        (f"{REPOSITORY}/blob/main/README.md", ""),
        (f"{REPOSITORY}/releases", ""),
        ("https://example.com/", ""),
        ("gone/", "leads to no page"),
        ("../index.html", "leads to no page"),
        ("other/#gone", "leads to no heading"),
        ("#gone", "leads to no heading"),
        ("/other/", "begins at the host, and the site may lie in a folder of it"),
        (f"{REPOSITORY}/blob/main/GONE.md", "is not a file of the repository"),
        ("http://example.com/", "is not an https:// address"),
        ("https://localhost", "is not an https:// address"),
    ],
)
def test_a_link_of_the_built_site(tmp_path: Path, link: str, problem: str) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").write_text('<h2 id="there">')
    (tmp_path / "index.html").write_text(f'<h1 id="here"><a href="{link}">')
    assert problems(tmp_path, REPOSITORY) == ([f"index.html: {link}: {problem}"] if problem else [])


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<script src="https://unpkg.com/mermaid"></script><img src="index.html">')
    assert problems(tmp_path, REPOSITORY) == ["index.html: https://unpkg.com/mermaid: is loaded from elsewhere"]


@pytest.mark.parametrize(
    ("target", "file", "expected"),
    [
        ("ci.md#github-actions", "docs/install.md", "ci.md#github-actions"),
        ("docs/ci.md", "README.md", "ci.md"),
        ("../README.md#try-it", "docs/README.md", "index.md#try-it"),
        ("README.md", "docs/install.md", "documents.md"),
        ("../CHANGELOG.md", "docs/install.md", "changelog.md"),
        ("release_log/marker.schema.json", "README.md", f"{REPOSITORY}/blob/main/release_log/marker.schema.json"),
        ("../tests", "docs/install.md", f"{REPOSITORY}/tree/main/tests"),
        ("#here", "README.md", "#here"),
        ("https://example.com/", "README.md", "https://example.com/"),
    ],
)
def test_a_link_of_a_document_leads_to_the_same_place_on_the_site(target: str, file: str, expected: str) -> None:
    assert target_of(target, file, REPOSITORY) == expected


def test_lists_are_written_as_the_generator_reads_them() -> None:
    assert widen("text:\n- one\n  more\n  - in it\n- two\n") == "text:\n\n- one\n    more\n    - in it\n- two\n"
    assert widen("1. one:\n\n   ```sh\n     - code\n   ```\n   more\n2. two\n") == (
        "1. one:\n\n    ```sh\n      - code\n    ```\n    more\n\n2. two\n"
    )


def test_no_page_is_wider_than_its_window_or_asks_anybody_for_anything(site: Path) -> None:
    """On a telephone and on a large screen; code and tables scroll by themselves."""
    try:
        find()
    except ChromiumError as error:
        pytest.skip(str(error))
    with Chromium() as browser:
        try:
            page = browser.page()
        except ChromiumError as error:
            pytest.skip(f"{error}: install a Chromium, and name it by CHROMIUM")
        for width in (360, 1600):
            page.resize(width)
            for name in (".", "protocol", "commands/upload", "operate", "install"):
                page.open(site / name / "index.html")
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (width, name)
                article = page.evaluate("document.querySelector('article').getBoundingClientRect().width")
                assert article > min(300, width / 3), (width, name)
        asked = {each["request"]["url"] for each in browser.events("Network.requestWillBeSent")}
        assert {url for url in asked if not url.startswith(("file:", "data:"))} == set()
