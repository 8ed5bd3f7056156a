"""``status``: what is current, what is retired and when it goes, and what the cleaner did last."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from release_log.instants import format_instant
from uploader.cli.ages import age
from uploader.cli.cleaner_answer import what_stops
from uploader.cli.colours import Caution, Problem
from uploader.cli.console import answer, readable
from uploader.cli.table import Table
from uploader.counted import counted
from uploader.errors import EXIT_DONE, EXIT_FAILED
from uploader.library import inspection

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from release_log.ledger_view import LedgerView, RetiredAsset
    from uploader.cli.console import Answer
    from uploader.cli.output import OutputOptions
    from uploader.history.release import LoggedRelease
    from uploader.library.site import Site
    from uploader.operations.status import Status, Waiting

SHOWN = 20
"""How many entries of a list are shown without ``--all``: a site can have thousands of retired assets."""

RUN = (
    *("at", "run", "counts", "bytes_deleted", "orphans", "adoption", "stopped_by", "unfinished", "next_due"),
    *("ends_at", "policy"),
)
"""What is told of the cleaner's last run."""

DONE = {"delete": "deleted", "keep": "kept", "tag": "tagged", "untag": "untagged"}
"""The counts of a run, for people."""


def status(site: Site, output: OutputOptions) -> int:
    """Show a site's state, from its release log."""
    now = datetime.now(UTC)
    found = inspection.status(site, now=now)
    document = {
        "bucket": site.bucket,
        "prefix": site.prefix,
        "at": format_instant(now),
        "current": [_current(each, found) for each in found.current.releases.values()],
        "ended": [
            {"channel": channel, "release": each.id, "at": format_instant(each.at)}
            for channel, each in found.current.ended.items()
        ],
        "unseen": list(found.current.unseen),
        "pending": [_waiting(each) for each in found.pending],
        "staged": [_waiting(each) for each in found.staged],
        "retired": [_retired(each) for each in _by_due(found.ledger.retired if found.ledger else ())],
        "cleaner": found.ledger and _cleaner(found.ledger),
        "problems": list(found.problems),
        "passed_over": list(found.passed_over),
        "warnings": list(found.warnings),
    }
    answer(output, document, _text(document, site, None if output.show_all else SHOWN), done="nothing was written")
    return EXIT_FAILED if found.problems else EXIT_DONE


def _current(each: LoggedRelease, found: Status) -> dict[str, Any]:
    return {
        "channel": each.release.channel,
        "release": each.id,
        "name": each.release.release,
        "at": format_instant(each.at),
        "metadata": dict(each.release.metadata),
        "assets": len(each.release.assets),
        "bytes": sum(asset.size for asset in each.release.assets.values()),
        "seen": each.id not in found.current.unseen,
    }


def _waiting(each: Waiting) -> dict[str, Any]:
    return {
        "release": each.id,
        "channel": each.channel,
        "since": format_instant(each.since),
        "until": format_instant(each.until),
        "assets": each.assets,
    }


def _by_due(retired: Iterable[RetiredAsset]) -> list[RetiredAsset]:
    """What goes first, first; what stays, last."""
    return sorted(retired, key=lambda each: (each.due is None, each.due or each.since, each.key))


def _retired(each: RetiredAsset) -> dict[str, Any]:
    return {
        "key": each.key,
        "logical": each.logical,
        "state": each.state,
        "since": format_instant(each.since),
        "size": each.size,
        "release": each.release or None,
        "due": each.due and format_instant(each.due),
        "kept_by": each.kept_by,
    }


def _cleaner(ledger: LedgerView) -> dict[str, Any]:
    return {
        "last_run": {name: ledger.last_run.get(name) for name in RUN} if ledger.last_run else None,
        "listed_at": ledger.listed_at and format_instant(ledger.listed_at),
        "rebuilding": ledger.rebuilding,
        "deleting": len(ledger.deleting.keys) if ledger.deleting else 0,
    }


