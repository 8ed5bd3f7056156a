"""An upload that ends half way: its message is true, the bucket is right, and the next run finishes the upload."""

from __future__ import annotations

import http.client
import re
import resource
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

import pytest

from release_log.ledger_file import Announcement, encode_announcement, pack
from tests.http.in_process import publish_here
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from release_log.layout import Layout
    from tests.http.conftest import Uploader

    Begin = Callable[..., subprocess.Popen[str]]
    Folder = Callable[[str, dict[str, str]], Path]

BUILD = {"app-3f9c2ab1.js": "one", "index.html": "<html>"}
INTERRUPTED = "interrupted: no marker was written; run again to finish"
TERMINATED = "terminated: no marker was written; run again to finish"


class Proxy:
    """Stands between the uploader and S3, and holds the first matching request, which never gets an answer.

    Attributes:
        url: Its endpoint.
        held: Set when that request has arrived.
    """

    def __init__(self, target: str, method: str, pattern: str, *, after: bool) -> None:
        """Prepare the proxy.

        Args:
            target: S3's own URL.
            method: The HTTP method of the request to hold.
            pattern: A regular expression for its path and query.
            after: Forward the request to S3, and hold the answer.
        """
        self.held, self._end = threading.Event(), threading.Event()
        proxy, address = self, target.removeprefix("http://")

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                hold = self.command == method and re.search(pattern, self.path) is not None and not proxy.held.is_set()
                if hold and not after:
                    self._hold()
                    return
                connection = http.client.HTTPConnection(address, timeout=30)
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                if hold:
                    self._hold()
                    return
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {"transfer-encoding", "connection"}:
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def _hold(self) -> None:
                proxy.held.set()
                proxy._end.wait(60)
                self.close_connection = True

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _forward  # noqa: N815 (as http.server calls them)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def upload(uploader: Uploader, site_folder: Folder) -> Iterator[Begin]:
    """Begins an upload of `BUILD`; kills processes that are still running in the end."""
    folder, started = site_folder("a", BUILD), []

    def begin(*wrapper: str, **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*wrapper, sys.executable, "-m", "uploader", str(folder), "--bucket", uploader.bucket, "--release", "r1"],
            cwd=ROOT,
            env=uploader.aws.environment(**environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def log_keys(uploader: Uploader) -> list[str]:
    return [key for key in uploader.keys() if ".releases/" in key]


@pytest.mark.parametrize(
    ("number", "wrapper"),
    [
        (signal.SIGINT, []),
        (signal.SIGTERM, []),
        # As a shell starts a background job: it ignores Ctrl-C, but not SIGTERM.
        (signal.SIGTERM, ["sh", "-c", 'trap "" INT; exec "$@"', "-"]),
    ],
    ids=["SIGINT", "SIGTERM", "SIGTERM in the background"],
)
def test_no_marker_no_intent_and_the_next_run_sends_only_what_did_not_arrive(
    uploader: Uploader, upload: Begin, tmp_path: Path, number: int, wrapper: list[str]
) -> None:
    """The page's PUT never gets an answer; its script has arrived."""
    with Proxy(uploader.aws.url, "PUT", r"/\.releases/pages/", after=False) as proxy:
        process = upload(*wrapper, AWS_ENDPOINT_URL=proxy.url)
        assert proxy.held.wait(20)
        process.send_signal(number)
        said = process.communicate(timeout=20)
    line = INTERRUPTED if number == signal.SIGINT else TERMINATED
    assert (process.returncode, said) == (128 + number, ("", f"uploader: {line}\n"))
    assert uploader.keys() == ["assets/app-3f9c2ab1.js"]
    again = publish_here(uploader, tmp_path / "a", "r2")
    assert [each.asset.key for each in again.uploads] == ["assets/index.html"]
    assert log_keys(uploader) == [again.key]


def test_it_does_not_hang_on_a_server_that_does_not_answer(uploader: Uploader, upload: Begin) -> None:
    """Ctrl-C ends a single request too, before the request's own time limit."""
    # The bucket is listed before the intent is written; the ledger is read after it.
    with Proxy(uploader.aws.url, "GET", r"ledger\.json\.gz", after=False) as proxy:
        process = upload(AWS_ENDPOINT_URL=proxy.url)
        assert proxy.held.wait(20)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=5) == ("", f"uploader: {INTERRUPTED}\n")
    assert uploader.keys() == []


