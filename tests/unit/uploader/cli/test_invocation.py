"""A command's body gets each value that its user gave, and mypy knows of which type."""

from __future__ import annotations

import inspect
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, cast, get_args, get_origin, get_type_hints

import pytest

from release_log.policy_settings import SETTINGS
from uploader.builds.options import BuildOptions
from uploader.cli.command import CONFIGURATION, Command
from uploader.cli.group import COMMANDS, load
from uploader.cli.invocation import RECORDS, arguments, load_body, taken_by
from uploader.cli.notice import Notice
from uploader.cli.output import OutputOptions
from uploader.errors import UsageError
from uploader.library.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import click

WITH_BODY = [name for name in COMMANDS if isinstance(load(name), Command)]
MORE = {"run": {"command"}}
"""What a body gets besides the values of its command's parameters."""

TYPES = {"text": str, "path": Path, "boolean": bool, "integer range": int, "choice": str}


@pytest.fixture(params=WITH_BODY)
def command(request: pytest.FixtureRequest) -> Command:
    """Each command that has a body."""
    return cast("Command", load(request.param))


def own(command: Command) -> dict[str, click.Parameter]:
    """A command's parameters, without those that all commands have."""
    return {str(parameter.name): parameter for parameter in command.params if parameter not in CONFIGURATION}


def hints_of(function: Callable[..., object]) -> dict[str, Any]:
    """A function's annotations; what it imports for its types only, among them."""
    known = {
        "Any": Any,
        "Path": Path,
        "Site": Site,
        "BuildOptions": BuildOptions,
        "OutputOptions": OutputOptions,
        "Notice": Notice,
    }
    return get_type_hints(function, known)


def test_only_what_prints_a_text_of_ours_has_no_body() -> None:
    assert set(COMMANDS) - set(WITH_BODY) == {"completion", "schema"}


def test_a_body_takes_just_what_its_command_declares(command: Command) -> None:
    name = str(command.name)
    parameters = set(own(command))
    records = {record for record in RECORDS if taken_by(record, parameters) and record != "build"}
    records |= {"build"} if "directory" in parameters else set()
    in_records = {field for record in records for field in taken_by(record, parameters)}
    signature = inspect.signature(load_body(name)).parameters
    named = {each for each, parameter in signature.items() if parameter.kind is not parameter.VAR_KEYWORD}
    rest = (parameters - in_records) | records | MORE.get(name, set())
    assert rest - named == (set(SETTINGS) if name == "plan" else set())
    assert named - rest == set()


def test_the_values_are_of_the_declared_types(command: Command) -> None:
    """A parameter that may be missing is None then: its type says so."""
    body = hints_of(load_body(str(command.name)))
    parameters = own(command)
    for record, kind in RECORDS.items():
        hints = hints_of(kind) if record != "build" else {}
        if record in body:
            assert body[record] is kind
            body |= {field: hints[field] for field in taken_by(record, parameters) if field in hints}
    for name, parameter in parameters.items():
        if name in body and name not in RECORDS:
            kind, any_number = TYPES[parameter.type.name], parameter.nargs == -1
            needed = {tuple[kind, ...] if any_number else kind}  # type: ignore[valid-type]
            optional = not parameter.required and parameter.default is None and not any_number
            assert members(body[name]) >= (needed | {types.NoneType} if optional else needed), name


def members(hint: Any) -> set[type]:  # noqa: ANN401 (any annotation)
    """The types of a union, or the type."""
    return set(get_args(hint)) if get_origin(hint) in {Union, types.UnionType} else {hint}


def values(**given: object) -> Mapping[str, object]:
    """What click makes of ``upload dist --bucket my-assets``, but for what is given."""
    context = load("upload").make_context("upload", ["dist", "--bucket", "my-assets"])
    return {**context.params, **given}


def test_each_value_has_one_place(tmp_path: Path) -> None:
    made = arguments(values(directory=tmp_path, prefix="web/", quiet=True, channel="staging", stage=True), None)
    assert (made["site"], made["output"]) == (Site(bucket="my-assets", prefix="web/"), OutputOptions(quiet=True))
    assert (made["build"].directory, made["build"].channel, made["build"].rules) == (tmp_path, "staging", ())
    assert {name: made[name] for name in set(made) - set(RECORDS)} == {
        "stage": True,
        "dry_run": False,
        "invalidate": None,
        "invalidate_root": "",
    }


def test_a_build_that_is_not_there_is_refused_before_any_connection(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such directory"):
        arguments(values(directory=tmp_path / "not-there"), None)
