"""Objects by plain HTTP, for what tests put into a bucket and look at: boto3 takes longer than the server itself."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Self
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPMessage
    from types import TracebackType

META = "x-amz-meta-"


@dataclass(frozen=True)
class Stored:
    """One object with all that a test stores elsewhere again, or compares.

    Attributes:
        body: Its content.
        headers: Its ``Content-Type`` and ``Cache-Control``, if it has them, and its metadata: names in lower case.
        tags: Its tags.
    """

    body: bytes
    headers: Mapping[str, str]
    tags: Mapping[str, str]


class PlainS3:
    """An S3 server that asks for no signature. Use it with ``with``."""

    def __init__(self, url: str) -> None:
        """Prepare a connection to a server's URL."""
        self._connection = HTTPConnection(url.removeprefix("http://"))

    def __enter__(self) -> Self:
        """Connect at the first request."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._connection.close()

    def put(self, bucket: str, key: str, stored: Stored) -> None:
        """Store an object."""
        tags = {"x-amz-tagging": urllib.parse.urlencode(stored.tags)} if stored.tags else {}
        self._ask("PUT", _path(bucket, key), stored.body, {**stored.headers, **tags})

    def get(self, bucket: str, key: str) -> Stored:
        """Read an object."""
        body, answered = self._ask("GET", _path(bucket, key))
        headers = {name.lower(): value for name, value in answered.items()}
        kept = {
            name: value for name, value in headers.items() if name in {"content-type", "cache-control"} or META in name
        }
        tags = {}
        if "x-amz-tagging-count" in headers:
            found, _ = self._ask("GET", f"{_path(bucket, key)}?tagging")
            for tag in ET.fromstring(found).iterfind(".//{*}Tag"):  # noqa: S314 (our own server's)
                tags[tag.findtext("{*}Key", "")] = tag.findtext("{*}Value", "")
        return Stored(body, kept, tags)

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[bytes, HTTPMessage]:
        self._connection.request(method, path, body, dict(headers or {}))
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 200, f"{method} {path}: {answer.status} {content!r}"
        return content, answer.headers


def _path(bucket: str, key: str) -> str:
    return f"/{bucket}/{urllib.parse.quote(key)}"
