"""A full listing that is cut early, so that it takes several runs on a small site; and work that is handed out."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import listing, scan, survey, tag_workers
from cleaner_lambda.stretch import Stretch, begin_stretch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleaner_lambda.job import Job
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Pace


@contextmanager
def small_pieces(objects: int, ranges: int = 1, rounds: int = 1) -> Iterator[None]:
    """So many objects of each range are listed at once, so often by a run, and so many ranges there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "PIECE", objects)
        patch.setattr(listing, "ROUNDS", rounds)
        patch.setattr(listing, "RANGES", ranges)
        yield


@contextmanager
def short_stretches() -> Iterator[None]:
    """A run writes the ledger after each piece of a listing, and goes on."""

    def begin(job: Job, loaded: Loaded, pace: Pace, seconds: float) -> Stretch:
        stretch = begin_stretch(job, loaded, pace, seconds)
        return replace(stretch, until=pace.clock()) if stretch.until < math.inf else stretch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(survey, "begin_stretch", begin)
        yield


@contextmanager
def handing_out(*, at_once: bool) -> Iterator[None]:
    """A listing is handed out to a map run, at once or after the first run; and so are the groups of a rebuild."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "LARGE", 0 if at_once else scan.LARGE)
        patch.setattr(survey, "STRAYS", 50_000)
        patch.setattr(tag_workers, "LARGE", 1)
        yield