def _text(document: dict[str, Any], site: Site, most: int | None) -> list[Answer]:
    parts: list[Sequence[Answer]] = [
        [f"{site.url} at {document['at']}"],
        *([Problem(each)] for each in document["problems"]),
        *([Caution(each)] for each in document["warnings"]),
        _current_lines(document),
    ]
    for name, what in (("pending", "being uploaded"), ("staged", "staged")):
        if document[name]:
            rows = [(e["release"], e["channel"], str(e["assets"]), e["since"], e["until"]) for e in document[name]]
            parts.append([Table((what, "channel", "assets", "since", "expires"), rows[:most]), *_rest(rows, most)])
    odd = [f"passed over, as no release can name it: {key}" for key in document["passed_over"]]
    parts += [[*odd[:most], *_rest(odd, most)], _retired_lines(document, most), _cleaner_lines(document)]
    return [line for part in parts if part for line in (*part, "")][:-1]


def _rest(entries: Sequence[object], most: int | None) -> list[Answer]:
    """The line about the entries that are not shown, if there are any."""
    left = 0 if most is None else len(entries) - most
    return [f"{left:,} more: --all shows them"] if left > 0 else []


def _current_lines(document: dict[str, Any]) -> list[Answer]:
    ended = ", ".join(f"{each['channel']} (at {each['at']})" for each in document["ended"])
    if not document["current"]:
        return [f"nothing is current: {f'ended: {ended}' if ended else 'no release has been published yet'}"]
    rows = [
        (
            each["channel"],
            each["release"],
            each["at"],
            each["metadata"].get("branch", ""),
            str(each["assets"]),
            readable(each["bytes"]),
        )
        for each in document["current"]
    ]
    lines: list[Answer] = [Table(("channel", "current", "since", "branch", "assets", "size"), rows)]
    if ended:
        lines.append(f"ended: {ended}")
    if document["cleaner"] and document["unseen"]:
        lines.append(f"the cleaner has not seen {', '.join(document['unseen'])} yet")
    return lines


def _retired_lines(document: dict[str, Any], most: int | None) -> list[Answer]:
    now, retired = document["at"], document["retired"]
    if not retired:
        return ["nothing is retired" + ("" if document["cleaner"] else ", as far as is known")]
    rows = [
        (each["key"], each["state"], each["since"], age(each["since"], now), readable(each["size"]), _fate(each, now))
        for each in retired[:most]
    ]
    return [
        _retired_summary(retired, now),
        Table(("asset", "state", "since", "ago", "size", "due"), rows),
        *_rest(retired, most),
    ]


def _retired_summary(retired: Sequence[dict[str, Any]], now: str) -> str:
    """How many assets are retired, and what becomes of them."""
    fates = Counter(_becomes(each, now) for each in retired)
    size = readable(sum(each["size"] for each in retired))
    return f"{len(retired):,} retired, {size}: {', '.join(f'{number:,} {fate}' for fate, number in fates.items())}"


def _becomes(each: dict[str, Any], now: str) -> str:
    if each["due"]:
        return "overdue" if _is_overdue(each, now) else "due later"
    return "kept" if each["kept_by"] else "not looked at yet"


def _is_overdue(each: dict[str, Any], now: str) -> bool:
    return bool(each["due"] < now)  # instants of one form sort as texts


def _fate(each: dict[str, Any], now: str) -> str:
    if each["due"]:
        return Problem(f"{each['due']} (overdue)") if _is_overdue(each, now) else each["due"]
    return f"kept ({each['kept_by']})" if each["kept_by"] else "known after the cleaner's next run"


def _cleaner_lines(document: dict[str, Any]) -> list[Answer]:
    cleaner = document["cleaner"]
    if cleaner is None:
        return ["no cleaner has run here yet"]
    run = cleaner["last_run"]
    if run is None:
        return ["the cleaner's first run is under way"]
    counts = ", ".join(f"{count} {DONE.get(name, name)}" for name, count in (run["counts"] or {}).items())
    size = readable(run["bytes_deleted"] or 0)
    lines: list[Answer] = [f"the cleaner's last run that changed anything, at {run['at']}: {counts} ({size} deleted)"]
    lines += [Problem(f"{what_stops(stop)}: {stop['message']}") for stop in run["stopped_by"] or ()]
    if cleaner["deleting"]:
        lines.append(f"a run is deleting {counted(cleaner['deleting'], 'file')}, or was when it ended")
    lines.append(f"it comes back at {run['next_due'] or 'the next release'}; last full listing {cleaner['listed_at']}")
    if run["ends_at"]:
        lines.append(f"the site ends at {run['ends_at']} by site_ttl, unless something is published before")
    if run["policy"]:
        lines.append("policy: " + ", ".join(f"{name} {value}" for name, value in run["policy"].items() if value != ""))
    return lines
