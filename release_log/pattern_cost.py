"""Whether a user's regular expression ends in time, whatever the text: Python's `re` has no time limit. Pure.

Exponential time takes two repeats, one inside the other, that can share a text in many ways: ``(a+)+``. A repeat inside
another one is fine if something beside it tells where each turn ends: in ``(?:\\.[a-z]+)+`` a dot, which the inner one
cannot match. What is left is a power of the text's length, which `NAME_LENGTH` bounds.
"""

from __future__ import annotations

import re._constants as codes  # type: ignore[import-not-found]  # the parser is `re`'s own, and has no other name
import re._parser as parser  # type: ignore[import-not-found]
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NAME_LENGTH = 255
"""Of a longer name no pattern is tried: no file system has one."""

_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)
_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    codes.CATEGORY_DIGIT: str.isdigit,
    codes.CATEGORY_NOT_DIGIT: lambda text: not text.isdigit(),
    codes.CATEGORY_SPACE: str.isspace,
    codes.CATEGORY_NOT_SPACE: lambda text: not text.isspace(),
    codes.CATEGORY_WORD: lambda text: text.isalnum() or text == "_",
    codes.CATEGORY_NOT_WORD: lambda text: not (text.isalnum() or text == "_"),
}

Node = tuple[Any, Any]
"""What `re` makes of a part of a pattern: its kind, and its arguments."""


def can_explode(text: str) -> bool:
    """Whether the time that a valid pattern takes may double with each character of a name."""
    return any(_is_ambiguous(body) for body in _repeated(parser.parse(text)))


def _repeated(sequence: Sequence[Node]) -> Iterator[Sequence[Node]]:
    """The body of each repeat of two or more turns, however deep it lies."""
    for kind, arguments in sequence:
        for inner in _inside(kind, arguments):
            if kind in _REPEATS and arguments[1] > 1:
                yield inner
            yield from _repeated(inner)


def _inside(kind: Any, arguments: Any) -> Iterator[Sequence[Node]]:  # noqa: ANN401 (`re`'s own types)
    """The sequences of which a node consists."""
    if kind in _REPEATS or kind is codes.POSSESSIVE_REPEAT:
        yield arguments[2]
    elif kind is codes.SUBPATTERN:
        yield arguments[3]
    elif kind is codes.BRANCH:
        yield from arguments[1]
    elif kind in {codes.ASSERT, codes.ASSERT_NOT}:
        yield arguments[1]
    elif kind is codes.ATOMIC_GROUP:
        yield arguments
    elif kind is codes.GROUPREF_EXISTS:
        yield from filter(None, arguments[1:])


def _is_ambiguous(body: Sequence[Node]) -> bool:
    """Whether one text can be several turns of a body in several ways.

    It cannot where each turn has a mark, a character that nothing of varying length in the body matches, and between
    two marks one thing at most varies: the end of a turn and the beginning of the next one lie together there.
    """
    body = _flat(body)
    varying = [node for node in body if _variables(node)]
    if not varying:
        return False
    marks = [
        place
        for place, (kind, arguments) in enumerate(body)
        if kind is codes.LITERAL and not any(_matches(node, each) for node in varying for each in _cases(arguments))
    ]
    if not marks:
        return True
    turned = body[marks[0] :] + body[: marks[0]]
    variables = 0
    for place, node in enumerate(turned, marks[0]):
        variables = 0 if place % len(body) in marks else variables + _variables(node)
        if variables > 1:
            return True
    return False


def _cases(character: int) -> set[int]:
    """The numbers of a character in upper and lower case: a pattern may ignore it."""
    text = chr(character)
    return {ord(each) for each in (text, *text.upper(), *text.lower())}


def _flat(body: Sequence[Node]) -> list[Node]:
    """A sequence with the contents of its groups in their places."""
    found: list[Node] = []
    for kind, arguments in body:
        found += _flat(arguments[3]) if kind is codes.SUBPATTERN else [(kind, arguments)]
    return found


def _variables(node: Node) -> int:
    """How many parts of a node match texts of different lengths, or in different ways."""
    kind, arguments = node
    if kind is codes.BRANCH:
        begins = [alternative[0] if alternative else None for alternative in map(_flat, arguments[1])]
        literal = all(begin is not None and begin[0] is codes.LITERAL for begin in begins)
        own = 1 if literal and len(set(begins)) == len(begins) else 2
    else:
        own = int(kind is codes.GROUPREF_EXISTS or (kind in _REPEATS and arguments[0] != arguments[1]))
    return own + sum(_variables(each) for inner in _inside(kind, arguments) for each in inner)


def _matches(node: Node, character: int) -> bool:
    """Whether a character, by its number, may be in a text that a node matches."""
    kind, arguments = node
    if kind is codes.LITERAL:
        return bool(arguments == character)
    if kind is codes.NOT_LITERAL:
        return bool(arguments != character)
    if kind is codes.IN:
        negated = arguments[0][0] is codes.NEGATE
        return negated != any(_is_in(each, character) for each in arguments[negated:])
    inner = list(_inside(kind, arguments))
    # What is none of these matches any character, or we do not know which.
    return kind is not codes.AT and (not inner or any(_matches(each, character) for part in inner for each in part))


def _is_in(item: Node, character: int) -> bool:
    kind, arguments = item
    if kind is codes.LITERAL:
        return bool(arguments == character)
    if kind is codes.RANGE:
        return bool(arguments[0] <= character <= arguments[1])
    test = _CATEGORIES.get(arguments) if kind is codes.CATEGORY else None
    return test is None or bool(test(chr(character)))
