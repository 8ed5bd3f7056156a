"""Which of the tokens in one manifest's file names are fingerprints. Pure.

A token is the part that a file's name adds to its plain name. The mistake to avoid is to take a word for a fingerprint:
then browsers cache the file for a year, and keep its old content when it changes.
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
_HEX = re.compile(
    r"(?=.*[a-f])[0-9a-f]{6,128}"
)  # letters alone too: after a source's own name, `deadbeef` is not a word
_WORD = re.compile(r"[A-Z]?[a-z]+[0-9]*|[0-9]+")
_CHANGE = re.compile(r"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[a-z])(?=[A-Z])")
_CHANGES, _LENGTH = 3, 6  # es2015, i18n, iOS17 and SemiBold have fewer
_NUMBERED = re.compile(r"(?:[A-Za-z]{1,2}[0-9]+)+")  # s01e02, mp4v2


def is_token(text: str) -> bool:
    """Whether all characters of the text may occur in a fingerprint."""
    return _TOKEN.fullmatch(text) is not None


def looks_random(token: str) -> bool:
    """Whether a token that follows a name looks like a fingerprint, without a look at other tokens."""
    if not is_token(token):
        return False
    if _HEX.fullmatch(token) or _is_recognised_alone(token):
        return True
    return len(token) >= _LENGTH and len(_CHANGE.findall(token)) >= _CHANGES and not _NUMBERED.fullmatch(token)


def fingerprints(stems: Mapping[str, Collection[str]]) -> set[str]:
    """The fingerprints among the tokens of one manifest.

    A token whose looks alone do not tell is a fingerprint if other fingerprints have its length and alphabet.

    Args:
        stems: Token -> the plain names that the token follows. A word of the user's template (``[name].bundle.js``)
            follows many names. So does a digest of the whole build: if it looks like a word, we take it for a word.
    """
    sure = {
        token
        for token, names in stems.items()
        if (looks_random(token) if len(names) == 1 else _is_recognised_alone(token))
    }
    shapes = {shape(token) for token in sure}
    return sure | {
        token
        for token, names in stems.items()
        if len(names) == 1 and is_token(token) and not is_word(token) and shape(token) in shapes
    }


def _is_recognised_alone(token: str) -> bool:
    """Whether we would recognise the token as a fingerprint without a manifest."""
    return split(f"name-{token}.js").fingerprint == token


def shape(token: str) -> tuple[int, int]:
    """A token's length and alphabet, which are the same for all fingerprints of one tool."""
    return len(token), next((index for index, each in enumerate(_ALPHABETS) if each.fullmatch(token)), len(_ALPHABETS))


def is_word(token: str) -> bool:
    """Whether a token is more likely a word than random. A token of hexadecimal digits alone may be either: False."""
    return _WORD.fullmatch(token) is not None and not _LOWER_HEX.fullmatch(token)
