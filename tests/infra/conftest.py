"""The stack, synthesised in this process and without its real bundle, once for each set of settings."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from infra.settings import settings_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_cdk.assertions import Template

ROOT = Path(__file__).resolve().parents[2]


class Synthesise(Protocol):
    """Synthesises the stack."""

    def __call__(self, **context: object) -> Template:
        """The template for some settings, given as after ``cdk deploy -c``."""
        ...


class Audit(Protocol):
    """Looks at the stack by cdk-nag's rules."""

    def __call__(self, **context: object) -> list[str]:
        """What it finds: ``rule path`` of each."""
        ...


@pytest.fixture(scope="session")
def audit(synthesise: Synthesise, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """Looks at the stack with some settings by cdk-nag's AwsSolutions."""
    assert synthesise  # it has started what the CDK needs
    import aws_cdk as cdk  # noqa: PLC0415 (as below)
    from cdk_nag import AwsSolutionsChecks  # noqa: PLC0415

    from infra.stack import AssetCleaner  # noqa: PLC0415

    bundle = tmp_path_factory.mktemp("audited")
    (bundle / "handler.py").write_text("")

    def look(**context: object) -> list[str]:
        out = tmp_path_factory.mktemp("out")
        app = cdk.App(context=json.loads((ROOT / "cdk.json").read_text())["context"], outdir=str(out))
        AssetCleaner(app, settings_from(context), bundle)
        cdk.Aspects.of(app).add(AwsSolutionsChecks())
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
def synthesise(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synthesise]:
    """Synthesises the stack; the same settings give the same template object again."""
    with pytest.MonkeyPatch.context() as patch:
        # The CDK's jsii starts the `node` that lies beside our interpreter.
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
        # Importing the CDK starts node, and takes seconds: only who needs a template pays for it.
        import aws_cdk as cdk  # noqa: PLC0415
        from aws_cdk.assertions import Template  # noqa: PLC0415

        from infra.stack import AssetCleaner  # noqa: PLC0415

        bundle = tmp_path_factory.mktemp("bundle")
        (bundle / "handler.py").write_text("")
        own_context = json.loads((ROOT / "cdk.json").read_text())["context"]
        made: dict[str, Template] = {}

        def template(**context: object) -> Template:
            name = json.dumps(context, sort_keys=True)
            if name not in made:
                app = cdk.App(context=own_context)
                made[name] = Template.from_stack(AssetCleaner(app, settings_from(context), bundle))
            return made[name]

        yield template
