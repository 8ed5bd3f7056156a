"""The report as Markdown, for a pull request or the summary of a job. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uploader.cli.ages import age
from uploader.cli.console import readable
from uploader.cli.markdown import code, table
from uploader.counted import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHOWN = 10
"""How many entries of a list are shown: GitHub takes a comment of 65,536 characters."""

RUNS = 5
"""How many of the cleaner's runs are shown."""

LONGEST = 400
"""How much of a text from the bucket is shown."""


def markdown(report: Mapping[str, Any]) -> str:
    """The report as Markdown; the argument is its document."""
    return "\n".join(_lines(report))


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"### Site {_code('s3://' + report['bucket'] + '/' + report['prefix'])}"
    yield ""
    yield from _wrong(report)
    current = [each for each in report["releases"] if each["standing"] == "current"]
    yield from _section("Current releases", report, current)
    yield from _retiring(report)
    earlier = [each for each in report["releases"] if each["standing"] != "current"]
    yield from _section("Earlier releases", report, earlier)
    if report["largest"]:
        yield from _folded("Largest logical paths")
        rows = [
            [_code(each["logical"]), f"{each['whole']['objects']:,}", readable(each["whole"]["bytes"])]
            for each in report["largest"][:SHOWN]
        ]
        yield from table(["logical path", "versions:", "size:"], rows)
        yield from _end()
    yield from _cleaner(report["cleaner"])


def _wrong(report: Mapping[str, Any]) -> Iterator[str]:
    for name, sign in (("problems", "❌"), ("warnings", "⚠️")):
        yield from (f"- {sign} {_code(each)}" for each in report[name][:SHOWN])
        if len(report[name]) > SHOWN:
            yield f"- and {len(report[name]) - SHOWN:,} more"
    if not report["problems"]:
        yield "- ✅ nothing is wrong, as far as the release log says"
    yield ""


def _section(title: str, report: Mapping[str, Any], releases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if releases:
        yield from _folded(title, opened=title.startswith("Current"))
        columns = ["channel", "release", "commit", "published", "assets:", "size:", "new:", "retired:"]
        yield from table(columns, [_row(each, report["at"]) for each in releases[:SHOWN]])
        if len(releases) > SHOWN:
            yield ""
            yield f"and {counted(len(releases) - SHOWN, 'more release')}"
        yield from _end()


def _row(each: Mapping[str, Any], now: str) -> list[str]:
    whole, new, retired = each["whole"], each["new"], each["retired"]
    commit = each["metadata"].get("commit", "")[:12]
    return [
        _code(each["channel"]) if each["channel"] else "?",
        _code(each["release"]) + ("" if each["standing"] in {"current", "earlier"} else f" ({each['standing']})"),
        _code(commit) if commit else "",
        f"{age(each['at'], now)} ago",
        f"{whole['objects']:,}" if whole else "",
        readable(whole["bytes"]) if whole else "",
        _of(new),
        _of(retired),
    ]


def _of(amount: Mapping[str, int] | None) -> str:
    return f"{amount['objects']:,} ({readable(amount['bytes'])})" if amount else ""


def _retiring(report: Mapping[str, Any]) -> Iterator[str]:
    found = report["retiring"]
    if not found["whole"]["objects"]:
        yield "Nothing is retired" + (
            "." if report["cleaner"] else ", as far as is known: no cleaner has run here yet."
        )
        yield ""
        return
    words = [f"{counted(found['whole']['objects'], 'asset is', 'assets are')} retired"]
    words[0] += f" ({readable(found['whole']['bytes'])})"
    if found["overdue"]["objects"]:
        words.append(f"{_of(found['overdue'])} overdue")
    if len(found["steps"]) > 1:
        words.append(f"the last that falls due goes at {found['steps'][-1]['at']}")
    words += [f"{_of(each)} kept by {_code(each['by'])}" for each in found["kept"]]
    yield "; ".join(words) + "."
    yield ""


def _cleaner(cleaner: Mapping[str, Any] | None) -> Iterator[str]:
    if cleaner is None or not (run := cleaner["last_run"]):
        yield "No cleaner has run here yet." if cleaner is None else "The cleaner's first run is under way."
        return
    counts = ", ".join(f"{_code(name)} {count:,}" for name, count in run["counts"].items())
    yield f"The cleaner's last run that changed anything, at {_code(run['at'] or '?')}: {counts}."
    if len(cleaner["runs"]) > 1:
        yield ""
        yield from _folded("The cleaner's last runs")
        columns = ["at", "took:", "tagged:", "untagged:", "deleted:", "bytes:", "failed:", "stopped by"]
        yield from table(columns, [_run(each) for each in cleaner["runs"][:RUNS]])
        yield from _end()


def _run(each: Mapping[str, Any]) -> list[str]:
    counts = (f"{each[name]:,}" for name in ("tagged", "untagged", "deleted"))
    stops = [*map(_code, each["stopped_by"]), *(["ran out of time"] if each["unfinished"] else [])]
    took, size = f"{each['seconds']:,} s" if each["seconds"] else "under 1 s", readable(each["bytes_deleted"])
    return [_code(each["at"]), took, *counts, size, f"{each['failed']:,}", ", ".join(stops)]


def _folded(title: str, *, opened: bool = False) -> Iterator[str]:
    yield f"<details{' open' if opened else ''}><summary>{title}</summary>"
    yield ""


def _end() -> Iterator[str]:
    yield ""
    yield "</details>"
    yield ""


def _code(text: str) -> str:
    return code(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")
