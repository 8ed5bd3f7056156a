"""The cleaner's answer for people: a table, a summary, and whether somebody has to act. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uploader.cli.ages import age
from uploader.cli.colours import Problem
from uploader.cli.console import readable
from uploader.cli.table import Table
from uploader.counted import counted
from uploader.errors import EXIT_DONE, EXIT_FAILED
from uploader.history.stops import PASSING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from uploader.cli.console import Answer

COLUMNS = ("action", "asset", "state", "since", "ago", "reason", "due")

LATER_SHOWN = 20
"""How many of the assets that fall due later are shown: there may be as many as the site has."""

Row = tuple[str, str, str, str, str, str, str]


def needs(document: Mapping[str, Any]) -> list[str]:
    """The problems that somebody has to solve; empty if the cleaner continues by itself."""
    found = []
    if document["failed"]:
        found.append(f"{document['counts']['failed']} failed")
    if document["missing"]:
        found.append(
            counted(len(document["missing"]), "asset of current releases is", "assets of current releases are")
            + " missing"
        )
    if document.get("wake_up_error"):  # an older cleaner has no such field
        found.append("the next wake-up could not be set")
    found += [f"stopped by {stop['reason']}" for stop in document["stopped_by"] if stop["reason"] not in PASSING]
    return found


def exit_code(document: Mapping[str, Any]) -> int:
    """Failed if somebody has to act, under a dry run too: the real run would end the same way."""
    return EXIT_FAILED if needs(document) else EXIT_DONE


def text(document: Mapping[str, Any], where: str) -> list[Answer]:
    """The answer for people.

    Args:
        document: The cleaner's answer.
        where: The site, as ``s3://bucket/prefix``.
    """
    rows = list(_rows(document))
    summary: list[Answer] = list(_summary(document, where))
    return [Table(COLUMNS, rows), "", *summary] if rows else summary


def _rows(document: Mapping[str, Any]) -> Iterator[Row]:
    """Failures and missing assets first, then the actions, then the assets that fall due later, soonest first."""
    at = document["at"]
    for entry in document["failed"]:
        yield _row(Problem("failed"), entry, at, entry["error"])
    for entry in document.get("set_aside", ()):  # an older cleaner's answer has none
        yield ("set aside", entry["key"], "", "", "", entry["message"], "")
    for prefix in document.get("inner_sites", ()):  # as above
        yield ("left alone", prefix, "", "", "", "a site of its own: its assets are not this site's", "")
    for key in document["missing"]:
        yield (Problem("missing"), key, "", "", "", "a current release names it", "")
    for action, done in (("delete", "deleted"), ("untag", "untagged"), ("tag", "tagged")):
        for entry in document[action]:
            yield _row(f"would {action}" if document["dry_run"] else done, entry, at)
    for entry in _later(document)[:LATER_SHOWN]:
        yield _row("later", entry, at)


def _row(action: str, entry: Mapping[str, Any], at: str, reason: str | None = None) -> Row:
    since = entry["since"] or ""
    return (
        action,
        entry["key"],
        entry["state"] or "",
        since,
        since and age(since, at),
        reason or entry["reason"],
        entry.get("due") or "",
    )


def what_stops(stop: Mapping[str, Any]) -> str:
    """What a reason of ``stopped_by`` holds up. An older cleaner names no channel."""
    if stop.get("reason") == "adoption":
        return "no orphan is retired"
    return f"nothing of channel {stop['channel']} is deleted" if stop.get("channel") else "nothing is deleted"


def _later(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return sorted(document["upcoming"], key=lambda entry: (entry["due"], entry["key"]))


def _ends(document: Mapping[str, Any]) -> Iterator[str]:
    """What has ended, and when the site does. An older cleaner has neither field."""
    if document.get("ended"):
        yield f"ended: {', '.join(document['ended'])}"
    if document.get("ends_at"):
        yield f"the site ends at {document['ends_at']} by site_ttl, unless something is published before"


def _summary(document: Mapping[str, Any], where: str) -> Iterator[str]:
    counts, size = document["counts"], readable(document["bytes_deleted"])
    if document["dry_run"]:
        yield (
            f"{where}: would delete {counts['delete']} ({size}), untag {counts['untag']}, tag {counts['tag']}, "
            f"keep {counts['keep']}; nothing was changed"
        )
    else:
        yield (
            f"{where}: deleted {counts['delete']} ({size}), untagged {counts['untag']}, tagged {counts['tag']}, "
            f"kept {counts['keep']}"
        )
    if document["orphans"] is not None:
        yield counted(document["orphans"], "asset of no known release", "assets of no known release")
    if document.get("untagged_orphans"):  # an older cleaner has no such field
        none = counted(document["untagged_orphans"], "retired orphan gets no tag", "retired orphans get no tags")
        yield f"{none}, as there are more than orphan_tags: if the ledger is lost, their time begins again"
    later = len(document["upcoming"])
    if later > LATER_SHOWN:
        yield f"{counted(later - LATER_SHOWN, 'more falls', 'more fall')} due later: --json lists them all"
    for stop in document["stopped_by"]:
        line = f"{what_stops(stop)} ({stop['reason']}): {stop['message']}"
        yield line if stop["reason"] in PASSING else Problem(line)
    yield from _ends(document)
    if document.get("wake_up_error"):
        yield Problem(f"the next wake-up could not be set: {document['wake_up_error']}")
    if document["unfinished"]:
        yield "ran out of time; the cleaner continues by itself"
    if document["truncated"]:
        yield "the lists are cut to Lambda's answer limit; the counts are complete, and the log has every list"
    if document["next_due"]:
        yield f"next due: {document['next_due']}"
