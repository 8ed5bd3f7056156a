"""The progress bar on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from uploader.builds.asset import LocalAsset
    from uploader.publishing.compare import Upload


class Bar:
    """Shows on standard error how many bytes are sent; erases itself at the end."""

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

    def started(self, uploads: list[Upload]) -> None:
        """Show the bar: the files to send are known. An upload that has to check everything again calls this again."""
        self._progress.update(self._task, total=sum(upload.asset.size for upload in uploads))
        self._progress.start()

    def sent(self, asset: LocalAsset) -> None:
        """A file is stored."""
        self._progress.advance(self._task, asset.size)

    def finished(self) -> None:
        """Take the bar away, whether the upload succeeded or not."""
        self._progress.stop()
