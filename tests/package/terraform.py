"""As much of Terraform's evaluation as ``docs/terraform.md`` needs: no package registry has its AWS provider."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import hcl2

if TYPE_CHECKING:
    from pathlib import Path


class Configuration:
    """A parsed configuration.

    Attributes:
        outputs: Name of an output -> its expression.
    """

    def __init__(self, text: str, folder: Path) -> None:
        """Parse it.

        Args:
            text: The configuration.
            folder: The folder that it is in.
        """
        parsed = hcl2.loads(text)
        self._folder = folder
        (self._locals,) = parsed["locals"]
        self._resources = {
            (_bare(kind), _bare(name)): body
            for block in parsed["resource"]
            for kind, named in block.items()
            for name, body in named.items()
        }
        self.outputs = {_bare(name): str(body["value"]) for block in parsed["output"] for name, body in block.items()}

    def resource(self, kind: str, name: str) -> dict[str, Any]:
        """The arguments of a resource, as its provider gets them."""
        return {key: self._value(value) for key, value in self._resources[kind, name].items() if key != "__is_block__"}

    def _value(self, value: Any) -> Any:  # noqa: ANN401 (any value of a configuration)
        match value:
            case dict():
                return {key: self._value(inner) for key, inner in value.items()}
            case list():
                return [self._value(inner) for inner in value]
            case str():
                return re.sub(r"\$\{((?:[^{}]|\{[^{}]*\})*)\}", lambda found: self._expression(found[1]), _bare(value))
        return value

    def _expression(self, text: str) -> str:
        if text == "path.module":
            return "."
        if call := re.fullmatch(r'one\(fileset\(path\.module, "(.*)"\)\)', text):
            (one,) = self._folder.glob(call[1])
            return str(one.name)
        if call := re.fullmatch(r"file\((.*)\)", text):
            return (self._folder / str(self._value(call[1]))).read_text()
        first, *rest = text.split(".")
        if first == "local":
            return str(self._value(self._locals[rest[0]]))
        return str(self.resource(first, rest[0])[rest[1]])


def _bare(text: str) -> str:
    """A literal without its quotes."""
    return text[1:-1] if text.startswith('"') and text.endswith('"') else text
