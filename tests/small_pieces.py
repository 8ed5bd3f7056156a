"""A full listing that is cut early, so that it takes several runs on a small site; and work that is handed out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import listing, scan, survey, tag_workers

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def small_pieces(objects: int, ranges: int = 1) -> Iterator[None]:
    """So many objects of each range are listed by a run, and so many ranges there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "PIECE", objects)
        patch.setattr(listing, "ROUNDS", 1)
        patch.setattr(listing, "RANGES", ranges)
        yield


@contextmanager
def handing_out(*, at_once: bool) -> Iterator[None]:
    """A listing is handed out to a map run, at once or after the first run; and so are the groups of a rebuild."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "LARGE", 0 if at_once else scan.LARGE)
        patch.setattr(survey, "STRAYS", 50_000)
        patch.setattr(tag_workers, "LARGE", 1)
        yield
