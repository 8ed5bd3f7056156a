"""``python -m uploader``."""

from __future__ import annotations

import os
import sys

here, ours = sys.path[:1], os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
if not sys.flags.safe_path and here != [ours]:
    # `python -m` looks for modules in the current directory first: a `click.py` there is not the library that we need.
    del sys.path[:1]

from uploader.start import start  # noqa: E402

start()
