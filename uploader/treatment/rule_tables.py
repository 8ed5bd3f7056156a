"""Read the ``[[rules]]`` of a configuration file, and check which settings go together."""

from __future__ import annotations

from typing import Any

from uploader.errors import UsageError
from uploader.treatment.rule_settings import NOT_SETTINGS, RULE_SETTINGS
from uploader.treatment.rule_values import ValueRefusedError, hint
from uploader.treatment.rules import NO_RULES, Rule, Rules


def parse_rules(tables: object, where: str) -> Rules:
    """Read the rules of a configuration file.

    Args:
        tables: The value of ``rules`` in the TOML file; None if the file has no rules.
        where: The file, for messages.

    Raises:
        UsageError: A rule is not valid; the message names the rule, the setting, the value, and what to write instead.
    """
    if tables is None:
        return NO_RULES
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        msg = f"{where}: rules is not a list of tables: begin each rule with [[rules]]"
        raise UsageError(msg)
    rules = []
    for number, table in enumerate(tables, 1):
        try:
            rules.append(_parse(table))
        except ValueRefusedError as error:
            matched = f" (match = {table['match']!r})" if "match" in table else ""
            msg = f"{where}: rule {number}{matched}: {error}"
            raise UsageError(msg) from error
    return Rules(tuple(rules))


def _parse(table: dict[str, Any]) -> Rule:
    checked: dict[str, Any] = {}
    for name, value in table.items():
        setting = RULE_SETTINGS.get(name)
        if setting is None:
            plain = name.lower().replace("-", "_").removeprefix("x_amz_")
            if plain in NOT_SETTINGS:
                msg = f"{name} is not a setting of a rule: {NOT_SETTINGS[plain]}"
                raise ValueRefusedError(msg)
            msg = f"unknown setting {name!r}: {hint(name, RULE_SETTINGS)}"
            raise ValueRefusedError(msg)
        try:
            checked[name] = setting.check(value)
        except ValueRefusedError as error:
            msg = f"{name} {error}"
            raise ValueRefusedError(msg) from error
    _check_together(checked)
    wanted = [coding for setting, coding in (("gzip", "gzip"), ("brotli", "br")) if checked.pop(setting, False)]
    return Rule(**checked, compress=wanted[0] if wanted else None)


def _check_together(checked: dict[str, Any]) -> None:
    given = {name for name, value in checked.items() if value is not False} - {"match"}
    why = ""
    if "match" not in checked:
        why = 'no match: say which files the rule applies to, as in match = "*.html"'
    elif "skip" in given and len(given) > 1:
        why = f"skip makes {', '.join(sorted(given - {'skip'}))} useless: take out one or the other"
    elif {"gzip", "brotli"} <= given:
        why = "gzip and brotli: S3 stores one body for all browsers; take out one of the two"
    elif given & {"gzip", "brotli"} and "content_encoding" in given:
        why = "content_encoding says that the file is compressed already: take it out, or gzip and brotli"
    if why:
        raise ValueRefusedError(why)
