"""The fingerprint in an asset's name: the part that a build tool adds so that the name changes with the content.

No tool marks its fingerprint, so `split` must tell ``app-3f9c2ab1.js`` from ``logo-dark.png`` by their form. One of
the two possible mistakes is worse. A missed fingerprint costs some caching; a plain name that is taken for a
fingerprinted one is cached for a year, and so is its old content. In doubt, a name has no fingerprint.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_HEX = re.compile(r"[0-9a-f]{6,128}")  # up to SHA-512, the longest digest of build tools
_UPPER_HEX = re.compile(r"[0-9A-F]{32,128}")  # GWT writes MD5 in capitals; a shorter one may be a part number
_DIGITS = re.compile(r"[0-9]{20,128}")  # one 20-hex hash in 12,000; a shorter one is a date, a size or an id
_DATE = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])(?:[a-f]?|[0-9]{12})")  # or with the time
_HEX_WORD = re.compile(r"[0-9]{0,4}(?:dec|feb|face|fade|feed|facade|decade)[0-9]{0,4}")  # 24feb2024, face01
_HEX_WORD_LENGTH = 14  # of the longest word; a date with a letter is shorter
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")  # identifies a thing, not its content
_BARE_HEX = 7  # six digits alone are too often a colour or a number: ff0000.png

_LENGTH = 8  # of Vite's, Rollup's, esbuild's and Bun's fingerprints
_BASE64URL = re.compile(r"[0-9A-Za-z_-]{8}")
_ALPHANUMERIC = re.compile(r"[0-9A-Za-z]{8,24}")
_ASTRO_IMAGE = re.compile(r"([0-9A-Za-z_-]{8})_[0-9A-Za-z]{3,7}")  # fingerprints of the file and of its resizing
_SCRIPT_OR_STYLE = re.compile(r"\.(?:m?js|css)(?:\.|$)")

_BASE32 = re.compile(r"[A-Z2-7]{8}")
_SERIAL = re.compile(r"[A-Z]{1,5}[0-9]{3,}")  # DSCN2345
_UPPER_WORD = re.compile(r"([A-Z]+)[0-9]{0,2}")

_BASE36_LENGTHS = frozenset({8, 10})  # Rollup's option and Bun; .NET
_BASE36_RUNS = 4  # of letters and of digits; worker32 and mp4video have fewer
_RUN = re.compile(r"[0-9]+|[a-z]+")
_DIMENSIONS = re.compile(r"[0-9]{2}x[0-9]{2}")  # 1920x1080p
_NUMBERED = re.compile(r"(?:[a-z][0-9]+)+[a-z]?|(?:[0-9]+[a-z])+")  # s01e02v3, 1h30m15s

_PLAIN = re.compile(r"[a-z]*[0-9]*|[0-9]+[a-z]*|[a-z0-9]?[A-Z]{1,5}[0-9]*|[A-Za-z][0-9]+[A-Za-z]?")  # v12, 2nd, A4, Q3b
_UNIT = re.compile(r"([a-z]?[A-Z]+(?![a-z])|[A-Z]?[a-z]+|(?=[0-9]))(?:[0-9]+(?:[DKnsxy](?![a-z]))?)?")  # HTML5|Icon2x
_WORD = re.compile(r"(?=.*[AEIOUYaeiouy])[A-Za-z][a-z]{2,}|(?i:btn|css|html|svg)")
_INNER_DIGIT = re.compile(r"[0-9][A-Za-z]")
_WORD_SHARE, _UPPER_WORD_SHARE = 0.5, 0.6  # of common pairs; the second higher, to keep Angular's 5INURTSO and its like
_COMMON_PAIRS = (
    "ab ac ad ag ai al am an ap ar as at au ba be bi bl bo br bu ca cc ce ch ci ck cl co cr cs ct cu da de di do ds "
    "du ea ec ed ee ef eg el em en ep er es et ev ew ex fa fe ff fi fl fo fu ga ge gi gn gr gs ha he hi ho ia ib ic "
    "id ie if ig il im in io ip ir is it iv iz ke la ld le li ll lo ls lt lu ly ma me mi mm mo mp ms mu na nc nd ne "
    "nf ng ni nn no ns nt nu nv oc od og ol om on oo op or os ot ou ov ow pa pe ph pi pl po pp pr ps pt qu ra rc rd "
    "re rg ri rm rn ro rr rs rt ru ry sa sc se sh si so sp ss st su ta te th ti to tr ts tt tu ty ua ub uc ue ui ul "
    "um un up ur us ut va ve vi wa we wi xp yp ze"
)
"""The 200 commonest pairs of letters in technical English: nine in ten pairs of a word, three in ten by chance."""

_FILE_TYPE = re.compile("br|bundle|cache|chunk|[cm]?js|css|gz|html|json|map|min|module|modern|txt|wasm|zst|LICENSE")
"""The extensions that may follow a fingerprint that is the whole name: ``3f9c2ab1.chunk.js.map``."""


class PatternError(ValueError):
    """A user's pattern that is not a regular expression, or does not say which part is the fingerprint."""


