"""Whether a ``Cache-Control`` can be right: a browser passes over what it does not understand, and says nothing.

The directives of an answer: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2, https://www.rfc-editor.org/rfc/rfc8246
and https://www.rfc-editor.org/rfc/rfc5861. Others are allowed, as any cache may have some of its own.
"""

from __future__ import annotations

import re
from collections import Counter

from uploader.nearest import nearest

_SECONDS = ("max-age", "s-maxage", "stale-while-revalidate", "stale-if-error")
_WORDS = (
    "public",
    "private",
    "no-cache",
    "no-store",
    "no-transform",
    "must-revalidate",
    "proxy-revalidate",
    "must-understand",
    "immutable",
)
_WITH_HEADERS = ("private", "no-cache")
"""Words that may name headers: ``no-cache="Set-Cookie"``."""

_KNOWN = {each.replace("-", "_"): each for each in (*_SECONDS, *_WORDS)}
_DIRECTIVE = r'\s*([A-Za-z0-9!#$%&\'*+.^_`|~-]+)(?:=("[^"]*"|[^",\s]*))?\s*(?:,|$)'
_LIKELY = 0.75
"""How similar to a known directive an unknown one is that must be a slip of the pen."""


def problem_of(value: str) -> str | None:
    """What is wrong with a ``Cache-Control``, as the end of a message; None if nothing is known to be.

    Args:
        value: The header's value, printable ASCII.
    """
    seen: Counter[str] = Counter()
    at, directive = 0, re.compile(_DIRECTIVE)
    while at < len(value):
        found = directive.match(value, at)
        if found is None:
            rest = value[at:].strip()
            return f"cannot be read from {rest!r} on: put commas between directives, as in 'public, max-age=60'"
        name, given = found[1].lower(), found[2]
        problem = _problem(name, given)
        if problem is not None:
            return problem
        seen[name] += 1
        at = found.end()
    twice = [name for name, count in seen.items() if count > 1]
    if twice:
        return f"has {twice[0]} twice: caches differ in which of them they follow"
    if {"public", "private"} <= seen.keys():
        return "has public and private, which exclude each other"
    return None


def _problem(name: str, given: str | None) -> str | None:
    if name in _SECONDS:
        if given is None or not given.isdecimal():
            return f"has {name} {f'of {given!r}' if given else 'without a number'}: give seconds, as in '{name}=3600'"
        return None
    if name in _WORDS:
        if given is not None and name not in _WITH_HEADERS:
            return f"has {name} with a value: write '{name}' alone"
        return None
    near = nearest(name, _KNOWN, cutoff=_LIKELY)
    return f"has the unknown directive {name!r}: did you mean {_KNOWN[near]!r}?" if near else None
