"""The channels of a site: independent lines of releases, such as ``production`` and ``staging``."""

from __future__ import annotations

import re

DEFAULT_CHANNEL = "default"

CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
