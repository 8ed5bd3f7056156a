"""The order of the markers, where somebody may have set their ``LastModified`` anew. Pure.

A marker that is copied onto itself, or restored from a backup, has a new ``LastModified``. Its instant is its
``LastModified`` when a run first saw it. The ledger keeps that instant, also while the marker is gone.

For markers that no ledger has seen, their ids show whether the instants can be right (`release_log.marker_order`). If
they cannot, nothing is deleted until the channel has a new release that is in place: until then nobody knows whose
pages are. That release is certainly current, and from then on no retired asset counts from earlier than that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from cleaner_lambda.backlog import Backlog
from cleaner_lambda.history import newest
from cleaner_lambda.plan import Reason, Stop
from release_log.marker_order import TOLERANCE, Dated, contradiction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from cleaner_lambda.history import Published
    from cleaner_lambda.ledger import Folded, Ledger
    from release_log.marker_order import Contradiction

KEEP_GONE = 1000
"""The number of newest markers whose instants stay in the ledger after they are gone."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is known of the order of the markers.

    Attributes:
        doubts: Channel -> why it is unknown which of its releases is current.
        after_doubt: See `cleaner_lambda.ledger.Ledger.after_doubt`.
        sure_since: When the last doubt ended; None if there was none, or none has ended.
        found: The channels of the doubts that are new.
    """

    doubts: Mapping[str, Contradiction] = field(default_factory=dict)
    after_doubt: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sure_since: datetime | None = None
    found: frozenset[str] = frozenset()

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Why nothing may be deleted."""
        doubts = sorted(self.doubts.items())
        return tuple(_stop(channel, doubt, self.after_doubt.get(channel, ())) for channel, doubt in doubts)


def is_unseen(ledger: Ledger, release_id: str) -> bool:
    """Whether no run has seen a marker before, as far as the ledger knows."""
    return release_id not in ledger.folded and release_id not in ledger.gone


def instants(ledger: Ledger, listed: Mapping[str, datetime]) -> dict[str, datetime]:
    """Id -> the instant of each listed marker: its ``LastModified`` when it was first seen."""
    known = ledger.seen
    return {i: known[i].at if i in known else last_modified for i, last_modified in listed.items()}


def placed_instants(ledger: Ledger, listed: Mapping[str, datetime]) -> dict[str, datetime]:
    """Id -> since when its pages are in place: the ``LastModified`` of the file that says so, as first seen."""
    known = {i: each.placed for i, each in ledger.seen.items() if each.placed is not None}
    return {**listed, **known}


def find_order(ledger: Ledger, known: Iterable[Published], new: Sequence[Published]) -> Order:
    """Find the channels whose current release is unknown.

    Args:
        ledger: The ledger.
        known: The current releases by the ledger; or all that a replay reads.
        new: The releases whose markers the ledger has not folded in.
    """
    known = list(known)
    read = {each.id: each for each in (*known, *new)}
    current, known_now = newest(read.values()), newest(each for each in known if not is_unseen(ledger, each.id))
    forgotten = forgotten_until(ledger) if new else None
    backlog = ledger.backlog or Backlog()
    unseen: dict[str, list[Dated]] = {}
    for each in new:
        if is_unseen(ledger, each.id):
            unseen.setdefault(each.release.channel, []).append(_dated(each))
    for channel, markers in unseen.items():
        last = current.get(channel)
        # A marker that was copied before any run saw it can count as newer than one that came after it.
        if last is not None and not is_unseen(ledger, last.id):
            markers.append(_dated(last))
        # So may one that the ledger has forgotten, and that somebody has restored since.
        before = known_now.get(channel)
        if before is not None and any(_may_be_forgotten(each, forgotten) for each in markers):
            markers.append(_dated(before))
        # Of those that were taken in before, of one backlog, this one says most.
        if channel in backlog.latest:
            markers.append(backlog.latest[channel])
    found = {channel: doubt for channel, markers in unseen.items() if (doubt := contradiction(markers)) is not None}
    left = {channel: doubt for channel, doubt in ledger.doubts.items() if channel not in found}
    after, ended = {}, []
    for channel in left.keys() - backlog.doubted:
        ids = {*ledger.after_doubt.get(channel, ())}
        ids |= {each.id for each in (current.get(channel),) if each is not None and is_unseen(ledger, each.id)}
        placed = [at for i in ids & read.keys() if (at := read[i].placed_at) is not None]
        if placed:
            ended.append(max(placed))
            del left[channel]
        elif ids:
            after[channel] = tuple(sorted(ids))
    sure_since = max((at for at in (ledger.sure_since, *ended) if at is not None), default=None)
    return Order({**left, **found}, after, sure_since, frozenset(found))


def forgotten_until(ledger: Ledger) -> datetime | None:
    """Up to which instant the ledger may have forgotten markers that are gone; None if it remembers all of them."""
    newest_first = sorted((each.at for each in ledger.gone.values()), reverse=True)
    return newest_first[KEEP_GONE - 1] if len(newest_first) >= KEEP_GONE else None


def _may_be_forgotten(marker: Dated, until: datetime | None) -> bool:
    return until is not None and marker.sign is not None and marker.sign <= until + TOLERANCE


def _dated(published: Published) -> Dated:
    return Dated(published.at, published.id, published.release.created_at)


def gone_after(ledger: Ledger, known: Mapping[str, Folded], there: Mapping[str, Folded]) -> dict[str, Folded]:
    """The markers that are not in the bucket any more, of those that matter: the current ones and the newest.

    Args:
        ledger: The ledger before the run.
        known: The markers that the run has folded in.
        there: Those of them that are left after the run.
    """
    gone = {i: each for i, each in {**ledger.seen, **known}.items() if i not in there}
    newest = sorted(gone, key=lambda i: (gone[i].at, i))[-KEEP_GONE:]
    return {i: gone[i] for i in gone.keys() & {*newest, *chain.from_iterable(ledger.lines.values())}}


def _stop(channel: str, doubt: Contradiction, after: tuple[str, ...]) -> Stop:
    why = f"{doubt} (somebody copied or restored markers that no ledger had seen)"
    message = (
        f"it is unknown which release of channel {channel!r} is current: {why}. Nothing is deleted until that channel "
        "has a new release: publish the one that is live again, or roll back to it"
    )
    if after:
        message = (
            f"it is unknown which release of channel {channel!r} was current before {after[-1]}: {why}. Nothing is "
            "deleted until that one is in place: run its command again, or publish the next release"
        )
    return Stop(Reason.UNKNOWN_ORDER, message)
