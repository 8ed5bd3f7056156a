"""What `make torture` plays in full, and `make test` a part of."""

from __future__ import annotations

import os
from itertools import cycle, islice, product
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

TORTURE = os.environ.get("TORTURE") == "1"

First = TypeVar("First")
Second = TypeVar("Second")


def pairs(some: Sequence[First], others: Sequence[Second]) -> list[tuple[First, Second]]:
    """Every pair of two lists with ``TORTURE=1``, and without it no more than have each of both: they take turns."""
    if TORTURE:
        return list(product(some, others))
    return list(islice(zip(cycle(some), cycle(others)), max(len(some), len(others))))
