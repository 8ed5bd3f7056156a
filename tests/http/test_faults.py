"""Uploads over a network that fails at each request in turn, in every way.

One fault, and the client's retries get over it. A network that is lost for good from one request on, and nothing is
published by halves, and the next run ends as if nothing had happened. A run without faults says first which requests
there are; see `fault_turns`.
"""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException, IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING, Any

import pytest

from release_log.release_id import PLACED
from tests.http.conftest import end_state, markers, new_bucket, read_bucket, without_intents
from tests.http.fault_proxy import Fault, sent
from tests.http.fault_turns import every_fault, is_delete, turns
from tests.http.in_process import SMALL_PART
from tests.http.plain_s3 import Stored
from tests.torture import TORTURE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Ended, Uploader
    from tests.http.fault_proxy import FaultProxy

    Folder = Callable[[str, dict[str, str]], Path]

BUILD = {"app-3f9c2ab1.css": "one", "app-3f9c2ab1.js": "one", "index.html": "<html>", "logo.png": "new"}


@pytest.mark.parametrize(
    ("fault", "status", "done", "error"),
    [
        (Fault.RESET, None, None, ConnectionResetError),
        (Fault.INTERNAL_ERROR, 500, None, None),
        (Fault.SLOW_DOWN, 503, None, None),
        (Fault.HANG, None, None, RemoteDisconnected),
        (Fault.TRUNCATED, None, 200, IncompleteRead),
        (Fault.LOST_REPLY, None, 200, ConnectionResetError),
        (Fault.BODILESS, None, 200, IncompleteRead),
        (Fault.ERROR_BUT_DONE, 500, 200, None),
    ],
)
def test_a_fault_is_what_its_name_says(
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    fault: Fault,
    status: int | None,
    done: int | None,
    error: type[Exception] | None,
) -> None:
    """To the client, to the server and in the record; the other requests pass, chunked ones too."""
    bucket = new_bucket(s3, {})
    proxy.inject(fault, lambda request: request.method == "PUT", first=2, every=2, times=1)
    raised: list[type[Exception]] = []
    for name in "abcd":
        client = HTTPConnection(*proxy.address)
        try:
            client.request("PUT", f"/{bucket}/{name}", body=iter([b"one ", b"two"]), encode_chunked=True)
            client.getresponse().read()
        except (HTTPException, OSError) as caught:
            raised.append(type(caught))
        finally:
            client.close()
    assert raised == ([] if error is None else [error])
    assert [(str(each), each.status, each.done) for each in proxy.requests] == [
        (f"PUT /{bucket}/{name}", *((status, done) if name == "b" else (200, 200))) for name in "abcd"
    ]
    bodies = {key: stored.body for key, stored in read_bucket(s3, bucket).items()}
    assert bodies == dict.fromkeys("acd" if done is None else "abcd", b"one two")


BEFORE = {"assets/logo.png": Stored(b"old", {"content-type": "image/png"}, {})}
"""The uploads find a file of the same size without a fingerprint, so they compare its content."""


@every_fault
def test_an_upload_gets_over_one_fault(
    upload: Callable[..., Ended],
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    site_folder: Folder,
    subtests: pytest.Subtests,
    fault: Fault,
) -> None:
    """Whichever request it befalls: the upload succeeds, and leaves nothing over."""
    folder = site_folder("a", BUILD)
    bucket = new_bucket(s3, BEFORE)
    assert upload(folder, bucket).code == 0
    usual, wanted = list(proxy.requests), end_state(read_bucket(s3, bucket))
    assert {request.method for request in usual} >= {"GET", "HEAD", "PUT"}
    for n, request in turns(usual, fault, single=True):
        with subtests.test(fault=fault, number=n, request=str(request)):
            bucket = new_bucket(s3, BEFORE)
            proxy.heal()
            plan = proxy.inject(fault, first=n)
            ended = upload(folder, bucket)
            assert plan.hit, "the fault was never met"
            assert (ended.code, len(ended.out.splitlines())) == (0, 1), ended.err
            assert end_state(read_bucket(s3, bucket)) == wanted


