"""Whether keys lie beneath one of some prefixes, which may be many: a bucket may hold a site for each branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

FEW = 16
"""So many prefixes are compared one by one, which is the fastest. It takes as long as there are prefixes."""


def beneath(prefixes: Collection[str]) -> Callable[[str], bool]:
    """A function that says whether a key lies beneath one of some prefixes. Pure.

    Of many prefixes it looks up the folders of the key, and so takes as long as these are deep.
    """
    if len(prefixes) <= FEW:
        every = tuple(prefixes)
        return lambda key: key.startswith(every)
    folders = frozenset(prefix for prefix in prefixes if prefix.endswith("/"))
    others = tuple(prefix for prefix in prefixes if not prefix.endswith("/"))

    def lies_beneath(key: str) -> bool:
        slash = key.find("/")
        while slash >= 0:
            if key[: slash + 1] in folders:
                return True
            slash = key.find("/", slash + 1)
        return key.startswith(others)

    return lies_beneath
