"""Another version of the project, taken out of git: only the scripts that record fixtures need it, and no test."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def check_out(commit: str, folder: Path) -> None:
    """Write the files of a commit into a folder."""
    command = ["/usr/bin/env", "git", "archive", commit]
    archive = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


def synthesize(old: Path, settings: Mapping[str, object], environment: Mapping[str, str]) -> Path:
    """Synthesise that version's stack, with its own code and today's CDK; returns the folder with the output."""
    out = old / "cdk.out"
    context = json.loads((old / "cdk.json").read_text())["context"] | settings
    more = {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(out), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "app.py"], cwd=old, env={**environment, **more}, check=True)
    return out
