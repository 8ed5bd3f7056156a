"""What AWS's S3 refuses and the embedded one does not: the proxy answers as AWS does, and the product meets it."""

from __future__ import annotations

import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
import trustme
from botocore.exceptions import ClientError

from cleaner_lambda.errors import ConflictError
from cleaner_lambda.s3 import S3Store
from examples.embedded_aws import REGION
from release_log.layout import Layout
from tests.e2e.strict_s3 import StrictS3
from tests.http.in_process import SMALL_PART
from tests.s3_model import problem_of
from uploader.aws.access import Access, Keys
from uploader.builds.collect import collect
from uploader.errors import TakenError
from uploader.s3 import asking, copies
from uploader.s3.connection import connect
from uploader.s3.errors import AnswerError
from uploader.s3.port import Placement
from uploader.s3.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from examples.embedded_aws import EmbeddedAws
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]

ELSEWHERE = "eu-west-1"


@pytest.fixture
def strict(aws: EmbeddedAws) -> Iterator[StrictS3]:
    """AWS's S3, in the region of the other tests."""
    with StrictS3(aws.url) as between:
        yield between


def client_of(strict: StrictS3, region: str = REGION) -> Any:  # noqa: ANN401 (boto3's client)
    """A client in a region."""
    create: Any = boto3.client
    return create(
        "s3", endpoint_url=strict.url, region_name=region, aws_access_key_id="test", aws_secret_access_key="test"
    )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_another_region_is_answered_without_a_location(strict: StrictS3, bucket: str, method: str) -> None:
    """Only a header names the bucket's region, after which boto3 follows."""
    scope = f"AWS4-HMAC-SHA256 Credential=test/20261129/{ELSEWHERE}/s3/aws4_request, SignedHeaders=host, Signature=0"
    with closing(HTTPConnection(urlsplit(strict.url).netloc)) as connection:
        connection.request(method, f"/{bucket}", headers={"Authorization": scope})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["x-amz-bucket-region"]) == (301, REGION)
        assert "Location" not in answer.headers
        assert (b"<Code>PermanentRedirect</Code>" in answer.read()) is (method == "GET")
    client_of(strict, ELSEWHERE).list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("minutes", [-16, -14, 14, 16])
def test_a_clock_is_a_quarter_of_an_hour_wrong_at_most(strict: StrictS3, bucket: str, minutes: int) -> None:
    strict.ahead = timedelta(minutes=minutes)
    client = client_of(strict)
    if abs(minutes) < 15:
        client.list_objects_v2(Bucket=bucket)
        return
    with pytest.raises(ClientError) as raised:
        client.list_objects_v2(Bucket=bucket)
    assert raised.value.response["Error"]["Code"] == "RequestTimeTooSkewed"


@pytest.mark.parametrize(
    ("problem", "remedy"), [("region", f"name its region: --region {REGION}"), ("clock", "set the clock")]
)
def test_an_upload_that_aws_refuses_ends_with_one_line(
    strict: StrictS3, uploader: Uploader, site_folder: Folder, problem: str, remedy: str
) -> None:
    """It says what to do, and nothing is changed."""
    region = ELSEWHERE if problem == "region" else REGION
    strict.ahead = timedelta(hours=problem == "clock")
    site = site_folder("a", {"index.html": "x"})
    answer = uploader.run(site, "--bucket", uploader.bucket, AWS_ENDPOINT_URL_S3=strict.url, AWS_REGION=region)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (1, 1), answer.stderr
    assert remedy in answer.stderr
    assert uploader.keys() == []


