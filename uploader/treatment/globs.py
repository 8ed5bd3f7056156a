"""Globs, as ``.gitignore`` has them: which files of a build a rule is for."""

from __future__ import annotations

import re
from typing import NoReturn

_PIECE = re.compile(r"\*\*|\[!?\]?[^\]]*\]|.", re.DOTALL)
"""Stars, a set of characters (``]`` may come first in it), or any one character."""


_EXPRESSIONS = {"*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")"}


class GlobError(ValueError):
    """It is no glob; the message says why, and what to write instead."""


def translate(glob: str) -> str:
    """A regular expression, without groups, that matches the whole path of the files that a glob names.

    A glob without a slash is for the file's name, in any folder; one with a slash is for the path from the site's
    top. ``*``, ``?``, ``[abc]``, ``[a-z]`` and ``[!abc]`` match within a name, ``**/`` any folders or none,
    ``{js,css}`` any of these, and ``vendor/`` all below a folder of this name. Capitals matter, as they do in S3.

    Raises:
        GlobError: It is none.
    """
    _check(glob)
    if glob.endswith("/"):
        glob = f"{'' if '/' in glob[:-1] else '**/'}{glob}**"
    # What comes after the last slash cannot come earlier: the atomic group spares the search for it.
    start, rest = "(?>(?:.*/)?)", glob.removeprefix("**/")
    if "/" in rest:
        start, rest = "", glob.removeprefix("/")
    expression = start + _translate(rest)
    try:
        re.compile(expression)
    except re.error as error:
        msg = f"has a set that cannot be ({error.msg})"
        raise GlobError(msg) from error
    return expression


def _check(glob: str) -> None:
    if not glob.strip("/"):
        _refuse("names no file: '**' is every file")
    if glob.startswith("!"):
        _refuse("cannot begin with '!': put a rule for the exceptions before this one, as the first that matches wins")
    if "\\" in glob:
        _refuse("has a backslash: write / between folders, and [*] for a star itself")
    if any(part in {"", ".", ".."} for part in glob.removeprefix("/").removesuffix("/").split("/")):
        _refuse("has an empty, '.' or '..' folder: write the path from the site's top, as in js/*.js")
    if re.search(r"[^/]\*\*|\*\*[^/]", glob):
        _refuse("has '**' within a name: put it between slashes, as in js/**/*.map")


def _translate(glob: str) -> str:
    made, depth = [], 0
    pieces = _PIECE.findall(glob)
    for before, piece, after in zip(["", *pieces], pieces, [*pieces[1:], ""], strict=False):
        depth += (piece == "{") - (piece == "}")
        if depth < 0:
            _refuse("has a '}' without its '{': write [}] for the brace itself")
        made.append(_piece(before, piece, after, in_braces=depth > 0))
    if depth:
        _refuse("has a '{' without its '}': write [{] for the brace itself")
    return "".join(made)


def _piece(before: str, piece: str, after: str, *, in_braces: bool) -> str:
    if piece == "**":
        return "(?:.*/)?" if after else ".+"
    if piece == "/" and before == "**":
        return ""  # it is in the expression for ** already
    if piece == "[":
        _refuse("has a '[' without its ']': write [[] for the bracket itself")
    if piece == ",":
        return "|" if in_braces else ","
    if len(piece) > 1:
        return _set(piece)
    return _EXPRESSIONS.get(piece) or re.escape(piece)


def _set(piece: str) -> str:
    inner = piece[1:-1]
    negated = inner.startswith("!")
    if not inner[negated:]:
        _refuse(f"has {piece!r}, which names no character: write [[] for a bracket itself")
    # All but the hyphen, which makes ranges, stands for itself.
    body = re.sub(r"([\[\]\\^&~|])", r"\\\1", inner[negated:])
    return f"(?!/)[{'^' if negated else ''}{body}]"


def _refuse(why: str) -> NoReturn:
    raise GlobError(why)
