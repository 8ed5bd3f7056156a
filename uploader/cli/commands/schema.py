"""``schema``: the JSON Schema of ``uploader.toml``, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from uploader import about
from uploader.cli.console import write
from uploader.cli.group import WithHelp
from uploader.errors import EXIT_STATUS

SCHEMA = Path(about.__file__).with_name("uploader.schema.json")


@click.command(cls=WithHelp, epilog=EXIT_STATUS)
def schema() -> None:
    """Print the JSON Schema of uploader.toml, by which an editor completes and checks it.

    \b
    Example:
      python -m uploader schema > uploader.schema.json
    """
    write(SCHEMA.read_text(encoding="utf-8").rstrip("\n"), done="nothing was done")
