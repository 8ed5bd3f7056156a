"""The progress of an upload in a log: where no terminal shows a bar, a line says every ten seconds how far it is."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from uploader.cli.console import readable
from uploader.cli.heartbeat import Heartbeat
from uploader.counted import counted

if TYPE_CHECKING:
    from uploader.builds.asset import LocalAsset
    from uploader.publishing.compare import Upload


class Lines:
    """Says how many files and bytes are sent, and how fast, until `finished` is called."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._total: tuple[int, int] | None = None
        self._files = self._bytes = 0
        self._last = (0.0, 0)
        self._heartbeat = Heartbeat(self.line).start()

    def started(self, uploads: list[Upload]) -> None:
        """The files to send are known. An upload that has to check everything again calls this again."""
        with self._lock:
            self._total = len(uploads), sum(upload.asset.size for upload in uploads)
            self._files = self._bytes = 0
            self._last = (self._last[0], 0)

    def sent(self, asset: LocalAsset) -> None:
        """A file is stored."""
        with self._lock:
            self._files += 1
            self._bytes += asset.size

    def finished(self) -> None:
        """Say no more."""
        self._heartbeat.stop()

    def line(self, seconds: float) -> str:
        """How far the upload is after so many seconds; the rate is that since the last line."""
        with self._lock:
            before, sent_before = self._last
            self._last = seconds, self._bytes
            if self._total is None:
                return f"reading the build, and comparing it with the bucket: {seconds:.0f} s"
            files, size = self._total
            if self._files == files:
                return f"{counted(files, 'file')} sent, the marker is next: {seconds:.0f} s"
            rate = (self._bytes - sent_before) / max(seconds - before, 0.001)
            sent = f"{self._files:,} of {counted(files, 'file')} sent, {readable(self._bytes)} of {readable(size)}"
            return f"{sent}, {readable(rate)}/s: {seconds:.0f} s"
