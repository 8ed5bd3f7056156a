"""``python -m uploader``."""

from __future__ import annotations

import contextlib
import gc
import os
import sys

from uploader.errors import EXIT_FAILED, EXIT_INTERRUPTED

here, ours = sys.path[:1], os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
if not sys.flags.safe_path and here != [ours]:
    # `python -m` looks for modules in the current directory first: a `click.py` there is not the library that we need.
    del sys.path[:1]
for number in range(3):
    try:
        os.fstat(number)
    except OSError:
        # A closed stream's number would be the next socket's: whatever is printed would go to S3.
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
# Not in `os.environ`, which the command of `run` inherits: a panic of a native library is one line of ours.
os.putenv("RUST_BACKTRACE", "0")
try:
    from uploader.cli.entry import run
except KeyboardInterrupt:  # Ctrl-C within the first moment
    sys.exit(EXIT_INTERRUPTED)
except (ImportError, MemoryError) as error:
    if sys.stderr is not None:
        sys.stderr.write(
            f"uploader: cannot be loaded ({error or 'no more memory'}): install it again, or raise ulimit -v\n"
        )
    sys.exit(EXIT_FAILED)

# Python's garbage collector would walk, again and again, the objects of a build of 50,000 files: a tenth of the whole
# time, for hardly any garbage.
gc.disable()
code = run()
for stream in (sys.stdout, sys.stderr):
    if stream is not None:
        with contextlib.suppress(OSError):
            stream.flush()
# Not `sys.exit`: obstore's threads may still release Python objects while the interpreter shuts down, which aborts the
# process after all its work is done.
os._exit(code)
