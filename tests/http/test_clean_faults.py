"""Cleans over a network that fails at each request in turn, in every way.

One fault, and the clients' retries get over it. A network that is lost for good from one request on, and nothing needed
is deleted, and the next run ends as if nothing had happened. A run without faults says first which requests there are;
see `fault_turns`.
"""

from __future__ import annotations

import gzip
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from cleaner_lambda import handler
from cleaner_lambda.errors import CleanerError
from cleaner_lambda.pace import BACKOFF_SECONDS
from release_log.layout import Layout
from tests.http.conftest import end_state, markers, new_bucket, read_bucket
from tests.http.fault_proxy import Fault, Request
from tests.http.fault_turns import every_fault, is_delete, turns
from tests.wake_ups import wake_ups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from examples.embedded_aws import EmbeddedAws
    from tests.http.conftest import Ended
    from tests.http.fault_proxy import FaultProxy
    from tests.http.plain_s3 import Stored

    Cleaner = Callable[..., dict[str, Any]]
    Folder = Callable[[str, dict[str, str]], Path]

LAYOUT = Layout("assets/")
POLICY = {"grace": 0, "version_limit": 0, "version_ttl": 0}
RELEASES = (
    {"app-1a1b2c3d.js", "app-1a1b2c3d.css", "lib-1a1b2c3d.js", "new-1a1b2c3d.js", "old.html", "index.html"},
    {"app-2a1b2c3d.js", "app-2a1b2c3d.css", "lib-2a1b2c3d.js", "new-2a1b2c3d.js", "gone.html", "index.html"},
    {"app-3a1b2c3d.js", "app-3a1b2c3d.css", "lib-3a1b2c3d.js", "new-3a1b2c3d.js", "old.html", "index.html"},
)
"""The third leaves every kind of work: ``old.html`` to untag, ``gone.html`` to tag, three versions to delete.

A fourth version is in the release that somebody else is uploading.
"""
PENDING = "assets/new-2a1b2c3d.js"
DUE = {"assets/app-2a1b2c3d.js", "assets/app-2a1b2c3d.css", "assets/lib-2a1b2c3d.js"}
NEEDED = {f"assets/{name}" for name in RELEASES[-1]} | {PENDING}


@dataclass(frozen=True)
class Due:
    """A site with much due: its objects, the requests of a clean, and its end state."""

    objects: dict[str, Stored]
    usual: list[Request]
    wanted: dict[str, object]


@pytest.fixture
def clean(
    cleaner: Cleaner,
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    waits: list[float],  # noqa: ARG001 (for what it does)
) -> Cleaner:
    """The handler, through the proxy, on a named bucket; with new clients each time, as in a new process."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    monkeypatch.setattr(handler, "THREADS", 1)  # so that the n-th request is the same each time

    def command(bucket: str, **payload: object) -> dict[str, Any]:
        monkeypatch.setenv("SITES", json.dumps([{"bucket": bucket, "prefix": "assets/", "policy": POLICY}]))
        for made in vars(handler).values():  # all clients that the module caches
            getattr(made, "cache_clear", lambda: None)()
        return cleaner(payload)

    return command


@pytest.fixture
def site(aws: EmbeddedAws, s3: Any) -> Callable[[str], dict[str, object]]:  # noqa: ANN401
    """All that a clean may change: the bucket, and whether it wakes up again."""

    def read(bucket: str) -> dict[str, object]:
        return end_state(read_bucket(s3, bucket)) | {"wakes up": bool(wake_ups(aws, bucket))}

    return read


@pytest.fixture
def due(
    upload: Callable[..., Ended],
    clean: Cleaner,
    site: Callable[[str], dict[str, object]],
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    site_folder: Folder,
) -> Due:
    """Made once, by two releases and their cleans, a third release, and an unfinished upload; then kept."""
    if not _due:
        bucket = new_bucket(s3, {})
        for number, files in enumerate(RELEASES):
            if number:
                clean(bucket)
            assert upload(site_folder(f"release-{number}", dict.fromkeys(files, "x")), bucket).code == 0
        _, marker, _ = markers(read_bucket(s3, bucket))
        intent = json.loads(s3.get_object(Bucket=bucket, Key=marker)["Body"].read())
        intent["assets"] = {logical: asset for logical, asset in intent["assets"].items() if asset["key"] == PENDING}
        s3.put_object(Bucket=bucket, Key=marker.replace("/markers/", "/pending/"), Body=json.dumps(intent).encode())
        objects = read_bucket(s3, bucket)
        bucket = restored(s3, objects)
        proxy.heal()
        answer = clean(bucket)
        assert {name: {entry["key"] for entry in answer[name]} for name in ("tag", "untag", "delete", "failed")} == {
            "tag": {"assets/gone.html"},
            "untag": {"assets/old.html"},
            "delete": DUE,
            "failed": set(),
        }
        wanted = site(bucket)
        assert wanted["wakes up"]
        _due.append(Due(objects, list(proxy.requests), wanted))
        proxy.heal()
    return _due[0]


_due: list[Due] = []


def restored(s3: Any, objects: dict[str, Stored]) -> str:  # noqa: ANN401
    """A bucket of its own with the objects of a site, and in its ledger when S3 wrote these markers."""
    bucket = new_bucket(s3, objects)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=LAYOUT.markers)["Contents"]
    written = {entry["Key"]: f"{entry['LastModified']:%Y-%m-%dT%H:%M:%SZ}" for entry in listed}
    with ledger(s3, bucket) as document:
        for release_id, folded in document["folded"].items():
            folded["at"] = written[LAYOUT.marker_key(release_id)]
            folded["placed"] = written[LAYOUT.placed_key(release_id)]
    return bucket


@contextmanager
def ledger(s3: Any, bucket: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """The ledger, for changes in place."""
    key = LAYOUT.ledger
    document = json.loads(gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
    yield document
    s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(json.dumps(document).encode()))


def let_expire(s3: Any, bucket: str) -> None:  # noqa: ANN401
    """Let the time of the longest invocation pass: a dead run's announcement in the ledger is then over."""
    with ledger(s3, bucket) as document:
        assert set((document["deleting"] or {}).get("keys", ())) <= DUE
        for announced in filter(None, (document["deleting"], *document.get("tagging", ()))):
            announced["since"] = "2020-01-01T00:00:00Z"


