"""What a job of GitHub Actions shows and hands on: outputs, a summary, and an annotation for an error.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from uploader.cli.console import readable
from uploader.counted import counted
from uploader.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHOWN = 20
"""How many of the new files a summary names: a build may have thousands, and GitHub takes a megabyte."""

log = logging.getLogger("uploader")


def tell_job(document: Mapping[str, Any]) -> None:
    """Tell the job what was published: its outputs, and a summary for the page of the run.

    Args:
        document: The document of ``--json`` of ``upload`` or ``run``.
    """
    _append("GITHUB_OUTPUT", _outputs(document))
    _append("GITHUB_STEP_SUMMARY", _summary(document))


def as_annotation(line: str) -> str | None:
    """An error's line as GitHub's annotation of the run; None outside GitHub Actions."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return None
    escaped = line.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::error title=uploader::{escaped}"


def _append(variable: str, lines: Iterator[str]) -> None:
    path = os.environ.get(variable)
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123 (as the runner names it)
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        log.warning("%s is not told of this release: %r: %s", variable, path, error.strerror)


def _outputs(document: Mapping[str, Any]) -> Iterator[str]:
    """Each is one line, which nothing in a release's id or a key can break."""
    for name in ("release", "marker", "staged", "digest"):
        yield f"{name}={printable(document[name] or '')}"
    yield f"uploaded={document['counts']['uploaded']}"


def _summary(document: Mapping[str, Any]) -> Iterator[str]:
    counts = document["counts"]
    yield f"### {_title(document)}"
    yield ""
    yield "| | |"
    yield "| --- | --- |"
    yield f"| where | {_code('s3://' + document['bucket'] + '/' + document['prefix'])} |"
    yield f"| channel | {_code(document['channel'])} |"
    yield f"| uploaded | {counted(counts['uploaded'], 'file')}, {readable(document['bytes_uploaded'])} |"
    yield f"| unchanged | {counted(counts['unchanged'], 'file')} |"
    yield ""
    yield from _files([entry["key"] for entry in document["uploaded"]])


def _title(document: Mapping[str, Any]) -> str:
    release = _code(document["release"])
    if document["dry_run"]:
        return f"Dry run of {release}"
    if document.get("exit_status"):
        return f"Not released: {release}, as its roll-out failed"
    return f"Staged {release}" if document["staged"] else f"Released {release}"


def _files(keys: Sequence[str]) -> Iterator[str]:
    if keys:
        yield "<details><summary>New files</summary>"
        yield ""
        yield from (f"- {_code(key)}" for key in keys[:SHOWN])
        if len(keys) > SHOWN:
            yield f"- and {counted(len(keys) - SHOWN, 'more file')}"
        yield ""
        yield "</details>"
        yield ""


def _code(text: str) -> str:
    """A text in which nothing is Markdown or HTML."""
    shown = printable(text).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in _ticks(shown)), default=0))
    return f"{fence} {shown} {fence}" if "`" in shown else f"`{shown}`"


def _ticks(text: str) -> list[str]:
    return "".join(each if each == "`" else " " for each in text).split()
