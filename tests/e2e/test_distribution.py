"""The distribution as browsers see it: deployed, and asked through the embedded CloudFront, which runs its function."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import TYPE_CHECKING, NamedTuple

import pytest

from examples.embedded_aws import EmbeddedAws
from tests.e2e.cloudformation import deploy

if TYPE_CHECKING:
    from collections.abc import Iterator

APP, PAGE, GONE = "/assets/app-1a2b3c4d.js", "/assets/index.html", "/assets/app-5e6f7a8b.js"
ORIGIN = "https://www.example.com"


class Answer(NamedTuple):
    """An answer to a browser."""

    status: int
    headers: dict[str, str]
    body: bytes


class Distribution(NamedTuple):
    """The deployed distribution, with one release behind it.

    Attributes:
        aws: The AWS that it is deployed in.
        host: The distribution's domain.
        bucket: The bucket that it serves.
        marker: The key of the release's marker.
    """

    aws: EmbeddedAws
    host: str
    bucket: str
    marker: str

    def get(self, path: str, scheme: str = "https", **headers: str) -> Answer:
        """Send a request with the path as given: no client normalises it."""
        connection = HTTPConnection(self.aws.url.removeprefix("http://"))
        try:
            connection.putrequest("GET", path, skip_host=True)
            for name, value in {"Host": self.host, "X-Forwarded-Proto": scheme, **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Distribution]:
    build = tmp_path_factory.mktemp("build")
    (build / APP.rpartition("/")[2]).write_text("app()")
    (build / PAGE.rpartition("/")[2]).write_text("<script>")
    with EmbeddedAws() as aws:
        deployed = deploy(aws, {"distribution": "true", "cors_origins": ORIGIN, "access_logs": "true"})
        _let_in_without_tls(aws, deployed.outputs["BucketName"])
        marker = deployed.installation(aws).publish(build, "r1")["marker"]
        yield Distribution(aws, deployed.outputs["DistributionDomainName"], deployed.outputs["BucketName"], marker)


def _let_in_without_tls(aws: EmbeddedAws, bucket: str) -> None:
    """Remove from the bucket's policy the statement that refuses requests without TLS.

    The embedded CloudFront does. AWS's comes to S3 as the browser came to it, which is by HTTPS alone here:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-https-cloudfront-to-s3-origin.html
    """
    s3 = aws.client("s3")
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    kept = [each for each in policy["Statement"] if "aws:SecureTransport" not in str(each.get("Condition"))]
    assert len(kept) == len(policy["Statement"]) - 1
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({**policy, "Statement": kept}))


def test_each_path_is_cached_as_its_name_says(distribution: Distribution) -> None:
    """A fingerprinted file for ever, a page never."""
    app, page = distribution.get(APP), distribution.get(PAGE)
    assert (app.status, app.body) == (200, b"app()")
    assert app.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (page.status, page.headers["cache-control"]) == (200, "no-cache")


def test_the_answers_bear_security_headers_and_let_the_named_origin_read(distribution: Distribution) -> None:
    headers = distribution.get(APP, Origin=ORIGIN).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in distribution.get(APP, Origin="https://elsewhere.example.com").headers


def test_no_one_comes_by_http(distribution: Distribution) -> None:
    answer = distribution.get(APP, scheme="http")
    assert (answer.status, answer.headers["location"]) == (301, f"https://{distribution.host}{APP}")


def test_an_asset_that_is_not_there_is_not_told_to_be_kept(distribution: Distribution) -> None:
    """Otherwise a browser that asked too early would lack the asset for a year."""
    answer = distribution.get(GONE)
    assert answer.status == 403, "404 would need the right to list, and with it the list is served"
    assert "cache-control" not in answer.headers


def test_what_is_no_sites_is_not_there(distribution: Distribution) -> None:
    assert [distribution.get(path).status for path in ("/", "/other/app-1a2b3c4d.js")] == [404, 404]


@pytest.mark.parametrize("folder", [".releases", "%2Ereleases", "%2e%72eleases"])
@pytest.mark.parametrize("slash", ["/", "%2F"])
def test_the_release_log_is_refused_however_it_is_written(distribution: Distribution, folder: str, slash: str) -> None:
    key = distribution.marker
    assert distribution.aws.client("s3").head_object(Bucket=distribution.bucket, Key=key)["ContentLength"] > 0
    path = "/" + key.replace(".releases", folder).replace("assets/", f"assets{slash}")
    assert distribution.get(path).status in {403, 404}


def test_without_the_function_the_buckets_policy_refuses_the_log_all_the_same(distribution: Distribution) -> None:
    """The test removes the function from the deployed distribution."""
    cloudfront = distribution.aws.client("cloudfront")
    (name,) = (each["Id"] for each in cloudfront.list_distributions()["DistributionList"]["Items"])
    found = cloudfront.get_distribution_config(Id=name)
    config = found["DistributionConfig"]
    for behaviour in config["CacheBehaviors"]["Items"]:
        behaviour["FunctionAssociations"] = {"Quantity": 0}
    cloudfront.update_distribution(Id=name, DistributionConfig=config, IfMatch=found["ETag"])
    assert distribution.get(APP).status == 200
    answer = distribution.get(f"/{distribution.marker}")
    assert (answer.status, b"AccessDenied" in answer.body) == (403, True), "S3's own word"