class Name(NamedTuple):
    """An asset's path, split into its parts.

    Attributes:
        logical: The path without its fingerprint, ``js/app.js``; all versions of an asset share it.
        fingerprint: ``3f9c2ab1``; None if the name has none.
    """

    logical: str
    fingerprint: str | None


def compile_pattern(text: str) -> re.Pattern[str]:
    """A user's own regular expression for `split`.

    Args:
        text: Python's syntax, with a group named ``fingerprint`` or one single group.

    Raises:
        PatternError: The text does not compile, or has no such group.
    """
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        msg = f"fingerprint pattern {text!r} is not a regular expression ({error}): write it in Python's re syntax"
        raise PatternError(msg) from error
    if "fingerprint" in pattern.groupindex or (pattern.groups == 1 and not pattern.groupindex):
        return pattern
    msg = f"fingerprint pattern {text!r} does not say which part is the fingerprint: put (?P<fingerprint>...) around it"
    raise PatternError(msg)


def split(path: str, pattern: re.Pattern[str] | None = None) -> Name:
    """Remove the fingerprint from a path's base name; the folders stay as they are.

    A name that is only a fingerprint and an extension is its own logical path, since no name is left.
    Different assets may share a logical path (esbuild's ``chunk-7QX2ZGKD.js`` and its siblings are all ``chunk.js``).

    Args:
        path: Separated by ``/``.
        pattern: From `compile_pattern`. It replaces the built-in rules: a name without a match has no fingerprint.
    """
    folder, slash, base = path.rpartition("/")
    span = _recognise(base) if pattern is None else _match(base, pattern)
    if span is None:
        return Name(path, None)
    start, end = span
    return Name(f"{folder}{slash}{_without(base, start, end)}", base[start:end])


def _match(base: str, pattern: re.Pattern[str]) -> tuple[int, int] | None:
    match = pattern.search(base)
    start, end = match.span("fingerprint" if "fingerprint" in pattern.groupindex else 1) if match else (0, 0)
    return (start, end) if start < end else None


def _without(base: str, start: int, end: int) -> str:
    """The base name without its fingerprint and one separator; unchanged if no name would be left."""
    before, after = base[:start], base[end:]
    if before.endswith(("-", ".", "_")):
        return before[:-1] + after
    if before or not after.startswith(("-", ".", "_")):
        return before + after or base
    rest = after[1:]
    return base if _is_nameless(rest, after[0]) else rest


def _is_nameless(rest: str, separator: str) -> bool:
    """Whether only extensions follow a leading fingerprint, or the suffixes of Next.js' fonts (``<hex>-s.p.woff2``)."""
    first, dot, _ = rest.partition(".")
    return len(first) <= 1 or (separator == "." and (not dot or _FILE_TYPE.fullmatch(first) is not None))


def _recognise(base: str) -> tuple[int, int] | None:
    """Start and end of the rightmost fingerprint by the built-in rules: a chunk's name may have older hashes too."""
    segments = base.split(".")
    end = len(base)
    if len(segments) > 1:
        end -= len(segments.pop()) + 1  # the extension: woff2 or mp4 is never a fingerprint
    for index in reversed(range(len(segments))):
        segment = segments[index]
        start = end - len(segment)
        if index and _is_fingerprint(segment):
            return start, end
        size = _suffix(segment)
        if size:
            return end - size, end
        end = start - 1
    first = segments[0]
    head, hyphen, _ = first.partition("-")
    if hyphen and _is_hex(head) and not _UUID.match(first):
        return 0, len(head)
    return (0, len(first)) if _is_leading(first, base[len(first) :]) else None


