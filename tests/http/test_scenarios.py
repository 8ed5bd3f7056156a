"""Scenarios of `tests/SCENARIOS.md` that need a server and have no other test module."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from examples.embedded_aws import REGION
from release_log.marker import Asset, Release, encode
from tests.http.fault_proxy import Fault
from tests.http.in_process import publish_here
from uploader.aws.access import Access, Keys
from uploader.builds.collect import collect
from uploader.publishing.build import Build
from uploader.publishing.publish import publish
from uploader.s3.open import connect, open_connected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release_log.layout import Layout
    from tests.http.conftest import Uploader
    from tests.http.fault_proxy import FaultProxy, Request

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]


def publish_through(proxy: FaultProxy, bucket: str, folder: Path, concurrency: int) -> None:
    """Publish a build as the command line does, in this process, over a slow network."""
    build = Build(assets=collect(folder, "assets/"), prefix="assets/", channel="default", release="r1")
    proxy.delay = 0.02
    publish(open_connected(connect(Access(bucket, REGION, proxy.url, keys=Keys("test", "test"))), concurrency), build)


@pytest.mark.scenario("T10")
def test_each_file_is_sent_once_and_no_more_at_a_time_than_allowed(
    bucket: str, site_folder: Folder, proxy: FaultProxy
) -> None:
    """Four at a time: never five, but not one after the other."""
    under_way: list[int] = []

    def count(request: Request) -> bool:
        # Called as a request arrives. A client cannot know that one is over before the proxy has recorded its answer.
        if request.method == "PUT":
            under_way.append(sum(each.done is None for each in proxy.requests))
        return False

    names = {f"assets/chunk{number}-3f9c2ab1.js" for number in range(40)}
    proxy.inject(Fault.RESET, count)
    publish_through(proxy, bucket, site_folder("a", {key.removeprefix("assets/"): "x" for key in names}), 4)
    puts = Counter(request.path.split("/", 2)[2] for request in proxy.requests if request.method == "PUT")
    assert {key: times for key, times in puts.items() if "/.releases/" not in key} == dict.fromkeys(names, 1)
    assert max(under_way) == 4


@pytest.mark.scenario("L28")
def test_no_page_is_sent_before_the_last_of_what_it_asks_for_is_there(
    bucket: str, site_folder: Folder, proxy: FaultProxy
) -> None:
    """However many requests run in parallel; the marker comes after all files."""
    there: dict[str, int] = {}

    def look(request: Request) -> bool:
        if request.method == "PUT":
            there[request.path] = sum(each.done == 200 and "3f9c2ab1" in each.path for each in proxy.requests)
        return False

    scripts = {f"chunk{number}-3f9c2ab1.js": "x" for number in range(10)}
    pages = {"about.html": "x", "index.html": "x"}
    proxy.inject(Fault.RESET, look)
    publish_through(proxy, bucket, site_folder("a", scripts | pages), 8)
    assert [there[f"/{bucket}/assets/{page}"] for page in pages] == [len(scripts)] * len(pages)
    *_, last = there
    assert "/markers/" in last


@pytest.mark.scenario("T21", "T29a")
def test_what_is_on_the_second_page_of_the_listing_is_not_sent_again(uploader: Uploader, site_folder: Folder) -> None:
    """S3 gives 1,000 keys a page, the release log's among them."""
    folder = site_folder("a", {f"chunk{number}-3f9c2ab1.js": "x" for number in range(1001)})
    assert len(publish_here(uploader, folder, "r1").uploads) == 1001
    again = publish_here(uploader, folder, "r2")
    assert (len(again.uploads), len(again.unchanged)) == (0, 1001)


@pytest.mark.scenario("L29")
def test_what_another_tool_stored_is_looked_at_once_and_sent_again_if_its_headers_are_wrong(
    uploader: Uploader, site_folder: Folder, proxy: FaultProxy
) -> None:
    """Fingerprinted objects too. From then on the marker names their headers, and no HEAD is needed."""
    right, wrong = "assets/app-3f9c2ab1.js", "assets/map-4a1b2c3d.js"
    year = {"CacheControl": "public, max-age=31536000, immutable"}
    s3 = uploader.aws.client("s3")
    s3.put_object(Bucket=uploader.bucket, Key=right, Body=b"1", ContentType="text/javascript; charset=utf-8", **year)
    s3.put_object(Bucket=uploader.bucket, Key=wrong, Body=b"2", ContentType="application/ecmascript", **year)
    folder = site_folder("a", {right.removeprefix("assets/"): "1", wrong.removeprefix("assets/"): "2"})

    def release() -> tuple[dict[str, str], list[str]]:
        proxy.requests.clear()
        answer = uploader.run(folder, "--bucket", uploader.bucket, "--json", AWS_ENDPOINT_URL=proxy.url)
        assert answer.returncode == 0, answer.stderr
        heads = [each.path.split("/", 2)[2] for each in proxy.requests if each.method == "HEAD"]
        sent = {each["key"]: each["reason"] for each in json.loads(answer.stdout)["uploaded"]}
        return sent, sorted(key for key in heads if "/.releases/" not in key)

    assert release() == ({wrong: "headers_differ"}, [right, wrong])
    assert s3.head_object(Bucket=uploader.bucket, Key=wrong)["ContentType"] == "text/javascript; charset=utf-8"
    assert release() == ({}, [])


@pytest.mark.scenario("T35a")
def test_a_pulled_brake_is_an_error_in_the_log_and_a_metric(
    uploader: Uploader,
    cleaner: Cleaner,
    layout: Layout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Over the limit nothing is deleted, and the operator is told; within it neither happens."""
    s3 = uploader.aws.client("s3")

    def publish(name: str, version: str) -> None:
        assets = {f"assets/{n}.js": Asset(f"assets/{n}-{version}.js", 1, fingerprinted=True) for n in range(101)}
        release = Release(
            release=name, channel="default", created_at=datetime.now(UTC), prefix="assets/", uploader={}, assets=assets
        )
        s3.put_object(Bucket=uploader.bucket, Key=layout.marker_key(f"20261123T060500Z-{name}"), Body=encode(release))

    def pulled() -> tuple[list[list[float]], int, int]:
        """The metric, how many errors say so, and how many deletions were asked for, of one run."""
        capsys.readouterr()
        caplog.clear()
        answer = cleaner()
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"BrakePulled":' in line]
        errors = [each for each in caplog.records if each.levelname == "ERROR" and '{"force": true}' in each.message]
        return [line["BrakePulled"] for line in lines], len(errors), answer["counts"]["delete"]

    policy: dict[str, float] = {"grace": 0, "version_limit": 0, "version_ttl": 0, "max_delete_fraction": 0.25}
    monkeypatch.setenv("SITES", json.dumps([{"bucket": uploader.bucket, "prefix": "assets/", "policy": policy}]))
    for n in range(101):
        s3.put_object(Bucket=uploader.bucket, Key=f"assets/{n}-3f9c2ab1.js", Body=b"x")
    publish("r1", "3f9c2ab1")
    cleaner()
    publish("r2", "4a1b2c3d")
    assert pulled() == ([[1.0]], 1, 0)
    policy["max_delete_fraction"] = 1
    monkeypatch.setenv("SITES", json.dumps([{"bucket": uploader.bucket, "prefix": "assets/", "policy": policy}]))
    assert pulled() == ([[0.0]], 0, 101)