def keys(s3: Any, bucket: str) -> set[str]:  # noqa: ANN401
    """Every key of a bucket."""
    return {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]}


@every_fault
def test_a_clean_gets_over_one_fault(  # noqa: PLR0913, PLR0917 (fixtures)
    clean: Cleaner,
    due: Due,
    site: Callable[[str], dict[str, object]],
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    subtests: pytest.Subtests,
    fault: Fault,
) -> None:
    """Whichever request it befalls: all the work is done, and no failure reported.

    A write without an answer, or with a 5xx, stays announced until S3 cannot execute it any more; then it is done.
    """
    for n, request in turns(due.usual, fault, single=True):
        with subtests.test(fault=fault, number=n, request=str(request)):
            bucket = restored(s3, due.objects)
            proxy.heal()
            plan = proxy.inject(fault, first=n)
            failed = clean(bucket)["failed"]
            assert plan.hit, "the fault was never met"
            if is_delete(request) or is_tagging(request):
                let_expire(s3, bucket)
                if {entry["key"] for entry in failed} <= DUE:
                    failed = clean(bucket)["failed"]
            assert failed == []
            assert site(bucket) == due.wanted


@pytest.mark.scenario("T17a")
@every_fault
def test_a_clean_that_loses_its_network_says_so_and_the_next_one_finishes(  # noqa: PLR0913, PLR0917 (fixtures)
    clean: Cleaner,
    due: Due,
    site: Callable[[str], dict[str, object]],
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    subtests: pytest.Subtests,
    fault: Fault,
) -> None:
    """An exception, so that Lambda tries again, or failures by key; nothing needed goes, and the next run succeeds."""
    for n, request in turns(due.usual, fault, single=False):
        with subtests.test(fault=fault, number=n, request=str(request)):
            bucket = restored(s3, due.objects)
            proxy.heal()
            plan = proxy.inject(fault, first=n, times=None)
            try:
                answer = clean(bucket)
                failed = answer["failed"] or answer["wake_up_error"]
            except (BotoCoreError, ClientError, CleanerError):
                failed = ["the whole run"]
            assert plan.hit, "the fault was never met"
            assert failed or site(bucket) == due.wanted, "all is well, it says"
            assert keys(s3, bucket) >= NEEDED
            let_expire(s3, bucket)
            proxy.heal()
            assert clean(bucket)["failed"] == []
            assert site(bucket) == due.wanted


def is_tagging(request: Request) -> bool:
    """Whether it writes tags."""
    return request.method == "PUT" and request.query.split("&")[0].rstrip("=") == "tagging"


