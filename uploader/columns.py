"""One value for each of a build's keys, without a dictionary of its own.

A dictionary of 50,000 keys has 2.6 MB, and its values 1.6 to 5 MB. What an upload knows of each key would be six of
them. So a build has one dictionary, key -> place, and each value lies at its key's place in a list or an array.
"""

from __future__ import annotations

from abc import abstractmethod
from array import array
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Iterable

Value = TypeVar("Value")
Default = TypeVar("Default")


def places_of(keys: Iterable[str]) -> dict[str, int]:
    """Key -> place, for the columns of these keys."""
    return {key: place for place, key in enumerate(dict.fromkeys(keys))}


class Column(Mapping[str, Value]):
    """Key -> value, for the keys that have one.

    Attributes:
        places: Key -> place. No key is added once there is a column.
    """

    def __init__(self, places: Mapping[str, int]) -> None:
        self.places = places
        self._more: dict[str, Value] = {}

    @abstractmethod
    def at(self, place: int) -> Value | None:
        """The value of the key at a place; None if it has none."""

    def add(self, others: Mapping[str, Value]) -> None:
        """Add a few values, of any keys without a place."""
        self._more |= others

    @overload
    def get(self, key: str) -> Value | None: ...
    @overload
    def get(self, key: str, default: Value | Default) -> Value | Default: ...
    def get(self, key: str, default: object = None) -> object:
        """See `Mapping`, which would raise an error for each key without a value, and catch it."""
        place = self.places.get(key)
        value = self._more.get(key) if place is None else self.at(place)
        return default if value is None else value

    def __getitem__(self, key: str) -> Value:
        """The value of a key that has one."""
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        """Whether a key has a value."""
        return isinstance(key, str) and self.get(key) is not None

    def __iter__(self) -> Iterator[str]:
        """The keys that have a value."""
        for key, place in self.places.items():
            if self.at(place) is not None:
                yield key
        yield from self._more

    def __len__(self) -> int:
        """How many keys have a value."""
        return sum(1 for _ in self)


class Objects(Column[Value]):
    """Values of any kind."""

    def __init__(self, places: Mapping[str, int]) -> None:
        super().__init__(places)
        self._values: list[Value | None] = [None] * len(places)

    def at(self, place: int) -> Value | None:
        """See `Column`."""
        return self._values[place]

    def put(self, place: int, value: Value | None) -> None:
        """Note a value; None: there is none."""
        self._values[place] = value


class Numbers(Column[int]):
    """Numbers from 0 on."""

    def __init__(self, places: Mapping[str, int]) -> None:
        super().__init__(places)
        self._values = array("q", [-1]) * len(places)

    def at(self, place: int) -> int | None:
        """See `Column`."""
        value = self._values[place]
        return value if value >= 0 else None

    def put(self, place: int, value: int | None) -> None:
        """Note a number; None: there is none."""
        self._values[place] = -1 if value is None else value


class Names(Column[str]):
    """Names of which few differ."""

    def __init__(self, places: Mapping[str, int]) -> None:
        super().__init__(places)
        self._numbers: dict[str, int] = {}
        self._names: list[str | None] = [None]
        self._values = array("I", [0]) * len(places)

    def at(self, place: int) -> str | None:
        """See `Column`."""
        return self._names[self._values[place]]

    def put(self, place: int, name: str | None) -> None:
        """Note a name; None: there is none."""
        number = 0 if name is None else self._numbers.get(name)
        if number is None:
            number = len(self._names)
            self._numbers[name or ""] = number
            self._names.append(name)
        self._values[place] = number


class Digests(Column[str]):
    """Digests in hexadecimal digits of one length; other texts are kept as they are."""

    def __init__(self, places: Mapping[str, int], digits: int) -> None:
        super().__init__(places)
        self._size = digits // 2
        self._values = bytearray(self._size * len(places))
        self._none = bytes(self._size)
        self._texts: dict[int, str] = {}

    def at(self, place: int) -> str | None:
        """See `Column`."""
        size = self._size
        value = self._values[place * size : (place + 1) * size]
        return self._texts.get(place) if value == self._none else value.hex()

    def has_text(self, text: str) -> bool:
        """Whether a key has this text, which is not a digest."""
        return text in self._texts.values()

    def put(self, place: int, text: str | None) -> None:
        """Note a digest; None: there is none."""
        size = self._size
        try:
            value = bytes.fromhex(text) if text else self._none
        except ValueError:
            value = self._none
        if self._texts:
            self._texts.pop(place, None)
        if text is not None and (len(value) != size or value.hex() != text or value == self._none):  # capitals, spaces
            value = self._none
            self._texts[place] = text
        self._values[place * size : (place + 1) * size] = value
