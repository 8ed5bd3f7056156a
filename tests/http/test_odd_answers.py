"""Answers that S3 does not give, or not for ever: a gateway's page, a conflict each time. One line, and an end."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.http.in_process import no_sleep, publish_here, run_here
from tests.torture import TORTURE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader
    from tests.http.fault_proxy import FaultProxy, Match, Request

    Folder = Callable[[str, dict[str, str]], Path]

REQUESTS: dict[str, Match] = {
    "intent": lambda request: request.method == "PUT" and "/pending/" in request.path,
    "listing": lambda request: request.method == "GET" and "list-type" in request.query,
    "page": lambda request: request.method == "PUT" and request.path.endswith("index.html"),
    "CreateMultipartUpload": lambda request: request.method == "POST" and request.query.startswith("uploads"),
    "UploadPart": lambda request: request.method == "PUT" and "partNumber" in request.query,
    "CompleteMultipartUpload": lambda request: request.method == "POST" and request.query.startswith("uploadId"),
    "marker": lambda request: request.method == "PUT" and "/markers/" in request.path,
}
"""The requests of an upload without which it cannot go on."""

ANSWERS: dict[str, Callable[[FaultProxy, Match], None]] = {
    "409": lambda proxy, match: proxy.deny(match, "BucketNotEmpty", 409),
    "OperationAborted": lambda proxy, match: proxy.deny(match, "OperationAborted", 409),
    "412": lambda proxy, match: proxy.deny(match, "PreconditionFailed", 412),
    "page": lambda proxy, match: proxy.give_page(match),
    "page 409": lambda proxy, match: proxy.give_page(match, 409),
    "page 404": lambda proxy, match: proxy.give_page(match, 404),
}
PAIRS = [
    (request, answer)
    for (n, request), (m, answer) in itertools.product(enumerate(REQUESTS), enumerate(ANSWERS))
    if TORTURE or (n + m) % 3 == 0 or (answer == "page" and request in {"UploadPart", "CompleteMultipartUpload"})
]
"""Each request meets two of the answers, or all with ``TORTURE=1``; each of a multipart upload meets a page of 200."""

_names = itertools.count(1)


@pytest.fixture
def site(site_folder: Folder) -> Path:
    """A build with a page, an asset and a large file."""
    return site_folder("a", {"index.html": "x", "app-3f9c2ab1.js": "1", "film-3f9c2ab2.mp4": "x" * 200_000})


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(("request_", "answer"), PAIRS)
def test_an_upload_ends_with_one_line(
    uploader: Uploader, proxy: FaultProxy, site: Path, request_: str, answer: str
) -> None:
    """It says what failed, and publishes nothing."""
    ANSWERS[answer](proxy, REQUESTS[request_])
    environ = uploader.aws.environment(AWS_ENDPOINT_URL=proxy.url)
    ended = run_here([site, "--bucket", uploader.bucket, "--release", f"r{next(_names)}"], environ, no_sleep)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1), ended.stderr
    assert "unexpected" not in ended.stderr
    ours = ("assets/index.html: not in place after", "somebody has stored another assets/")
    said = (uploader.bucket, "another upload has the id", *ours)
    assert any(each in ended.stderr for each in said)
    assert "not all of its pages are in place" in ended.stderr or not [
        key for key in uploader.keys() if "/markers/" in key
    ]
    assert sum(map(REQUESTS[request_], proxy.requests)) <= 30


@pytest.mark.parametrize("status", [301, 302])
def test_a_gateway_that_sends_each_look_elsewhere(
    uploader: Uploader, proxy: FaultProxy, site: Path, status: int
) -> None:
    """boto3 would ask it for the bucket's region, and again for that, until Python has no more depth."""
    proxy.give_page(lambda request: request.method == "HEAD", status)
    environ = uploader.aws.environment(AWS_ENDPOINT_URL=proxy.url)
    publish_here(uploader, site, "r1")
    ended = run_here(["verify", "--bucket", uploader.bucket], environ, no_sleep)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1), ended.stderr
    assert "unexpected" not in ended.stderr


