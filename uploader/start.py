"""Start the command line: ``uploader`` as it is installed, and ``python -m uploader``."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import NoReturn

from uploader.errors import EXIT_FAILED, EXIT_INTERRUPTED


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
        from uploader.cli.entry import run  # noqa: PLC0415 (what it loads may not be there, or not fit into memory)
    except KeyboardInterrupt:  # Ctrl-C within the first moment
        sys.exit(EXIT_INTERRUPTED)
    except (ImportError, MemoryError) as error:
        if sys.stderr is not None:
            sys.stderr.write(
                f"uploader: cannot be loaded ({error or 'no more memory'}): install it again, or raise ulimit -v\n"
            )
        sys.exit(EXIT_FAILED)

    # Python's garbage collector would walk, again and again, the objects of a build of 50,000 files: a tenth of the
    # whole time, for hardly any garbage.
    gc.disable()
    code = run()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.flush()
    # Not `sys.exit`: obstore's threads may still release Python objects while the interpreter shuts down, which aborts
    # the process after all its work is done.
    os._exit(code)
