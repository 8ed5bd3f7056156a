"""What docs/operate.md tells an operator to type is understood by what it is typed to; its links lead somewhere."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import botocore.session
import pytest
from botocore import xform_name

from tests.paths import ROOT
from uploader.cli.group import COMMANDS, load

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
PAGE = (DOCS / "operate.md").read_text()

BLOCKS = "\n".join(re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)).replace("\\\n", "")
PROSE = " ".join(re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL).split())
LINES = [*re.findall(r"^\$ (.*(?:\n +.*)*)", BLOCKS, re.MULTILINE), *re.findall(r"`((?:python -m|aws) [^`]+)`", PROSE)]

AN_ID = "20261123T060500Z-3f9c2ab"
WHOLE_COMMANDS = {("s3", "rm"), ("logs", "tail")}
"""Commands of the AWS CLI that are no operation of an API."""
OUTPUT = {"query", "output"}
"""Options that every command of the AWS CLI has."""


def lines_of(tool: str) -> list[str]:
    return [line.removeprefix(f"{tool} ") for line in dict.fromkeys(LINES) if line.startswith(f"{tool} ")]


def test_nothing_is_overlooked() -> None:
    assert {line.split()[0] for line in LINES} == {"python", "aws", "cdk"}
    assert len(lines_of("python -m uploader")) > 12
    assert len(lines_of("aws")) > 14


@pytest.mark.parametrize("line", lines_of("python -m uploader"))
def test_the_uploader_understands_it(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UPLOADER_BUCKET", "my-assets")
    name, *words = shlex.split(line)
    assert name in COMMANDS
    load(name).make_context(name, [AN_ID if word == "ID" else word for word in words])


@pytest.mark.parametrize("line", lines_of("aws"))
def test_the_aws_cli_understands_it(line: str) -> None:
    """The CLI's commands and options are the API's operations and members, in another spelling."""
    service, command, *words = shlex.split(line)
    if (service, command) in WHOLE_COMMANDS:
        return
    model = botocore.session.get_session().get_service_model(service.removesuffix("api"))
    (operation,) = [each for each in model.operation_names if xform_name(each, "-") == command]
    shape = model.operation_model(operation).input_shape
    assert shape is not None
    members = {xform_name(name, "-") for name in shape.members}
    required = {xform_name(name, "-") for name in shape.required_members}
    given = {word.removeprefix("--") for word in words if word.startswith("--")}
    assert required <= given <= members | OUTPUT


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!http)([^)]+)\)", PAGE))))
def test_the_link_leads_somewhere(target: str) -> None:
    file, _, anchor = target.partition("#")
    text = (DOCS / file).read_text() if file else PAGE
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    assert not anchor or anchor in {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
