"""Puts the pages of a release in place, after its marker: the last thing that an upload changes for a visitor.

What belongs in place is said by the newest markers, and others may write one at any time. So the order is: HEAD the
page, read the markers, then PUT under the ETag of that HEAD. A pass that finds nothing to put ends the work; then a
file beside the marker says that the pages are in place.

Another upload may have its page where this one has an asset. If it read the markers before ours was written, it puts
that page in place. But then its marker is older than ours, and the first pass finds it: see ``meanwhile``.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

from release_log.ledger_file import HOLDS
from release_log.policy_settings import HALF_PENDING_TTL
from uploader.errors import NotPlacedError, StoppedError, UploaderError
from uploader.history.body import body_of
from uploader.history.completeness import some_of
from uploader.history.order import dated, newest_first
from uploader.history.release import LoggedRelease, Unreadable, id_of, read_release, read_releases
from uploader.protocol.belongs import PagePlaced, PageReason, Wanted, differs, wanted_pages
from uploader.protocol.intent import intent, warn_of_left
from uploader.protocol.page_etags import content, noted_in, others_of
from uploader.s3.port import Placement
from uploader.tracing import traced

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.marker import Asset
    from uploader.builds.asset import LocalAsset
    from uploader.clocks import Clocks
    from uploader.protocol.held import Intent
    from uploader.s3.port import BucketPort, PageInPlace

PASSES = 20
"""How often pages are looked at while others put pages in place, or S3 does not answer."""

LONGEST_PAUSE = 5
"""Seconds between two of these looks, at most: all of them take more than a minute while S3 refuses the PUTs."""

log = logging.getLogger("uploader")


class Placing:
    """The work of one command on the pages of one release.

    Attributes:
        placed: Key -> each page that this command has put in place, or may have.
    """

    def __init__(  # noqa: PLR0913 (the last two are what only the command knows of its release)
        self,
        bucket: BucketPort,
        layout: Layout,
        own: LoggedRelease,
        held: Intent,
        clocks: Clocks,
        *,
        files: Mapping[str, LocalAsset] | None = None,
        meanwhile: Callable[[Iterator[LoggedRelease]], None] | None = None,
    ) -> None:
        """Prepare the work.

        Args:
            bucket: The site's bucket.
            layout: The site.
            own: The release, whose marker exists.
            held: The intent that names its keys.
            clocks: See `Clocks`.
            files: Key -> file of the build, where it is at hand.
            meanwhile: Called with the older releases whose markers came after the look at the site, before any page is
                put in place.
        """
        self.placed: dict[str, PagePlaced] = {}
        self._bucket = bucket
        self._layout = layout
        self._own = own
        self._held = held
        self._clocks = clocks
        self._files = files or {}
        self._meanwhile = meanwhile
        self._etags: dict[str, str] = {}
        self._others: dict[str, str] = {}
        self._known: dict[str, LoggedRelease] = {}
        self._channels: dict[str, str] = {}
        self._helped = {own.id}
        self._intents = [held]
        self._wrong: list[str] = []
        self._in_vain = 0
        self._unanswered: float | None = None

    def finish(self) -> tuple[PagePlaced, ...]:
        """Put the pages in place, and write the file that says so.

        Returns:
            The pages that were put in place.

        Raises:
            UploaderError: Something failed. The release is current, and some of its pages may not be in place.
        """
        with ExitStack() as helping:
            for _ in range(PASSES):
                self._pause()
                wanted = self._pass(helping)
                if wanted is not None:
                    break
            else:
                msg = (
                    f"{some_of(self._wrong)}: not in place after {PASSES} tries, as others published or wrote there "
                    "at the same time, or S3 had too many requests"
                )
                raise UploaderError(msg)
            if wanted.newest.release.places_pages:
                self._say_so(wanted.newest.id)
        return tuple(self.placed[key] for key in sorted(self.placed))

    def _say_so(self, release_id: str) -> None:
        """Write the file that says that a release is in place.

        The intent goes at the same time: its last use was to protect what a page of ours asks for that is put in place
        late, and there is none after a pass that found nothing to put.
        """
        intent_key = self._layout.pending_key(self._held.id)
        wait = self._bucket.begin_withdrawal(intent_key)
        self._bucket.create(self._layout.placed_key(release_id), content(self._others))
        self._held.withdrawn, self._held.left, self._held.written = True, "", self._layout.marker_key(self._own.id)
        log.debug("%s is in place", release_id)
        try:
            wait()
        except UploaderError as error:
            warn_of_left(intent_key, error)

    def _pause(self) -> None:
        """Wait before the next pass, if the last ones left pages out.

        After a single one nobody waits: as a rule somebody else has put a page in place, and the next look shows it.
        Else S3 has too many requests, or others publish all the time.
        """
        if self._in_vain > 1:
            self._clocks.sleep(min(2.0 ** (self._in_vain - 3), LONGEST_PAUSE))

    def _pass(self, helping: ExitStack) -> Wanted | None:
        """Look at the pages once, and put what is wrong in place. Returns what belongs there if nothing was wrong."""
        files, pages = self._bucket.look_at_pages(self._layout, sorted(self._own.release.pages))
        self._tell_of_others(files)
        wanted = self._wanted(files)
        if not wanted.newest.release.places_pages:
            if wanted.newest.release.ended and self.placed:
                raise NotPlacedError(_ended(self._own, wanted.newest))
            return wanted  # an older version's upload has replaced them already
        others = wanted.pages.keys() - self._own.release.pages.keys()
        if others:
            files, more = self._bucket.look_at_pages(self._layout, sorted(others))
            pages = {**pages, **more}
        wrong = {
            key: reason
            for key, (_, page) in wanted.pages.items()
            if (reason := differs(page, pages.get(key))) is not None and not self._is_ours(key, page, pages.get(key))
        }
        wrong |= self._stored_over(files, wanted, pages, wrong)
        if not wrong:
            return None if self._waited() else wanted
        self._wrong = sorted(wrong)
        if self._help(helping, [wanted.pages[key][0] for key in wrong]):
            return None
        if self._held.is_too_old(self._clocks):
            msg = "it took so long that the intent may expire"
            raise UploaderError(msg)
        if not wanted.same_as(self._wanted(self._bucket.written(self._layout.markers))):
            self._in_vain += 1
            return None
        self._put(wanted, wrong, pages)
        return None

    def _stored_over(
        self,
        files: Mapping[str, datetime],
        wanted: Wanted,
        found: Mapping[str, PageInPlace],
        wrong: Collection[str],
    ) -> dict[str, PageReason]:
        """The pages over which somebody has stored another object with the same metadata."""
        pages = {key: page for key, (_, page) in wanted.pages.items() if key not in wrong}
        self._others = others_of(pages, found)
        unsure = [key for key in self._others if not self._is_ours(key, pages[key], found[key])]
        noted = noted_in(self._bucket, self._layout, files, unsure) if unsure else {}
        return {key: PageReason.CONTENT_DIFFERS for key in unsure if noted.get(key) != self._others[key]}

    def _put(self, wanted: Wanted, wrong: Mapping[str, PageReason], pages: Mapping[str, PageInPlace]) -> None:
        placements = [
            Placement(
                key,
                self._layout.page_key(wanted.pages[key][1].stored or ""),
                pages[key].etag if key in pages else None,
                self._file(key, wanted.pages[key][1]),
            )
            for key in sorted(wrong)
        ]
        sent = self._clocks.passed()
        # Until S3 answers, a request may be executed late, and put our page over a newer one.
        self._keep(unanswered=True)
        answer = self._bucket.place(placements)
        if answer.unanswered:
            self._unanswered = self._clocks.passed()
        else:
            self._keep(unanswered=self._unanswered is not None)
        log.debug("%d of %d pages put in place in %.1f s", len(answer.etags), len(wrong), self._clocks.passed() - sent)
        is_refused = not answer.unanswered and len(answer.etags) < len(wrong)
        self._in_vain = self._in_vain + 1 if is_refused else 0
        for key, etag in answer.etags.items():
            self._etags[f"{key} {wanted.pages[key][1].stored}"] = etag
        # One without an answer may be there: the CDN has to drop its copies of that too.
        for key in wrong if answer.unanswered else answer.etags:
            self.placed.setdefault(key, PagePlaced(key, wrong[key]))

    def _file(self, key: str, page: Asset) -> LocalAsset | None:
        file = self._files.get(key)
        return file if file is not None and file.stored == page.stored else None

    def _is_ours(self, key: str, page: Asset, found: PageInPlace | None) -> bool:
        """Whether a page is the one that this command has put in place, whatever its headers look like."""
        return found is not None and self._etags.get(f"{key} {page.stored}") == found.etag

    def _waited(self) -> bool:
        """Wait until no request without an answer can be executed any more; whether there was one."""
        if self._unanswered is None:
            return False
        left = HOLDS - timedelta(seconds=self._clocks.passed() - self._unanswered)
        if left > timedelta():
            log.warning("waiting for %d s: S3 did not answer, and may still put a page in place", left.total_seconds())
            self._clocks.sleep(left.total_seconds())
        self._unanswered = None
        self._keep(unanswered=False)
        return True

    def _keep(self, *, unanswered: bool) -> None:
        """Leave the intents until they expire, if a page may be put in place late: also those of others' releases."""
        for each in self._intents:
            each.keep = unanswered

    def _tell_of_others(self, files: Mapping[str, datetime]) -> None:
        """Tell, once, of the releases that came after the look, or whose pages may still be put in place then.

        As a rule there is none, and so no request. A release that counts as newer is left alone: it came later, and
        its upload has seen this one. Unless both came within one second, when their names decide.
        """
        tell, self._meanwhile = self._meanwhile, None
        if tell is None:
            return
        newer, older = self._order(files)
        at, own = dated(self._layout, files, self._held.instants), self._layout.marker_key(self._own.id)
        came = [key for key in newer if at[key] == at[own]] + older
        came = [key for key in came if key not in self._held.log or self._is_under_way(files, key)]
        found = read_releases(self._bucket, self._layout, came)
        tell(each for each in found if not isinstance(each, Unreadable))  # who wrote such a file has published nothing

    def _is_under_way(self, files: Mapping[str, datetime], key: str) -> bool:
        """Whether a release of the look may have got its pages after that: its upload may not have seen our marker.

        None is put in place by an intent that is too old, and none of ours was older at the look.
        """
        age = files[self._layout.marker_key(self._own.id)] - files[key]
        placed = self._layout.placed_key(id_of(self._layout, key))
        return placed not in self._held.log and age <= timedelta(seconds=2 * HALF_PENDING_TTL)

    def _order(self, files: Mapping[str, datetime]) -> tuple[list[str], list[str]]:
        """The markers that are newer than the release's, and the older ones: the newest first."""
        markers = newest_first(dated(self._layout, files, self._held.instants), self._layout.markers)
        own = self._layout.marker_key(self._own.id)
        place = markers.index(own) if own in markers else len(markers)  # it is in none in a dry run
        return markers[:place] if place < len(markers) else [], markers[place + 1 :]

    def _wanted(self, files: Mapping[str, datetime]) -> Wanted:
        """What belongs in place, by the markers that exist: of the newer ones, the newest of each channel counts.

        No other is kept in memory: there may be hundreds, of 50,000 files each.
        """
        known, self._known = self._known, {}
        channels = set[str]()
        for key in self._order(files)[0]:
            if self._channels.get(key) in channels:
                continue
            each = known.get(key) or read_release(self._bucket, self._layout, key)
            if each is None:
                continue
            channel = self._channels[key] = each.release.channel
            if channel not in channels:
                channels.add(channel)
                self._known[key] = each
        return wanted_pages(self._own, reversed(self._known.values()))

    def _help(self, helping: ExitStack, releases: Sequence[LoggedRelease]) -> bool:
        """Protect the releases of others whose pages we put in place; whether that was not so before."""
        new = [each for each in {each.id: each for each in releases}.values() if each.id not in self._helped]
        for each in new:
            release = each.release
            held = helping.enter_context(
                intent(
                    self._bucket,
                    self._layout,
                    each.name,
                    lambda _, release=release: body_of(release),  # type: ignore[misc]
                    release.all_keys,
                    self._clocks,
                )
            )
            self._intents.append(held)
            self._helped.add(each.id)
        return bool(new)


