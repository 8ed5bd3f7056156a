"""A release log that is taken in in small parts, so that a few releases take several."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import backlog

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def small_parts(markers: int) -> Iterator[None]:
    """So many markers are taken in at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backlog, "MARKERS", markers)
        yield
