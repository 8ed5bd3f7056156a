"""The builds to upload: the same on every machine, byte for byte."""

from __future__ import annotations

import hashlib
import os
import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PAGES = 20
"""The most files without a fingerprint. A build has some, whatever its size."""

FOLDERS = 20

SHARES = (0.1, 0.2, 0.5, 1.2, 3.0)
"""File sizes as multiples of the mean: many small files and some large ones."""

AGE_SECONDS = 3600
"""The age of the build: its files are older than their objects in a bucket."""


class Build:
    """A build in a folder: assets with a fingerprint, and a few pages without.

    Attributes:
        folder: The folder.
        files: Path below the folder -> size in bytes.
    """

    def __init__(self, folder: Path, count: int, size: int) -> None:
        """Write the build.

        Args:
            folder: The folder to create.
            count: How many files.
            size: Roughly their total size in bytes.
        """
        self.folder = folder
        self.files: dict[str, int] = {}
        self._random = random.Random(count)  # noqa: S311 (not a secret)
        self._mean = size / count
        self._pages = min(PAGES, count // 10)
        for number in range(FOLDERS):
            (folder / f"part{number:02}").mkdir(parents=True)
        then = time.time() - AGE_SECONDS
        for number in range(count):
            os.utime(folder / self._write(number), (then, then))

    def pages(self) -> list[str]:
        """The files without a fingerprint."""
        return [name for name in self.files if name.endswith(".html")]

    def change(self, count: int) -> None:
        """Change the content of so many files. Pages keep their names and sizes; assets get new names."""
        for number in range(self._pages):
            self._write(number)
        assets = sorted(self.files.keys() - self.pages())
        for name in self._random.sample(assets, count - self._pages):
            (self.folder / name).unlink()
            del self.files[name]
            self._write(int(name.rpartition("/")[2].split("-")[1]))

    def _write(self, number: int) -> str:
        body = self._random.randbytes(max(1, round(self._mean * SHARES[number % len(SHARES)])))
        name = f"part{number % FOLDERS:02}/"
        # The suffix adds a letter and a digit: without it the hash of one file in 3,000 looks like a number or a word.
        name += (
            f"page-{number:05}.html"
            if number < self._pages
            else f"module-{number:05}-{hashlib.sha256(body).hexdigest()[:14]}a1.js"
        )
        (self.folder / name).write_bytes(body)
        self.files[name] = len(body)
        return name


class LargeFileBuild(Build):
    """A build of one large file. It is sparse on this side, and full in the bucket."""

    def __init__(self, folder: Path, size: int) -> None:
        """Write the build."""
        self.folder = folder
        self.files = {"video-3f9c2ab14d5e6f70.mp4": size}
        folder.mkdir(parents=True)
        with (folder / next(iter(self.files))).open("wb") as file:
            file.truncate(size)
