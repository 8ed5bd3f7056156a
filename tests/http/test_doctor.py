"""`doctor` against buckets with one thing wrong each; whatever it finds, it leaves the bucket as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.fake_uploader_s3 import NEWER_LEDGER
from tests.http.conftest import Uploader, read_bucket
from tests.http.in_process import publish_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from release_log.layout import Layout

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

BUILD = {"app-3f9c2ab1.js": "x", "index.html": "x"}
EVENTS: dict[str, Any] = {"EventBridgeConfiguration": {}}
ABORTED = {
    "ID": "abort",
    "Status": "Enabled",
    "Filter": {},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
}
KEPT = {"ID": "keep", "Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 7}}


def examine(uploader: Uploader, *options: str, **environ: str) -> dict[str, dict[str, str]]:
    """Run `doctor`; it must answer, fail only for a problem, and change nothing. Returns check -> finding."""
    s3 = uploader.aws.client("s3")
    before, versions = read_bucket(s3, uploader.bucket), _versions(s3, uploader.bucket)
    answer = uploader.run("doctor", "--bucket", uploader.bucket, "--json", *options, **environ)
    assert answer.stderr == ""
    document = json.loads(answer.stdout)
    assert answer.returncode == (1 if document["counts"]["problem"] else 0)
    assert read_bucket(s3, uploader.bucket) == before
    assert _versions(s3, uploader.bucket) == versions
    assert s3.list_multipart_uploads(Bucket=uploader.bucket).get("Uploads", []) == []
    found = {each["check"]: each for each in document["findings"]}
    assert len(found) == len(document["findings"]), "each check says one thing"
    assert all(bool(each["remedy"]) == (each["state"] != "ok") for each in found.values())
    return found


def states(found: dict[str, dict[str, str]], *but: str) -> dict[str, str]:
    """Check -> state, of all checks that are not ok."""
    return {name: each["state"] for name, each in found.items() if each["state"] != "ok" and name not in but}


@pytest.fixture
def healthy(uploader: Uploader, cleaner: Cleaner, site_folder: Folder) -> Uploader:
    """A bucket with all recommended settings, one release, and a cleaner that has seen the release."""
    s3, bucket = uploader.aws.client("s3"), uploader.bucket
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [KEPT, ABORTED]})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=EVENTS)
    publish_here(uploader, site_folder("a", BUILD), "r1")
    cleaner()
    return uploader


@pytest.fixture
def function(uploader: Uploader) -> Iterator[Callable[..., str]]:
    """Makes a function with an environment of its own; returns its name."""
    client, made = uploader.aws.client("lambda"), []

    def make(sites: list[dict[str, Any]] | None) -> str:
        name = f"cleaner-of-{uploader.bucket}"
        client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role="arn:aws:iam::000000000000:role/cleaner",
            Handler="a.b",
            Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
            Environment={"Variables": {} if sites is None else {"SITES": json.dumps(sites)}},
        )
        made.append(name)
        return name

    yield make
    for name in made:
        client.delete_function(FunctionName=name)


def test_nothing_is_wrong(healthy: Uploader, function: Callable[..., str]) -> None:
    """Root may do more than it needs: `doctor` reports this, but not as a problem."""
    name = function([{"bucket": healthy.bucket, "prefix": "assets/", "policy": {}}])
    found = examine(healthy, "--function", name)
    assert states(found) == {"delete": "warning", "ledger": "warning"}
    assert found["function"]["finding"] == f"it cleans s3://{healthy.bucket}/assets/"
    assert found["versioning"]["finding"] == "on: a deletion can be undone for 7 days"


def test_the_answer_for_people(healthy: Uploader) -> None:
    """One line a check, aligned, and a summary."""
    answer = healthy.run("doctor", "--bucket", healthy.bucket)
    lines = answer.stdout.splitlines()
    assert lines[0].split() == ["check", "state", "finding", "remedy"]
    assert lines[1].startswith(f"bucket       ok       {healthy.bucket} is in us-east-1")
    assert lines[-2:] == ["", "problem: 0, warning: 2, unknown: 1, ok: 14"]
    assert answer.returncode == 0
    assert healthy.run("doctor", "--bucket", healthy.bucket, "--quiet").stdout == ""


def test_no_bucket(uploader: Uploader) -> None:
    """No other check is possible then."""
    answer = uploader.run("doctor", "--bucket", "not-there", "--json")
    (only,) = json.loads(answer.stdout)["findings"]
    assert (only["check"], only["state"]) == ("bucket", "problem")
    assert answer.returncode == 1


def test_another_region(uploader: Uploader) -> None:
    """The remedy is the option to add."""
    s3, bucket = uploader.aws.client("s3"), f"{uploader.bucket}-eu"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    answer = uploader.run("doctor", "--bucket", bucket, "--json")
    assert json.loads(answer.stdout)["findings"] == [
        {
            "check": "bucket",
            "state": "problem",
            "finding": f"{bucket} is in eu-west-1, not in us-east-1",
            "remedy": "name its region: --region eu-west-1",
        }
    ]


def test_a_bucket_as_it_comes(uploader: Uploader) -> None:
    """No notifications is a problem, no versioning and no rule are warnings; without a release the rest is unknown."""
    found = examine(uploader)
    assert states(found, "delete") == {
        "EventBridge": "problem",
        "versioning": "warning",
        "lifecycle": "warning",
        "read": "unknown",
        "ledger": "unknown",
        "cleaner": "unknown",
        "function": "unknown",
    }
    assert f"cdk deploy -c bucket={uploader.bucket} -c prefix=assets/" in found["EventBridge"]["remedy"]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], {"versioning": "warning"}),
        ([{**KEPT, "Filter": {"Prefix": "other/"}}], {"versioning": "warning"}),
        ([{**KEPT, "Status": "Disabled"}], {"versioning": "warning"}),
        ([{**KEPT, "Filter": {"Prefix": "assets/"}}], {}),
        (
            [KEPT, {"ID": "old", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 30}}],
            {"lifecycle": "problem"},
        ),
        (
            [
                KEPT,
                {
                    "ID": "old",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "assets/.releases/"},
                    "Expiration": {"Days": 9},
                },
            ],
            {"lifecycle": "problem"},
        ),
        (
            [
                KEPT,
                {
                    "ID": "old",
                    "Status": "Enabled",
                    "Filter": {"And": {"Prefix": "assets/", "Tags": [{"Key": "a", "Value": "b"}]}},
                    "Expiration": {"Days": 9},
                },
            ],
            {"lifecycle": "warning"},
        ),
        *(
            (
                [
                    KEPT,
                    {
                        "ID": "cold",
                        "Status": "Enabled",
                        "Filter": {"Prefix": named},
                        "Transitions": [{"Days": 30, "StorageClass": storage}],
                    },
                ],
                expected,
            )
            for named, storage, expected in (
                ("", "GLACIER", {"lifecycle": "warning"}),
                ("assets/", "DEEP_ARCHIVE", {"lifecycle": "warning"}),
                ("assets/.releases/markers/", "GLACIER", {"lifecycle": "warning"}),
                ("assets/", "STANDARD_IA", {}),
                ("assets/old/", "GLACIER", {}),
            )
        ),
        ([KEPT, {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": "other/"}, "Expiration": {"Days": 30}}], {}),
        (
            [KEPT, {"ID": "x", "Status": "Enabled", "Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True}}],
            {},
        ),
    ],
)
def test_lifecycle_rules(healthy: Uploader, rules: list[dict[str, Any]], expected: dict[str, str]) -> None:
    """A bucket that keeps noncurrent versions for ever, and a rule that deletes current assets by their age."""
    s3, bucket = healthy.aws.client("s3"), healthy.bucket
    s3.delete_bucket_lifecycle(Bucket=bucket)
    rules = [*rules, ABORTED]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert states(examine(healthy), "delete", "ledger", "function") == expected


def test_a_marker_that_is_not_valid(healthy: Uploader, layout: Layout) -> None:
    """It is named with its error; so is a file with a wrong name."""
    s3 = healthy.aws.client("s3")
    marker = layout.marker_key("20990101T000000Z-x")
    for key, body, said in (
        (marker, b"{}", "is not valid ("),
        (marker, b'{"format": 4}', "is a newer uploader's ("),
        (f"{layout.staged}x.json", b"", "is not valid ("),
        (layout.pin_key("20261123T060500Z-x"), b"{}", "is not valid ("),
    ):
        s3.put_object(Bucket=healthy.bucket, Key=key, Body=body)
        found = examine(healthy)
        assert states(found, "delete", "ledger", "function") == {"release log": "problem"}
        assert found["release log"]["finding"].startswith(f"{key} {said}")
        assert ("pin that release" in found["release log"]["remedy"]) is key.startswith(layout.pins)
        s3.delete_object(Bucket=healthy.bucket, Key=key)


def test_a_ledger_that_cannot_be_read(healthy: Uploader, layout: Layout) -> None:
    """The cleaner repairs a broken one by itself. A newer cleaner's is not broken: this uploader is too old."""
    s3 = healthy.aws.client("s3")
    for body, state, remedy in (
        (
            b"?",
            "warning",
            "the next run rebuilds it; if it is broken again after that, it is too large (docs/large-sites.md)",
        ),
        (NEWER_LEDGER, "problem", "update the uploader"),
    ):
        s3.put_object(Bucket=healthy.bucket, Key=layout.ledger, Body=body)
        found = examine(healthy)
        assert found["ledger"]["state"] == "warning", "root may write it"
        assert states(found, "delete", "ledger", "function") == {"cleaner": state}
        assert found["cleaner"]["remedy"] == remedy


