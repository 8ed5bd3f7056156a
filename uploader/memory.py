"""Lets the C library give memory back to the system as soon as it is free."""

from __future__ import annotations

import contextlib

M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1
"""https://man7.org/linux/man-pages/man3/mallopt.3.html"""

BLOCK = 2**16
"""From so many bytes on, a block is given back by itself.

By itself the C library raises this to the largest block that was ever freed, up to 32 MB. Then what is smaller lies
between longer-lived blocks, and its room stays with the process: 35 MB of a build of 50,000 files.
"""


def give_back_early() -> None:
    """Give each large block back as soon as it is free; on a system without this setting, do nothing."""
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 (3 ms, for large builds only)

        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, BLOCK)
        library.mallopt(M_TRIM_THRESHOLD, BLOCK)
