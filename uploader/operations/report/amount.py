"""A number of objects and their bytes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Amount(NamedTuple):
    """How much of something there is.

    Attributes:
        objects: How many objects.
        size: Bytes of them all.
    """

    objects: int = 0
    size: int = 0

    def less(self, other: Amount) -> Amount:
        """What is left of it without another one."""
        return Amount(self.objects - other.objects, self.size - other.size)


def amount_of(sizes: Iterable[int]) -> Amount:
    """The amount of objects with these sizes."""
    found = list(sizes)
    return Amount(len(found), sum(found))