@pytest.mark.scenario("L13")
def test_a_key_that_a_batch_could_not_delete_is_tried_again(
    clean: Cleaner,
    due: Due,
    site: Callable[[str], dict[str, object]],
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
) -> None:
    """An error of one key comes within a 200, which no SDK retries."""
    bucket = restored(s3, due.objects)
    proxy.refuse({min(DUE)}, times=1)
    answer = clean(bucket)
    assert (answer["counts"]["delete"], answer["failed"]) == (len(DUE), [])
    assert sum(map(is_delete, proxy.requests)) == sum(map(is_delete, due.usual)) + 1
    with ledger(s3, bucket) as document:
        assert document["deleting"]["keys"] == [min(DUE)], "what S3 answered is not announced any more"
    let_expire(s3, bucket)
    assert clean(bucket)["failed"] == []
    assert site(bucket) == due.wanted


@pytest.mark.scenario("T17b", "L12")
def test_a_key_that_no_batch_can_delete_is_reported_and_never_counted(
    clean: Cleaner,
    due: Due,
    site: Callable[[str], dict[str, object]],
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The others are deleted; this one stays in bucket and ledger until a later run can delete it."""
    bucket, stuck = restored(s3, due.objects), min(DUE)
    proxy.refuse({stuck})
    capsys.readouterr()
    answer = clean(bucket)
    assert {entry["key"] for entry in answer["delete"]} == DUE - {stuck}
    ((key, error),) = [(entry["key"], entry["error"]) for entry in answer["failed"]]
    assert (key, "InternalError" in error) == (stuck, True)
    assert answer["counts"] | {"keep": 0} == {"tag": 1, "untag": 1, "delete": 2, "keep": 0, "failed": 1, "set_aside": 0}
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"Deleted":' in line]
    assert [(metric["Deleted"], metric["Failed"]) for metric in metrics] == [([2.0], [1.0])]
    assert sum(map(is_delete, proxy.requests)) > sum(map(is_delete, due.usual)), "it was not tried again"
    assert keys(s3, bucket) & DUE == {stuck}
    let_expire(s3, bucket)
    proxy.heal()
    assert {entry["key"] for entry in clean(bucket)["delete"]} == {stuck}
    assert site(bucket) == due.wanted


@pytest.mark.parametrize("match", [is_tagging, is_delete])
def test_a_clean_that_is_told_to_slow_down_backs_off_and_goes_on(  # noqa: PLR0913, PLR0917 (fixtures)
    clean: Cleaner,
    due: Due,
    site: Callable[[str], dict[str, object]],
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    waits: list[float],
    match: Callable[[Request], bool],
) -> None:
    """After each of S3's refusals in a row, the run waits before the next try."""
    bucket = restored(s3, due.objects)
    waits.clear()
    plan = proxy.inject(Fault.SLOW_DOWN, match, times=3)
    assert clean(bucket)["failed"] == []
    assert len(plan.hit) == 3
    assert sum(wait > 0 for wait in waits) >= 3
    if match is is_delete:
        assert waits == list(BACKOFF_SECONDS), "longer each time, and for nothing else"
    let_expire(s3, bucket)
    assert clean(bucket)["failed"] == []
    assert site(bucket) == due.wanted


@pytest.mark.parametrize(("match", "stuck"), [(is_tagging, {"assets/gone.html", "assets/old.html"}), (is_delete, DUE)])
def test_a_clean_that_may_never_do_one_kind_of_thing_does_the_rest(  # noqa: PLR0913, PLR0917 (fixtures)
    clean: Cleaner,
    due: Due,
    site: Callable[[str], dict[str, object]],
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    match: Callable[[Request], bool],
    stuck: set[str],
) -> None:
    """SlowDown without end: the run reports each key, nothing else waits for it, and the next run deletes them."""
    bucket = restored(s3, due.objects)
    proxy.inject(Fault.SLOW_DOWN, match, times=None)
    answer = clean(bucket)
    assert {entry["key"] for entry in answer["failed"]} == stuck
    done = {entry["key"] for name in ("tag", "untag", "delete") for entry in answer[name]}
    assert done == (DUE | {"assets/gone.html", "assets/old.html"}) - stuck
    assert keys(s3, bucket) >= NEEDED | (DUE & stuck)
    let_expire(s3, bucket)
    proxy.heal()
    assert clean(bucket)["failed"] == []
    assert site(bucket) == due.wanted
