"""The progress bar on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from types import TracebackType

    from uploader.builds.asset import LocalAsset
    from uploader.publishing.compare import Upload


class Bar:
    """Shows how many bytes are sent, on standard error; leaves nothing behind."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("uploading"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("upload", total=None)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self._progress.stop()

    def started(self, uploads: list[Upload]) -> None:
        """What is to be sent is known."""
        self._progress.update(self._task, total=sum(upload.asset.size for upload in uploads))

    def sent(self, asset: LocalAsset) -> None:
        """A file is stored."""
        self._progress.advance(self._task, asset.size)
