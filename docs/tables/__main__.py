"""Write the tables of every page, the inputs of the CI jobs, the schema, and the manual pages.

With ``--check``, say which of them is not up to date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cogapp import Cog

from docs.tables import config_schema, manual

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "tests" / "SCENARIOS.md",
    ROOT / "action.yml",
    ROOT / "templates" / "publish.yml",
]
MODULES = [path.stem for path in sorted(Path(__file__).parent.glob("[!_]*.py")) if path.stem != "markdown"]
"""The modules of this package that a page can name."""


def write(*, check: bool = False) -> int:
    """Generate the tables of every page.

    Args:
        check: Change nothing, but fail if a page would change.

    Returns:
        The exit status: 0 if all went well, and with `check` if every page is up to date.
    """
    options = ["-P", "-p", f"from docs.tables import {', '.join(MODULES)}", "-n", "utf-8", "--verbosity=1"]
    options += ["--check", "--diff", "--check-fail-msg=run `make format`"] if check else ["-r"]
    status: int = Cog().main(["cog", *options, *map(str, PAGES)])
    return write_files(check=check) or status


def write_files(*, check: bool) -> int:
    """Generate the schema of the configuration file, and the manual pages; as `write`."""
    made = {config_schema.FILE: config_schema.text()}
    made |= {path: page.encode() for path, page in manual.pages().items()}
    outdated = [path for path, body in made.items() if not path.exists() or path.read_bytes() != body]
    gone = [path for path in manual.FOLDER.glob("*") if path not in made]  # the page of a command that is no more
    if check:
        for path in (*outdated, *gone):
            sys.stderr.write(f"{path} is not as it is generated: run `make format`\n")
        return 1 if outdated or gone else 0
    manual.FOLDER.mkdir(exist_ok=True)
    for path in outdated:
        path.write_bytes(made[path])
    for path in gone:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(write(check="--check" in sys.argv))
