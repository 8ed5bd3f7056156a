"""The libraries' versions of the empty environments."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.package.environments import UV
from tests.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The versions in ``uv.lock`` as constraints: a library's newest release breaks no build of ours."""
    file = tmp_path_factory.mktemp("locked") / "constraints.txt"
    words = ["export", "--quiet", "--locked", "--no-default-groups", "--group", "infra", "--no-hashes"]
    subprocess.run([UV, *words, "--no-emit-project", "-o", file], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return file
