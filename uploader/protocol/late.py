"""A file of the release log that was written so late that its intent may have expired before.

A machine can be suspended within a request, for hours: a lid closed, a paused virtual machine. So the intent's age is
asked for once more after the answer. If it may have expired, a cleaner may have deleted assets just before the file was
written. The file cannot be taken back, as its release may be current. But under another intent it shows whether the
release is whole, and an upload can send what is missing.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uploader.errors import StoppedError, UploaderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uploader.clocks import Clocks
    from uploader.protocol.held import Intent

log = logging.getLogger("uploader")


@dataclass(slots=True)
class Late:
    """The file that was written too late, if one was.

    Attributes:
        id: Its release's id.
        key: The file's key; None as long as no file was late.
    """

    id: str = ""
    key: str | None = None

    def came(self, held: Intent, clocks: Clocks) -> bool:
        """Whether the file that was just written came too late. Then it is remembered."""
        if held.written is None or not held.is_over(clocks):
            return False
        log.warning("%s was written so late that its intent may have expired: checking everything again", held.written)
        self.id, self.key, held.written = held.id, held.written, None
        return True

    @contextmanager
    def named(self) -> Iterator[None]:
        """Name the file in every error that ends the check: "nothing was changed" would be wrong.

        Raises:
            UploaderError: The check failed.
            StoppedError: It was interrupted.
        """
        try:
            yield
        except UploaderError as error:
            if self.key is None:
                raise
            msg = f"{self._what()} ({error}): publish the release again"
            raise UploaderError(msg) from error
        except KeyboardInterrupt as error:
            if self.key is None or isinstance(error, StoppedError):
                raise
            msg = f"{self._what()}: publish the release again"
            raise StoppedError(msg) from error

    def _what(self) -> str:
        return f"{self.key} was written after its intent may have expired, and some of its assets may be gone"
