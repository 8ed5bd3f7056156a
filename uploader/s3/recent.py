"""Where to look for the newest marker before anything is known of a release log: in one round of requests.

The look under the intent does not list the older markers once more (`Older`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from release_log.release_id import make_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from obstore import ObjectMeta

    from release_log.layout import Layout
    from uploader.threads.ahead import Ahead

RECENT = timedelta(days=2)
"""A site with more than a thousand files beside its markers had a release within this time, as a rule."""


def starts(layout: Layout, now: datetime) -> tuple[str | None, str]:
    """Behind which keys a page of the markers is listed: the first page of all, and one of those that are recent.

    Args:
        layout: The site.
        now: The present by this machine's clock, with which the names of markers begin.
    """
    return None, f"{layout.markers}{make_id(now - RECENT, '0')}"


class Older(NamedTuple):
    """The first page of the markers, listed while the connections were opened: the look lists only the recent ones.

    It lacks a marker that came since, under an older name. Of two markers of one second that one is the older anyway,
    by its name (`uploader.protocol.held.Intent.wait_for_its_turn`); all else that the look tells of markers is a hint.

    Attributes:
        first: The page; it may still be on its way.
        recent: The key behind which the recent markers lie.
        full: How many keys fill a page.
    """

    first: Ahead[Sequence[ObjectMeta] | None]
    recent: str
    full: int

    def holds_all(self, page: Sequence[ObjectMeta]) -> bool:
        """Whether this first page holds all markers that are not recent."""
        return len(page) < self.full or page[-1]["path"] >= self.recent

    def too_few(self) -> Sequence[ObjectMeta]:
        """The page if it is known already that it does not hold all of them; else nothing."""
        page = self.first.peek()
        return () if page is None or self.holds_all(page) else page

    def files(self) -> Sequence[ObjectMeta] | None:
        """Wait for the markers that are not recent. None if the page does not hold all of them, or failed."""
        page = self.first.answer(keep=True)
        if page is None or not self.holds_all(page):
            return None
        return [each for each in page if each["path"] <= self.recent]
