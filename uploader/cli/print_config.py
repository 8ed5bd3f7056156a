"""``--print-config``: each value in force, and its source."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.core import Argument, Option, ParameterSource

from uploader.cli.config_file import RULES
from uploader.cli.configuration import in_force, key
from uploader.cli.console import as_json, say, write
from uploader.cli.table import Table
from uploader.treatment.rule_tables import parse_rules

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import click


SECRET = {"notify_url"}
"""Parameters whose value nobody may see."""


@dataclass(frozen=True, slots=True)
class ValueInForce:
    """A value in force, and its source.

    Attributes:
        value: As it could stand in the file; None if nothing is set.
        source: ``flag``, ``environment``, ``file``, ``default`` or ``missing``.
        where: The flag, the environment variable, or the table in the file.
    """

    value: Any
    source: str
    where: str


def show(ctx: click.Context, *, missing: Collection[click.Parameter]) -> None:
    """Print the configuration of a command whose command line is parsed.

    Args:
        ctx: The command's context.
        missing: The required parameters that have no value.
    """
    file = in_force(ctx)
    own = {"config": file.path, "env": file.environment}
    entries: dict[str, ValueInForce] = {}
    for parameter in ctx.command.params:
        if parameter in missing:
            entries[_name(parameter)] = ValueInForce(None, "missing", "missing, and required")
        elif parameter.name in ctx.params or parameter.name in own:
            value = {**ctx.params, **own}[parameter.name]
            if parameter.name in SECRET and value is not None:
                value = "***"
            entries[_name(parameter)] = ValueInForce(_plain(value), *_origin(ctx, parameter))
    rules = file.settings.get(RULES)
    if rules is not None:
        parse_rules(rules.value, rules.where)
    listed = ValueInForce([], "default", "default") if rules is None else ValueInForce(rules.value, "file", rules.where)
    if ctx.params.get("as_json"):
        settings = {name: asdict(entry) for name, entry in entries.items()}
        document = {"command": ctx.command.name, "settings": settings, "rules": asdict(listed)}
        write(as_json(document), done="nothing was done")
    else:
        unset = {_name(parameter): _unset(parameter) for parameter in ctx.command.params}
        rows = [(name, _shown(entry.value) or unset[name], entry.where) for name, entry in entries.items()]
        say(Table(("setting", "value", "from"), [*rows, *_rule_rows(listed)]), done="nothing was done")


def _name(parameter: click.Parameter) -> str:
    return key(parameter) or str(parameter.name)


def _origin(ctx: click.Context, parameter: click.Parameter) -> tuple[str, str]:
    match ctx.get_parameter_source(str(parameter.name)):
        case ParameterSource.COMMANDLINE:
            return "flag", "command line" if isinstance(parameter, Argument) else max(parameter.opts, key=len)
        case ParameterSource.ENVIRONMENT:
            return "environment", str(parameter.envvar)
        case ParameterSource.DEFAULT_MAP:
            return "file", in_force(ctx).settings[_name(parameter)].where
    return "default", "default"


def _plain(value: Any) -> Any:  # noqa: ANN401 (a callback may return anything)
    """A value as it could stand in the file."""
    if isinstance(value, re.Pattern):
        return value.pattern
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


def _shown(value: object) -> str | None:
    """A value as it could stand in the file; a string has no quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(json.dumps(each, ensure_ascii=False) for each in value)}]" if value else None
    return None if value is None else str(value) or '""'


def _unset(parameter: click.Parameter) -> str:
    """The default that an option's help names."""
    default = isinstance(parameter, Option) and re.search(r"\[default: (.*)\]$", parameter.help or "")
    return default[1] if default else "-"


def _rule_rows(rules: ValueInForce) -> Iterator[tuple[str, str, str]]:
    for number, rule in enumerate(rules.value, 1):
        yield f"rule {number}", ", ".join(f"{name} = {_shown(value)}" for name, value in rule.items()), rules.where
