"""Python and the libraries that it needs, from Debian's packages, whose signatures apt checks.

apt runs with sources and folders of its own: it needs no rights, and changes nothing on this machine. Proxies are those
of the machine's apt.
The keys in `debian-trixie.asc` are those of the package `debian-archive-keyring`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standalone.machines import Machine

KEYS = Path(__file__).with_name("debian-trixie.asc")
SOURCES = """\
deb [signed-by={keys}] http://deb.debian.org/debian trixie main
deb [signed-by={keys}] http://deb.debian.org/debian-security trixie-security main
"""
SETTINGS = """\
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "-";
APT::Architecture "{machine.debian}";
APT::Architectures "{machine.debian}";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
"""

PACKAGES = (
    *("libc6", "gcc-14-base", "libgcc-s1", "zlib1g", "libexpat1", "libffi8"),
    *("libssl3t64", "libzstd1", "libbz2-1.0", "liblzma5"),
    *("python3.13-minimal", "libpython3.13-minimal", "libpython3.13-stdlib"),
)
"""Python, and what the modules need that the uploader and its libraries import. A module of Python whose library is not
among them is left out: `standalone.assemble`."""


class BuildError(Exception):
    """The archive cannot be made; the message is one line, or a program's own."""


def fetch(machine: Machine, names: Sequence[str], folder: Path) -> list[Path]:
    """Download packages; returns their files, in order of their names.

    Args:
        machine: The kind of machine that they are for.
        names: The packages.
        folder: Where they, and apt's own files, go.

    Raises:
        BuildError: There is no apt here, or Debian's archive cannot be reached, or its signature is wrong.
    """
    missing = [program for program in ("apt-get", "dpkg-deb") if shutil.which(program) is None]
    if missing:
        msg = f"{missing[0]} is not on this machine: make the archive on Debian or Ubuntu, or in such a container"
        raise BuildError(msg)
    packages = folder / "packages"
    for each in (packages, folder / "state" / "lists" / "partial", folder / "cache" / "archives" / "partial"):
        each.mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    (folder / "settings").write_text(SETTINGS.format(folder=folder, machine=machine))
    (folder / "sources.list").write_text(SOURCES.format(keys=KEYS))
    environ = {**os.environ, "APT_CONFIG": str(folder / "settings"), "LC_ALL": "C"}
    call(["apt-get", "update", "--quiet=2"], env=environ)
    call(["apt-get", "download", "--quiet=2", *names], env=environ, cwd=packages)
    return sorted(packages.glob("*.deb"))


def unpack(package: Path, folder: Path) -> None:
    """Unpack a package's files."""
    call(["dpkg-deb", "--extract", str(package), str(folder)])


def call(words: Sequence[str], *, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a program; returns its output.

    Raises:
        BuildError: It failed, and said this.
    """
    done = subprocess.run(words, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"{words[0]}: {done.stderr.strip() or done.returncode}"
        raise BuildError(msg)
    return done.stdout
