"""Which of the tokens that one manifest's files have more than their plain names are fingerprints. Pure.

The mistake to avoid is to take a word for a fingerprint: then a file is cached for a year, and its old content with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from release_log.fingerprints import split

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_TOKEN = re.compile(r"[0-9A-Za-z_~-]+")
_LOWER_HEX = re.compile(r"[0-9a-f]+")
_ALPHABETS = (_LOWER_HEX, re.compile(r"[A-Z2-7]+"), _TOKEN)
_HEX = re.compile(r"(?=.*[a-f])[0-9a-f]{6,128}")  # letters alone too: behind a source's own name, `deadbeef` is no word
_WORD = re.compile(r"[A-Z]?[a-z]+[0-9]*|[0-9]+")
_CHANGE = re.compile(r"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[a-z])(?=[A-Z])")
_CHANGES, _LENGTH = 3, 6  # es2015, i18n, iOS17 and SemiBold have fewer
_NUMBERED = re.compile(r"(?:[A-Za-z]{1,2}[0-9]+)+")  # s01e02, mp4v2


def is_token(text: str) -> bool:
    """Whether it can be a fingerprint at all."""
    return _TOKEN.fullmatch(text) is not None


def looks_random(token: str) -> bool:
    """Whether it is a fingerprint by its looks alone, given that it follows a name."""
    if not is_token(token):
        return False
    if _HEX.fullmatch(token) or _is_seen(token):
        return True
    return len(token) >= _LENGTH and len(_CHANGE.findall(token)) >= _CHANGES and not _NUMBERED.fullmatch(token)


def fingerprints(bearers: Mapping[str, Collection[str]]) -> set[str]:
    """The fingerprints among the tokens of one manifest.

    What looks like a word or a number is one by itself. Among fingerprints of its length and alphabet it is theirs.

    Args:
        bearers: Token -> the plain names that it was found behind. A word of the user's template (``[name].bundle.js``)
            stands behind many; so does a digest of the whole build, and if that looks like a word, it is taken for one.
    """
    sure = {token for token, names in bearers.items() if (looks_random(token) if len(names) == 1 else _is_seen(token))}
    shapes = {shape(token) for token in sure}
    return sure | {
        token
        for token, names in bearers.items()
        if len(names) == 1 and is_token(token) and not is_word(token) and shape(token) in shapes
    }


def _is_seen(token: str) -> bool:
    """Whether it would be recognised without a manifest."""
    return split(f"name-{token}.js").fingerprint == token


def shape(token: str) -> tuple[int, int]:
    """Its length and its alphabet, by which fingerprints of one tool are alike."""
    return len(token), next((index for index, each in enumerate(_ALPHABETS) if each.fullmatch(token)), len(_ALPHABETS))


def is_word(token: str) -> bool:
    """Whether it is more likely a word than chance; what is spelled in hex alone may be either."""
    return _WORD.fullmatch(token) is not None and not _LOWER_HEX.fullmatch(token)
