"""The table of the library's functions."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import uploader
from docs.tables.markdown import code, table

if TYPE_CHECKING:
    from collections.abc import Callable


def functions() -> str:
    """Each function that ``from uploader import ...`` gives: how it is called, and the first line of its docstring."""
    public = {name: getattr(uploader, name) for name in uploader.__all__}
    found = {name: each for name, each in public.items() if inspect.isfunction(each)}
    rows = [[code(_call(name, each)), _summary(each)] for name, each in found.items()]
    return table(["function", ""], rows)


def _call(name: str, function: Callable[..., object]) -> str:
    """The call with the names of its arguments; those after the asterisk are given by name."""
    words = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        words.append(parameter.name)
    return f"{name}({', '.join(words)})"


def _summary(function: Callable[..., object]) -> str:
    return (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " ")
