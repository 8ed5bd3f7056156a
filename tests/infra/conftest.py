"""The stack, synthesised in this process and without its real bundle, once for each set of settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

import pytest

from asset_cleaner_cdk.settings.stack import settings_from
from tests.synthesis import define

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk.assertions import Template


class Synthesise(Protocol):
    """Synthesises the stack."""

    def __call__(self, **context: object) -> Template:
        """The template for some settings, given as after ``cdk deploy -c``."""
        ...


class Audit(Protocol):
    """Checks the stack by cdk-nag's rules."""

    def __call__(self, **context: object) -> list[str]:
        """The findings: ``rule path`` of each."""
        ...


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in for the bundle: the real one takes longer to make than a template."""
    bundle = tmp_path_factory.mktemp("bundle")
    (bundle / "handler.py").write_text("")
    return bundle


@pytest.fixture(scope="session")
def audit(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """Checks the stack with some settings by cdk-nag's AwsSolutions."""

    def look(**context: object) -> list[str]:
        out = tmp_path_factory.mktemp("out")
        app, _ = define(context, bundle, out)
        from aws_cdk import Aspects  # noqa: PLC0415 (not before the CDK is started)
        from cdk_nag import AwsSolutionsChecks  # noqa: PLC0415

        Aspects.of(app).add(AwsSolutionsChecks())
        app.synth()
        found = []
        for artifact in json.loads((out / "manifest.json").read_text())["artifacts"].values():
            said = artifact.get("metadata", {})
            if "additionalMetadataFile" in artifact:
                said |= json.loads((out / artifact["additionalMetadataFile"]).read_text())
            for path, entries in said.items():
                texts = [each["data"] for each in entries if each["type"] in {"aws:cdk:error", "aws:cdk:warning"}]
                found += [f"{text.split(': ')[0]} {path}" for text in texts]
        return found

    return look


@pytest.fixture(scope="session")
def synthesise(bundle: Path) -> Synthesise:
    """Synthesises the stack; the same settings, given or by default, give the same template object again."""
    made: dict[str, Template] = {}

    def template(**context: object) -> Template:
        name = repr(settings_from(context))
        if name not in made:
            _, stack = define(context, bundle)
            from aws_cdk.assertions import Template  # noqa: PLC0415 (not before the CDK is started)

            made[name] = Template.from_stack(stack)
        return made[name]

    return template
