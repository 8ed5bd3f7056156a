"""The stack, synthesised in this process: the CDK starts once, not for each template."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asset_cleaner_cdk.settings.stack import settings_from
from infra.bundle import add_sites
from infra.quotas import WITHOUT_THE_CDKS_LIMIT
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import App
    from aws_cdk import Stack as CdkStack


def start_cdk() -> None:
    """Start the CDK, once in a process, with the ``node`` beside our interpreter.

    Importing it does that and takes seconds, so only tests that need a template should pay for it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
        patch.setenv("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")
        # The CDK's own look at a template takes longer than all the rest; tests/infra/test_app.py has it.
        patch.setenv("CDK_VALIDATION", "false")
        import aws_cdk  # noqa: F401, PLC0415


def define(context: Mapping[str, object], bundle: Path, out: Path | None = None) -> tuple[App, CdkStack]:
    """Define the stack as ``app.py`` does.

    Args:
        context: Settings, given as after ``cdk deploy -c``.
        bundle: The folder with the Lambda's code; the sites are added to it.
        out: The folder that synthesis writes to; by default one of the CDK's own.

    Returns:
        The app and its stack.
    """
    start_cdk()
    import aws_cdk as cdk  # noqa: PLC0415 (not before the CDK is started)

    from infra.stack import AssetCleanerStack  # noqa: PLC0415

    given = {**WITHOUT_THE_CDKS_LIMIT, **json.loads((ROOT / "cdk.json").read_text())["context"]}
    app = cdk.App(context=given, outdir=None if out is None else str(out))
    # The CDK remembers the hash of a folder by its name, and an earlier stack had other sites.
    cdk.AssetStaging.clear_asset_hash_cache()
    settings = settings_from(context)
    return app, AssetCleanerStack(app, settings, add_sites(bundle, settings.sites))
