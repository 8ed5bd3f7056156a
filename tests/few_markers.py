"""A release log that the cleaner prunes early, so that short histories show what that does."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import pruning

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def few_markers(keep: int = 1) -> Iterator[None]:
    """So many markers of each channel stay, and the cut moves with every marker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pruning, "KEEP_MARKERS", keep)
        patch.setattr(pruning, "EVERY", 1)
        patch.setattr(pruning, "SETTLED", timedelta(seconds=2))
        yield
