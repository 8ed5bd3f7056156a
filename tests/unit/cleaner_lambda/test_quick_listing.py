"""The quick reader of listings says what botocore says of the same page, and leaves to it what is no such page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from cleaner_lambda import quick_listing
from cleaner_lambda.quick_listing import read_listings_quickly
from release_log.whole_answers import require_whole_answers

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
READ = ("Key", "Size", "LastModified", "ETag")
KEYS = (
    "assets/app-3f9c2ab1.js",
    "assets/a b+c%.js",
    "assets/\x10\uffff😀.js",
    "assets/<&>\"'.js",
    "assets/x/",
    "assets//y",
)
MORE = "<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;n</NextContinuationToken>"


def page(*keys: str, more: str = MORE, namespace: str = NAMESPACE, left_out: str = "") -> bytes:
    """A page as S3 writes it, with fields that the cleaner does not read."""
    fields = {
        "LastModified": "2026-11-23T12:00:00.000Z",
        "ETag": "&quot;d41d8cd98f00b204e9800998ecf8427e&quot;",
        "ChecksumAlgorithm": "CRC64NVME",
        "Size": str(2**45),
        "Owner": "<ID>1</ID>",
        "StorageClass": "STANDARD",
    }
    fields = {name: value for name, value in fields.items() if name != left_out}
    rest = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    objects = "".join(f"<Contents><Key>{escape(quote(key, safe='/'))}</Key>{rest}</Contents>" for key in keys)
    head = f"<Name>b</Name><Prefix>assets/</Prefix><EncodingType>url</EncodingType>{more}"
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{declaration}<ListBucketResult xmlns="{namespace}">{head}{objects}</ListBucketResult>'.encode()


def ask(body: bytes, status: int = 200, *, quickly: bool) -> dict[str, Any]:
    """What a client makes of an answer."""
    create: Any = boto3.client
    client = create(
        "s3",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    client = require_whole_answers(client)
    if quickly:
        read_listings_quickly(client)
    answer: Any = AWSResponse("https://b.s3.amazonaws.com/", status, HTTPHeaders(), None)
    answer._content = body  # noqa: SLF001 (as botocore's own HTTP stubs do)
    client.meta.events.register("before-send.s3", lambda **_: answer)
    found: dict[str, Any] = client.list_objects_v2(Bucket="b")
    return found


def said(body: bytes, status: int = 200, *, quickly: bool) -> object:
    """What the cleaner sees of it: the answer with the fields that it reads, or the error."""
    try:
        found = ask(body, status, quickly=quickly)
    except (ClientError, ResponseParserError) as error:
        return type(error), str(error)
    objects = [{name: each[name] for name in READ if name in each} for each in found.get("Contents", ())]
    return {**found, "Contents": objects}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (page(*KEYS), 200),
        (page(*KEYS, more="<IsTruncated>false</IsTruncated>"), 200),
        (page(), 200),
        (page(*KEYS, more=""), 200),
        (page(*KEYS, left_out="Size"), 200),
        (page(*KEYS, left_out="LastModified"), 200),
        (page(*KEYS, left_out="ETag"), 200),
        (page(*KEYS, namespace="http://another.example"), 200),
        (page(*KEYS)[:-30], 200),
        (b"", 200),
        (b"<html><body>not S3</body></html>", 200),
        (b"<Error><Code>SlowDown</Code><Message>m</Message></Error>", 503),
        (b"<Error><Code>InternalError</Code><Message>m</Message></Error>", 200),
    ],
)
def test_it_says_what_botocore_says(body: bytes, status: int) -> None:
    assert said(body, status, quickly=True) == said(body, status, quickly=False)


def test_it_reads_the_objects_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would be no quicker."""
    read = quick_listing._object  # noqa: SLF001
    taken: list[dict[str, Any]] = []

    def take(element: Element) -> dict[str, Any]:
        taken.append(read(element))
        return taken[-1]

    monkeypatch.setattr(quick_listing, "_object", take)
    assert ask(page(*KEYS), quickly=True)["Contents"] == taken
    assert [each["Key"] for each in taken] == list(KEYS)
