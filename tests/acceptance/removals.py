"""What has to be removed at the end: noted before it is made, and removed whatever became of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Left(NamedTuple):
    """Something that could not be removed.

    Attributes:
        what: Its kind and name, and where it is.
        why: The error.
    """

    what: str
    why: str


@dataclass(slots=True)
class Removals:
    """The things to remove."""

    _first: list[tuple[str, Callable[[], None]]] = field(default_factory=list)
    _noted: list[tuple[str, Callable[[], None]]] = field(default_factory=list)
    _begun: list[tuple[str, Callable[[], None]]] = field(default_factory=list)

    def first(self, what: str, remove: Callable[[], None]) -> None:
        """Note something that has to go before anything else, as it would hinder the removal of others."""
        self._first.append((what, remove))

    def later(self, what: str, remove: Callable[[], None], begin: Callable[[], None] | None = None) -> None:
        """Note something, before it is made: a process that ends half way may have made it.

        Args:
            what: Its kind and name, and where it is.
            remove: Removes it; does nothing if it is not there.
            begin: Begins its removal and does not wait for the end, so that slow ones go at one time.
        """
        self._noted.append((what, remove))
        if begin is not None:
            self._begun.append((what, begin))

    def all(self, say: Callable[[str], None]) -> list[Left]:
        """Remove everything, the latest first.

        Returns:
            What is left.
        """
        left = _removed(self._first, say)
        while self._begun:
            _, begin = self._begun.pop()
            # Its error, if there is one, comes again when it is removed.
            _tried(begin)
        return left + _removed(self._noted, say)


def _removed(noted: list[tuple[str, Callable[[], None]]], say: Callable[[str], None]) -> list[Left]:
    """Remove these; what is left of them."""
    left = []
    while noted:
        what, remove = noted.pop()
        say(f"removing {what}")
        error = _tried(remove)
        if error is not None:
            left.append(Left(what, error))
            say(f"  LEFT: {error}")
    return left


def _tried(remove: Callable[[], None]) -> str | None:
    """Do it; the error in one line, if there is one."""
    try:
        remove()
    except Exception as error:  # noqa: BLE001 (one that fails must not keep the others)
        return " ".join(f"{type(error).__name__}: {error}".split())
    return None