def _is_leading(first: str, rest: str) -> bool:
    """Whether the whole part before the first dot is a fingerprint."""
    if _is_hex(first):
        return rest != "" and (len(first) >= _BARE_HEX or not _is_nameless(rest[1:], "."))
    # Nuxt's and SvelteKit's chunks have no other name. Without a separator only scripts and styles count, and only with
    # all three kinds of characters: DSC00042.jpg and Overview.html are names.
    return len(first) == _LENGTH and all(_kinds(first)) and bool(_SCRIPT_OR_STYLE.match(rest)) and _is_mixed(first)


def _suffix(segment: str) -> int:
    """The length of the fingerprint after a hyphen; 0 if there is none."""
    name, _, last = segment.rpartition("-")
    if name and _is_fingerprint(last) and not _UUID.search(segment):
        return len(last)
    # Base64url may contain the separators themselves (index-D-h3kQ2x.js). Only the usual length of eight shows where
    # such a fingerprint begins.
    name, token = segment[:-_LENGTH], segment[-_LENGTH:]
    return _LENGTH if len(name) > 1 and name.endswith("-") and _is_mixed(token) else 0


def _is_fingerprint(token: str) -> bool:
    if _is_hex(token):
        return True
    astro = _ASTRO_IMAGE.fullmatch(token)
    return _is_mixed(astro[1] if astro else token)


def _is_hex(token: str) -> bool:
    """Whether it is hex with a digit and a letter: a word such as ``facade`` has no digit, a date has no letter."""
    if not (_HEX.fullmatch(token) or _UPPER_HEX.fullmatch(token)) or token.isalpha():
        return False
    if token.isdigit():
        return bool(_DIGITS.fullmatch(token)) and not _DATE.fullmatch(token)
    return len(token) > _HEX_WORD_LENGTH or not (_DATE.fullmatch(token) or _HEX_WORD.fullmatch(token))


def _kinds(token: str) -> tuple[bool, bool, bool]:
    """Whether it has upper case letters, lower case letters, digits."""
    return any(map(str.isupper, token)), any(map(str.islower, token)), any(map(str.isdigit, token))


def _is_mixed(token: str) -> bool:
    """Whether it is base64url, base36 or base32, and not made of words."""
    upper, lower, digit = _kinds(token)
    if _BASE64URL.fullmatch(token) and not token.isalnum():
        # Slugs (x-en-US) and camera names (IMG_1234) are this long too: at least one part must be unlike a word. A slug
        # never ends with a separator.
        odd = token.endswith(("-", "_")) or not all(map(_is_wordlike, re.split("[_-]", token)))
        return upper and lower and odd
    if not _ALPHANUMERIC.fullmatch(token):
        return False
    if upper and lower:
        return not _is_wordlike(token)
    return _is_base32(token) if upper else digit and _is_base36(token)


def _is_base32(token: str) -> bool:
    if not _BASE32.fullmatch(token) or _SERIAL.fullmatch(token):
        return False
    word = _UPPER_WORD.fullmatch(token)  # TEMPLATE, INVOICE2
    return word is None or _share_of_common_pairs([word[1]]) < _UPPER_WORD_SHARE


def _is_base36(token: str) -> bool:
    if len(token) not in _BASE36_LENGTHS or _DIMENSIONS.search(token) or _NUMBERED.fullmatch(token):
        return False
    return len(_RUN.findall(token)) >= _BASE36_RUNS


def _is_wordlike(text: str) -> bool:
    """Whether a text reads as camel case with acronyms and numbers: ``SemiBold``, ``OAuth2Client``, ``iOS17Pro``."""
    if _PLAIN.fullmatch(text):
        return True
    units = _UNIT.findall(text)
    if len(units) == 1 and units[0][1:].islower():
        return True  # one word, of whatever language
    # The shorter the words, and the more numbers between them, the likelier it is chance.
    most = max(2, len(text) // 4) if _INNER_DIGIT.search(text) else len(text) // 2.5
    words = [unit for unit in units if _WORD.fullmatch(unit)]
    if len(units) > most or 2 * sum(map(len, words)) < sum(map(len, units)):
        return False
    return _share_of_common_pairs(words) >= _WORD_SHARE


def _share_of_common_pairs(words: list[str]) -> float:
    pairs = [word[index : index + 2].lower() for word in words for index in range(len(word) - 1)]
    return sum(pair in _COMMON_PAIRS for pair in pairs) / max(1, len(pairs))
