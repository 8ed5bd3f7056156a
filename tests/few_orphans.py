"""A site with few orphans, of which the cleaner asks as of many."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import adoption, listing, scan, survey, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def unasked(most: int, in_one_file: int = adoption.IN_ONE_FILE) -> Iterator[None]:
    """Up to so many new orphans are retired without asking, and so many fit into a ledger of format 1."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (adoption, survey, waiting):
            patch.setattr(module, "UNASKED", most)
        for module in (adoption, survey):
            patch.setattr(module, "IN_ONE_FILE", in_one_file)
        yield


@contextmanager
def packing(strays: int) -> Iterator[None]:
    """So many orphans without tags are very many: a run that may retire any number packs them."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (listing, scan):
            patch.setattr(module, "STRAYS", strays)
        yield
