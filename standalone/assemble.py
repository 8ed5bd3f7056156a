"""Lays out the archive's one folder, from Debian's packages and wheels.

==========================  ==================================================================
``uploader``                the program: a few lines of shell
``bin/python3``             Python
``lib/ld.so``               the dynamic loader, which is given the folder ``lib`` for libraries
``lib/*.so*``               the C library, and what Python and the wheels need
``lib/python3.13``          Python's library
``lib/python3``             the uploader and its libraries
``share/man/man1``          the manual
``licenses``                the licence of each of Debian's packages
``PARTS.txt``               what it was made of
==========================  ==================================================================
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from standalone.debian import PACKAGES, BuildError, call, fetch, unpack
from standalone.elf import read_elf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from standalone.machines import Machine

START = Path(__file__).with_name("start")
PYTHON = "3.13"
DYNLOAD = f"lib/python{PYTHON}/lib-dynload"
SITE = "lib/python3/dist-packages"
SERVICES = frozenset({"s3", "lambda", "cloudfront", "sts", "sso", "sso-oidc", "signin"})
"""The services of AWS that the uploader asks, and those from which boto3 gets credentials. botocore's data of the
others is two thirds of the archive."""

NOT_WANTED = (
    *(f"{DYNLOAD}/_test*", f"{DYNLOAD}/*_test.*", f"{DYNLOAD}/xx*", f"{DYNLOAD}/_xx*"),
    *(f"lib/python{PYTHON}/{name}" for name in ("EXTERNALLY-MANAGED", "_pyrepl", "pydoc_data", "sitecustomize.py")),
    *(f"{SITE}/bin", f"{SITE}/share", f"{SITE}/*.dist-info/RECORD", f"{SITE}/*.dist-info/INSTALLER"),
    *(f"{SITE}/*.dist-info/{name}" for name in ("REQUESTED", "direct_url.json", "uv_cache.json")),
)
"""What only tests, or an installer, would use; and what says on which machine the archive was made."""


def assemble(machine: Machine, wheels: Path, folder: Path, scratch: Path) -> None:
    """Fill a folder for a machine. Its byte code is still missing: `compile_all`.

    Args:
        machine: The kind of machine.
        wheels: The uploader and its libraries, as an installer lays them out.
        folder: The folder; it does not exist yet.
        scratch: Where intermediate files go.

    Raises:
        BuildError: A package cannot be had, or a library is missing.
    """
    packages = fetch(machine, PACKAGES, scratch)
    root = scratch / "root"
    for package in packages:
        unpack(package, root)
    (folder / "bin").mkdir(parents=True)
    shutil.copy(root / "usr" / "bin" / f"python{PYTHON}", folder / "bin" / "python3")
    shutil.copytree(root / "usr" / "lib" / f"python{PYTHON}", folder / "lib" / f"python{PYTHON}", ignore=_dangling)
    shutil.copytree(wheels, folder / SITE)
    shutil.copytree(wheels / "share" / "man", folder / "share" / "man")
    for pattern in NOT_WANTED:
        _remove(folder.glob(pattern))
    _remove(_other_services(folder / SITE / "botocore" / "data"))
    _add_libraries(folder, root / "usr" / "lib" / machine.libraries)
    (folder / "lib" / machine.loader).rename(folder / "lib" / "ld.so")
    shutil.copy(START / "uploader", folder)
    shutil.copy(START / "uploader.py", folder / "lib")
    for notice in (root / "usr" / "share" / "doc").glob("*/copyright"):
        (folder / "licenses" / notice.parent.name).mkdir(parents=True)
        shutil.copy(notice, folder / "licenses" / notice.parent.name)
    (folder / "PARTS.txt").write_text("".join(f"{line}\n" for line in _parts(packages, folder / SITE)))


def python_in(folder: Path) -> list[str]:
    """The words that start the Python in a folder of this machine's kind, as its program does."""
    python = str(folder / "bin" / "python3")
    library = ["--inhibit-cache", "--library-path", str(folder / "lib")]
    return [str(folder / "lib" / "ld.so"), *library, "--argv0", python, python, "-I"]


def compile_all(folder: Path, python: Path) -> None:
    """Add byte code, which Python takes without a look at the source: it starts in half the time.

    Args:
        folder: The folder.
        python: A folder of this machine's kind, whose Python does it: byte code is the same on each kind.

    Raises:
        BuildError: A file cannot be compiled.
    """
    # -B: no other byte code, of what is imported meanwhile. In one process: this Python cannot start another.
    words = ["-B", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    shown = ["-s", str(folder), "-p", "uploader"]  # in a traceback, and nothing of the machine on which it was made
    call([*python_in(python), *words, *shown, str(folder / "lib")])


def _dangling(folder: str, names: list[str]) -> set[str]:
    """Symbolic links out of Python's library, such as one to a file in `/etc`."""
    return {name for name in names if not Path(folder, name).exists()}


def _other_services(data: Path) -> Iterator[Path]:
    return (each for each in data.iterdir() if each.is_dir() and each.name not in SERVICES)


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _add_libraries(folder: Path, libraries: Path) -> None:
    """Copy what the programs and libraries in a folder need; a module of Python that cannot have it goes."""
    todo = [path for path in folder.rglob("*") if path.is_file()]
    while todo:
        path = todo.pop()
        elf = read_elf(path)
        for name in sorted(elf.needed if elf else ()):
            target = folder / "lib" / name
            if target.exists():
                continue
            if (libraries / name).exists():
                shutil.copy(libraries / name, target)
                todo.append(target)
            elif path.parent == folder / DYNLOAD:
                path.unlink()
                break
            else:
                msg = f"{path.relative_to(folder)} needs {name}, which none of Debian's packages here has"
                raise BuildError(msg)


def _parts(packages: Iterable[Path], site: Path) -> Iterator[str]:
    """What an archive was made of, a line each."""
    for package in packages:
        name, version, _ = package.name.replace("%3a", ":").split("_")
        yield f"Debian {name} {version} sha256:{hashlib.sha256(package.read_bytes()).hexdigest()}"
    for metadata in sorted(site.glob("*.dist-info")):
        name, version = metadata.name.removesuffix(".dist-info").rsplit("-", 1)
        yield f"Python {name} {version}"
