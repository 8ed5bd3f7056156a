"""A server that sends each request elsewhere: the cleaner's clients end with an error that the run can tell."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from cleaner_lambda.handler import _open_s3
from cleaner_lambda.s3 import S3Store

if TYPE_CHECKING:
    from collections.abc import Iterator


class Elsewhere(BaseHTTPRequestHandler):
    """Answers with the status, and maybe the region, that the server has."""

    protocol_version = "HTTP/1.1"
    status, region = 301, ""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(self.status)
        if self.region:
            self.send_header("x-amz-bucket-region", self.region)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 (the names that the base class calls)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(params=[(301, ""), (302, "eu-west-1")], ids=str)
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    """The cleaner's clients at such a server."""
    status, region = request.param
    handler = type("Handler", (Elsewhere,), {"status": status, "region": region})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        for name, value in (
            ("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ):
            monkeypatch.setenv(name, value)
        yield S3Store(_open_s3(6), "bucket", _open_s3(1))
        server.shutdown()


def test_each_request_of_the_cleaner_ends_with_an_error(store: S3Store) -> None:
    for ask in (
        lambda: store.get("assets/.releases/ledger.json.gz"),
        lambda: list(store.list("assets/")),
        lambda: store.get_tags("assets/a.js"),
        lambda: store.get_metadata("assets/a.js"),
        lambda: store.put_if("assets/.releases/ledger.json.gz", b"", None),
        lambda: store.put_tags("assets/a.js", {}),
        lambda: store.delete(["assets/a.js"]),
        lambda: store.delete_one("assets/a.js"),
        lambda: store.delete_if("assets/a.js", "etag"),
    ):
        with pytest.raises(ClientError):
            ask()
