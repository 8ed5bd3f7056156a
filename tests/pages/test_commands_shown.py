"""Every command in a document, also within a sentence, is one that the tool understands."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from typing import TYPE_CHECKING

import botocore.session
import click
import pytest
from botocore import xform_name

from asset_cleaner_cdk.settings.stack import OWN, settings_from
from release_log.policy_settings import SETTINGS
from tests.paths import ROOT
from uploader.cli.group import COMMANDS, load

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TOOLS = {"make", "cdk", "python", "pip", "aws", "curl", "gh", "terraform", "export", "."}
TOOLS |= {"docker", "sha256sum", "tar", "uploader/uploader", "npm", "npx", "bin/rails", "for"}
AN_ID = "20261123T060500Z-3f9c2ab"
WHOLE_COMMANDS = {"s3", "logs", "cloudformation deploy"}
"""Services with commands of the AWS CLI that are not operations of an API, and single ones."""
PARTIAL = {"python -m uploader --invalidate", "aws s3api put-object --if-none-match '*'"}
"""Named in a sentence with the one option that it is about."""
OUTPUT = {"query", "output", "payload", "cli-binary-format"}
"""Options of the AWS CLI that are not an operation's, and the payload, which is a file's for the API."""


def console(text: str) -> str:
    """The lines of the console blocks."""
    return "\n".join(re.findall(r"^ *```console\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE))


def blocks(text: str) -> list[str]:
    """The commands of the console blocks, each in one line."""
    lines = re.findall(r"^ *\$ (.*)", console(text).replace("\\\n", ""), re.MULTILINE)
    return [re.sub(r"\s+", " ", line) for line in lines]


def inline(text: str) -> list[str]:
    """The commands within sentences that have arguments."""
    prose = " ".join(re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE).split())
    return re.findall(r"`((?:python -m uploader|cdk|aws) [^`]+)`", prose)


SHOWN = [line for page in PAGES for line in (*blocks(page.read_text()), *inline(page.read_text()))]


def of(tool: str) -> list[str]:
    """The arguments of each command of a tool."""
    whole = dict.fromkeys(line for line in SHOWN if line not in PARTIAL)
    return [line.removeprefix(f"{tool} ") for line in whole if line.startswith(f"{tool} ")]


def test_a_command_that_goes_on_in_the_next_line_says_so_to_the_shell() -> None:
    """It is copied and run as it stands."""
    assert [line for page in PAGES for line in re.findall(r"[^\\]\n( +-.*)", console(page.read_text()))] == []


def test_every_command_is_one_of_a_known_tool() -> None:
    assert {re.sub(r"^\w+=\S+ ?", "", line).split(" ")[0] for line in SHOWN} - {""} <= TOOLS
    assert len(of("python -m uploader")) > 30
    assert len(of("cdk")) > 15
    assert len(of("aws")) > 14


@pytest.mark.parametrize("line", of("python -m uploader"))
def test_the_uploader_understands_it(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "uploader.toml").write_text('directory = "dist"\n[environments.production]\nbucket = "my-assets"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UPLOADER_BUCKET", "my-assets")
    monkeypatch.setenv("UPLOADER_FUNCTION", "CLEANER")
    words = shlex.split(re.split(r" (?:>+|\|) ", line)[0])
    if line in COMMANDS or "--print-config" in words:
        return  # only named; or a question that is answered while it is read
    name = words.pop(0) if words[0] in COMMANDS else "upload"
    load(name).make_context(name, [AN_ID if word == "ID" else word for word in words])


@pytest.mark.parametrize("line", [line for line in of("cdk") if " -c " in line and "NAME=VALUE" not in line])
def test_the_settings_are_the_stacks_and_are_accepted(line: str) -> None:
    words = shlex.split(line)
    assert words[0] in {"deploy", "diff", "destroy", "synth"}
    given = dict(after.split("=", 1) for word, after in pairwise(words) if word == "-c")
    assert given
    assert given.keys() <= {*OWN, *SETTINGS}
    settings = settings_from(given)
    assert {name: str(value) for name, value in settings.sites[0].policy.items()} == {
        name: value for name, value in given.items() if name in SETTINGS
    }


@pytest.mark.parametrize("line", of("aws"))
def test_the_aws_cli_understands_it(line: str) -> None:
    """The CLI's commands and options are the API's operations and members, in another spelling."""
    service, command, *words = shlex.split(line)
    if {service, f"{service} {command}"} & WHOLE_COMMANDS:
        return
    model = botocore.session.get_session().get_service_model(service.removesuffix("api"))
    (operation,) = [each for each in model.operation_names if xform_name(each, "-") == command]
    shape = model.operation_model(operation).input_shape
    assert shape is not None
    given = {word.removeprefix("--") for word in words if word.startswith("--")}
    assert given <= {xform_name(name, "-") for name in shape.members} | OUTPUT
    assert not given or {xform_name(name, "-") for name in shape.required_members} <= given


def test_a_command_that_is_wrong_would_be_found() -> None:
    with pytest.raises(click.UsageError):
        load("plan").make_context("plan", ["--bucket", "b", "--orphan", "report"])
