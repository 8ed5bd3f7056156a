"""The inputs of the GitHub Action and of the GitLab component: one for each option of ``upload`` and ``run``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from uploader.about import VERSION
from uploader.cli.command import CONFIGURATION
from uploader.cli.configuration import settings_of
from uploader.cli.group import load

if TYPE_CHECKING:
    from collections.abc import Iterator

LEFT_OUT = {"json", "print_config"}
"""Options whose answer nobody in a CI job would read."""


def github_inputs() -> str:
    """The action's inputs."""
    return _lines(
        line
        for name, parameter in _parameters()
        for line in (f"{name}:", f"  description: {json.dumps(_description(parameter))}")
    )


def github_variables() -> str:
    """The action's inputs as the uploader's variables; without an input, the variable stays as the job has it."""
    return _lines(
        f"{parameter.envvar}: ${{{{ inputs.{name} || env.{parameter.envvar} }}}}" for name, parameter in _parameters()
    )


def gitlab_inputs() -> str:
    """The component's inputs."""
    return _lines(
        line
        for name, parameter in _parameters()
        for line in (f"{name}:", f"  description: {json.dumps(_description(parameter))}", '  default: ""')
    )


def gitlab_variables() -> str:
    """The component's inputs as the uploader's variables; an empty one counts as unset."""
    return _lines(f'{parameter.envvar}: "$[[ inputs.{name} ]]"' for name, parameter in _parameters())


def gitlab_version() -> str:
    """The version that the component installs."""
    return f'default: "{VERSION}"'


def _parameters() -> list[tuple[str, click.Parameter]]:
    """Input -> parameter, in the order of the help."""
    parameters = {**settings_of(load("upload")), **settings_of(load("run"))}
    parameters |= {str(option.name): option for option in CONFIGURATION}
    return [(name.replace("_", "-"), each) for name, each in parameters.items() if name not in LEFT_OUT]


def _description(parameter: click.Parameter) -> str:
    if not isinstance(parameter, click.Option):
        return "The build's output."
    text = (parameter.help or "").replace("may be given several times", "several are separated by spaces")
    if parameter.is_flag:
        text += "  [true or false]"
    elif parameter.show_default:
        text += f"  [default: {parameter.default}]"
    return text


def _lines(lines: Iterator[str]) -> str:
    return "\n".join(lines)
