"""What a CI job shows and hands on: outputs, a summary, and an annotation for an error.

GitHub's runner names the files that it reads afterwards. For any other CI system, the job names them.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from release_log.instants import format_instant
from uploader.cli.console import readable
from uploader.cli.markdown import code
from uploader.counted import counted
from uploader.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from uploader.publishing.retiring import Retiring

SHOWN = 20
"""How many of the new files, and of those that retire, a summary names: a build may have thousands, and GitHub takes a
megabyte."""

DOTENV = {
    "release": "UPLOADER_RELEASE_ID",
    "marker": "UPLOADER_MARKER",
    "staged": "UPLOADER_STAGED",
    "digest": "UPLOADER_DIGEST",
    "uploaded": "UPLOADER_UPLOADED",
}
"""Output -> the variable of a later job, in a file of ``NAME=value``. ``activate`` and ``drop`` read the first one."""

log = logging.getLogger("uploader")


def tell_job(document: Mapping[str, Any], retires: Sequence[Retiring] | None) -> None:
    """Tell the job what was published: its outputs, and a summary for the page of the run.

    Args:
        document: The document of ``--json`` of ``upload`` or ``run``.
        retires: What the release retires; None if that is not known.
    """
    outputs = _outputs(document)
    _append("GITHUB_OUTPUT", [f"{name}={value}" for name, value in outputs.items()])
    _append("UPLOADER_DOTENV", [f"{DOTENV[name]}={value}" for name, value in outputs.items()])
    summary = list(_summary(document, retires))
    for variable in ("GITHUB_STEP_SUMMARY", "UPLOADER_SUMMARY"):
        _append(variable, summary)


def as_annotation(line: str) -> str | None:
    """An error's line as GitHub's annotation of the run; None outside GitHub Actions."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return None
    escaped = line.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::error title=uploader::{escaped}"


def _append(variable: str, lines: Sequence[str]) -> None:
    path = os.environ.get(variable)
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123 (as the runner names it)
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        log.warning("%s is not told of this release: %r: %s", variable, path, error.strerror)


def _outputs(document: Mapping[str, Any]) -> dict[str, str]:
    """Each is one line, which nothing in a release's id or a key can break."""
    texts = {name: printable(document[name] or "") for name in ("release", "marker", "staged", "digest")}
    return {**texts, "uploaded": str(document["counts"]["uploaded"])}


def _summary(document: Mapping[str, Any], retires: Sequence[Retiring] | None) -> Iterator[str]:
    counts = document["counts"]
    failed = document.get("exit_status")
    yield f"### {_title(document)}"
    yield ""
    yield "| | |"
    yield "| --- | --- |"
    yield f"| where | {code('s3://' + document['bucket'] + '/' + document['prefix'])} |"
    yield f"| channel | {code(document['channel'])} |"
    yield f"| uploaded | {counted(counts['uploaded'], 'file')}, {readable(document['bytes_uploaded'])} |"
    yield f"| unchanged | {counted(counts['unchanged'], 'file')} |"
    if retires is not None and not failed:
        yield f"| {'would retire' if _is_a_plan(document) else 'retires'} | {counted(len(retires), 'file')} |"
    yield ""
    yield from _files([entry["key"] for entry in document["uploaded"]])
    if retires and not failed:
        yield from _retirements(retires)


def _title(document: Mapping[str, Any]) -> str:
    release = code(document["release"])
    if document["dry_run"]:
        return f"Dry run of {release}"
    if document.get("exit_status"):
        return f"Not released: {release}, as its roll-out failed"
    return f"Staged {release}" if document["staged"] else f"Released {release}"


def _files(keys: Sequence[str]) -> Iterator[str]:
    if keys:
        yield "<details><summary>New files</summary>"
        yield ""
        yield from (f"- {code(key)}" for key in keys[:SHOWN])
        if len(keys) > SHOWN:
            yield f"- and {counted(len(keys) - SHOWN, 'more file')}"
        yield ""
        yield "</details>"
        yield ""


def _retirements(retires: Sequence[Retiring]) -> Iterator[str]:
    first = sorted(retires, key=lambda each: (each.until is None, each.until, each.key))
    yield "<details><summary>What retires, and how long it stays</summary>"
    yield ""
    yield "| file | | stays |"
    yield "| --- | --- | --- |"
    for each in first[:SHOWN]:
        stays = f"at least until {format_instant(each.until)}" if each.until else f"kept: {each.kept_by}"
        yield f"| {code(each.key)} | {each.state} | {stays} |"
    if len(first) > SHOWN:
        yield f"| and {counted(len(first) - SHOWN, 'more file')} | | |"
    yield ""
    yield "</details>"
    yield ""


def _is_a_plan(document: Mapping[str, Any]) -> bool:
    """Whether the release is not current, and what it would retire stays as it is."""
    return bool(document["dry_run"] or document["staged"])
