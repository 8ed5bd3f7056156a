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

# A build of 50,000 files makes as many objects as Python looks for rubbish among, again and again: a tenth of all the
# time. There is none to speak of.
gc.disable()
code = run()
for stream in (sys.stdout, sys.stderr):
    if stream is not None:
        with contextlib.suppress(OSError):
            stream.flush()
# Not `sys.exit`: obstore's threads may still let go of Python objects while the interpreter takes itself down, and that
# aborts the process after all its work is done.
os._exit(code)