@pytest.mark.parametrize("written", [False, True])
def test_while_the_markers_put_is_under_way_nobody_knows_and_it_says_so(
    uploader: Uploader, upload: Begin, layout: Layout, tmp_path: Path, *, written: bool
) -> None:
    """The intent stays, because the marker may exist: the intent keeps its keys until a cleaner has seen it."""
    with Proxy(uploader.aws.url, "PUT", r"/markers/", after=written) as proxy:
        process = upload(AWS_ENDPOINT_URL=proxy.url)
        assert proxy.held.wait(20)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    pending = [key for key in uploader.keys() if key.startswith(layout.pending)]
    assert len(pending) == 1
    marker = layout.marker_key(layout.release_id(pending[0]))
    assert process.returncode == 143
    assert said == f"uploader: terminated: whether {marker} was written is not known; run again to finish\n"
    assert (marker in uploader.keys()) == written
    publish_here(uploader, tmp_path / "a", "r2")
    assert len([key for key in uploader.keys() if key.startswith(layout.markers)]) == 1 + written


def test_once_the_marker_is_there_it_is_too_late_and_it_says_so(
    uploader: Uploader, upload: Begin, layout: Layout
) -> None:
    """Only the intent is left over; it expires by itself."""
    with Proxy(uploader.aws.url, "POST", r"\?delete", after=False) as proxy:
        process = upload(AWS_ENDPOINT_URL=proxy.url, UPLOADER_VERBOSE="true")
        assert proxy.held.wait(20)
        assert process.stderr is not None
        assert any(line.endswith("-r1 is in place\n") for line in process.stderr), "what goes beside it was answered"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    (marker,) = (key for key in uploader.keys() if key.startswith(layout.markers))
    assert process.returncode == 130
    assert f"uploader: interrupted: too late: {marker} is written, and nothing is left to do" in said.splitlines()


def test_while_it_waits_for_the_cleaner(uploader: Uploader, upload: Begin, layout: Layout) -> None:
    """It says what it waits for, and can be interrupted."""
    deleting = Announcement("run-1", frozenset({"assets/app-3f9c2ab1.js"}))
    body = pack({"deleting": encode_announcement(deleting)})
    uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=layout.ledger, Body=body)
    process = upload()
    assert process.stderr is not None
    assert "waiting: the cleaner is deleting assets of this release; until" in process.stderr.readline()
    assert [key.rpartition("/")[0] for key in log_keys(uploader)] == ["assets/.releases", "assets/.releases/pending"]
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[1] == f"uploader: {TERMINATED}\n"
    assert process.returncode == 143
    assert uploader.keys() == [layout.ledger]


def test_a_full_disk_takes_the_answer_and_not_the_release(uploader: Uploader, site_folder: Folder) -> None:
    """One line, without a traceback or a message of the interpreter."""
    with open("/dev/full", "w") as full:  # noqa: PTH123 (a device)
        answer = subprocess.run(
            [sys.executable, "-m", "uploader", str(site_folder("a", BUILD)), "--bucket", uploader.bucket, "--json"],
            env=uploader.aws.environment(),
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert answer.returncode == 1
    assert re.fullmatch(
        r"uploader: release \S+ was released, but the answer could not be written to standard output \(No space .*\)\n",
        answer.stderr,
    )
    assert len(log_keys(uploader)) == 1


def test_no_local_file_is_needed(uploader: Uploader, tmp_path: Path) -> None:
    """Not even for a file that goes in parts: the upload succeeds without a free byte on any disk."""
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "movie-3f9c2ab1.mp4").write_bytes(b"x" * 9_000_000)
    answer = subprocess.run(
        [sys.executable, "-m", "uploader", str(tmp_path / "big"), "--bucket", uploader.bucket],
        env=uploader.aws.environment(),
        cwd=ROOT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "1 uploaded (9.0 MB)" in answer.stdout
