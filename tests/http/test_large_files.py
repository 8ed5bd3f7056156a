"""A file that goes in parts: it arrives whole or not at all, and a failed upload leaves no part."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.http.fault_proxy import Fault
from tests.http.in_process import SMALL_PART
from tests.http.test_interrupted import Proxy
from tests.paths import ROOT
from tests.torture import pairs
from uploader.builds.parts import PART_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Ended, Uploader
    from tests.http.fault_proxy import FaultProxy, Request

KEY = "assets/movie-3f9c2ab1.mp4"
SIZE = 5 * PART_BYTES + 3
"""More parts than one round of parallel requests."""


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    """A build of one large file."""
    return write_movie(tmp_path / "build", PART_BYTES)


@pytest.fixture
def short_movie(tmp_path: Path, small_parts: None) -> Path:  # noqa: ARG001 (for what it does)
    """The same with small parts, in this process. They may arrive in any order."""
    return write_movie(tmp_path / "build", SMALL_PART)


def write_movie(folder: Path, part: int) -> Path:
    """A file of six parts, each with other bytes."""
    folder.mkdir()
    path = folder / "movie-3f9c2ab1.mp4"
    path.write_bytes(b"".join(bytes([number]) * part for number in range(5)) + b"end")
    return path


def uploads(uploader: Uploader) -> list[str]:
    """The keys of multipart uploads that were neither completed nor aborted."""
    found = uploader.aws.client("s3").list_multipart_uploads(Bucket=uploader.bucket).get("Uploads", [])
    return [each["Key"] for each in found]


def is_part(number: int) -> Callable[[Request], bool]:
    return lambda request: f"partNumber={number}" in request.query.split("&")


def test_it_arrives_whole_with_its_headers(uploader: Uploader, movie: Path) -> None:
    assert uploader.upload(movie.parent)["counts"]["uploaded"] == 1
    answer = uploader.aws.client("s3").get_object(Bucket=uploader.bucket, Key=KEY)
    assert answer["Body"].read() == movie.read_bytes()
    assert (answer["ContentType"], "immutable" in answer["CacheControl"]) == ("video/mp4", True)
    assert uploader.upload(movie.parent)["counts"]["unchanged"] == 1
    assert uploads(uploader) == []


@pytest.mark.parametrize("part", [1, 3, 6])
def test_an_error_that_lasts_leaves_no_part(
    uploader: Uploader, upload: Callable[..., Ended], proxy: FaultProxy, short_movie: Path, part: int
) -> None:
    """Whichever part it befalls: one line, and no object under the key."""
    plan = proxy.inject(Fault.SLOW_DOWN, is_part(part), times=None)
    ended = upload(short_movie.parent, uploader.bucket)
    assert plan.hit
    assert (ended.code, len(ended.err.splitlines())) == (1, 1), ended.err
    assert f"s3:PutObject on s3://{uploader.bucket}/{KEY} failed (SlowDown)" in ended.err
    assert (uploads(uploader), uploader.keys()) == ([], [])


def test_an_end_that_fails_leaves_no_part(
    uploader: Uploader, upload: Callable[..., Ended], proxy: FaultProxy, short_movie: Path
) -> None:
    proxy.inject(
        Fault.INTERNAL_ERROR, lambda each: each.method == "POST" and each.query.startswith("uploadId"), times=None
    )
    assert upload(short_movie.parent, uploader.bucket).code == 1
    assert (uploads(uploader), uploader.keys()) == ([], [])


def test_parts_that_cannot_be_removed_are_told(
    uploader: Uploader, upload: Callable[..., Ended], proxy: FaultProxy, short_movie: Path
) -> None:
    """Without the right to abort, a message names them; the bucket's lifecycle removes them."""
    proxy.inject(Fault.INTERNAL_ERROR, lambda each: "uploadId" in each.query, times=None)
    ended = upload(short_movie.parent, uploader.bucket)
    assert ended.code == 1
    assert f"parts of {KEY} stay until the bucket's lifecycle removes them: s3:AbortMultipartUpload" in ended.err
    assert uploads(uploader) == [KEY]


@pytest.mark.parametrize(("how", "part"), pairs(["shrinks", "grows", "is written again"], [1, 6]))
def test_a_file_that_changes_meanwhile_is_not_published(
    uploader: Uploader, upload: Callable[..., Ended], proxy: FaultProxy, movie: Path, how: str, part: int
) -> None:
    """Under its fingerprinted key, a wrong object of the right size would count as the right one for ever."""

    def change(request: Request) -> bool:
        if is_part(part)(request):
            with movie.open("r+b") as file:
                file.truncate({"shrinks": SIZE - 1, "grows": SIZE + 1}.get(how, SIZE))
                file.write(b"other")
        return False

    proxy.inject(Fault.RESET, change)
    ended = upload(movie.parent, uploader.bucket)
    assert (ended.code, len(ended.err.splitlines())) == (1, 1), ended.err
    assert "changed while it was being uploaded" in ended.err
    assert (uploads(uploader), uploader.keys()) == ([], [])


@pytest.mark.parametrize(
    ("number", "part"), pairs([signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ["partNumber=5", "uploads"])
)
def test_a_job_that_is_cancelled_leaves_no_part(uploader: Uploader, movie: Path, number: int, part: str) -> None:
    """A killed job leaves them: the bucket's lifecycle rule is for these."""
    method = "POST" if part == "uploads" else "PUT"
    with Proxy(uploader.aws.url, method, rf"\?.*{part}", after=True) as proxy:
        process = subprocess.Popen(
            [sys.executable, "-m", "uploader", str(movie.parent), "--bucket", uploader.bucket],
            cwd=ROOT,
            env=uploader.aws.environment(AWS_ENDPOINT_URL=proxy.url),
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert proxy.held.wait(20)
            process.send_signal(number)
            _, said = process.communicate(timeout=10)
        finally:
            process.kill()
            process.communicate()
    killed = number == signal.SIGKILL
    assert process.returncode == (-number if killed else 128 + number), said
    # The id of an upload without an answer is unknown, and it has no part.
    assert uploads(uploader) == ([KEY] if killed or part == "uploads" else [])
    assert KEY not in uploader.keys()


def test_memory_does_not_grow_with_the_file(uploader: Uploader, tmp_path: Path) -> None:
    """With five times as many parts, there are no more at one time."""
    peaks = []
    for name, parts in (("small", 8), ("large", 40)):
        path = tmp_path / name / "movie-3f9c2ab1.mp4"
        path.parent.mkdir()
        path.touch()
        os.truncate(path, parts * PART_BYTES)
        peaks.append(peak(uploader, path.parent))
    assert peaks[1] < peaks[0] + 64_000_000, "320 MB beside 64"
    assert peaks[1] < 150_000_000


PEAK = """
import os, resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def peak(uploader: Uploader, folder: Path) -> int:
    """The peak memory of an upload, in bytes.

    Started by a small process: Linux counts what the parent held, too.
    """
    upload: list[Any] = [sys.executable, "-m", "uploader", folder, "--bucket", uploader.bucket]
    answer = subprocess.run(
        [sys.executable, "-c", PEAK, *map(str, upload)],
        cwd=ROOT,
        env=uploader.aws.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return int(answer.stdout)
