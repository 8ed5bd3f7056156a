"""``python -m standalone``: make the archives, and the file with their checksums, in ``dist``."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from pathlib import Path

from standalone.archive import checksum, pack
from standalone.assemble import assemble, compile_all
from standalone.debian import BuildError
from standalone.machines import MACHINES
from standalone.wheels import ROOT, build_wheel, install


def main() -> int:
    """Make the archives; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m standalone", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder for the archives")
    out = parser.parse_args().out
    own = platform.machine()
    if sys.platform != "linux" or own not in MACHINES:
        print(f"bundle: this is {sys.platform} on {own}: make the archives on Linux, on {' or '.join(MACHINES)}")  # noqa: T201
        return 1
    try:
        for line in make(own, out):
            print(line, end="")  # noqa: T201
    except BuildError as error:
        print(f"bundle: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def make(own: str, out: Path) -> list[str]:
    """Make every archive, on a machine of the kind `own`; returns the checksums' lines."""
    out.mkdir(parents=True, exist_ok=True)
    lines = []
    with tempfile.TemporaryDirectory(prefix="bundle-") as name:
        scratch = Path(name)
        wheel = build_wheel(scratch)
        folders = {
            machine: scratch / machine / "uploader" for machine in sorted(MACHINES, key=lambda each: each != own)
        }
        for machine, folder in folders.items():
            install(MACHINES[machine], wheel, folder.with_name("wheels"))
            assemble(MACHINES[machine], folder.with_name("wheels"), folder, folder.with_name("debian"))
        for machine, folder in folders.items():
            compile_all(folder, folders[own])
            archive = out / f"uploader-linux-{machine}.tar.gz"
            pack(folder, archive)
            lines.append(checksum(archive))
    lines.sort(key=lambda line: line.split()[1])
    (out / "uploader-linux.sha256").write_text("".join(lines))
    return lines


if __name__ == "__main__":
    sys.exit(main())
