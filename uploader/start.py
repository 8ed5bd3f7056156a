"""Start the command line: ``uploader`` as it is installed, and ``python -m uploader``."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import NoReturn

from uploader.errors import EXIT_FAILED, EXIT_INTERRUPTED

MEMORY, DATA, FILES = 1024**3, 512 * 1024**2, 16
"""The address space, its writable part, and the open files without which a library cannot be loaded, or its threads not
be started.

Obstore's would abort the process: each thread's stack and heap take address space, though hardly any memory.
"""

STACK, HEAPS = 1024**2, 2
"""The stack of each thread, and the C library's heaps for all threads, where the address space is limited.

With the usual ones (8 MB, and 64 MB for each of many threads) 128 requests at once take 2 GB of it, and with these 0.3.
"""

M_ARENA_MAX = -8
"""https://man7.org/linux/man-pages/man3/mallopt.3.html"""


def start() -> NoReturn:
    """Run the command line with this process's arguments, and end the process with its exit code."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # A closed stream's number would be the next socket's: whatever is printed would go to S3.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    # Not in `os.environ`, which the command of `run` inherits: a panic of a native library is one line of ours.
    os.putenv("RUST_BACKTRACE", "0")
    try:
        _check_limits()
        from uploader.cli.entry import run  # noqa: PLC0415 (what it loads may not be there, or not fit into memory)
    except KeyboardInterrupt:  # Ctrl-C within the first moment
        sys.exit(EXIT_INTERRUPTED)
    except (ImportError, MemoryError, SystemError) as error:
        _fail(f"cannot be loaded ({error or 'no more memory'}): install it again, or raise ulimit -v")

    # Python's garbage collector would walk, again and again, the objects of a build of 50,000 files: a tenth of the
    # whole time, for hardly any garbage.
    gc.disable()
    try:
        code = run()
    except SystemExit:
        raise
    except KeyboardInterrupt:  # a second Ctrl-C, while the first one's line was written
        os._exit(EXIT_INTERRUPTED)
    except BaseException as error:  # noqa: BLE001 (too little memory even for saying what is wrong)
        _fail(f"failed, and cannot say more ({type(error).__name__}): raise the limits of memory and files (ulimit)")
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.flush()
    # Not `sys.exit`: obstore's threads may still release Python objects while the interpreter shuts down, which aborts
    # the process after all its work is done.
    os._exit(code)


def _check_limits() -> None:
    """Refuse limits under which a library would abort."""
    try:
        import resource  # noqa: PLC0415 (there is none on Windows)
    except ImportError:
        return
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_DATA, resource.RLIMIT_NOFILE)
    memory, data, files = (resource.getrlimit(each)[0] for each in kinds)
    if {memory, data} != {resource.RLIM_INFINITY}:
        _save_address_space()
    for option, limit, least in (("-v", memory, MEMORY), ("-d", data, DATA)):
        if limit != resource.RLIM_INFINITY and limit < least:
            _fail(f"too little memory ({limit:,} bytes of it): raise ulimit {option} to {least // 1024} or more")
    if files != resource.RLIM_INFINITY and files < FILES:
        _fail(f"too few open files ({files}): raise ulimit -n to {FILES} or more")


def _save_address_space() -> None:
    """Let threads take less of it: where none is left, a library aborts the process."""
    import threading  # noqa: PLC0415 (every command loads it, but only behind this check)

    threading.stack_size(STACK)
    with contextlib.suppress(ImportError, OSError, AttributeError):  # another C library has no such setting
        import ctypes  # noqa: PLC0415 (few machines have a limit)

        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)


def _fail(line: str) -> NoReturn:
    """End the process with a line that needs nothing but memory for itself."""
    with contextlib.suppress(OSError):
        os.write(2, f"uploader: {line}\n".encode())
    os._exit(EXIT_FAILED)
