"""The log of a command, on standard error."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from uploader.cli.colours import failure

if TYPE_CHECKING:
    from uploader.cli.output import OutputOptions


class _Format(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return failure(line, sys.stderr) if record.levelno >= logging.ERROR else line


def log_to_stderr(output: OutputOptions) -> None:
    """Show the log; ``--verbose`` and ``--quiet`` set its level."""
    logging.raiseExceptions = False  # where standard error cannot be written, a traceback would not be read either
    level = logging.DEBUG if output.verbose else logging.ERROR if output.quiet else logging.INFO
    logger = logging.getLogger("uploader")
    logger.setLevel(level)
    handler = logging.StreamHandler()
    handler.setFormatter(_Format("uploader: %(message)s"))
    logger.handlers = [handler]
    logger.propagate = False
