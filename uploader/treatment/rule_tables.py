"""Read the ``[[rules]]`` of a configuration file: check each setting, and which settings go together."""

from __future__ import annotations

from typing import Any

from uploader.errors import UsageError
from uploader.treatment import rule_values
from uploader.treatment.rules import NO_RULES, Rule, Rules


def parse_rules(tables: object, where: str) -> Rules:
    """Read the rules of a configuration file.

    Args:
        tables: What TOML makes of its ``[[rules]]``; None if there are none.
        where: The file, for messages.

    Raises:
        UsageError: A rule is not valid; the message names it, the setting, the value, and what to write instead.
    """
    if tables is None:
        return NO_RULES
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        msg = f"{where}: rules is no list of tables: begin each rule with [[rules]]"
        raise UsageError(msg)
    rules = []
    for number, table in enumerate(tables, 1):
        try:
            rules.append(_parse(table))
        except rule_values.ValueRefusedError as error:
            matched = f" (match = {table['match']!r})" if "match" in table else ""
            msg = f"{where}: rule {number}{matched}: {error}"
            raise UsageError(msg) from error
    return Rules(tuple(rules))


def _parse(table: dict[str, Any]) -> Rule:
    checked: dict[str, Any] = {}
    for name, value in table.items():
        setting = rule_values.RULE_SETTINGS.get(name)
        if setting is None:
            msg = f"unknown setting {name!r}: {rule_values.hint(name, rule_values.RULE_SETTINGS)}"
            raise rule_values.ValueRefusedError(msg)
        try:
            checked[name] = setting.check(value)
        except rule_values.ValueRefusedError as error:
            msg = f"{name} {error}"
            raise rule_values.ValueRefusedError(msg) from error
    _check_together(checked)
    wanted = [coding for setting, coding in (("gzip", "gzip"), ("brotli", "br")) if checked.pop(setting, False)]
    return Rule(**checked, compress=wanted[0] if wanted else None)


def _check_together(checked: dict[str, Any]) -> None:
    said = {name for name, value in checked.items() if value is not False} - {"match"}
    why = ""
    if "match" not in checked:
        why = 'no match: say which files it is for, as in match = "*.html"'
    elif "skip" in said and len(said) > 1:
        why = f"skip leaves nothing to set {', '.join(sorted(said - {'skip'}))} on: take out one or the other"
    elif {"gzip", "brotli"} <= said:
        why = "gzip and brotli: a file has one body, which every browser gets; take out one of them"
    elif said & {"gzip", "brotli"} and "content_encoding" in said:
        why = "content_encoding says that the file is compressed already: take it out, or gzip and brotli"
    if why:
        raise rule_values.ValueRefusedError(why)