@pytest.mark.parametrize(
    ("sites", "said"),
    [
        (None, "it is not a cleaner"),
        ([{"bucket": "another", "prefix": "assets/"}], "it cleans s3://another/assets/, not s3://"),
        ([{"bucket": "…", "prefix": "web/"}], "/web/, not s3://"),
    ],
)
def test_another_function(
    uploader: Uploader, function: Callable[..., str], sites: list[dict[str, str]] | None, said: str
) -> None:
    """The function is not a cleaner, or it is another bucket's or another prefix's."""
    if sites:
        sites[0]["bucket"] = sites[0]["bucket"].replace("…", uploader.bucket)
    found = examine(uploader, "--function", function(sites))
    assert found["function"]["state"] == "problem"
    assert said in found["function"]["finding"]


def test_a_function_that_is_not_there_or_switched_off(uploader: Uploader, function: Callable[..., str]) -> None:
    name = function([{"bucket": uploader.bucket, "prefix": "assets/"}])
    for reserved, state in ((1, "ok"), (0, "problem")):
        uploader.aws.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
        assert examine(uploader, "--function", name)["function"]["state"] == state
    assert examine(uploader, "--function", "nobody")["function"]["state"] == "problem"


def _versions(s3: Any, bucket: str) -> set[tuple[str, str]]:  # noqa: ANN401 (boto3's client)
    found = s3.list_object_versions(Bucket=bucket)
    return {(each["Key"], each["VersionId"]) for each in (*found.get("Versions", ()), *found.get("DeleteMarkers", ()))}
