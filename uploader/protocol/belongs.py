"""What belongs in place of each page, and whether what is there is it. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from uploader.treatment.headers import STORED, may_have

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from release_log.marker import Asset
    from uploader.history.release import LoggedRelease
    from uploader.s3.port import PageInPlace


class PageReason(StrEnum):
    """Why a page is put in place: the same words as for an upload."""

    NEW = "new"
    CONTENT_DIFFERS = "content_differs"
    HEADERS_DIFFER = "headers_differ"


class PagePlaced(NamedTuple):
    """A page that was put in place, and why."""

    key: str
    reason: PageReason


class Wanted(NamedTuple):
    """What belongs in place.

    Attributes:
        newest: The newest release of the channel.
        pages: Key -> the release that says what belongs there, and its page.
    """

    newest: LoggedRelease
    pages: Mapping[str, tuple[LoggedRelease, Asset]]

    def same_as(self, other: Wanted) -> bool:
        """Whether the same belongs in place."""
        return self.newest.id == other.newest.id and self.contents() == other.contents()

    def contents(self) -> dict[str, str | None]:
        """Key -> name of the stored page."""
        return {key: page.stored for key, (_, page) in self.pages.items()}


def wanted_pages(own: LoggedRelease, newer: Iterable[LoggedRelease]) -> Wanted:
    """What belongs in place: of each page, what the newest release that names it says, of any channel's newest ones.

    Where that release has an asset with a fingerprint under its key, no page belongs there.

    Args:
        own: The release that is being put in place.
        newer: The releases whose markers are newer, oldest first.
    """
    tops = {own.release.channel: own}
    for each in newer:
        tops.pop(each.release.channel, None)
        tops[each.release.channel] = each
    newest = tops[own.release.channel]
    keys = own.release.pages.keys() | newest.release.pages.keys()
    pages: dict[str, tuple[LoggedRelease, Asset]] = {}
    for each in tops.values():
        if each is not own:
            assets = {asset.key for asset in each.release.assets.values() if asset.fingerprinted}
            pages = {key: page for key, page in pages.items() if key not in assets}
        pages |= {key: (each, page) for key, page in each.release.pages.items() if key in keys}
    return Wanted(newest, pages)


def differs(page: Asset, found: PageInPlace | None) -> PageReason | None:
    """Why a page in place is not the one that belongs there; None if it is."""
    if found is None:
        return PageReason.NEW
    if found.http.get(STORED) != page.stored:
        same = page.digest is not None and page.digest == f"sha256:{found.http.get('digest')}"
        return PageReason.HEADERS_DIFFER if same else PageReason.CONTENT_DIFFERS
    if page.headers is not None and not may_have(found.http, page.headers):
        return PageReason.HEADERS_DIFFER
    return None
