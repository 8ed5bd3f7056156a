"""An intent that is in the bucket: what it protects, how old it is, and the file that is written under it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from release_log.policy_settings import HALF_PENDING_TTL
from uploader.errors import StoppedError, UploaderError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release_log.layout import Layout
    from uploader.clocks import Clocks
    from uploader.s3.port import BucketPort, Look


@dataclass(slots=True)
class Intent:
    """An intent that is in the bucket.

    Attributes:
        id: The release's id.
        at: The instant in its id, by the build machine's clock.
        body: What it says.
        began: When it was begun to be written, by the clock of its age.
        created: When it was surely there, by the same clock.
        log: What the release log held, as `uploader.s3.port.Listing` says.
        keep: Leave it in the bucket to expire: whether the marker was written is not known.
        written: Key of the marker, or of the staged release, once it is surely there.
    """

    id: str
    at: datetime
    body: bytes
    began: float
    created: float = 0.0
    log: Mapping[str, datetime] = field(default_factory=dict)
    keep: bool = False
    written: str | None = None
    _look: Look | None = None

    def see(self, look: Look) -> None:
        """Note what there is."""
        self.log, self._look = look.listing.log, look

    def take_look(self) -> Look:
        """What there is, from when no cleaner could be deleting any of it any more; once.

        Of 50,000 files it takes 10 MB, which nobody needs while they are sent.
        """
        look, self._look = self._look, None
        if look is None:
            msg = "taken already"
            raise ValueError(msg)
        return look

    def is_too_old(self, clocks: Clocks) -> bool:
        """Whether it may expire before the marker is there; then everything has to be checked again under another."""
        return clocks.passed() - self.began > HALF_PENDING_TTL

    def is_taken(self, layout: Layout) -> bool:
        """Whether another release has this id already: one that began within the same second."""
        return not self.log.keys().isdisjoint({layout.marker_key(self.id), layout.staged_key(self.id)})

    def wait_for_its_turn(self, layout: Layout, clocks: Clocks) -> None:
        """Wait until S3's clock is past the second of every marker that is there.

        Markers of one second are ordered by their ids, which are named by build machines' clocks: a release that came
        first could pass for the newer one.
        """
        own = self.log.get(layout.pending_key(self.id))
        newest = max((at for key, at in self.log.items() if key.startswith(layout.markers)), default=None)
        if own is not None and newest is not None:
            # S3's clock is at least what it was when our intent was written, and what has passed since.
            left = newest + timedelta(seconds=1) - own - timedelta(seconds=clocks.passed() - self.created)
            if left > timedelta():
                clocks.sleep(left.total_seconds())

    def write(self, bucket: BucketPort, key: str, body: bytes) -> bool:
        """Write the marker, or the staged release; False if another's has this key.

        Until S3 answers, nobody knows whether it is there. If the answer never comes, what it names has to be kept.

        Raises:
            UploaderError: S3 refused, or did not answer.
        """
        unknown = f"whether {key} was written is not known"
        self.keep = True
        try:
            written = bucket.create(key, body)
        except KeyboardInterrupt as error:
            msg = f"{unknown}; run again to finish"
            raise StoppedError(msg) from error
        except UploaderError as error:
            msg = f"{error}; {unknown}"
            raise UploaderError(msg) from error
        self.keep = False
        if written:
            self.written = key
        return written
