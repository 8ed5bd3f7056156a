"""``python -m uploader``."""

from __future__ import annotations

import contextlib
import gc
import os
import sys

from uploader.errors import EXIT_INTERRUPTED

try:
    from uploader.cli.entry import run
except KeyboardInterrupt:  # Ctrl-C within the first moment
    sys.exit(EXIT_INTERRUPTED)

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
