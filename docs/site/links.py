"""The links of the built site.

Those within it are followed, to the very heading. One to a file of the repository is compared with the repository. Any
other is looked at by its form alone, as a build asks nobody on the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from docs.site.sources import ROOT

if TYPE_CHECKING:
    from pathlib import Path

NOT_FOUND = "404.html"
"""Is served at any address, so its links begin with the site's own."""

LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}


@dataclass(slots=True)
class Page(HTMLParser):
    """What a page links to, what it loads, and its anchors."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin as the parser does."""
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what the element has."""
        given = {name: value for name, value in attrs if value is not None}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") in {"canonical", "alternate", "prev", "next"}:
            return
        self.loads += [given[name] for kind, name in LOADED if kind == tag and name in given]


def problems(site: Path, repository: str) -> list[str]:
    """What is wrong with the links of a site, each with its page.

    Args:
        site: The built site.
        repository: The address of the repository.
    """
    pages = {path: _read(path) for path in sorted(site.rglob("*.html")) if path.name != NOT_FOUND}
    found = []
    for path, page in pages.items():
        for target in page.links:
            problem = _problem(site, path, target, pages, repository)
            if problem:
                found.append(f"{path.relative_to(site)}: {target}: {problem}")
        found += [
            f"{path.relative_to(site)}: {target}: is loaded from elsewhere"
            for target in page.loads
            if urlsplit(target).netloc
        ]
    return found


def _read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _problem(site: Path, path: Path, target: str, pages: dict[Path, Page], repository: str) -> str:
    parts = urlsplit(target)
    if target.startswith(f"{repository}/"):
        return _in_repository(target.removeprefix(f"{repository}/"))
    if parts.scheme or parts.netloc:
        return "" if parts.scheme in {"https", "mailto"} and "." in target else "is not an https:// address"
    if parts.path.startswith("/"):
        return "begins at the host, and the site may lie in a folder of it"
    file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    file = file / "index.html" if file.is_dir() else file
    if site.resolve() not in file.parents or not file.is_file():
        return "leads to no page"
    there = pages.get(site / file.relative_to(site.resolve())) if file != path else pages[path]
    if parts.fragment and (there is None or unquote(parts.fragment) not in there.anchors):
        return "leads to no heading"
    return ""


@cache
def _in_repository(address: str) -> str:
    """The problem with an address below the repository's own, if it is a file's."""
    kind, _, rest = urlsplit(address).path.partition("/main/")
    if kind not in {"blob", "tree"}:
        return ""  # its releases, for example
    return "" if (ROOT / rest).exists() else "is not a file of the repository"
