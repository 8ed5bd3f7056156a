"""The server of a bucket is the one that botocore resolves, in every partition and of every kind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.session import Session as BotocoreSession

from uploader.aws.access import Access, Keys
from uploader.aws.boto3_chain import Session
from uploader.aws.endpoint import server_of
from uploader.aws.find_access import find_access
from uploader.errors import UsageError
from uploader.s3.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT")
SESSION = BotocoreSession()
REGIONS = [
    region
    for partition in SESSION.get_available_partitions()
    for region in SESSION.get_available_regions("s3", partition)
]


def resolved(bucket: str, region: str, *, fips: bool = False, dual_stack: bool = False) -> str:
    """The URL of a key, as botocore would send its request."""
    config = Config(
        use_fips_endpoint=fips, use_dualstack_endpoint=dual_stack, s3={"us_east_1_regional_endpoint": "regional"}
    )
    client: Any = SESSION.create_client(
        "s3", region_name=region, aws_access_key_id="a", aws_secret_access_key="b", config=config
    )
    sent: list[str] = []

    def answer(request: AWSRequest, **_: object) -> AWSResponse:
        sent.append(str(request.url))
        raw: Any = SimpleNamespace(stream=lambda **_: iter([b""]))
        headers: Any = {}
        return AWSResponse(str(request.url), 200, headers, raw)

    client.meta.events.register("before-send.s3", answer)
    client.head_object(Bucket=bucket, Key="k")
    return sent[0]


def ours(bucket: str, region: str) -> str:
    """The URL of a key, as obstore sends its request."""
    access = Access(bucket, region, keys=Keys("a", "b"))
    server, options = server_of(access), dict[str, Any](connect(access).store.config)
    assert options["endpoint_url_s3"] == server.url
    assert str(options["virtual_hosted_style_request"]).lower() == str(server.has_bucket).lower()
    return f"{server.url}/k" if server.has_bucket else f"{server.url}/{bucket}/k"


@pytest.fixture(autouse=True)
def _no_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KINDS:
        monkeypatch.delenv(name, raising=False)


def test_in_every_region(subtests: pytest.Subtests) -> None:
    """Among them China's, GovCloud's, the isolated ones, and the European sovereign cloud's."""
    assert {"cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1"} <= set(REGIONS)
    for region in ("us-east-1", *(each for each in REGIONS if not each.endswith("-global"))):
        with subtests.test(region=region):
            assert ours("web-assets", region) == resolved("web-assets", region)


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "us-gov-west-1"])
@pytest.mark.parametrize("bucket", ["web-assets", "assets.example.com"])
@pytest.mark.parametrize("kinds", [(True, False), (False, True), (True, True)], ids=["FIPS", "dual-stack", "both"])
def test_of_every_kind(monkeypatch: pytest.MonkeyPatch, region: str, bucket: str, kinds: tuple[bool, bool]) -> None:
    """A name with a dot stays out of the host's name, which has no certificate for it."""
    for name, on in zip(KINDS, kinds, strict=True):
        monkeypatch.setenv(name, str(on).lower())
    assert ours(bucket, region) == resolved(bucket, region, fips=kinds[0], dual_stack=kinds[1])


def test_a_kind_that_a_profile_names_counts_and_the_environment_goes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    core = BotocoreSession()
    core.set_config_variable("use_dualstack_endpoint", True)
    access = Access("web-assets", "eu-west-1", session=Session(botocore_session=core))
    assert server_of(access).url == "https://web-assets.s3.dualstack.eu-west-1.amazonaws.com"
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "false")
    assert server_of(access).url == "https://web-assets.s3.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("line", "server"),
    [("use_fips_endpoint = true", "s3-fips"), ("use_dualstack_endpoint = true", "s3.dualstack"), ("", "s3")],
)
def test_a_kind_in_the_default_profile_counts_though_the_environment_has_the_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, server: str
) -> None:
    (tmp_path / "config").write_text(f"[default]\n{line}\n")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-gov-west-1"}
    for name, value in {**keys, "AWS_CONFIG_FILE": str(tmp_path / "config")}.items():
        monkeypatch.setenv(name, value)
    access = find_access("web-assets", region=None, profile=None, endpoint_url=None)
    assert server_of(access).url == f"https://web-assets.{server}.us-gov-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("region", "remedy"),
    [
        ("fips-us-gov-west-1", "is us-gov-west-1: name that, and set AWS_USE_FIPS_ENDPOINT=true"),
        ("us-east-1-fips", "is us-east-1: name that, and set AWS_USE_FIPS_ENDPOINT=true"),
        ("us-east1", "is not one of AWS"),
        ("EU-WEST-1", "is not one of AWS"),
        ("eu-west-1a", "is not one of AWS"),
        ("aws-global", "is not one of AWS"),
        ("s3-external-1", "is not one of AWS"),
    ],
)
def test_what_is_not_a_region_of_aws_is_refused_with_a_line(region: str, remedy: str) -> None:
    """No host has such a name, so otherwise the network would be said to be broken."""
    with pytest.raises(UsageError, match=f"the region {region!r} {remedy}"):
        server_of(Access("web-assets", region))


def test_a_kind_that_a_region_does_not_have_is_refused_with_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    with pytest.raises(UsageError, match=r"no S3 server for bucket 'web-assets' in cn-north-1: .*FIPS"):
        server_of(Access("web-assets", "cn-north-1"))
