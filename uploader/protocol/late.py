"""A file of the release log that is not the last word on its release: written so late that its intent may have expired.

A machine can be suspended within a request, for hours: a lid closed, a paused virtual machine. So the intent's age is
asked for once more after the answer. If it may have expired, a cleaner may have deleted assets just before the file was
written. The file cannot be taken back, as its release may be current. But under another intent it shows whether the
release is whole, and an upload can send what is missing.

Nor can a marker be taken back that names an asset where another upload, at the same time, has put a page of its own:
another marker has to name the file as a page.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uploader.errors import NotPlacedError, StoppedError, UploaderError
from uploader.history.completeness import some_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from uploader.clocks import Clocks
    from uploader.protocol.held import Intent

log = logging.getLogger("uploader")


@dataclass(slots=True)
class Late:
    """The file that was written too late, if one was, or beside another upload's page.

    Attributes:
        id: Its release's id.
        key: The file's key; None as long as there was no such file.
        claimed: Why another marker has to follow it; empty if it was written too late.
    """

    id: str = ""
    key: str | None = None
    claimed: str = ""

    def came(self, held: Intent, clocks: Clocks) -> bool:
        """Whether the file that was just written came too late. Then it is remembered, and else none is any more."""
        if held.written is None:
            return False
        if not held.is_over(clocks):
            self.key, self.claimed = None, ""
            return False
        log.warning("%s was written so late that its intent may have expired: checking everything again", held.written)
        self.id, self.key, self.claimed, held.written = held.id, held.written, "", None
        return True

    def is_whole(self, held: Intent, left: str) -> None:
        """Forget the file: under this intent its release was found to be whole, so it counts as just written.

        Args:
            held: The intent.
            left: As in `Intent.write`.
        """
        held.written, held.left, self.key = self.key, left, None

    def is_claimed(self, release_id: str, key: str, other: str, pages: Collection[str]) -> None:
        """Remember a marker that names assets where another release has pages."""
        self.id, self.key = release_id, key
        self.claimed = (
            f"{release_id} is current, and {other}, published meanwhile, has other content of {some_of(pages)}"
        )
        log.warning("%s: publishing this build again; let the build rename what it changes", self.claimed)

    @contextmanager
    def named(self) -> Iterator[None]:
        """Name the file in every error that ends the check: "nothing was changed" would be wrong.

        Raises:
            UploaderError: The check failed; a `NotPlacedError` if the release is current for certain.
            StoppedError: It was interrupted.
        """
        try:
            yield
        except UploaderError as error:
            if self.key is None:
                raise
            msg = f"{self._what()} ({error}): publish the release again"
            raise (NotPlacedError if self.claimed else UploaderError)(msg) from error
        except KeyboardInterrupt as error:
            if self.key is None or isinstance(error, StoppedError):
                raise
            msg = f"{self._what()}: publish the release again"
            raise StoppedError(msg, is_current=bool(self.claimed)) from error

    def _what(self) -> str:
        if self.claimed:
            return self.claimed
        return f"{self.key} was written after its intent may have expired, and some of its assets may be gone"
