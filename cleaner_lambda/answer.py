"""What becomes of a run's answer: it is cut to what Lambda returns, and the log gets all of it. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cleaner_lambda.totals import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cleaner_lambda.totals import Totals

MAX_ANSWER_BYTES = 5_000_000
"""Lambda's answers end at 6 MB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

MAX_SUMMARY_BYTES = 100_000
"""A log event ends at 256 KB, and the summary is in the ledger too, which each upload reads."""

LISTS = ("failed", "set_aside", "delete", "untag", "tag", "missing", "inner_sites", "upcoming")
"""The lists of an answer, the most important first: an answer that is too long is cut from the end."""


def cut(document: dict[str, Any], limit: int = MAX_ANSWER_BYTES) -> dict[str, Any]:
    """The answer with its lists cut to what Lambda can return; ``truncated`` says whether they were cut."""
    # Of these two, thousands of channels may each have an entry.
    lists = {name: document[name] for name in ("stopped_by", *LISTS, "not_in_place")}
    result = dict(document)
    rest = {**document, **{name: [] for name in lists}}
    left = limit - _size(rest)
    if left < 0:  # thousands of channels
        result |= {"current": {}, "ended": {}, "truncated": True}
        left = limit - _size({**rest, "current": {}, "ended": {}})
    for name, entries in lists.items():
        kept = 0
        for entry in entries:
            left -= _size(entry) + 2
            if left < 0:
                result["truncated"] = True
                break
            kept += 1
        result[name] = entries[:kept]
    return result


def log_lines(document: Mapping[str, Any], per_line: int = 50, before: Totals = NOTHING) -> Iterator[dict[str, Any]]:
    """The whole plan in pieces that fit a log event (256 KB): one for each ``per_line`` actions of a list.

    A real run's plan is logged without ``upcoming``, which may be the whole site.

    Args:
        document: The answer.
        per_line: See above.
        before: What parts of the run did that are over: it is logged already.
    """
    for name in LISTS if document["dry_run"] else LISTS[:-1]:
        entries = document[name]
        for start in range(len(before.of(name)), len(entries), per_line):
            yield {"plan": name, "from": start, "actions": entries[start : start + per_line]}


def summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """The answer without its lists, and with no more of the others than fits a log event."""
    short = cut({**document, **{name: [] for name in LISTS}}, MAX_SUMMARY_BYTES)
    return {name: value for name, value in short.items() if name not in LISTS}


def _size(value: object) -> int:
    return len(json.dumps(value).encode())
