"""Reads ``uploader.toml``, or ``[tool.uploader]`` in pyproject.toml: the settings of a project.

This module does not know the command line: its caller says which keys exist and of which type they are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from uploader.errors import UsageError
from uploader.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE = "uploader.toml"
PROJECT = "pyproject.toml"
ENVIRONMENTS = "environments"
RULES = "rules"
"""The two keys that are not options: they are tables."""

_WANTED = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    list: "an array of strings",
}
_FOUND = {
    bool: "a boolean",
    int: "a whole number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "a table",
}
_SHOWN = 60
_URL = re.compile(r"(https?://[^/\s'\"]*)/[^\s'\"]+", re.IGNORECASE)


class Setting(NamedTuple):
    """A value, and the table in which it stands: ``uploader.toml [environments.production]``."""

    value: Any
    where: str


class Table(NamedTuple):
    """One table of a file: its name for people, and its keys and values."""

    where: str
    values: Mapping[str, Any]


class ConfigFile(NamedTuple):
    """A configuration file.

    Attributes:
        path: The file's path. Relative paths in the file start at its directory.
        top: The values for every environment.
        environments: Name -> the values for that environment, which go before those of `top`.
    """

    path: Path
    top: Table
    environments: Mapping[str, Table]

    def keys(self) -> set[str]:
        """The options that any of the tables sets."""
        return {key for table in self._tables() for key in table.values} - {RULES}

    def check(self, kinds: Mapping[str, type]) -> None:
        """Check the keys of every table, chosen or not, and the types of their values. Rules are not checked here.

        Args:
            kinds: Key -> its type; `list` is a list of strings.

        Raises:
            UsageError: A key is unknown, or its value is of another type.
        """
        for table in self._tables():
            for key, value in table.values.items():
                _check(table.where, key, value, kinds)

    def settings(self, environment: str | None) -> dict[str, Setting]:
        """The values for an environment; for None, those of `top` alone.

        Raises:
            UsageError: There is no such environment.
        """
        tables = [self.top]
        if environment is not None:
            if environment not in self.environments:
                near = nearest(environment, self.environments)
                remedy = f"did you mean {near!r}?" if near else f"it has {', '.join(self.environments) or 'none'}"
                msg = f"{self.top.where}: unknown environment {environment!r}: {remedy}"
                raise UsageError(msg)
            tables.append(self.environments[environment])
        return {key: Setting(value, table.where) for table in tables for key, value in table.values.items()}

    def _tables(self) -> Iterator[Table]:
        yield self.top
        yield from self.environments.values()


def find_config(named: Path | None, directory: Path = Path()) -> ConfigFile | None:
    """Read the configuration; None if the project has none.

    Args:
        named: The file, if somebody named one.
        directory: Where to look otherwise. Not above it: a file there may be another project's, with another
            project's bucket.

    Raises:
        UsageError: The file cannot be read, or there are two.
    """
    if named is not None:
        if (values := _read(named)) is None:
            msg = f"{named}: no such file: check --config"
            raise UsageError(msg)
        if (file := _file(named, values)) is None:
            msg = f"{named} has no table [tool.uploader]: add it, or check --config"
            raise UsageError(msg)
        return file
    own, project = directory / FILE, directory / PROJECT
    there = [(path, values) for path in (own, project) if (values := _read(path)) is not None]
    found = [file for path, values in there if (file := _file(path, values)) is not None]
    if len(found) > 1:
        msg = f"both {own} and [tool.uploader] in {project} exist: keep one of them, or name it with --config"
        raise UsageError(msg)
    return found[0] if found else None


def _read(path: Path) -> dict[str, Any] | None:
    """The tables of a file; None if it does not exist."""
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}): check --config, or its permissions"
        raise UsageError(msg) from error
    if path.name == PROJECT and b"uploader" not in body:
        return {}  # it configures other tools, which judge whether it is valid
    import tomllib  # noqa: PLC0415 (many projects have no such file)

    try:
        return tomllib.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # also: not UTF-8, a number of 5,000 digits, too many open brackets
        msg = f"{path}: not valid TOML: {error}"
        raise UsageError(msg) from error


def _file(path: Path, values: Mapping[str, Any]) -> ConfigFile | None:
    """The uploader's part of a file; None if it has none."""
    header = ""
    if path.name == PROJECT:
        tools = values.get("tool")
        if not isinstance(tools, dict) or "uploader" not in tools:
            return None
        header = "tool.uploader"
        values = _table(path, header, tools["uploader"])
    top = dict(values)
    above = f"{header}.{ENVIRONMENTS}".lstrip(".")
    environments = {
        name: Table(f"{path} [{above}.{name}]", _table(path, f"{above}.{name}", table))
        for name, table in _table(path, above, top.pop(ENVIRONMENTS, {})).items()
    }
    return ConfigFile(path, Table(f"{path} [{header}]" if header else str(path), top), environments)


def _table(path: Path, name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        msg = f"{path}: {name} = {_shown(value)} is {_kind(value)}: make it a table, such as [{name}]"
        raise UsageError(msg)
    return value


def _check(where: str, key: str, value: object, kinds: Mapping[str, type]) -> None:
    if key == RULES:
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            msg = f"{where}: rules = {_shown(value)} is not an array of tables: begin each rule with [[rules]]"
            raise UsageError(msg)
        return
    if key not in kinds:
        near = nearest(key, [*kinds, ENVIRONMENTS, RULES])
        remedy = f"did you mean {near!r}?" if near else "docs/configuration.md lists the keys"
        msg = f"{where}: unknown key {key!r} (its value is {_shown(value)}): {remedy}"
        raise UsageError(msg)
    if not _fits(value, kinds[key]):
        msg = f"{where}: {key} = {_shown(value)} is {_kind(value)}: give it {_WANTED[kinds[key]]}"
        raise UsageError(msg)


def _fits(value: object, kind: type) -> bool:
    if isinstance(value, list):
        return kind is list and all(isinstance(each, str) for each in value)
    if kind is float:
        return type(value) in {int, float}
    return type(value) is kind  # not `isinstance`, for which `true` is a number


def _kind(value: object) -> str:
    return _FOUND.get(type(value), "a date or time")


def _shown(value: object) -> str:
    """A value, nearly as TOML writes it, cut if it is long; a URL without its path, which may be a secret."""
    text = str(value).lower() if isinstance(value, bool) else _URL.sub(r"\1/...", repr(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
