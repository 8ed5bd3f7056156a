"""The Dockerfile, instruction by instruction: no container can be started here, but a root folder can be changed.

`make lint` has hadolint's opinion of it.
"""

from __future__ import annotations

import fnmatch
import json
import os
import platform
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from dockerfile_parse import DockerfileParser

from standalone.elf import read_elf
from standalone.machines import MACHINES
from tests.paths import ROOT
from tests.standalone.test_archives import way_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from examples.embedded_aws import EmbeddedAws


@dataclass
class Image:
    """An image, as far as its instructions have come.

    Attributes:
        root: Its files.
        user: User and group that its program runs as.
        folder: The folder that its program runs in.
        program: The words that start it.
    """

    root: Path
    user: str = "0:0"
    folder: str = "/"
    program: list[str] = field(default_factory=list)


def docker_build(scratch: Path, architecture: str) -> Image:
    """Do what `docker build` does, with those of its instructions that our file has."""
    parser = DockerfileParser(fileobj=(ROOT / "Dockerfile").open("rb"))
    stages: dict[str, Image] = {}
    image = None
    for number, step in enumerate(parser.structure):
        words = step["value"].split()
        match step["instruction"]:
            case "COMMENT":
                continue
            case "FROM":
                base, *named = (word.replace("${TARGETARCH}", architecture) for word in words)
                (scratch / str(number)).mkdir()
                image = stages[base] if base != "scratch" else Image(scratch / str(number))
                if named:
                    assert named[0] == "AS"
                    stages[named[1]] = image
                continue
        assert image is not None, "the first instruction is FROM"
        match step["instruction"]:
            case "ADD":
                (source, target) = words
                assert in_context(source), f".dockerignore leaves out {source}"
                with tarfile.open(ROOT / source) as archive:
                    archive.extractall(image.root / target.lstrip("/"), filter="data")
            case "USER":
                (image.user,) = words
            case "WORKDIR":
                (image.folder,) = words
                (image.root / image.folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "ENTRYPOINT":
                image.program = json.loads(step["value"])
            case other:
                pytest.fail(f"this test does not know {other}")
    assert image is not None
    return image


def in_context(path: str) -> bool:
    """Whether `.dockerignore` lets a file through: its last line that matches decides."""
    wanted = True
    for line in (ROOT / ".dockerignore").read_text().split():
        if fnmatch.fnmatch(path, line.removeprefix("!")):
            wanted = line.startswith("!")
    return wanted


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the root folder")
def test_its_image_publishes_as_a_user_without_rights(
    tmp_path: Path, build: Path, call: Callable[..., str], aws: EmbeddedAws, bucket: str
) -> None:
    image = docker_build(tmp_path, MACHINES[platform.machine()].debian)
    assert image.user.split(":")[0] != "0"
    (build / "dist").rename(image.root / image.folder.lstrip("/") / "dist")  # as `docker run -v "$PWD/dist:/work/dist"`
    inside = ["/usr/sbin/chroot", f"--userspec={image.user}", image.root, *image.program]
    # chroot goes to the root folder, and docker to the image's own.
    words = [f"{image.folder}/dist", "--bucket", bucket, "--json"]
    said = call(*inside, *words, environ=way_to(aws))
    assert json.loads(said)["counts"] == {"uploaded": 1, "unchanged": 0}


@pytest.mark.parametrize("machine", MACHINES)
def test_each_architectures_image_has_its_program(machine: str, tmp_path: Path) -> None:
    image = docker_build(tmp_path, MACHINES[machine].debian)
    named = [image.root / word.removeprefix("/") for word in image.program if word.startswith("/")]
    assert [path for path in named if not path.exists()] == []
    elf = read_elf(named[0])
    assert elf is not None
    assert elf.machine == MACHINES[machine].elf
