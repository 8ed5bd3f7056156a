"""The adoption of an old bucket: many orphans wait until somebody says that they may be retired. Pure.

What it takes is said before it happens: how many, how large, how old, and what it costs (``docs/cost.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from cleaner_lambda.plan import Reason, Stop
from cleaner_lambda.segments import GROUP, SMALL
from cleaner_lambda.waiting import UNASKED
from release_log.instants import format_instant
from release_log.layout import is_stored_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cleaner_lambda.cursor import Cursor
    from cleaner_lambda.finding import Finding
    from cleaner_lambda.waiting import Waiting

IN_ONE_FILE = 300_000
"""So many orphans a ledger of format 1 takes in at most: each run has it in memory, 2.8 kB for each asset."""

USD_PER_WRITE = 0.005 / 1000
"""Of a PUT, POST or LIST: https://aws.amazon.com/s3/pricing/ (US East, N. Virginia), as in ``docs/cost.md``."""

USD_PER_READ = 0.0004 / 1000
"""Of a GET or HEAD."""

USD_PER_EVENT = 1.00 / 1_000_000
"""Of an event of the bucket, one for each tag and each deletion: https://aws.amazon.com/eventbridge/pricing/"""

PAGE = 1000
"""How many objects a LIST shows, and a DeleteObjects deletes."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What it takes to retire orphans, and to delete them in the end. ``docs/cost.md`` has the same sums.

    Lambda's time is not in it: some minutes for a million.

    Attributes:
        list: LISTs.
        put: PUTs.
        get: GETs.
        post: POSTs.
        events: Events of the bucket.
    """

    list: int
    put: int
    get: int
    post: int
    events: int

    @property
    def requests(self) -> int:
        """All requests to S3."""
        return self.list + self.put + self.get + self.post

    @property
    def dollars(self) -> float:
        """The price."""
        writes = self.list + self.put + self.post
        return writes * USD_PER_WRITE + self.get * USD_PER_READ + self.events * USD_PER_EVENT


class PerGroup(NamedTuple):
    """What it takes to go through a group of retired assets, beside what is deleted."""

    list: int
    get: int
    put: int


TAKEN_IN = PerGroup(list=0, get=0, put=1)
"""The run that retires them writes a segment for each group."""

SWEPT = PerGroup(list=4, get=4, put=4)
"""A day later: the look, and a marker, the ledger, and the segment twice; three new ones, and the ledger."""

DELETED = PerGroup(list=9, get=8, put=2)
"""Two looks, and one for a site around; a marker, the ledger, and three segments twice; the ledger before and after."""

GROUPS = tuple(map(sum, zip(TAKEN_IN, SWEPT, DELETED, strict=True)))
"""All of that: with the settings' defaults an orphan is deleted two days after it retired."""


def bill(waiting: Waiting, *, tags: bool, one_file: bool = False) -> Bill:
    """The bill for some orphans.

    Args:
        waiting: The orphans.
        tags: Whether each gets a tag.
        one_file: Whether the ledger has format 1, and so no groups; nor has a small site any.
    """
    number, tagged = waiting.number, waiting.number if tags else 0
    pages = -(-number // PAGE)
    groups = 0 if one_file or number <= SMALL else -(-number // GROUP)
    lists, gets, puts = (groups * each for each in GROUPS)
    # In each folder a run looks for another site's release log: before it tags, and twice before it deletes.
    # A group may end in the middle of a folder.
    looks = waiting.folders * (3 if tags else 2) + 2 * groups
    return Bill(list=pages + looks + lists, put=tagged + puts, get=tagged + gets, post=pages, events=number + tagged)


def must_wait(cursor: Cursor, findings: Iterable[Finding], *, is_last: bool, was_few: bool) -> bool:
    """Whether the orphans that a run has found wait until it is known how many there are.

    Args:
        cursor: The listing, with what earlier runs have found.
        findings: What the run has found.
        is_last: Whether that was the last of it.
        was_few: Whether the listing before left few orphans alone. Then a part need not wait for the others.
    """
    if cursor.most is None:
        return False
    found = list(findings)
    if cursor.waiting.number or any(each.waiting.number for each in found):
        return True
    strays = sum(not is_stored_page(key) for each in found for key in each.strays)
    return strays > (cursor.most if is_last or was_few else 0)


def stop_for(waiting: Waiting, *, tags: bool, one_file: bool) -> Stop | None:
    """Why some orphans wait: how many, their bytes, the oldest, the bill, and what to do; None if there are few.

    Args:
        waiting: The orphans.
        tags: As in `bill`.
        one_file: Whether the ledger has format 1.
    """
    if waiting.number <= UNASKED:
        return None
    costs = bill(waiting, tags=tags, one_file=one_file and waiting.number <= IN_ONE_FILE)
    stored = "" if waiting.oldest is None else f", the oldest stored at {format_instant(waiting.oldest)}"
    told = 'python -m uploader clean --adopt, or invoke with {"adopt": true}'
    if one_file and waiting.number > IN_ONE_FILE:
        told = f"deploy with -c ledger_format=2, as format 1 holds {IN_ONE_FILE} at most, and then {told}"
    message = (
        f"{waiting.number} orphans, {waiting.size} bytes{stored}, wait to be retired: none of them is tagged or "
        "deleted until you say so; all else goes on. To retire and to delete them takes about "
        f"{costs.requests} requests and {costs.dollars:.2f} US dollars, {'with' if tags else 'without'} a tag for "
        f"each. If they may go: {told}. If they are to stay: deploy with -c orphans=report"
    )
    return Stop(Reason.ADOPTION, message, asks=_as_document(waiting, costs, tags=tags))


def _as_document(waiting: Waiting, costs: Bill, *, tags: bool) -> dict[str, Any]:
    return {
        "orphans": waiting.number,
        "bytes": waiting.size,
        "oldest": waiting.oldest and format_instant(waiting.oldest),
        "tags": tags,
        "requests": {"LIST": costs.list, "PUT": costs.put, "GET": costs.get, "POST": costs.post},
        "usd": round(costs.dollars, 2),
    }
