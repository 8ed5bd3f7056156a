"""The fingerprint in an asset's name: the part that a build tool adds so that the name changes with the content.

Few tools mark their fingerprint, so `split` must tell ``app-3f9c2ab1.js`` from ``logo-dark.png`` by shape. One of
the two possible mistakes is worse. A missed fingerprint costs some caching; a plain name that is taken for a
fingerprinted one is cached for a year, and so is its old content. In doubt, a name has no fingerprint.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from release_log.marked_names import find_marked
from release_log.pattern_cost import NAME_LENGTH, can_explode
from release_log.tokens import is_fingerprint, is_hex, is_mixed, kinds

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")  # identifies a thing, not its content
_LENGTH = 8  # of Vite's, Rollup's, esbuild's and Bun's fingerprints
_SCRIPT_OR_STYLE = re.compile(r"\.(?:m?js|css)(?:\.|$)")
_CODE = re.compile(r"\.(?:[cm]?js|css|dll|html|json|map|wasm|woff2?)(?:\.|$)")

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
        PatternError: The text does not compile, has no such group, or may take for ever on some name.
    """
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        msg = f"fingerprint pattern {text!r} is not a regular expression ({error}): write it in Python's re syntax"
        raise PatternError(msg) from error
    if can_explode(text):
        remedy = "write it without a repeat inside a repeat"
        msg = f"fingerprint pattern {text!r} may take for ever on a long name: {remedy}"
        raise PatternError(msg)
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
    match = pattern.search(base) if len(base) <= NAME_LENGTH else None
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
    return (
        len(first) <= 1
        or first.isdigit()
        or (separator == "." and (not dot or _FILE_TYPE.fullmatch(first) is not None))
    )


def _recognise(base: str) -> tuple[int, int] | None:
    """Start and end of the rightmost fingerprint by the built-in rules: a chunk's name may have older hashes too."""
    marked = find_marked(base)
    if marked is not None:
        return marked
    code = _CODE.search(base) is not None
    segments = base.split(".")
    end = len(base)
    if len(segments) > 1:
        end -= len(segments.pop()) + 1  # the extension: woff2 or mp4 is never a fingerprint
    for index in reversed(range(len(segments))):
        segment = segments[index]
        start = end - len(segment)
        if index and is_fingerprint(segment, code=code):
            return start, end
        size = _suffix(segment, code=code)
        if size:
            return end - size, end
        end = start - 1
    first = segments[0]
    head, hyphen, _ = first.partition("-")
    if hyphen and is_hex(head) and not _UUID.match(first):
        return 0, len(head)
    return (0, len(first)) if _is_leading(first, base[len(first) :]) else None


def _is_leading(first: str, rest: str) -> bool:
    """Whether the whole part before the first dot is a fingerprint."""
    if is_hex(first):
        return rest != ""
    # Nuxt's and SvelteKit's chunks have no other name. Without a separator only scripts and styles count, and only with
    # all three kinds of characters: DSC00042.jpg and Overview.html are names.
    return len(first) == _LENGTH and all(kinds(first)) and bool(_SCRIPT_OR_STYLE.match(rest)) and is_mixed(first)


def _suffix(segment: str, *, code: bool) -> int:
    """The length of the fingerprint after a hyphen; 0 if there is none."""
    name, _, last = segment.rpartition("-")
    if name and is_fingerprint(last, code=code) and not _UUID.search(segment):
        return len(last)
    # Base64url may contain the separators themselves (index-D-h3kQ2x.js). Only the usual length of eight shows where
    # such a fingerprint begins.
    name, token = segment[:-_LENGTH], segment[-_LENGTH:]
    return _LENGTH if len(name) > 1 and name.endswith("-") and is_mixed(token, code=code) else 0