@every_fault
def test_an_upload_that_loses_its_network_publishes_nothing_and_the_next_one_finishes(
    upload: Callable[..., Ended],
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    site_folder: Folder,
    subtests: pytest.Subtests,
    fault: Fault,
) -> None:
    """Exit 1 and one line, without a marker; the next run sends only the missing files, and succeeds."""
    folder = site_folder("a", BUILD)
    bucket = new_bucket(s3, BEFORE)
    assert upload(folder, bucket).code == 0
    usual, wanted = list(proxy.requests), end_state(read_bucket(s3, bucket))
    for n, request in turns(usual, fault, single=False):
        with subtests.test(fault=fault, number=n, request=str(request)):
            bucket = new_bucket(s3, BEFORE)
            proxy.heal()
            proxy.inject(fault, first=n, times=None)
            ended = upload(folder, bucket)
            marked = [request for request in proxy.requests if request.method == "PUT" and "/markers/" in request.path]
            warnings = ended.err.splitlines()
            # The last two requests go side by side, so the fault may befall only the file that says that the pages are
            # in place. An answer without a body is an answer to that PUT, so nothing failed.
            if ended.code != 0:
                last = warnings.pop()
                assert (ended.code, ended.out) == (1, ""), ended.err
                assert last.startswith("uploader: "), ended.err
                told = any(request.status == 200 for request in marked)
                assert not told or "not all of its pages are in place" in last, "it was told that the marker is written"
            assert all("stays until it expires" in warning for warning in warnings), ended.err
            after = read_bucket(s3, bucket)
            assert bool(markers(after)) == any(request.done == 200 for request in marked)
            assert ended.code == 1 or any(key.endswith(PLACED) for key in after)
            if any(key.endswith(PLACED) for key in after):
                assert end_state(without_intents(after)) == wanted, "a marker, but not everything that it names"

            arrived = sent(proxy.requests, arrived=True)
            proxy.heal()
            again = upload(folder, bucket)
            assert again.code == 0, again.err
            assert not sent(proxy.requests) & arrived, "sent again"
            left = read_bucket(s3, bucket)
            assert end_state(without_intents(left)) == wanted
            assert len(left) - len(without_intents(left)) <= 1, "more than the intent of the first run is left"


@every_fault
@pytest.mark.usefixtures("small_parts")
def test_a_large_file_gets_over_one_fault(
    upload: Callable[..., Ended],
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    tmp_path: Path,
    subtests: pytest.Subtests,
    fault: Fault,
) -> None:
    """Whichever request of the multipart upload it befalls: the file arrives whole."""
    (tmp_path / "movie-3f9c2ab1.mp4").write_bytes(bytes(range(256)) * (SMALL_PART // 256) + b"end")
    bucket = new_bucket(s3, {})
    assert upload(tmp_path, bucket).code == 0
    usual, wanted = list(proxy.requests), end_state(read_bucket(s3, bucket))
    parts = [request for request in usual if "upload" in request.query]
    assert [request.method for request in parts] == ["POST", "PUT", "PUT", "POST"]
    for n, request in turns(parts, fault, single=True):
        with subtests.test(fault=fault, number=n, request=str(request)):
            bucket = new_bucket(s3, {})
            proxy.heal()
            plan = proxy.inject(fault, lambda each: "upload" in each.query, first=n)
            ended = upload(tmp_path, bucket)
            assert plan.hit, "the fault was never met"
            assert ended.code == 0, ended.err
            assert end_state(read_bucket(s3, bucket)) == wanted


def test_a_process_gets_over_a_bad_network(
    uploader: Uploader,
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    site_folder: Folder,
) -> None:
    """S3 answers every third request with SlowDown, with 64 at once: as in a build job, without shortened pauses.

    The pages are 23, an odd number. A pass over them takes a HEAD of each and two LISTs, then the PUTs. Of three
    requests two are answered: so behind an even number of answers the last page's PUT would be refused each time, in
    step, if it was refused once.
    """
    chunks = {f"chunk-{number:08x}.js": str(number) for number in range(30)}
    folder = site_folder("a", chunks | BUILD | {"about.html": "<html>about"})
    plan = proxy.inject(Fault.SLOW_DOWN, every=3, times=None)
    answer = uploader.process(folder, "--bucket", uploader.bucket, AWS_ENDPOINT_URL=proxy.url)
    told = [line for line in answer.stderr.splitlines() if " files sent, the marker is next" not in line]
    assert (answer.returncode, told) == (0, [])  # a slow machine is told every ten seconds how far it is
    assert len(plan.hit) > 10
    assert "35 uploaded" in answer.stdout
    left = read_bucket(s3, uploader.bucket)
    assert (len(left), len(markers(left))) == (60, 1)


@pytest.mark.skipif(not TORTURE, reason="it takes its 15 seconds; the same within this process does not wait")
def test_a_process_that_loses_its_network_exits_1(
    uploader: Uploader,
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    site_folder: Folder,
) -> None:
    """During the first page's PUT, without shortened pauses; the next run then finishes."""
    folder = site_folder("a", BUILD)
    proxy.inject(Fault.RESET, lambda request: request.path.endswith("index.html") or is_delete(request), times=None)
    answer = uploader.process(folder, "--bucket", uploader.bucket, AWS_ENDPOINT_URL=proxy.url)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.splitlines()[-1].startswith("uploader: ")
    assert "Traceback" not in answer.stderr
    assert markers(read_bucket(s3, uploader.bucket)) == []
    arrived = sent(proxy.requests, arrived=True)
    proxy.heal()
    again = uploader.process(folder, "--bucket", uploader.bucket, AWS_ENDPOINT_URL=proxy.url)
    assert again.returncode == 0, again.stderr
    assert sent(proxy.requests) == {f"assets/{name}" for name in BUILD} - arrived
