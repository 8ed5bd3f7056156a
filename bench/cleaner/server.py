"""S3's REST interface over a `MemoryBucket`, as far as the cleaner uses it.

Beside it are a Scheduler that forgets everything, and a Step Functions that only notes what is started.
It checks no signature. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

import json
import re
from collections import Counter
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from bench.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.cleaner.bucket import MemoryBucket

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
PAGE = 1000

_MORE_THAN_QUOTED = re.compile(r"[^A-Za-z0-9/._~-]")


class S3Server(Serving):
    """A server on this machine. ``with`` starts and stops it.

    Attributes:
        url: Its address.
        requests: Kind of request, as S3 names it -> how many were answered.
        executions: The input of each execution that was started, and that nobody has taken out yet.
    """

    def __init__(self, name: str, bucket: MemoryBucket) -> None:
        """Prepare the server.

        Args:
            name: The bucket's name.
            bucket: The bucket; its keys are sorted.
        """
        bucket.sort()
        server = _Server(name, bucket)
        super().__init__(server)
        self.requests = server.requests
        self.executions = server.executions
        self.url = f"http://127.0.0.1:{server.server_port}"


def list_page(bucket: MemoryBucket, query: Mapping[str, str]) -> bytes:
    """The answer to ListObjectsV2.

    Args:
        bucket: The bucket.
        query: The request's parameters.
    """
    after = query.get("continuation-token") or query.get("start-after", "")
    found, is_last = bucket.page(query.get("prefix", ""), after, min(PAGE, int(query.get("max-keys", PAGE))))
    times: dict[object, str] = {}
    parts = [
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{NAMESPACE}">',
        "<EncodingType>url</EncodingType>",
        f"<IsTruncated>{'false' if is_last else 'true'}</IsTruncated><KeyCount>{len(found)}</KeyCount>",
    ]
    for key, each in found:
        at = times.get(each.at)
        if at is None:
            at = times[each.at] = f"{each.at:%Y-%m-%dT%H:%M:%S.000Z}"
        parts.append(
            f"<Contents><Key>{quote(key) if _MORE_THAN_QUOTED.search(key) else key}</Key>"
            f"<LastModified>{at}</LastModified><ETag>&quot;{each.etag[1:-1]}&quot;</ETag>"
            f"<Size>{each.size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        )
    if not is_last:
        parts.append(f"<NextContinuationToken>{escape(found[-1][0])}</NextContinuationToken>")
    parts.append("</ListBucketResult>")
    return "".join(parts).encode()


class _Server(ThreadingHTTPServer):
    def __init__(self, name: str, bucket: MemoryBucket) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name = name
        self.bucket = bucket
        self.requests: Counter[str] = Counter()
        self.executions: list[dict[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """ListObjectsV2, GetObjectTagging, GetObject."""
        key, query = self._target()
        if not key:
            self._answer("ListObjectsV2", 200, list_page(self.server.bucket, query))
            return
        found = self.server.bucket.get(key)
        if found is None:
            self._error("GetObject", 404, "NoSuchKey")
        elif "tagging" in query:
            tags = "".join(
                f"<Tag><Key>{escape(tag)}</Key><Value>{escape(value)}</Value></Tag>"
                for tag, value in self.server.bucket.tags(key).items()
            )
            body = f'<Tagging xmlns="{NAMESPACE}"><TagSet>{tags}</TagSet></Tagging>'
            self._answer("GetObjectTagging", 200, body.encode())
        else:
            self._answer("GetObject", 200, found.body or b"", {"ETag": found.etag, **_modified(found.at)})

    def do_HEAD(self) -> None:
        """HeadObject."""
        found = self.server.bucket.get(self._target()[0])
        if found is None:
            self._answer("HeadObject", 404)
        else:
            self._answer("HeadObject", 200, headers={"ETag": found.etag, **_modified(found.at)})

    def do_PUT(self) -> None:
        """PutObjectTagging, PutObject."""
        key, query = self._target()
        body = self._body()
        if "tagging" in query:
            tags = ET.fromstring(body).iter(f"{{{NAMESPACE}}}Tag")  # noqa: S314 (the cleaner's)
            self.server.bucket.set_tags(key, {each[0].text or "": each[1].text or "" for each in tags})
            self._answer("PutObjectTagging", 200)
            return
        stored = self.server.bucket.put(
            key, body, if_match=self.headers.get("If-Match"), if_none_match="If-None-Match" in self.headers
        )
        if stored is None:
            self._error("PutObject", 412, "PreconditionFailed")
        else:
            self._answer("PutObject", 200, headers={"ETag": stored.etag})

    def do_POST(self) -> None:
        """DeleteObjects, a schedule, or an execution."""
        body = self._body()
        if self.headers.get("X-Amz-Target", "").endswith(".StartExecution"):
            self.server.executions.append(json.loads(json.loads(body)["input"]))
            self._answer(
                "StartExecution", 200, b'{"executionArn":"arn:aws:states:us-east-1:0:execution:a:b","startDate":0}'
            )
            return
        if not self.path.startswith(f"/{self.server.name}"):
            self._answer("CreateSchedule", 200, b'{"ScheduleArn":"arn:aws:scheduler:us-east-1:0:schedule/a/b"}')
            return
        keys = ET.fromstring(body).iter(f"{{{NAMESPACE}}}Key")  # noqa: S314 (the cleaner's)
        self.server.bucket.delete([each.text or "" for each in keys])
        self._answer("DeleteObjects", 200, f'<DeleteResult xmlns="{NAMESPACE}"></DeleteResult>'.encode())

    def do_DELETE(self) -> None:
        """DeleteObject."""
        self.server.bucket.delete([self._target()[0]])
        self._answer("DeleteObject", 204)

    def _target(self) -> tuple[str, dict[str, str]]:
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        return unquote(address.path).removeprefix(f"/{self.server.name}").removeprefix("/"), query

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _error(self, kind: str, status: int, code: str) -> None:
        self._answer(kind, status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _answer(self, kind: str, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.server.requests[kind] += 1
        self.send_response_only(status)
        self.send_header("Date", format_datetime(self.server.bucket.now, usegmt=True))
        for header, value in (headers or {}).items():
            self.send_header(header, value)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the standard library's own name)
        """Log nothing."""


def _modified(at: object) -> dict[str, str]:
    return {"Last-Modified": format_datetime(at, usegmt=True)}  # type: ignore[arg-type]
