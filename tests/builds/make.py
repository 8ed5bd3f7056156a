"""Make ``outputs/`` again: build each of ``projects/`` with its real tool, twice.

``python -m tests.builds.make [TOOL...]`` needs the network, Node 24 with npm, uv, and Debian's ``ruby-sprockets``. The
tests need only ``outputs/``. ``v2`` differs from ``v1`` in two modules, ``basket.js`` and ``cart/index.js``. If the
names in a listing change, check its table in ``expected/``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.builds.listing import OUTPUTS, record

HERE = Path(__file__).parent
VERSIONS = ("v1", "v2")


@dataclass(frozen=True, slots=True)
class Tool:
    """How one project is built.

    Attributes:
        command: In the project's folder.
        output: The build's output there.
        source: The folder for the modules that all projects share.
        install: Commands to run before the first build.
    """

    command: tuple[str, ...] = ("npm", "run", "build")
    output: str = "out"
    source: str = "src"
    install: tuple[tuple[str, ...], ...] = (("npm", "install", "--no-audit", "--no-fund", "--loglevel=error"),)


TOOLS = {
    "angular": Tool(source="src/shop"),
    "astro": Tool(source="src/scripts"),
    "django": Tool(
        command=(".venv/bin/python", "-m", "django", "collectstatic", "--no-input", "--settings=settings"),
        install=(("uv", "venv", "--quiet"), ("uv", "pip", "install", "--quiet", "django==5.2.8")),
    ),
    "esbuild": Tool(),
    "laravel-mix": Tool(),
    "nextjs": Tool(),
    "nuxt": Tool(source="app/src", output=".output/public"),
    "parcel": Tool(),
    "react-router": Tool(source="app/src", output="out/client"),
    "rollup": Tool(),
    "rspack": Tool(),
    "shakapacker": Tool(source="app/javascript/shop", output="public/packs"),
    "sprockets": Tool(command=("ruby", "build.rb"), install=()),
    "sveltekit": Tool(source="src/lib"),
    "vite": Tool(),
    "vite4": Tool(),
    "vitepress": Tool(),
    "webpack-assets-manifest": Tool(),
    "webpack-manifest-plugin": Tool(),
}


def make(name: str, work: Path) -> None:
    """Build one project in a folder of its own; keep its listing and its manifests."""
    tool, project = TOOLS[name], work / name
    shutil.copytree(HERE / "projects" / name, project, dirs_exist_ok=True)
    for command in tool.install:
        _run(command, project)
    shutil.rmtree(OUTPUTS / name, ignore_errors=True)
    lines = []
    for version in VERSIONS:
        shutil.rmtree(project / tool.output, ignore_errors=True)
        shutil.copytree(HERE / "sources" / version, project / tool.source, dirs_exist_ok=True)
        _run(tool.command, project)
        lines += record(name, version, project / tool.output)
    (OUTPUTS / f"{name}.tsv").write_text("".join(lines))


def _run(command: tuple[str, ...], folder: Path) -> None:
    environment = os.environ | {
        "NODE_ENV": "production",
        "RAILS_ENV": "production",
        "NEXT_TELEMETRY_DISABLED": "1",
        "NODE_USE_SYSTEM_CA": "1",
    }
    environment.pop("VIRTUAL_ENV", None)
    if command[:2] == ("npm", "install"):
        del environment["NODE_ENV"]  # with it npm would leave out the build tools
    subprocess.run(command, cwd=folder, env=environment, check=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for each in sys.argv[1:] or TOOLS:
            make(each, Path(os.environ.get("BUILDS_WORK", folder)))
