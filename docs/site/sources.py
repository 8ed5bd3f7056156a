"""The pages of the site, as Markdown: those of the repository, with links as the site has them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from docs.site.indent import widen

ROOT = Path(__file__).resolve().parents[2]

OUTSIDE = re.compile(r"[a-z]+:|//")
_CODE = re.compile(r"(^ *```.*?^ *```$|`[^`\n]*`)", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"(\]\(<?)([^)>\s]+)(>?\))")
_BY_NAME = re.compile(r"^(\[[^\]]+\]: )(\S+)()$", re.MULTILINE)
_COG = re.compile(r"^ *<!-- \[\[\[.*?-->\n?", re.DOTALL | re.MULTILINE)


@cache
def places() -> dict[str, str]:
    """File of the repository -> page of the site."""
    found = {"README.md": "index.md", "docs/README.md": "documents.md"}
    found |= {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
    for path in sorted((ROOT / "docs").glob("*.md")):
        found.setdefault(f"docs/{path.name}", path.name)
    return found


def pages(repository: str) -> dict[str, str]:
    """Page of the site -> its Markdown.

    Args:
        repository: The address of the repository, for links to what is not a page.
    """
    return {page: page_of(file, repository) for file, page in places().items()}


def page_of(file: str, repository: str) -> str:
    """The Markdown of a file, as the site has it."""
    text = _COG.sub("", (ROOT / file).read_text(encoding="utf-8"))
    parts = _CODE.split(text)
    # Every second part is code, which has no links.
    parts[::2] = [_with_links(part, file, repository) for part in parts[::2]]
    return widen("".join(parts))


def _with_links(text: str, file: str, repository: str) -> str:
    def turned(link: re.Match[str]) -> str:
        return f"{link[1]}{target_of(link[2], file, repository)}{link[3]}"

    return _BY_NAME.sub(turned, _INLINE.sub(turned, text))


def target_of(target: str, file: str, repository: str) -> str:
    """Where a link of a file leads on the site: to a page, to a heading, or to the repository."""
    name, hash_, anchor = target.partition("#")
    if OUTSIDE.match(target) or not name:
        return target
    path = normpath(PurePosixPath(file).parent / name)
    page = places().get(path)
    if page is not None:
        return f"{relpath(page, PurePosixPath(places()[file]).parent)}{hash_}{anchor}"
    kind = "tree" if (ROOT / path).is_dir() else "blob"
    return f"{repository}/{kind}/main/{path}{hash_}{anchor}"


def sections() -> dict[str, list[str]]:
    """Heading of ``docs/README.md`` -> the pages that it lists, for the navigation."""
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    found = {}
    for section in text.split("\n## ")[1:]:
        title, _, rest = section.partition("\n")
        listed = re.findall(r"^- \[[^\]]+\]\(([^)]+)\)", rest, re.MULTILINE)
        found[title] = [places()[normpath(f"docs/{target}")] for target in listed]
    return found


def title_of(text: str) -> str:
    """A page's heading, up to its colon: what the navigation shows."""
    return re.sub(r"[`*]", "", text.partition("\n")[0].removeprefix("# ").partition(":")[0])
