"""Write the tables of every page, and the schema; with ``--check``, say which of them is not up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from cogapp import Cog

from docs.tables import config_schema

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "tests" / "SCENARIOS.md",
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
    return write_schema(check=check) or status


def write_schema(*, check: bool) -> int:
    """Generate the schema of the configuration file; as `write`."""
    schema = config_schema.text()
    if not check:
        config_schema.FILE.write_bytes(schema)
        return 0
    if config_schema.FILE.read_bytes() == schema:
        return 0
    sys.stderr.write(f"{config_schema.FILE} is not as it is generated: run `make format`\n")
    return 1


if __name__ == "__main__":
    sys.exit(write(check="--check" in sys.argv))
