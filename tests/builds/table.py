"""The logical path of each file: ``js/app-3f9c2ab1.js -> js/app.js``; the name alone if it has no fingerprint.

``python -m tests.builds.table DIRECTORY`` prints these lines.
"""

from __future__ import annotations

import sys
from pathlib import Path

from release_log.fingerprints import split
from uploader.builds.manifests import read_manifests


def logical_paths(directory: Path) -> dict[str, str]:
    """File name -> logical path: from a manifest, else by the looks of the name."""
    names = [path.relative_to(directory).as_posix() for path in sorted(directory.rglob("*")) if path.is_file()]
    mapped = read_manifests(directory, names).paths
    return {name: mapped.get(name, _by_looks(name)) for name in names}


def _by_looks(name: str) -> str:
    found = split(name)
    nameless = found.fingerprint is not None and found.logical == name
    return f"{name} (nothing but a fingerprint)" if nameless else found.logical


def table(directory: Path) -> str:
    """The lines, in the order of the names."""
    paths = logical_paths(directory)
    return "".join(f"{name}\n" if name == logical else f"{name} -> {logical}\n" for name, logical in paths.items())


if __name__ == "__main__":
    sys.stdout.write(table(Path(sys.argv[1])))
