"""Record the previous version: ``python -m tests.e2e.previous_version.record COMMIT``, at each release.

What it writes suffices to deploy that version's stack and to publish with its uploader, without git: the template, and
the packages of both sides. The same commit gives the same bytes.
"""

from __future__ import annotations

import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from release_log.environment import SITES_FILE
from tests.e2e.checkout import check_out, synthesize
from tests.e2e.previous_version.previous import PACKAGES, POLICY, RECORDED, STACK, TEMPLATE, Recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

ZIP_BEGINS = 315_532_800
"""1980: a file of the bundle, which is a zip, cannot be older."""


def main() -> None:
    """Write the files beside this module."""
    (commit,) = sys.argv[1:]
    with TemporaryDirectory() as scratch:
        old = Path(scratch)
        check_out(commit, old)
        out = synthesize(old, POLICY, os.environ)
        (bundle,) = (each.parent for each in out.glob(f"asset.*/{SITES_FILE}"))
        (old / SITES_FILE).write_bytes((bundle / SITES_FILE).read_bytes())
        PACKAGES.write_bytes(_packed(old))
        template = json.loads((out / f"{STACK}.template.json").read_text())
        recorded: Recorded = {
            "name": _git("describe", "--tags", "--always", commit),
            "commit": _git("rev-parse", commit),
            "bundle": bundle.name.removeprefix("asset."),
        }
    TEMPLATE.write_text(json.dumps(template, indent=1, sort_keys=True) + "\n")
    RECORDED.write_text(json.dumps(recorded, indent=1) + "\n")


def _packed(old: Path) -> bytes:
    """The packages as an archive that tells nothing of this machine, or of the time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in _files(old):
            content = path.read_bytes()
            entry = tarfile.TarInfo(path.relative_to(old).as_posix())
            entry.size, entry.mtime = len(content), ZIP_BEGINS
            tar.addfile(entry, io.BytesIO(content))
    return lzma.compress(packed.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def _files(old: Path) -> Iterator[Path]:
    for package in ("cleaner_lambda", "release_log", "uploader"):
        yield from sorted(path for path in (old / package).rglob("*") if path.is_file())
    yield old / SITES_FILE


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["/usr/bin/env", "git", *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    main()
