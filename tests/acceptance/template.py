"""The template, for what the embedded AWS cannot show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.synthesis import define

if TYPE_CHECKING:
    from tests.acceptance.world import World


def synthesised(world: World, **context: object) -> dict[str, Any]:
    """The template for these settings, with a stand-in for the bundle."""
    bundle = world.scratch / "bundle"
    bundle.mkdir(exist_ok=True)
    (bundle / "handler.py").write_text("")
    app, stack = define(context, bundle)
    template: dict[str, Any] = app.synth().get_stack_by_name(stack.stack_name).template
    return template


def count(template: dict[str, Any], kind: str) -> int:
    """How many resources of a type it has."""
    return sum(each["Type"] == kind for each in template["Resources"].values())


def texts(template: dict[str, Any]) -> str:
    """The whole of it, to look for words in."""
    return json.dumps(template)
