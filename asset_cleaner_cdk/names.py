"""What an installation names itself: by its stack, and by its own place in it if the stack holds more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import Fn, Stack, Token

if TYPE_CHECKING:
    from constructs import Construct

LONGEST = 45
"""Characters of `Names.installation`, so that every name made from it fits: a schedule group's has 64."""

DIGEST = 8
"""Characters of a construct's address that tell it from the others."""


def known(text: str) -> str:
    """A text for an id or a description, which CloudFormation does not fill in: one that only it knows is empty."""
    return "" if Token.is_unresolved(text) else text


class Names(NamedTuple):
    """The names.

    Attributes:
        stack: The stack's name; None if only CloudFormation knows it, as for a nested stack.
        place: Tells an installation that is a part of a stack from the others in it; empty for one that is the stack.
    """

    stack: str | None
    place: str = ""

    @property
    def installation(self) -> str:
        """A name that no other installation of the same account and Region has."""
        return f"{(self.stack or 'AssetCleaner')[: LONGEST - len(self.place)]}{self.place}"


def names_in(scope: Construct) -> Names:
    """The names of the installation that a construct is, or a whole stack."""
    stack = Stack.of(scope)
    return Names(
        stack=None if Token.is_unresolved(stack.stack_name) else stack.stack_name,
        place="" if scope is stack else f"-{scope.node.addr[-DIGEST:]}",
    )


def unique_id(scope: Construct) -> str:
    """The beginning of the stack's own unique id, for the name of something that is deleted only after a while.

    So each stack that is created has a name of its own for it.
    """
    return Fn.select(0, Fn.split("-", Fn.select(2, Fn.split("/", Stack.of(scope).stack_id))))
