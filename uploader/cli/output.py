"""How a command prints: the options that all commands have for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """How a command prints its answer and its log.

    Attributes:
        as_json: The answer is one JSON document.
        quiet: Print errors only, and the JSON document if `as_json`.
        verbose: Log more, such as every file.
        show_all: Print every entry of a list that may be very long.
        as_markdown: The answer is Markdown.
        html: The file into which the answer is written as a page; None: it is not.
    """

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    show_all: bool = False
    as_markdown: bool = False
    html: Path | None = None
