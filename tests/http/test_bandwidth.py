"""`--max-bandwidth` at a real server: it takes the time that it has to take, and what arrives is whole."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.http.in_process import SMALL_PART, parts_are_small
from tests.paths import ROOT
from uploader.cli import heartbeat

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.http.conftest import Uploader

PARTS = 5


def build(folder: Path) -> Path:
    """Four small files, and one of five parts: 580 kB, and two of the files wait for nobody."""
    folder.mkdir()
    for number in range(4):
        (folder / f"small{number}-3f9c2ab1.bin").write_bytes(bytes([number]) * 64_000)
    (folder / "large-3f9c2ab1.bin").write_bytes(os.urandom(PARTS * SMALL_PART))
    return folder


def test_it_takes_its_time_and_arrives_whole(
    uploader: Uploader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the least time is asserted: a busy machine is slower. Signing over HTTP reads parts twice.

    Meanwhile the log says how far the upload is.
    """
    monkeypatch.setattr(heartbeat, "SECONDS", 0.1)
    folder = build(tmp_path / "dist")
    with parts_are_small():
        began = time.monotonic()
        answer = uploader.run(folder, "--bucket", uploader.bucket, "--json", "--max-bandwidth", "1MB/s")
        took = time.monotonic() - began
    assert json.loads(answer.stdout)["counts"]["uploaded"] == 5
    assert re.search(r"^uploader: \d of 5 files sent, .* of 583\.7 kB, .*/s: \d s$", answer.stderr, re.MULTILINE)
    assert took > (4 * 64_000 + PARTS * SMALL_PART - 2 * SMALL_PART) / 1_000_000
    s3 = uploader.aws.client("s3")
    for path in folder.iterdir():
        assert s3.get_object(Bucket=uploader.bucket, Key=f"assets/{path.name}")["Body"].read() == path.read_bytes()


def test_ctrl_c_ends_the_wait_and_nothing_more_is_sent(uploader: Uploader, tmp_path: Path) -> None:
    """A request after the intent was withdrawn could store an asset that a cleaner is deleting."""
    folder = tmp_path / "dist"
    folder.mkdir()
    for number in range(20):
        (folder / f"a{number:02}-3f9c2ab1.bin").write_bytes(b"x" * 640_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "uploader", folder, "--bucket", uploader.bucket, "--max-bandwidth", "64kB/s"],
        cwd=ROOT,
        env=uploader.aws.environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 30
    while not [key for key in uploader.keys() if key.endswith(".bin")] and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - began < 8  # the next file's turn would come after ten seconds
    assert (process.returncode, said) == (130, "uploader: interrupted: no marker was written; run again to finish\n")
    keys = uploader.keys()
    assert len([key for key in keys if key.endswith(".bin")]) < 20
    assert not [key for key in keys if "/pending/" in key]


def test_what_is_not_a_rate_is_refused(uploader: Uploader, tmp_path: Path) -> None:
    answer = uploader.run(build(tmp_path / "dist"), "--bucket", uploader.bucket, "--max-bandwidth", "20Mb/s")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(
        "uploader: wrong usage: Invalid value for '--max-bandwidth': '20Mb/s' is not a rate such as 20MB/s: "
    )
    assert uploader.keys() == []
