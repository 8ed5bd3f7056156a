"""Build the site: ``python -m docs.site FOLDER``. A link that leads nowhere fails, and so does a page in no list."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from docs.site import commands, sources
from docs.site.links import problems

CONFIGURATION = Path(__file__).with_name("zensical.toml")
STYLE = Path(__file__).with_name("site.css")
NAME = "acme/asset-cleaner"
"""The repository's name, outside GitHub Actions."""

BUILDER = (sys.executable, "-m", "zensical", "build", "--strict")


class SiteError(Exception):
    """The site is not as it should be; the message says where."""


def build(out: Path, repository: str) -> int:
    """Build the site; returns how many pages it has.

    Args:
        out: The folder to fill; its old content is deleted.
        repository: The repository's name, with its owner.

    Raises:
        SiteError: The generator complains, or a link leads nowhere.
    """
    address = f"https://github.com/{repository}"
    pages = sources.pages(address) | commands.pages()
    pages["commands.md"] = commands.with_links(pages["commands.md"])
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for page, text in pages.items():
            (folder / "pages" / page).parent.mkdir(parents=True, exist_ok=True)
            (folder / "pages" / page).write_text(text, encoding="utf-8")
        shutil.copy(STYLE, folder / "pages")
        (folder / "zensical.toml").write_text(_project(pages, repository) + CONFIGURATION.read_text(encoding="utf-8"))
        done = subprocess.run(BUILDER, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SiteError(_said(done.stderr) or done.stdout.strip())
        wrong = problems(folder / "built", address)
        if wrong:
            raise SiteError("\n".join(wrong))
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(folder / "built", out)
    return len(pages)


def _said(text: str) -> str:
    """What the generator complains about: it colours that, and ends strict mode with a traceback of its own."""
    return re.sub(r"\x1b\[[\d;]*m", "", text).partition("Traceback")[0].strip()


def _project(pages: dict[str, str], repository: str) -> str:
    """The first part of the configuration. A text, a list and a number of JSON are the same in TOML."""
    owner, _, name = repository.partition("/")
    settings = {
        "site_name": "asset-cleaner",
        "site_url": f"https://{owner}.github.io/{name}/",
        "site_description": "Upload fingerprinted assets to S3; delete the old ones when nothing live needs them.",
        "docs_dir": "pages",
        "site_dir": "built",
        "extra_css": [STYLE.name],
    }
    lines = ["[project]", *(f"{name} = {json.dumps(value)}" for name, value in settings.items())]
    listed = sources.sections()
    at_hand = [page for section in listed.values() for page in section]
    missing = pages.keys() - {*at_hand, "index.md", "documents.md", "changelog.md", *commands.pages()}
    if missing:
        msg = f"docs/README.md lists no {', '.join(sorted(missing))}"
        raise SiteError(msg)
    sections = [_entry("Start", ["index.md", "documents.md"], pages)]
    sections += [_entry(title, section, pages) for title, section in listed.items()]
    sections += [_entry("Commands", sorted(commands.pages()), pages), '{ "Changes" = "changelog.md" }']
    # Not as `repo_url`, for which each page would ask GitHub how many stars there are.
    icon = f'[[project.extra.social]]\nicon = "fontawesome/brands/github"\nlink = "https://github.com/{repository}"'
    return "\n".join([*lines, f"nav = [{', '.join(sections)}]", "", icon, "", ""])


def _entry(title: str, section: list[str], pages: dict[str, str]) -> str:
    entries = (f"{{ {json.dumps(sources.title_of(pages[page]))} = {json.dumps(page)} }}" for page in section)
    return f"{{ {json.dumps(title)} = [{', '.join(entries)}] }}"


def main() -> None:
    """Build it where the first argument says."""
    try:
        count = build(Path(sys.argv[1]), os.environ.get("GITHUB_REPOSITORY", NAME))
    except SiteError as error:
        sys.exit(f"docs.site: {error}")
    sys.stdout.write(f"{count} pages in {sys.argv[1]}\n")


if __name__ == "__main__":
    main()
