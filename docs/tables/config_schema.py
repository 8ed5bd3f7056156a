"""The JSON Schema of ``uploader.toml``, made from the options and settings that the command line reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from uploader.cli.config_file import ENVIRONMENTS, RULES
from uploader.cli.configuration import every_setting, kind
from uploader.treatment.rule_settings import RULE_SETTINGS

FILE = Path(__file__).resolve().parents[2] / "uploader" / "uploader.schema.json"
_TYPES: dict[type, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    list: {"type": "array", "items": {"type": "string"}},
}


def text() -> bytes:
    """The schema's file. Draft 7, as the TOML extensions of editors know no later one well."""
    settings = {name: _setting(parameter) for name, parameter in every_setting().items()}
    rules = {"description": "How some files are stored: the first rule that matches a file wins.", **_array_of("rule")}
    table = {"type": "object", "additionalProperties": False, "properties": {**settings, RULES: rules}}
    environments = {
        "description": "The values for each environment, which go before those of the top level: --env NAME.",
        "type": "object",
        "additionalProperties": {"$ref": "#/definitions/environment"},
    }
    document = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "uploader.toml",
        "description": "The configuration of `python -m uploader`; in a pyproject.toml it is [tool.uploader].",
        **table,
        "properties": {**settings, RULES: rules, ENVIRONMENTS: environments},
        "definitions": {"environment": table, "rule": _rule()},
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _setting(parameter: click.Parameter) -> dict[str, Any]:
    if not isinstance(parameter, click.Option):
        return {"description": "The build's output.", "type": "string"}
    found = {"description": parameter.help, **_TYPES[kind(parameter)]}
    match parameter.type:
        case click.Choice(choices=choices):
            found["enum"] = list(choices)
        case click.IntRange(min=least, max=most):
            found |= {"minimum": least, "maximum": most}
    if parameter.show_default:
        found["default"] = parameter.default
    return found


def _rule() -> dict[str, Any]:
    properties = {name: {"description": setting.doc, **setting.schema} for name, setting in RULE_SETTINGS.items()}
    return {"type": "object", "additionalProperties": False, "required": ["match"], "properties": properties}


def _array_of(definition: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/definitions/{definition}"}}
