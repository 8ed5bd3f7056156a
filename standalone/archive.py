"""Packs a folder: the same files give the same bytes, whenever and wherever."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = 315532800
"""The time of every file: 1980, the first year that all tools can show."""


def pack(folder: Path, archive: Path) -> None:
    """Pack a folder, with its own name as the one entry on top."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = LONG_AGO
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with (
        archive.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in [folder, *sorted(folder.rglob("*"))]:
            tar.add(path, str(path.relative_to(folder.parent)), recursive=False, filter=plain)


def checksum(archive: Path) -> str:
    """An archive's line for `sha256sum --check`."""
    with archive.open("rb") as file:
        return f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {archive.name}\n"
