"""Keys that a person or a tool may take for one and the same: only their spelling differs. Pure.

To S3 a key is a row of bytes. ``é`` as one character or as two, ``%20`` for a space: each is another key. A marker that
another tool wrote may name an object in another spelling than the one under which it is stored.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

ENCODED_AT_MOST = 3
"""How often a key is taken to be percent-encoded: a tool that encodes once more makes ``%2520`` of a space."""

_SLASHES = re.compile("/{2,}")


def normal_form(key: str) -> str:
    """The same text for all spellings of a key: decoded, composed (NFC), in lower case, without empty parts."""
    if "%" in key or "+" in key:
        key = key.replace("+", " ")
        for _ in range(ENCODED_AT_MOST):
            key = unquote(key)
    if not key.isascii():
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", key).casefold())
    return _SLASHES.sub("/", key.lower()) if "//" in key else key.lower()


def other_spellings(keys: Iterable[str], needed: Iterable[str]) -> dict[str, set[str]]:
    """Which needed keys some other keys may mean.

    Args:
        keys: Keys that are not needed.
        needed: Keys that are.

    Returns:
        Key -> the needed keys that differ from it only in their spelling, for the keys that have some.
    """
    by_form: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        by_form[normal_form(key)].append(key)
    found: dict[str, set[str]] = defaultdict(set)
    for key in needed:
        for other in by_form.get(normal_form(key), ()):
            if other != key:
                found[other].add(key)
    return dict(found)
