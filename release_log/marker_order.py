"""The order of markers, and the sign that somebody has set their instants anew.

S3's clock orders markers: by their ``LastModified``, then by their ids. But whoever copies or restores an object sets
its ``LastModified`` anew. So a marker's instant is its ``LastModified`` when a run of the cleaner first saw it.

The instant in an id, and ``created_at``, are by a build machine's clock, and order nothing. For markers that no ledger
has seen, they are a sign: the two orders rarely contradict each other.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from release_log.release_id import begun_at

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

TOLERANCE = timedelta(minutes=1)
"""How far the clocks of two build machines may be apart before the order of their releases counts as contradictory."""


class Contradiction(NamedTuple):
    """Two markers of a channel: by S3's clock the first is older, by the build machines' clocks it is newer.

    Attributes:
        earlier: Id of the marker with the earlier instant.
        later: Id of the marker with the later instant, although its release is more than a minute older.
    """

    earlier: str
    later: str

    def __str__(self) -> str:
        """What is wrong, for a message."""
        return f"{self.later} is dated after {self.earlier}, which is newer"


class Dated(NamedTuple):
    """A marker, by S3's clock and by its build machine's.

    Attributes:
        at: Its instant.
        id: Its id.
        created_at: When its release was published, as its content says; None if the content is not known.
    """

    at: datetime
    id: str
    created_at: datetime | None = None

    @property
    def sign(self) -> datetime | None:
        """When it was written, by the build machine's clock; an activation is later than its id."""
        return max((each for each in (begun_at(self.id), self.created_at) if each is not None), default=None)


def contradiction(markers: Iterable[Dated]) -> Contradiction | None:
    """Whether the two orders of one channel's markers contradict each other.

    Args:
        markers: The markers that no ledger has seen, in any order.

    Returns:
        The contradiction that concerns the newest marker; None if there is none.
    """
    found, newest = None, None
    for marker in sorted(markers, key=lambda each: (each.at, each.id)):
        sign = marker.sign
        if sign is None:
            continue
        if newest is not None and sign + TOLERANCE < newest[0]:
            found = Contradiction(newest[1], marker.id)
        if newest is None or sign > newest[0]:
            newest = (sign, marker.id)
    return found
