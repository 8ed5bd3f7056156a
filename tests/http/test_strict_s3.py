"""What AWS's S3 refuses and the embedded one does not: the proxy answers as AWS does, and the product meets it."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from examples.embedded_aws import REGION
from tests.e2e.strict_s3 import StrictS3

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


@pytest.mark.parametrize("problem", ["region", "clock"])
def test_an_upload_that_aws_refuses_ends_with_one_line(
    strict: StrictS3, uploader: Uploader, site_folder: Folder, problem: str
) -> None:
    """And changes nothing."""
    region = ELSEWHERE if problem == "region" else REGION
    strict.ahead = timedelta(hours=problem == "clock")
    site = site_folder("a", {"index.html": "x"})
    answer = uploader.run(site, "--bucket", uploader.bucket, AWS_ENDPOINT_URL_S3=strict.url, AWS_REGION=region)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (1, 1), answer.stderr
    assert uploader.keys() == []
