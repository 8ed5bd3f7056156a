"""The order of releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def newest_first(log: Mapping[str, datetime], *folders: str) -> list[str]:
    """Keys of the files in some folders of the release log, the newest first: by S3's clock, then by their ids."""
    keys = (key for key in log if key.startswith(folders) and not key.endswith("/"))
    return sorted(keys, key=lambda key: (log[key], key), reverse=True)
