"""How names are spelled: letters that Unicode writes in two ways, and names that differ in case alone."""

from __future__ import annotations

import logging
import unicodedata
from typing import TYPE_CHECKING

from uploader.counted import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

log = logging.getLogger("uploader")

NFC = "nfc"
"""The one form that names can be stored in instead of their own: that in which people and programs type."""


def as_it_is(text: str) -> str:
    """The text."""
    return text


def nfc(text: str) -> str:
    """A text in Unicode's NFC: each accented letter is one character, and not a letter and an accent."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def warn_of_spelling(keys: Iterable[str]) -> None:
    """Warn of keys that many pages will not find, or that a computer with other rules for names mixes up."""
    decomposed: list[str] = []
    twins: list[tuple[str, str]] = []
    seen: dict[str, str] = {}
    for key in keys:
        if not key.isascii() and key != nfc(key):
            decomposed.append(key)
        other = seen.setdefault(key.casefold(), key)
        if other != key:
            twins.append((other, key))
    if decomposed:
        log.warning(
            "not in Unicode's NFC: %s, such as %a; pages that ask for NFC get no file: give --normalize nfc, unless "
            "the build's pages spell names so too",
            counted(len(decomposed), "name"),
            decomposed[0],
        )
    if twins:
        log.warning(
            "the same but for upper and lower case: %s of names, such as %r and %r; macOS and Windows have room for "
            "one of them: rename one",
            counted(len(twins), "pair"),
            *twins[0],
        )
