"""The report as one document: what ``--json`` prints, the page shows and the Markdown says. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from release_log.instants import format_instant
from uploader.cli.cleaner_answer import what_stops
from uploader.history.stops import PASSING, stops_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from release_log.ledger_view import LedgerView
    from release_log.run_record import RunRecord
    from uploader.operations.report.amount import Amount
    from uploader.operations.report.read import SiteReport
    from uploader.operations.report.retiring import Retiring
    from uploader.operations.report.timeline import Published
    from uploader.operations.status import Waiting


def document(report: SiteReport, bucket: str, prefix: str) -> dict[str, Any]:
    """The document of a report.

    Args:
        report: The report.
        bucket: The site's bucket.
        prefix: The site's prefix.
    """
    status = report.status
    run = last_run(status.ledger)
    return {
        "bucket": bucket,
        "prefix": prefix,
        "at": format_instant(report.at),
        "problems": [*status.problems, *(stop["text"] for stop in run["stopped_by"] if not stop["passes"])]
        if run
        else list(status.problems),
        "warnings": [*status.warnings, *filter(None, [report.unseen])],
        "releases": [_release(each) for each in report.releases],
        "waiting": [*_waiting("being uploaded", status.pending), *_waiting("staged", status.staged)],
        "retiring": _retiring(report.retiring),
        "ages": [
            {"age": each.age, "current": _amount(each.current), "retired": _amount(each.retired)}
            for each in report.ages
        ],
        "largest": [
            {"logical": each.logical, "whole": _amount(each.whole), "current": _amount(each.current)}
            for each in report.largest
        ],
        "cleaner": None
        if status.ledger is None
        else {
            "listed_at": status.ledger.listed_at and format_instant(status.ledger.listed_at),
            "deleting": len(status.ledger.deleting.keys) if status.ledger.deleting else 0,
            "last_run": run,
            "runs": [_run(each) for each in status.ledger.runs],
        },
    }


def last_run(ledger: LedgerView | None) -> dict[str, Any] | None:
    """The cleaner's last run that changed anything, as far as the ledger has it in the form that is expected."""
    run = ledger.last_run if ledger else None
    if not run:
        return None
    counts, size = run.get("counts"), run.get("bytes_deleted")
    return {
        "at": _text(run.get("at")),
        "run": _text(run.get("run")),
        "counts": {str(name): count for name, count in counts.items() if isinstance(count, int)}
        if isinstance(counts, dict)
        else {},
        "bytes_deleted": size if isinstance(size, int) else 0,
        "stopped_by": [_stop(each) for each in stops_of(run)],
        "unfinished": run.get("unfinished") is True,
        "next_due": _text(run.get("next_due")),
        "ends_at": _text(run.get("ends_at")),
    }


def _run(run: RunRecord) -> dict[str, Any]:
    return {**asdict(run), "at": format_instant(run.at), "stopped_by": list(run.stopped_by)}


def _stop(stop: Mapping[str, Any]) -> dict[str, Any]:
    text = f"{what_stops(stop)} ({_text(stop.get('reason'))}): {_text(stop.get('message'))}"
    return {"text": text, "passes": stop.get("reason") in PASSING}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _amount(amount: Amount) -> dict[str, int]:
    return {"objects": amount.objects, "bytes": amount.size}


def _release(each: Published) -> dict[str, Any]:
    return {
        "release": each.id,
        "name": each.name,
        "channel": each.channel,
        "at": format_instant(each.at),
        "standing": each.standing,
        "metadata": dict(each.metadata),
        **{
            name: amount and _amount(amount)
            for name, amount in (("whole", each.whole), ("new", each.new), ("retired", each.retired))
        },
    }


def _waiting(what: str, found: Iterable[Waiting]) -> list[dict[str, Any]]:
    return [
        {
            "release": each.id,
            "channel": each.channel,
            "what": what,
            "since": format_instant(each.since),
            "until": format_instant(each.until),
            "assets": each.assets,
        }
        for each in found
    ]


def _retiring(found: Retiring) -> dict[str, Any]:
    return {
        "whole": _amount(found.whole),
        "overdue": _amount(found.overdue),
        "kept": [{"by": reason, **_amount(amount)} for reason, amount in found.kept.items()],
        "steps": [{"at": format_instant(step.at), **_amount(step.left)} for step in found.steps],
    }
