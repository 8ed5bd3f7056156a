"""Whether a part of a name is random, judged by its shape. Pure.

A word of whatever language is letters that follow each other in one case, with a capital at most in front
(``Wyszukaj``), or an acronym, or a number. A fingerprint changes between capitals, small letters and digits anywhere.
What could be either is plain: a missed fingerprint costs some caching; a plain name that is taken for a fingerprinted
one is cached for a year.
"""

from __future__ import annotations

import re

_DIGIT = re.compile("[0-9]")
_HEX = re.compile(r"[0-9a-f]{8,128}")
"""Six or seven characters alone are too often a colour (``2196f3``), a model (``ac1750``) or a curve (``ed25519``).
SHA-512 is the longest digest of build tools."""
_UPPER_HEX = re.compile(r"[0-9A-F]{32,128}")  # GWT writes MD5 in capitals; a shorter one may be a part number
_DIGITS = re.compile(r"[0-9]{20,128}")  # one 20-hex hash in 12,000; a shorter one is a date, a size or an id
_DATE = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])(?:[a-f]?|[0-9]{12})")  # or with the time
_HEX_WORD = re.compile(
    r"(?=[a-f]*[ae])(?=[a-f]*[bcdf])(?![a-f]*[bcdf]{3})[a-f]{2,}[0-9]+"  # cafe2024, fa202301
    r"|(?:19|20)[0-9]{2}[a-f]{2,}[0-9]{0,2}"  # 2024fade
    r"|[0-9]{0,4}(?:dec|feb|face|fade|feed|facade|decade)[0-9]{0,4}"  # 24feb2024
)
_HEX_WORD_LENGTH = 14  # of the longest word; a date with a letter is shorter

_LENGTH = 8  # of Vite's, Rollup's, esbuild's and Bun's fingerprints
_BASE64URL = re.compile(r"[0-9A-Za-z_-]{8}")
_ALPHANUMERIC = re.compile(r"[0-9A-Za-z]{8,24}")
_ASTRO_IMAGE = re.compile(r"([0-9A-Za-z_-]{8})_[0-9A-Za-z]{3,7}")  # fingerprints of the file and of its resizing

_PLAIN = re.compile(r"[a-z]*[0-9]*|[0-9]+[a-z]*|[a-z0-9]?[A-Z]{1,5}[0-9]*|[A-Za-z][0-9]+[A-Za-z]?")  # v12, 2nd, A4, Q3b
_WORD_IN_SLUG = re.compile(r"[A-Z]?[a-z]+[0-9]*")
_NUMBER = r"[0-9]+(?=[A-Z]|to[A-Z]|$)"  # HTML5, Mp3toWav; in a name, hardly anything else follows a number
_LAST_NUMBER = r"[0-9]+[DKhnsxy]?"  # Icon2x, Open24h
_ACRONYM = r"[A-Z]{2,}[sv]?(?![a-z])"  # PDF, URLs, IPv6
_WORD = r"[A-Z]?[a-z]{2,}|[A-Z][a-z]"
_CAPITALISED = r"[A-Z][a-z]+"
_ONE_OR_TWO_WORDS = re.compile(
    rf"(?:[eimx](?=[A-Z]))?(?:{_WORD}|{_ACRONYM})"
    rf"(?:{_LAST_NUMBER}|(?:{_CAPITALISED}|{_ACRONYM})(?:{_LAST_NUMBER})?|{_NUMBER}(?:to)?(?:{_CAPITALISED}|{_ACRONYM}))?"
)  # SemiBold, iOS17Pro
_CAMEL_CASE = re.compile(
    rf"(?:{_CAPITALISED}){{2,4}}|[a-z]{{2,}}(?:{_CAPITALISED}){{1,2}}|(?:{_CAPITALISED}){{2}}[A-Z]{{2}}"
)  # BlkCnObl, GitHubUI
_WORDLIKE = re.compile("|".join(f"(?:{shape.pattern})" for shape in (_PLAIN, _ONE_OR_TWO_WORDS, _CAMEL_CASE)))
_WORDS = re.compile(
    rf"(?:[a-z](?=[A-Z]))?"
    rf"(?:(?:{_WORD}|{_ACRONYM}|[A-Za-z](?=[0-9])|[A-Z](?=[A-Z][a-z]))(?:{_NUMBER}|{_LAST_NUMBER}$)?)+"
)  # IPv6toIPv4
_DIGIT_RUNS = 2

