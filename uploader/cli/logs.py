"""The log of a command, on standard error."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from uploader.cli.colours import Caution, Problem, shaded
from uploader.printable import printable

if TYPE_CHECKING:
    from uploader.cli.output import OutputOptions


class _Format(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        lines = [f"uploader: {record.getMessage()}"] if record.msg or not record.exc_info else []
        if record.exc_info:
            lines += self.formatException(record.exc_info).splitlines()
        line = "\n".join(map(printable, lines))
        if record.levelno >= logging.ERROR:
            from uploader.cli.ci_job import as_annotation  # noqa: PLC0415 (hardly a command has an error in its log)

            line = as_annotation(line.removeprefix("uploader: ")) or line
        shade = Problem if record.levelno >= logging.ERROR else Caution if record.levelno >= logging.WARNING else str
        return shaded(shade(line), line, sys.stderr)


def log_to_stderr(output: OutputOptions) -> None:
    """Show the log; ``--verbose`` and ``--quiet`` set its level."""
    logging.raiseExceptions = False  # where standard error cannot be written, a traceback would not be read either
    level = logging.DEBUG if output.verbose else logging.ERROR if output.quiet else logging.INFO
    logger = logging.getLogger("uploader")
    logger.setLevel(level)
    handler = logging.StreamHandler()
    handler.setFormatter(_Format())
    logger.handlers = [handler]
    logger.propagate = False