@pytest.mark.parametrize("side", ["uploader", "cleaner"])
def test_a_write_that_meets_another_one_of_its_key_is_tried_again(
    strict: StrictS3, bucket: str, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gets a 409 does not know who wins; the next answer says that the other one did."""
    key = "assets/.releases/ledger.json.gz"
    monkeypatch.setattr(asking, "PAUSES", (0.05,) * 3)
    monkeypatch.setattr("cleaner_lambda.s3.BACKOFF_SECONDS", (0.05,) * 3)

    def write() -> bool:
        if side == "uploader":
            access = Access(bucket, REGION, strict.url, keys=Keys("test", "test"))
            return Requests(connect(access)).create(key, b"second")
        try:
            S3Store(client_of(strict), bucket).put_if(key, b"second", None)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(1) as threads, closing(HTTPConnection(urlsplit(strict.url).netloc)) as first:
        first.putrequest("PUT", f"/{bucket}/{key}")
        first.putheader("If-None-Match", "*")
        first.putheader("Content-Length", "5")
        first.endheaders()
        while not strict.under_way(f"/{bucket}/{key}"):
            time.sleep(0.005)
        second = threads.submit(write)
        while not strict.conflicts and not second.done():
            time.sleep(0.005)
        first.send(b"first")
        assert first.getresponse().status == 200
        assert second.result() is False
    assert client_of(strict).get_object(Bucket=bucket, Key=key)["Body"].read() == b"first"


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_page_is_copied_only_over_the_one_that_was_looked_at(
    strict: StrictS3, bucket: str, monkeypatch: pytest.MonkeyPatch, *, in_parts: bool
) -> None:
    """As AWS's S3 has it, and no emulator: a copy has conditions on what it replaces. Beyond 5 GiB it goes in parts."""
    if in_parts:
        monkeypatch.setattr(copies, "WHOLE_BYTES", 2)
        monkeypatch.setattr(copies, "PART_BYTES", 2)
    page, source = "assets/index.html", "assets/.releases/pages/0"
    client = client_of(strict)
    told = {"CacheControl": "no-cache", "ContentType": "text/html", "Metadata": {"headers": "1"}}
    client.put_object(Bucket=bucket, Key=source, Body=b"new", IfNoneMatch="*", **told)
    pages = copies.Copies(Access(bucket, REGION, strict.url, keys=Keys("test", "test")), {})

    def place(etag: str | None) -> str | None:
        try:
            return pages.place(Placement(page, source, etag, None))
        except AnswerError as error:
            return error.code

    assert place('"0"') in {"NoSuchKey", "PreconditionFailed"}
    first = place(None)
    assert place(None) == "PreconditionFailed"
    assert place('"0"') == "PreconditionFailed"
    assert place(first) == first
    stored = client.get_object(Bucket=bucket, Key=page)
    assert (stored["Body"].read(), {name: stored[name] for name in told}) == (b"new", told)
    assert client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("size", [1, SMALL_PART + 1])
def test_a_stored_page_is_never_overwritten(strict: StrictS3, bucket: str, tmp_path: Path, size: int) -> None:
    """Whoever comes second finds the same page; S3 refuses a PUT without a condition, in parts too."""
    (tmp_path / "index.html").write_bytes(b"x" * size)
    (page,) = collect(tmp_path, "assets/")
    page = page.under(Layout("assets/").page_key(page.stored or ""))
    first, second = (
        Requests(connect(Access(bucket, REGION, strict.url, keys=Keys("test", "test")))).files.put(page)
        for _ in range(2)
    )
    assert first == second
    assert first.size == size
    client = client_of(strict)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_object(Bucket=bucket, Key=page.key, Body=b"evil")
    assert client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def test_a_file_replaces_no_other_object_than_its_upload_has_seen(
    strict: StrictS3, bucket: str, tmp_path: Path
) -> None:
    """With the conditions of S3; what is there already is told by its metadata, as the ETag does not with KMS."""
    files = Requests(connect(Access(bucket, REGION, strict.url, keys=Keys("test", "test")))).files
    name = "app-3f9c2ab1.js"

    def put(content: bytes, *over: str | None) -> str:
        (tmp_path / name).write_bytes(content)
        (file,) = collect(tmp_path, "assets/")
        return files.put(file, *over).etag or ""

    first = put(b"first", None)
    assert put(b"first", None) == put(b"first", "0" * 32) == first
    for over in (None, "0" * 32):
        with pytest.raises(TakenError, match=rf"somebody has stored another assets/{name} since .*: run again"):
            put(b"second", over)
    second = put(b"second", first)
    assert second != first
    client = client_of(strict)
    client.delete_object(Bucket=bucket, Key=f"assets/{name}")
    assert put(b"third", second) == put(b"third", None) == put(b"third"), "nothing was there any more"
    assert client.get_object(Bucket=bucket, Key=f"assets/{name}")["Body"].read() == b"third"


def test_the_tags_of_a_missing_key_are_forbidden_to_who_may_list_one_prefix(strict: StrictS3, bucket: str) -> None:
    """The cleaner finds out by a listing that nobody has to tag the object any more."""
    client, missing = client_of(strict), {"Bucket": bucket, "Key": "assets/app-3f9c2ab1.js"}
    for request in (
        client.get_object_tagging,
        partial(client.put_object_tagging, Tagging={"TagSet": []}),
        client.delete_object_tagging,
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            request(**missing)
    store = S3Store(client, bucket)
    assert store.get_tags(missing["Key"]) is None
    assert store.put_tags(missing["Key"], {"removed_at": "2026-11-23T12:00:00Z"}) is False


def test_a_bucket_that_wants_tls_refuses_who_comes_without(
    strict: StrictS3, uploader: Uploader, site_folder: Folder
) -> None:
    """The stack's own buckets do: the upload says so in one line, and changes nothing."""
    strict.tls_only = True
    answer = uploader.run(
        site_folder("a", {"index.html": "x"}), "--bucket", uploader.bucket, AWS_ENDPOINT_URL_S3=strict.url
    )
    assert (answer.returncode, len(answer.stderr.splitlines())) == (1, 1), answer.stderr
    assert uploader.keys() == []


def test_who_comes_with_tls_is_served(
    aws: EmbeddedAws, uploader: Uploader, site_folder: Folder, tmp_path: Path
) -> None:
    """Both sides check the server's certificate: they name the authority that signed it."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with StrictS3(aws.url, context) as strict:
        strict.tls_only = True
        site = site_folder("a", {"index.html": "x"})
        environ = {"AWS_ENDPOINT_URL_S3": strict.url, "AWS_CA_BUNDLE": str(bundle), "SSL_CERT_FILE": str(bundle)}
        answer = uploader.process(site, "--bucket", uploader.bucket, **environ)
        assert (answer.returncode, answer.stderr) == (0, "")
        create: Any = boto3.client
        client = create(
            "s3",
            endpoint_url=strict.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            verify=str(bundle),
        )
        read = S3Store(client, uploader.bucket).get("assets/index.html")
        assert read is not None
        assert read.body == b"x"


@pytest.mark.parametrize(
    ("method", "path", "headers", "problem"),
    [
        ("PUT", "/b/k?partNumber=1&uploadId=2", ["Content-MD5", "X-Amz-Date"], None),
        ("PUT", "/b/k", ["x-amz-tagging", "x-amz-meta-headers", "x-amz-checksum-crc64nvme"], None),
        ("GET", "/b?list-type=2&prefix=a&start-after=b", [], None),
        ("POST", "/b?delete", [], None),
        ("PUT", "/b/k", ["x-amz-taging"], "no operation of S3 knows x-amz-taging"),
        ("GET", "/b?list-type=2&prefx=a", [], "no operation of S3 knows prefx"),
        ("PATCH", "/b/k", [], "no operation of S3 is PATCH of an object with []"),
    ],
)
def test_what_the_model_of_s3_does_not_know_is_said(
    method: str, path: str, headers: list[str], problem: str | None
) -> None:
    """The proxies of the tests ask it about every request that both sides send."""
    assert problem_of(method, path, headers) == problem
