"""``uploader.toml``, or ``[tool.uploader]`` in pyproject.toml: what a project has settled once.

Knows nothing of the command line: which keys there are, and of which type, is handed over.
"""

from __future__ import annotations

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
"""The two keys that are no option: tables, not values."""

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


class Setting(NamedTuple):
    """A value, and the table that it stands in: ``uploader.toml [environments.production]``."""

    value: Any
    where: str


class Table(NamedTuple):
    """One table of a file: its name for people, and what is in it."""

    where: str
    values: Mapping[str, Any]


class File(NamedTuple):
    """A configuration as it is written.

    Attributes:
        path: Of the file; relative paths in it are meant from its directory.
        top: What holds in every environment.
        environments: Name -> what holds in that one, before what `top` says.
    """

    path: Path
    top: Table
    environments: Mapping[str, Table]

    def keys(self) -> set[str]:
        """The options that are set anywhere in it."""
        return {key for table in self._tables() for key in table.values} - {RULES}

    def check(self, kinds: Mapping[str, type]) -> None:
        """Hold every table, the chosen one or not, against the keys that there are. What rules say is not looked at.

        Args:
            kinds: Key -> its type; `list` is one of strings.

        Raises:
            UsageError: A key is not known, or its value is of another type.
        """
        for table in self._tables():
            for key, value in table.values.items():
                _check(table.where, key, value, kinds)

    def settings(self, environment: str | None) -> dict[str, Setting]:
        """What holds in an environment; without one, what `top` says alone.

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


def find(named: Path | None, directory: Path = Path()) -> File | None:
    """Read the configuration; None if there is none.

    Args:
        named: The file, if somebody named one.
        directory: Where it is looked for otherwise. Not above it: what is there may be another project's, and
            another project's bucket.

    Raises:
        UsageError: It cannot be read, or there are two.
    """
    if named is not None:
        if (values := _read(named)) is None:
            msg = f"{named}: there is no such file: check --config"
            raise UsageError(msg)
        if (file := _file(named, values)) is None:
            msg = f"{named}: there is no table [tool.uploader] in it: add it, or check --config"
            raise UsageError(msg)
        return file
    own, project = directory / FILE, directory / PROJECT
    there = [(path, values) for path in (own, project) if (values := _read(path)) is not None]
    found = [file for path, values in there if (file := _file(path, values)) is not None]
    if len(found) > 1:
        msg = f"both {own} and [tool.uploader] in {project} are there: keep one of them, or name it with --config"
        raise UsageError(msg)
    return found[0] if found else None


def _read(path: Path) -> dict[str, Any] | None:
    """What a file says; None if it is not there."""
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise UsageError(msg) from error
    if path.name == PROJECT and b"uploader" not in body:
        return {}  # about other tools; whether it is valid is their business
    import tomllib  # noqa: PLC0415 (many have no file)

    try:
        return tomllib.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # also: not UTF-8; a number of 5,000 digits; brackets without end
        msg = f"{path}: not valid TOML: {error}"
        raise UsageError(msg) from error


def _file(path: Path, values: Mapping[str, Any]) -> File | None:
    """What of a file is about us; None if nothing is."""
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
    return File(path, Table(f"{path} [{header}]" if header else str(path), top), environments)


def _table(path: Path, name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        msg = f"{path}: {name} = {_shown(value)} is {_kind(value)}: make it a table, such as [{name}]"
        raise UsageError(msg)
    return value


def _check(where: str, key: str, value: object, kinds: Mapping[str, type]) -> None:
    if key == RULES:
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            msg = f"{where}: rules = {_shown(value)} is no array of tables: begin each rule with [[rules]]"
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
    return type(value) is kind  # and not `isinstance`, to which `true` is a number


def _kind(value: object) -> str:
    return _FOUND.get(type(value), "a date or time")


def _shown(value: object) -> str:
    """As in TOML, near enough, and not too long."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
