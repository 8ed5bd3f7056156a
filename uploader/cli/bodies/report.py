"""``report``: a site at a glance, as a page or as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.cli.colours import Problem
from uploader.cli.console import answer, readable, write
from uploader.cli.report.document import document
from uploader.cli.report.markdown import markdown
from uploader.cli.report.page import page
from uploader.counted import counted
from uploader.errors import EXIT_DONE, EXIT_FAILED, UploaderError, UsageError
from uploader.library import inspection

if TYPE_CHECKING:
    from pathlib import Path

    from uploader.cli.console import Answer
    from uploader.cli.output import OutputOptions
    from uploader.library.site import Site


def report(site: Site, output: OutputOptions, *, newest: int) -> int:
    """Report on a site."""
    if output.html is None and not (output.as_markdown or output.as_json):
        msg = "say what the report becomes: --html FILE, --markdown or --json"
        raise UsageError(msg)
    if output.as_markdown and output.as_json:
        msg = "--markdown and --json both go to standard output: give one of them"
        raise UsageError(msg)
    found = document(inspection.report(site, newest=newest), site.bucket, site.prefix)
    lines: list[Answer] = []
    if output.html is not None:
        size = _write(output.html, page(found))
        lines.append(
            f"{output.html}: {counted(len(found['releases']), 'release')}, {readable(size)}; open it in a browser"
        )
    if output.as_markdown:
        write(markdown(found), done="nothing was changed")
    else:
        lines += [Problem(each) for each in found["problems"]]
        answer(output, found, lines, done="nothing was changed")
    return EXIT_FAILED if found["problems"] else EXIT_DONE


def _write(path: Path, text: str) -> int:
    """Write the page; returns its size.

    Raises:
        UploaderError: That is not possible.
    """
    body = text.encode()
    try:
        path.write_bytes(body)
    except OSError as error:
        msg = f"the page cannot be written to {path}: {error.strerror}"
        raise UploaderError(msg) from error
    return len(body)