_BASE32 = re.compile(r"[A-Z2-7]{8}")
_PART_NUMBER = re.compile(r"[A-Z]{1,5}[0-9]{3,}[A-Z]{0,3}")  # DSCN2345, LM2576HV
_UPPER_WORD = re.compile(r"[A-Z]+[0-9]{0,2}")  # TEMPLATE, INVOICE2
_LONG_NUMBER = re.compile("[0-9]{2}")  # STM32F4X
_SPEAKABLE = re.compile(r"[^AEIOUY]{0,2}(?:[AEIOU][^AEIOUY]{1,2})+[AEIOUY]?")

_BASE36_LENGTHS = frozenset({8, 10})  # Rollup's option and Bun; .NET
_BASE36_RUNS = 4  # of letters and of digits; worker32 and mp4video have fewer
_RUN = re.compile(r"[0-9]+|[a-z]+")
_DIMENSIONS = re.compile(r"[0-9]{2}x[0-9]{2}")  # 1920x1080p
_NUMBERED = re.compile(r"(?:[a-z][0-9]+)+[a-z]?|(?:[0-9]+[a-z])+")  # s01e02v3, 1h30m15s


def is_fingerprint(token: str, *, code: bool = True) -> bool:
    """Whether a token behind a separator is a fingerprint.

    Args:
        token: The part of the name.
        code: Whether the file is a script, a style sheet or the like: people give such files fewer part numbers.
    """
    if is_hex(token):
        return True
    astro = _ASTRO_IMAGE.fullmatch(token)
    return is_mixed(astro[1] if astro else token, code=code)


def is_hex(token: str) -> bool:
    """Whether it is hex with a digit and a letter: a word such as ``facade`` has no digit, a date has no letter."""
    if not (_HEX.fullmatch(token) or _UPPER_HEX.fullmatch(token)) or token.isalpha():
        return False
    if token.isdigit():
        return bool(_DIGITS.fullmatch(token)) and not _DATE.fullmatch(token)
    return len(token) > _HEX_WORD_LENGTH or not (_DATE.fullmatch(token) or _HEX_WORD.fullmatch(token))


def kinds(token: str) -> tuple[bool, bool, bool]:
    """Whether it has upper case letters, lower case letters, digits."""
    return token.lower() != token, token.upper() != token, _DIGIT.search(token) is not None


def is_mixed(token: str, *, code: bool = True) -> bool:
    """Whether it is base64url, base36 or base32, and not made of words."""
    upper, lower, digit = kinds(token)
    if _BASE64URL.fullmatch(token) and not token.isalnum():
        # Slugs (x-en-US) and camera names (IMG_1234) are this long too: at least one part must be unlike a word. A slug
        # never ends with a separator.
        odd = token.endswith(("-", "_")) or not all(map(_is_in_slug, re.split("[_-]", token)))
        return upper and lower and odd
    if not _ALPHANUMERIC.fullmatch(token):
        return False
    if upper and lower:
        if len(token) == _LENGTH:
            return not is_wordlike(token)
        return len(re.findall("[0-9]+", token)) >= _DIGIT_RUNS and not _WORDS.fullmatch(token)
    return _is_base32(token, code=code) if upper else digit and _is_base36(token, code=code)


def _is_in_slug(part: str) -> bool:
    return _PLAIN.fullmatch(part) is not None or _WORD_IN_SLUG.fullmatch(part) is not None


def is_wordlike(text: str) -> bool:
    """Whether a text may be one or two words, of whatever language, or a few in camel case: ``SemiBold``, ``IPv6``."""
    return _WORDLIKE.fullmatch(text) is not None


def _is_base32(token: str, *, code: bool) -> bool:
    if not _BASE32.fullmatch(token) or _PART_NUMBER.fullmatch(token):
        return False
    if _UPPER_WORD.fullmatch(token):
        return code and not _SPEAKABLE.fullmatch(token)
    return not token.isdigit() and (code or not _LONG_NUMBER.search(token))


def _is_base36(token: str, *, code: bool) -> bool:
    if len(token) not in _BASE36_LENGTHS or _DIMENSIONS.search(token) or _NUMBERED.fullmatch(token):
        return False
    return len(_RUN.findall(token)) >= _BASE36_RUNS + (not code)
