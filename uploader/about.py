"""Who we are: the name and version that a marker bears as its writer's."""

from __future__ import annotations

WRITER = "asset-cleaner"
"""The writer's name in a marker. A reader that finds it knows how the marker's digests were made."""

VERSION = "0.1.0"
