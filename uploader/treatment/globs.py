"""Globs as in ``.gitignore``: they select the files of a build that a rule applies to."""

from __future__ import annotations

import re
from typing import NoReturn

_PIECE = re.compile(r"\*\*|\[!?\]?[^\]]*\]|.", re.DOTALL)
"""Two stars, a set of characters (``]`` may come first in it), or any one character."""


_EXPRESSIONS = {"*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")"}


class GlobError(ValueError):
    """The text is not a valid glob; the message says why, and what to write instead."""


def translate(glob: str) -> str:
    """A regular expression, without groups, that matches the whole path of each file that a glob names.

    A glob without a slash matches the file's name, in any folder; a glob with a slash matches the path from the site's
    top. ``*``, ``?``, ``[abc]``, ``[a-z]`` and ``[!abc]`` match within a name, ``**/`` matches any number of folders,
    ``{js,css}`` any of its alternatives, and ``vendor/`` every file below a folder with this name. Upper and lower case
    differ, as in S3.

    Raises:
        GlobError: The text is not a valid glob.
    """
    _check(glob)
    if glob.endswith("/"):
        glob = f"{'' if '/' in glob[:-1] else '**/'}{glob}**"
    # The name begins after the last slash: the atomic group keeps the search from trying earlier slashes.
    start, rest = "(?>(?:.*/)?)", glob.removeprefix("**/")
    if "/" in rest:
        start, rest = "", glob.removeprefix("/")
    expression = start + _translate(rest)
    try:
        re.compile(expression)
    except re.error as error:
        msg = f"has an invalid set of characters ({error.msg})"
        raise GlobError(msg) from error
    return expression


def _check(glob: str) -> None:
    if not glob.strip("/"):
        _refuse("names no file: write '**' for every file")
    if glob.startswith("!"):
        _refuse(
            "cannot begin with '!': put a rule for the exceptions before this rule, as the first rule that matches wins"
        )
    if "\\" in glob:
        _refuse("has a backslash: write / between folders, and [*] for a literal star")
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
            _refuse("has a '}' without its '{': write [}] for a literal brace")
        made.append(_piece(before, piece, after, in_braces=depth > 0))
    if depth:
        _refuse("has a '{' without its '}': write [{] for a literal brace")
    return "".join(made)


def _piece(before: str, piece: str, after: str, *, in_braces: bool) -> str:
    if piece == "**":
        return "(?:.*/)?" if after else ".+"
    if piece == "/" and before == "**":
        return ""  # the expression for ** includes this slash
    if piece == "[":
        _refuse("has a '[' without its ']': write [[] for a literal bracket")
    if piece == ",":
        return "|" if in_braces else ","
    if len(piece) > 1:
        return _set(piece)
    return _EXPRESSIONS.get(piece) or re.escape(piece)


def _set(piece: str) -> str:
    inner = piece[1:-1]
    negated = inner.startswith("!")
    if not inner[negated:]:
        _refuse(f"has {piece!r}, which names no character: write [[] for a literal bracket")
    # Only the hyphen has a meaning here: it makes ranges. We escape the other special characters.
    body = re.sub(r"([\[\]\\^&~|])", r"\\\1", inner[negated:])
    return f"(?!/)[{'^' if negated else ''}{body}]"


def _refuse(why: str) -> NoReturn:
    raise GlobError(why)
