"""What is in the archives, for each kind of machine, and that they run there."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from examples.embedded_aws import ACCOUNT, REGION
from standalone.archive import pack
from standalone.assemble import DYNLOAD, SERVICES, SITE, compile_all, python_in
from standalone.elf import read_elf
from standalone.machines import MACHINES
from tests.paths import ROOT
from uploader.about import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from examples.embedded_aws import EmbeddedAws

    Call = Callable[..., str]

HERE = platform.machine()
VERSION_LINE = f"uploader, version {VERSION}\n"
UNCHECKED = b"\x01\x00\x00\x00"
"""The flags of byte code that is taken without a look at its source: PEP 552."""


def way_to(aws: EmbeddedAws) -> dict[str, str]:
    """The variables that a job has, and no other: no PATH, no HOME, no locale."""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return {"AWS_ENDPOINT_URL": aws.url, "AWS_REGION": REGION, **keys}


def test_it_publishes_on_a_machine_without_python(
    unpacked: Mapping[str, Path], call: Call, build: Path, aws: EmbeddedAws, bucket: str
) -> None:
    (build / "nothing").mkdir()
    environ = {"PATH": str(build / "nothing"), "PYTHONPATH": str(build), "PYTHONHOME": str(build), **way_to(aws)}
    (build / "click.py").write_text("raise SystemExit('a module of the repository')\n")
    (build / "uploader.py").write_text("raise SystemExit('a module of the repository')\n")
    program = unpacked[HERE] / "uploader"
    words = (program, "dist", "--bucket", bucket, "--json")
    assert json.loads(call(*words, cwd=build, environ=environ))["counts"] == {"uploaded": 1, "unchanged": 0}
    assert json.loads(call(*words, cwd=build, environ=environ))["counts"] == {"uploaded": 0, "unchanged": 1}
    staged = call(program, "dist", "--bucket", bucket, "--stage", "--release", "v2", cwd=build, environ=environ)
    assert "to make it current: uploader activate " in staged


def test_the_pages_commands_run(call: Call, build: Path, aws: EmbeddedAws, bucket: str) -> None:
    """But for the download: the archives lie there already."""
    page = (ROOT / "docs" / "standalone.md").read_text()
    lines = re.findall(r"^\$ (.*)$", page.partition("\n## In an image")[0], re.MULTILINE)
    loaded = [line.rpartition("/")[2] for line in lines if line.startswith("curl ")]
    for name in loaded:
        shutil.copy(ROOT / "dist" / name, build)
    script = "\n".join(line for line in lines if not line.startswith("curl ")).replace("my-assets", bucket)
    said = call("/bin/sh", "-e", "-c", script, cwd=build, environ={"PATH": "/usr/bin:/bin", **way_to(aws)})
    assert said.splitlines()[0] == f"{loaded[0]}: OK"
    assert re.search(r"^released \S+ to s3://", said, re.MULTILINE)


def test_a_job_takes_its_role_by_a_token(
    unpacked: Mapping[str, Path], call: Call, build: Path, aws: EmbeddedAws, bucket: str
) -> None:
    """boto3 gets the credentials, by its data of STS."""
    (build / "token").write_text("a.b.c")
    role = {"AWS_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": str(build / "token")}
    environ = {"AWS_ENDPOINT_URL": aws.url, "AWS_REGION": REGION, **role}
    said = call(unpacked[HERE] / "uploader", "dist", "--bucket", bucket, "--json", cwd=build, environ=environ)
    assert json.loads(said)["counts"] == {"uploaded": 1, "unchanged": 0}


def test_a_roll_out_gets_the_jobs_environment_and_no_more(
    unpacked: Mapping[str, Path], call: Call, build: Path, aws: EmbeddedAws, bucket: str
) -> None:
    """None of its programs takes our C library, or trusts other certificates.

    The shell adds its own, and Python a locale with UTF-8 where there is none: PEP 538.
    """
    words = ("run", "dist", "--bucket", bucket, "--", "/usr/bin/env")
    said = call(unpacked[HERE] / "uploader", *words, cwd=build, environ=way_to(aws))
    names = {line.partition("=")[0] for line in said.splitlines() if re.match(r"[A-Z_]+=", line)}
    assert names - {"LC_CTYPE", "PWD", "OLDPWD", "SHLVL", "_"} == {*way_to(aws), "UPLOADER_RELEASE_ID"}


def test_it_is_found_on_the_path_and_through_links(unpacked: Mapping[str, Path], call: Call, build: Path) -> None:
    folder = build / "a folder's name"
    folder.mkdir()
    (folder / "up").symlink_to(unpacked[HERE] / "uploader")
    assert call(folder / "up", "--version", environ={"PATH": "/usr/bin:/bin"}) == VERSION_LINE
    environ = {"PATH": f"{folder}:/usr/bin:/bin"}
    assert call("/bin/sh", "-c", "up --version", environ=environ) == VERSION_LINE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the root folder")
def test_it_needs_nothing_of_the_machine_but_a_shell(
    unpacked: Mapping[str, Path], tools: Path, call: Call, tmp_path: Path
) -> None:
    """No C library, no certificates, no folder of any kind."""
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy(tools / "busybox", root / "bin" / "sh")
    shutil.copytree(unpacked[HERE], root / "uploader")
    assert call("/usr/sbin/chroot", root, "/uploader/uploader", "--version", environ={}) == VERSION_LINE


def test_it_publishes_on_the_other_machine(
    unpacked: Mapping[str, Path], tools: Path, call: Call, build: Path, aws: EmbeddedAws, bucket: str
) -> None:
    (other,) = MACHINES.keys() - {HERE}
    words = [*python_in(unpacked[other]), str(unpacked[other] / "lib" / "uploader.py")]
    options = ("dist", "--bucket", bucket, "--json")
    said = call(tools / f"qemu-{other}", *words, *options, cwd=build, environ=way_to(aws))
    assert json.loads(said)["counts"] == {"uploaded": 1, "unchanged": 0}


@pytest.mark.parametrize("machine", MACHINES)
def test_every_program_and_library_is_of_its_machine_and_has_what_it_needs(
    machine: str, unpacked: Mapping[str, Path]
) -> None:
    folder = unpacked[machine]
    files = (path for path in folder.rglob("*") if path.is_file())
    found = {path.relative_to(folder): elf for path in files if (elf := read_elf(path))}
    names = {path.name for path in found} | {MACHINES[machine].loader}
    assert {elf.machine for elf in found.values()} == {MACHINES[machine].elf}
    assert {needed for elf in found.values() for needed in elf.needed} <= names
    modules = {path.name.partition(".")[0] for path in found if str(path).startswith((DYNLOAD, SITE))}
    assert {"_ssl", "_hashlib", "_obstore", "_brotli", "_ctypes"} <= modules
    tags = {
        tag
        for wheel in folder.glob(f"{SITE}/*.dist-info/WHEEL")
        for tag in re.findall(r"^Tag: .*-(\S+)$", wheel.read_text(), re.MULTILINE)
    }
    assert all(tag == "any" or (tag.startswith("manylinux") and tag.endswith(machine)) for tag in tags)
    assert any(tag.endswith(machine) for tag in tags)


@pytest.mark.parametrize("machine", MACHINES)
def test_an_archive_says_what_it_was_made_of_and_nothing_of_where(machine: str, unpacked: Mapping[str, Path]) -> None:
    folder = unpacked[machine]
    parts = (folder / "PARTS.txt").read_text()
    assert f"Python asset_cleaner {VERSION}\n" in parts
    assert re.search(r"^Debian libpython3.13-stdlib 3\.13\.\S+ sha256:[0-9a-f]{64}$", parts, re.MULTILINE)
    for package in re.findall(r"^Debian (\S+) ", parts, re.MULTILINE):
        assert (folder / "licenses" / package / "copyright").read_text()
    for compiled in (folder / "lib").rglob("*.pyc"):
        code = compiled.read_bytes()
        assert code[4:8] == UNCHECKED, compiled
        assert str(ROOT).encode() not in code
        assert b"/tmp/" not in code[16:200]
    own = folder / SITE / "uploader"
    assert {path.stem for path in own.rglob("*.py")} == {path.name.partition(".")[0] for path in own.rglob("*.pyc")}
    assert {path.name for path in (folder / SITE / "botocore" / "data").iterdir() if path.is_dir()} == SERVICES
    assert (folder / "share" / "man" / "man1" / "uploader.1").exists()


def test_the_archive_has_the_data_of_every_service_that_the_uploader_asks() -> None:
    asked = {
        name
        for path in (ROOT / "uploader").rglob("*.py")
        for name in re.findall(r"\bclient\(\s*\"([a-z0-9-]+)\"", path.read_text())
    }
    assert {"s3", "lambda", "cloudfront"} <= asked <= SERVICES


def test_the_checksums_are_the_archives() -> None:
    for line in (ROOT / "dist" / "uploader-linux.sha256").read_text().splitlines():
        known, name = line.split("  ")
        assert hashlib.sha256((ROOT / "dist" / name).read_bytes()).hexdigest() == known


def test_the_same_files_give_the_same_bytes(unpacked: Mapping[str, Path], tmp_path: Path) -> None:
    """In another folder, at another time, by another user's habits."""
    archives = []
    for place in ("one", "another"):
        folder = tmp_path / place / "uploader"
        shutil.copytree(unpacked[HERE] / SITE / "click", folder / "lib" / "click")
        shutil.rmtree(folder / "lib" / "click" / "__pycache__")
        compile_all(folder, unpacked[HERE])
        (folder / "lib").chmod(0o700 if place == "one" else 0o777)
        os.utime(folder / "lib" / "click" / "core.py", (1e9, 1e9 if place == "one" else 1.1e9))
        pack(folder, tmp_path / f"{place}.tar.gz")
        archives.append((tmp_path / f"{place}.tar.gz").read_bytes())
    assert archives[0] == archives[1]


def test_an_image_without_certificates_gets_those_of_botocore(unpacked: Mapping[str, Path]) -> None:
    """As native code sees it; Python's own `os.environ`, which a roll-out inherits, stays as it is."""
    look = (
        "import runpy, os, subprocess; start = runpy.run_path({start!r}, run_name='started');"
        "start['trust'].__globals__['AUTHORITIES'] = {known!r}; start['trust']();"
        "import ctypes; get = ctypes.CDLL(None).getenv; get.restype = ctypes.c_char_p;"
        "print(get(b'SSL_CERT_FILE').decode(), 'SSL_CERT_FILE' in os.environ)"
    )
    start = str(unpacked[HERE] / "lib" / "uploader.py")

    def seen(known: tuple[str, ...], **environ: str) -> list[str]:
        words = [*python_in(unpacked[HERE]), "-c", look.format(start=start, known=known)]
        return subprocess.run(words, env=environ, capture_output=True, text=True, check=True).stdout.split()

    assert seen(()) == [str(unpacked[HERE] / SITE / "botocore" / "cacert.pem"), "False"]
    assert seen((start,)) == [start, "False"]
    assert seen((), SSL_CERT_FILE="/mine.pem") == ["/mine.pem", "True"]
