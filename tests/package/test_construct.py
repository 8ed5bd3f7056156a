"""``asset-cleaner[deploy]``: the construct in an app of somebody's own, which has nothing of this checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.embedded_aws import EmbeddedAws
from examples.installation import Installation
from tests.e2e.cloudformation import Deployed, deploy_assembly, destroy
from tests.package.environments import CDK_WHEEL, SUPPORTED, WHEEL, install
from tests.package.stories import SOON, see_it_clean
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

(APP,) = re.findall(r"```python\n(import aws_cdk as cdk\n.*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)
STACK = "Web"

# A new environment has no byte code, and the CDK is large: its first import can take minutes on a machine under load.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        yield aws


def synthesise(programs: Path, folder: Path, app: str = APP) -> Path:
    """Run an app as the CDK's command line does.

    Args:
        programs: The programs of its environment.
        folder: The app's folder.
        app: Its code.

    Returns:
        The folder with its output.
    """
    folder.mkdir(exist_ok=True)
    (folder / "app.py").write_text(app)
    out = folder / "cdk.out"
    node = Path(sys.executable).parent
    subprocess.run(
        [programs / "python", "app.py"],
        cwd=folder,
        env={
            "PATH": f"{node}{os.pathsep}{os.defpath}",
            "HOME": str(folder),
            "CDK_OUTDIR": str(out),
            "CDK_VALIDATION": "false",
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        },
        check=True,
    )
    return out


@pytest.fixture(scope="module")
def installed(locked: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The programs of a Python's environment, which is made once."""

    @cache
    def programs(version: str) -> Path:
        folder = tmp_path_factory.mktemp("environment") / version
        return install(folder, version, locked, f"asset-cleaner[deploy] @ {WHEEL.as_uri()}", CDK_WHEEL)

    return programs


@pytest.fixture(scope="module")
def first() -> dict[str, bytes]:
    """What the first Python has made."""
    return {}


@pytest.mark.parametrize("version", SUPPORTED)
def test_it_synthesises_the_same_from_an_empty_environment_of_each_python(
    version: str, installed: Callable[[str], Path], tmp_path: Path, first: dict[str, bytes]
) -> None:
    """So who changes the Python deploys nothing. uv has built the wheel from the source distribution."""
    out = synthesise(installed(version), tmp_path)
    made = {
        path.name: path.read_bytes() for path in out.iterdir() if path.match("*.zip") or path.match("*.template.json")
    }
    assert sorted(Path(name).suffix for name in made) == [".json", ".zip"]
    assert made == (first or made)
    first |= made


def test_it_synthesises_with_the_oldest_cdk_that_it_accepts(locked: Path, tmp_path: Path) -> None:
    described = tomllib.loads((ROOT / "infra" / "package" / "pyproject.toml").read_text())["project"]
    (oldest,) = re.findall(r"^aws-cdk-lib>=([\d.]+),", "\n".join(described["dependencies"]), re.MULTILINE)
    free = tmp_path / "constraints.txt"
    free.write_text(re.sub(r"^(aws-cdk|constructs|jsii).*\n", "", locked.read_text(), flags=re.MULTILINE))
    package = f"asset-cleaner[deploy] @ {WHEEL.as_uri()}"
    programs = install(tmp_path / "old", SUPPORTED[0], free, package, CDK_WHEEL, f"aws-cdk-lib=={oldest}")
    assert [*synthesise(programs, tmp_path / "app").glob("*.template.json")]


def test_an_app_of_ones_own_deploys_the_cleaner_of_its_own_bucket(
    installed: Callable[[str], Path], tmp_path: Path, aws: EmbeddedAws
) -> None:
    def deploy(code: str) -> Deployed:
        return deploy_assembly(aws, STACK, synthesise(installed(SUPPORTED[0]), tmp_path / "app", code))

    assert APP.count("version_ttl=86_400") == 1
    sooner = ", ".join(f"{name}={value}" for name, value in SOON.items())
    outputs = deploy(APP).outputs
    site = Installation(aws, outputs["Bucket"], outputs["Function"])
    see_it_clean(site, tmp_path, lambda: deploy(APP.replace("version_ttl=86_400", sooner)))
    destroy(aws, STACK)