@pytest.mark.parametrize("command", ["activate", "drop", "rollback", "pin", "unpin", "releases", "status", "verify"])
def test_no_other_command_has_more_than_a_line_for_a_409(
    uploader: Uploader, proxy: FaultProxy, site_folder: Folder, command: str
) -> None:
    """Whatever the request that gets it, and however often: each kind in turn."""
    folder, bucket = site_folder("one", {"index.html": "x"}), uploader.bucket
    ids = [publish_here(uploader, folder, name, stage=name == "r2").id for name in ("r1", "r2")]
    publish_here(uploader, site_folder("three", {"index.html": "y"}), "r3")
    named = {"activate": ids[1:], "drop": ids[1:], "rollback": ["r1"], "pin": ["r3"], "unpin": ["r3"]}
    words = [command, *named.get(command, []), "--bucket", bucket]
    environ = uploader.aws.environment(AWS_ENDPOINT_URL=proxy.url)
    for kind in (_reads_log, _lists, _writes):
        proxy.heal()
        proxy.deny(kind, "OperationAborted", 409)
        ended = run_here(words, environ, no_sleep)
        assert len(ended.stderr.splitlines()) <= 1, ended.stderr
        assert "unexpected" not in ended.stderr
        if ended.returncode:
            assert ended.returncode == 1
        elif any(map(kind, proxy.requests)):
            assert command in {"unpin", "drop", "pin", "rollback", "activate"}


def _reads_log(request: Request) -> bool:
    return request.method in {"GET", "HEAD"} and "/.releases/" in request.path


def _lists(request: Request) -> bool:
    return "list-type" in request.query


def _writes(request: Request) -> bool:
    return request.method in {"PUT", "DELETE", "POST"}


@pytest.mark.parametrize("status", [409, 412])
def test_a_marker_that_is_refused_for_ever_ends_a_roll_back(
    uploader: Uploader, proxy: FaultProxy, site_folder: Folder, status: int
) -> None:
    """A marker under a new id is tried under some ids, and then no more; no intent is left."""
    folder = site_folder("one", {"index.html": "x"})
    publish_here(uploader, folder, "r1")
    publish_here(uploader, site_folder("two", {"index.html": "x", "a-3f9c2ab1.js": ""}), "r2")
    proxy.deny(REQUESTS["marker"], "PreconditionFailed", status)
    environ = uploader.aws.environment(AWS_ENDPOINT_URL=proxy.url)
    ended = run_here(["rollback", "r1", "--bucket", uploader.bucket, "--json"], environ, no_sleep)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1), ended.stderr
    assert "another upload has the id of release 'r1', 5 times in a row" in ended.stderr
    assert not [key for key in uploader.keys() if "/pending/" in key]


@pytest.mark.parametrize("status", [409, 412])
@pytest.mark.parametrize("command", ["end", "restore"])
def test_a_file_that_is_refused_for_ever_ends_every_command(
    uploader: Uploader, proxy: FaultProxy, site_folder: Folder, command: str, status: int
) -> None:
    """The marker of an end, and the staged release of a restoration: as a marker."""
    uploader.aws.client("s3").put_bucket_versioning(
        Bucket=uploader.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    release = publish_here(uploader, site_folder("one", {"index.html": "x", "app-3f9c2ab1.js": "1"}), "r1").id
    uploader.aws.client("s3").delete_object(Bucket=uploader.bucket, Key="assets/app-3f9c2ab1.js")
    words, name = {"end": (["--channel", "default"], "end"), "restore": (["--release", release], "r1")}[command]
    folder = {"end": "/markers/", "restore": "/staged/"}[command]
    proxy.deny(lambda request: request.method == "PUT" and folder in request.path, "PreconditionFailed", status)
    environ = uploader.aws.environment(AWS_ENDPOINT_URL=proxy.url)
    slept = 0

    def sleep(_seconds: float) -> None:
        nonlocal slept
        slept += 1
        assert slept < 20, "it goes on for ever"

    ended = run_here([command, *words, "--bucket", uploader.bucket], environ, sleep)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1), ended.stderr
    assert f"another upload has the id of release {name!r}, 5 times in a row" in ended.stderr
    assert not [key for key in uploader.keys() if "/pending/" in key]
