"""An intent in the bucket: how old it is, the look at the site, and the file that is written under its protection."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from release_log.policy_settings import HALF_PENDING_TTL
from uploader.errors import StoppedError, UploaderError
from uploader.tracing import annotate, traced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release_log.layout import Layout
    from uploader.clocks import Clocks
    from uploader.protocol.announcements import S3Clock
    from uploader.s3.port import BucketPort, Look


@dataclass(slots=True)
class Intent:
    """An intent in the bucket.

    Attributes:
        id: The release's id.
        at: The instant in the id, by the build machine's clock.
        began: Just before the PUT of the intent was sent, on `Clocks.passed`.
        clock: S3's clock; None if the look did not show the intent.
        instants: Id -> instant of each marker that the cleaner has seen; see `uploader.s3.port.Look.instants`.
        log: The files of the release log at the look; see `uploader.s3.port.Listing.log`.
        keep: Leave the intent in the bucket until it expires, because nobody knows whether the marker was written.
        written: Key of the marker, or of the staged release, once S3 has confirmed it.
        left: What to say is left to do once that is written; empty: nothing.
        withdrawn: Whether its removal has begun, which nobody repeats.
    """

    id: str
    at: datetime
    began: float
    clock: S3Clock | None = None
    instants: Mapping[str, datetime] = field(default_factory=dict)
    log: Mapping[str, datetime] = field(default_factory=dict)
    keep: bool = False
    written: str | None = None
    left: str = ""
    withdrawn: bool = False
    _look: Look | None = None

    def keep_look(self, look: Look) -> None:
        """Keep the look at the site."""
        self.log, self.instants, self._look = look.listing.log, look.instants, look

    def take_look(self) -> Look:
        """The look at the site, taken after any cleaner that was deleting our keys had finished. Can be taken once.

        For 50,000 files it holds 10 MB, which nobody needs while the files are sent.
        """
        look, self._look = self._look, None
        if look is None:
            msg = "taken already"
            raise ValueError(msg)
        return look

    def is_too_old(self, clocks: Clocks) -> bool:
        """Whether the intent may expire before the marker exists. Then all is checked again under another one."""
        return clocks.passed() - self.began > HALF_PENDING_TTL

    def is_over(self, clocks: Clocks) -> bool:
        """Whether the intent may have expired by now, and its assets may be gone."""
        return clocks.passed() - self.began > 2 * HALF_PENDING_TTL

    def is_taken(self, layout: Layout) -> bool:
        """Whether another release that began in the same second has this id already, or had it."""
        return self.id in self.instants or not self.log.keys().isdisjoint(
            {layout.marker_key(self.id), layout.staged_key(self.id)}
        )

    def wait_for_its_turn(self, layout: Layout, clocks: Clocks) -> None:
        """Wait until S3's clock is past the second of the newest marker.

        Markers of one second are ordered by their ids, which hold the instants of build machines' clocks. So the older
        of two releases could count as the newer.
        """
        newest = max((at for key, at in self.log.items() if key.startswith(layout.markers)), default=None)
        if self.clock is not None and newest is not None:
            left = newest + timedelta(seconds=1) - self.clock.now()
            if left > timedelta():
                clocks.sleep(left.total_seconds())

    @traced("marker")
    def write(self, bucket: BucketPort, key: str, body: bytes, clocks: Clocks, *, left: str = "") -> bool:
        """Write the marker, or the staged release; False if another release has this key.

        Until S3 answers, nobody knows whether the file exists. If no answer comes, its assets have to stay protected.
        The request is repeated only while the intent is young. After the answer, `uploader.protocol.late.Late.came`
        says whether that was in time.

        Args:
            bucket: The site's bucket.
            key: The file's key.
            body: Its content.
            clocks: See `Clocks`.
            left: What to say is left to do after that; empty: nothing.

        Raises:
            UploaderError: S3 refused, or did not answer.
        """
        annotate(aws__s3__key=key)
        unknown = f"whether {key} was written is not known"
        self.keep = True
        try:
            written = bucket.create(key, body, lambda: not self.is_too_old(clocks))
        except KeyboardInterrupt as error:
            msg = f"{unknown}; run again to finish"
            raise StoppedError(msg) from error
        except UploaderError as error:
            msg = f"{error}; {unknown}"
            raise UploaderError(msg) from error
        self.keep = False
        if written:
            self.left, self.written = left, key
        return written
