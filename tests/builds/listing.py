"""A build as the tests keep it: a listing of its files, and its manifests whole.

``outputs/TOOL.tsv`` lists both builds of a tool. A line is ``v1/assets/app-3f9c2ab1.js``, the size in bytes and a
digest of the content, separated by tabs. The manifests are in ``outputs/TOOL``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import NamedTuple

OUTPUTS = Path(__file__).parent / "outputs"
DIGESTED_BYTES = 2000
"""A larger file (a framework's runtime, a source map) has no digest, unless it is kept whole."""
MANIFESTS = frozenset({".json"})
"""Files with these suffixes are kept whole: they can be manifests."""


class Listed(NamedTuple):
    """A file of a build; the digest of a large one is empty."""

    size: int
    digest: str


def record(tool: str, version: str, build: Path) -> list[str]:
    """Keep the manifests of a build; returns its lines of the listing."""
    lines = []
    for path in sorted(path for path in build.rglob("*") if path.is_file()):
        name, content = f"{version}/{path.relative_to(build).as_posix()}", path.read_bytes()
        whole = path.suffix in MANIFESTS
        digest = hashlib.sha256(content).hexdigest()[:16] if whole or len(content) <= DIGESTED_BYTES else ""
        lines.append(f"{name}\t{len(content)}\t{digest}\n")
        if whole:
            kept = OUTPUTS / tool / name
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, kept)
    return lines


def listed(tool: str, version: str) -> dict[str, Listed]:
    """The files of a build, by their names in it."""
    rows = [line.split("\t") for line in (OUTPUTS / f"{tool}.tsv").read_text().splitlines()]
    return {
        name.removeprefix(f"{version}/"): Listed(int(size), digest)
        for name, size, digest in rows
        if name.startswith(f"{version}/")
    }


def rebuild(tool: str, version: str, folder: Path) -> Path:
    """Write the files of a build into a folder: manifests whole, the others in their size, without content."""
    for name, file in listed(tool, version).items():
        path, kept = folder / name, OUTPUTS / tool / version / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in MANIFESTS:
            shutil.copyfile(kept, path)
        else:
            path.touch()
            os.truncate(path, file.size)
    return folder
