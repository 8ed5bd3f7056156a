"""The progress bar on a terminal."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Column

if TYPE_CHECKING:
    from uploader.builds.asset import LocalAsset
    from uploader.publishing.compare import Upload


class Bar:
    """Shows on standard error how many files and bytes are sent, and how fast; erases itself at the end."""

    def __init__(self) -> None:
        self._progress = Progress(
            BarColumn(bar_width=None, table_column=Column(ratio=1, max_width=40)),
            TextColumn("{task.fields[files]:,}/{task.fields[of]:,} files", table_column=Column(no_wrap=True)),
            DownloadColumn(table_column=Column(no_wrap=True)),
            TransferSpeedColumn(table_column=Column(no_wrap=True)),
            TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
            console=Console(stderr=True),
            transient=True,
            expand=True,
        )
        self._lock = Lock()
        self._files = 0
        self._task = self._progress.add_task("upload", total=None, files=0, of=0)

    def started(self, uploads: list[Upload]) -> None:
        """Show the bar: the files to send are known. An upload that has to check everything again calls this again."""
        self._files = 0
        total = sum(upload.asset.size for upload in uploads)
        self._progress.reset(self._task, total=total, files=0, of=len(uploads))
        self._progress.start()

    def sent(self, asset: LocalAsset) -> None:
        """A file is stored."""
        with self._lock:
            self._files += 1
            self._progress.update(self._task, advance=asset.size, files=self._files)

    def finished(self) -> None:
        """Take the bar away, whether the upload succeeded or not."""
        self._progress.stop()