def not_placed(release_id: str, why: str = "") -> str:
    """What to say of a release whose marker is written, and whose pages may not be in place."""
    what = f"{release_id} is current, but not all of its pages are in place{f' ({why})' if why else ''}"
    return f"{what}: run the same command again, or publish the next release"


def _ended(own: LoggedRelease, end: LoggedRelease) -> str:
    """What to say if a channel ended while pages were put in place: that command may have looked at them before."""
    channel = own.release.channel
    return (
        f"channel {channel!r} has ended meanwhile ({end.id}), and pages of {own.id} lie in place, perhaps where those "
        f"of another channel belong: end it again (end --channel {channel}), or publish again"
    )


@traced("place")
def put_in_place(  # noqa: PLR0913 (as above)
    bucket: BucketPort,
    layout: Layout,
    own: LoggedRelease,
    held: Intent,
    clocks: Clocks,
    *,
    files: Mapping[str, LocalAsset] | None = None,
    meanwhile: Callable[[Iterator[LoggedRelease]], None] | None = None,
) -> tuple[PagePlaced, ...]:
    """Put the pages of a release in place whose marker exists; the arguments as in `Placing`.

    Raises:
        Exception: What ``meanwhile`` raises, unless it is an `UploaderError`.
        NotPlacedError: The release is current, and not all of its pages are in place.
        StoppedError: The same, after Ctrl-C or SIGTERM.
    """
    held.written = None  # there is something left to do
    try:
        placed = Placing(bucket, layout, own, held, clocks, files=files, meanwhile=meanwhile).finish()
    except KeyboardInterrupt as error:
        if held.written is not None:
            raise
        raise StoppedError(not_placed(own.id), is_current=True) from error
    except NotPlacedError:
        raise
    except UploaderError as error:
        raise NotPlacedError(not_placed(own.id, str(error))) from error
    held.left, held.written = "", layout.marker_key(own.id)
    return placed
