"""``python -m uploader``."""

from __future__ import annotations

import sys

from uploader.cli import run

sys.exit(run())
