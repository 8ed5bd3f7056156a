"""The benchmark of the cleaner: its bucket, its server, its site, its jobs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from bench.cleaner import jobs
from bench.cleaner.__main__ import figures, main, rows
from bench.cleaner.bucket import ASSET_BYTES, MemoryBucket
from bench.cleaner.cleaner import Cleaner, Took
from bench.cleaner.map_run import play, side_by_side
from bench.cleaner.server import S3Server
from bench.cleaner.site import BUCKET, PREFIX, Site
from bench.errors import BenchError
from cleaner_lambda import segments
from cleaner_lambda.head import decode as decode_head
from cleaner_lambda.ledger import Retired
from cleaner_lambda.ledger_document import decode
from cleaner_lambda.segment import retired_of
from release_log import segment_file
from release_log.ledger_file import FORMAT, HEAD_FORMAT
from release_log.tags import read_mark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def bucket() -> MemoryBucket:
    """An empty bucket."""
    return MemoryBucket(NOW)


@pytest.fixture
def client(bucket: MemoryBucket) -> Iterator[S3Client]:
    """boto3's client of its server."""
    with S3Server(BUCKET, bucket) as server:
        yield boto3.client(
            "s3",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


def test_a_listing_has_pages_of_a_thousand_keys_in_order(bucket: MemoryBucket, client: S3Client) -> None:
    keys = [f"a/{number:04} ü+.js" for number in range(2001)]
    bucket.add_assets(["b/x.js", *reversed(keys)])
    pages = list(client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="a/"))
    assert [len(page["Contents"]) for page in pages] == [1000, 1000, 1]
    found = [each for page in pages for each in page["Contents"]]
    assert [each["Key"] for each in found] == keys
    assert {(each["Size"], each["LastModified"]) for each in found} == {(ASSET_BYTES, NOW)}
    after = client.list_objects_v2(Bucket=BUCKET, Prefix="a/", StartAfter=keys[1998], MaxKeys=1)
    assert [each["Key"] for each in after["Contents"]] == keys[1999:2000]
    assert after["IsTruncated"]


def test_no_listing_waits_until_the_keys_are_sorted(bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else only the first of two listings would, whose durations are compared."""
    bucket.add_assets(["a/2", "a/1"])
    S3Server(BUCKET, bucket)
    monkeypatch.setattr("bench.cleaner.bucket.sorted", lambda keys: keys, raising=False)
    assert [key for key, _ in bucket.page("a/", "", 9)[0]] == ["a/1", "a/2"]


def test_a_file_is_written_under_its_condition_and_dated_by_the_buckets_clock(
    bucket: MemoryBucket, client: S3Client
) -> None:
    first = client.put_object(Bucket=BUCKET, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    bucket.now += timedelta(hours=1)
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"other"'}):
        with pytest.raises(ClientError, match="PreconditionFailed"):
            client.put_object(Bucket=BUCKET, Key="k", Body=b"2", **condition)  # type: ignore[arg-type]
    second = client.put_object(Bucket=BUCKET, Key="k", Body=b"2", IfMatch=first)["ETag"]
    read = client.get_object(Bucket=BUCKET, Key="k")
    assert (read["Body"].read(), read["ETag"], read["LastModified"]) == (b"2", second, NOW + timedelta(hours=1))


def test_tags_and_deletions(bucket: MemoryBucket, client: S3Client) -> None:
    bucket.add_assets(["a", "b", "c"])
    tags = [{"Key": "x&", "Value": "<1>"}]
    client.put_object_tagging(Bucket=BUCKET, Key="a", Tagging={"TagSet": tags})  # type: ignore[typeddict-item]
    assert client.get_object_tagging(Bucket=BUCKET, Key="a")["TagSet"] == tags
    assert client.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "a"}], "Quiet": True}).get("Errors") is None
    client.delete_object(Bucket=BUCKET, Key="b")
    assert len(bucket) == 1
    for key in ("a", "b"):
        with pytest.raises(ClientError, match="NoSuchKey"):
            client.get_object(Bucket=BUCKET, Key=key)
        with pytest.raises(ClientError, match="404"):
            client.head_object(Bucket=BUCKET, Key=key)


def test_deleted_objects_are_not_listed_and_all_others_are(bucket: MemoryBucket) -> None:
    """Deletions do not have the bucket sort its keys anew."""
    keys = [f"a/{number:02}.js" for number in range(40)]
    bucket.add_assets([*keys, "b"])
    assert not bucket.page("a/", "", 1)[1]
    bucket.put("a/05.json", b"1")
    bucket.delete(keys[:30])
    found, is_last = bucket.page("a/", "", 5)
    assert ([key for key, _ in found], is_last) == (["a/05.json", *keys[30:34]], False)
    found, is_last = bucket.page("a/", keys[33], 6)
    assert ([key for key, _ in found], is_last) == (keys[34:], True)
    bucket.delete(["a/05.json"])
    bucket.add_assets(keys[:1])
    assert [key for key, _ in bucket.page("a/", "", 2)[0]] == [keys[0], keys[30]]
    assert bucket.page("c", "", 1) == ([], True)


def test_the_past_of_a_site_is_what_its_cleaner_would_have_written(bucket: MemoryBucket) -> None:
    site = Site(bucket, 10)
    site.have_past(25)
    ledger = decode(content(bucket, site.layout.ledger))
    assert len(ledger.retired) == 25
    assert all(bucket.get(key) is not None for key in ledger.retired)
    assert len(bucket) == 25 + 10 + len(("ledger", "marker", "placed"))
    with S3Server(BUCKET, bucket) as server, Cleaner(server.url) as cleaner:
        took = cleaner.invoke({"site": PREFIX, "full": True})
    assert (took.counts["keep"], took.counts["tag"], took.counts["delete"]) == (35, 0, 0)
    assert took.stopped_by == ()


def test_the_past_has_the_same_assets_in_either_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "ENTRIES", 20)
    monkeypatch.setattr(segments, "GROUP", 50)
    one, two = MemoryBucket(NOW), MemoryBucket(NOW)
    for bucket, ledger_format in ((one, FORMAT), (two, HEAD_FORMAT)):
        site = Site(bucket, 7)
        site.have_past(200, ledger_format)
    layout, entries = site.layout, decode(content(one, site.layout.ledger)).retired
    assert len(entries) == 200
    written = decode_head(content(two, layout.ledger))
    assert (written.index.segments[0].first, written.ledger.retired) == ("", {})
    parts = [
        retired_of(segment_file.decode(content(two, layout.ledger_file(each.name or ""))))
        for each in written.index.segments
    ]
    assert {key: entry for part in parts for key, entry in part.items()} == entries
    assert len(parts) == 7, "each path has 28 or 29 versions, which stay together"
    assert [each.entries for each in written.index.segments] == [len(part) for part in parts]
    assert {key: entry for _, versions in site.past() for key, entry in versions.items()} == entries


def test_of_a_past_only_a_group_is_in_memory(bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    alive: set[int] = set()
    most = 0

    class Counted(Retired):
        def __init__(self, *args: Any, **more: Any) -> None:  # noqa: ANN401 (whatever the entry takes)
            nonlocal most
            super().__init__(*args, **more)
            alive.add(id(self))
            most = max(most, len(alive))

        def __del__(self) -> None:
            alive.discard(id(self))

    monkeypatch.setattr("bench.cleaner.site.Retired", Counted)
    monkeypatch.setattr(segments, "ENTRIES", 20)
    monkeypatch.setattr(segments, "GROUP", 50)
    Site(bucket, 100).have_past(1000, HEAD_FORMAT)
    assert 50 < most < 120, "two groups at most"


def content(bucket: MemoryBucket, key: str) -> bytes:
    """The content of a file."""
    found = bucket.get(key)
    assert found is not None
    return found.body or b""


DOES = {
    "release": ("tag", 5),
    "idle": ("tag", 0),
    "listing": ("tag", 0),
    "sweep": ("delete", 60),
    "plan": ("delete", 60),
    "delete": ("delete", 600),
    "adopt": ("tag", 20),
    "rebuild": ("tag", 0),
}
"""Job -> what it does, and how often: of 30 files, 600 retired assets and 20 orphans."""


@pytest.mark.parametrize(
    ("name", "ledger_format"),
    [*((name, FORMAT) for name in jobs.JOBS), *((name, HEAD_FORMAT) for name in jobs.JOBS if name != "adopt")],
)
def test_each_job_does_what_it_is_about(name: str, ledger_format: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FILES", 30)
    monkeypatch.setattr(jobs, "CHANGED", 5)
    result = jobs.JOBS[name].run(jobs.Sizes(retired=600, orphans=20, ledger_format=ledger_format))
    done = result.invocations[-1]
    assert done.cpu > 0
    assert done.stopped_by == ()
    what, number = DOES[name]
    assert sum(took.counts[what] for took in result.invocations) == number
    assert result.requests["ListObjectsV2"] > 0


LARGE = {"cleaner_lambda.segments.SMALL": 100, "cleaner_lambda.segments.GROUP": 200}
"""A site of 600 retired assets is swept in groups."""


def test_all_of_a_large_site_is_deleted_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FILES", 30)
    monkeypatch.setattr(segments, "ENTRIES", 100)
    result = jobs.delete(jobs.Sizes(retired=600, orphans=1, ledger_format=HEAD_FORMAT, constants=LARGE))
    assert result.requests["DeleteObjects"] == 3
    assert result.figures.keys() == {"deletions a second of CPU", "deletions a second"}
    assert result.figures["deletions a second of CPU"] == 600 / sum(took.cpu for took in result.invocations)
    assert figures("delete", result)[0].startswith("delete: ")


def test_a_listing_is_handed_out_and_its_workers_count_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FILES", 30)
    few = {"cleaner_lambda.listing.RANGES": 3}
    result = jobs.listing(jobs.Sizes(300, 1, HEAD_FORMAT, few, with_map=True))
    played = result.handed_out
    assert played is not None
    first, *workers, last = played.invocations
    assert len(workers) == 3
    assert (first.unfinished, first.orphans, last.unfinished, last.orphans) == (True, None, False, 0)
    longest = max(each.seconds for each in workers)
    assert played.figures["s by the simulated clock"] == pytest.approx(first.seconds + longest + last.seconds)
    assert played.figures["s without the map run"] == sum(each.seconds for each in result.invocations)
    assert played.requests["StartExecution"] == 1
    assert "StartExecution" not in result.requests
    assert [row[0] for row in rows("listing", result)] == [jobs.JOBS["listing"].title, jobs.HANDED_OUT[0]]
    (line,) = figures("listing", result)
    assert line.startswith("listing, handed out: ")
    assert result.document()["handed_out"]["figures"] == played.figures


@pytest.mark.parametrize(
    ("each_takes", "workers", "longest"),
    [((), 2, 0), ((1, 4, 2), 16, 4), ((3, 1, 1, 1), 2, 3), ((1, 2, 3), 2, 4)],
)
def test_whoever_is_free_first_takes_the_next_range(
    each_takes: tuple[float, ...], workers: int, longest: float
) -> None:
    assert side_by_side(each_takes, workers) == longest


RANGE, THEN = {"map_run": {"at": "2026-01-01T00:00:00Z", "range": 0}}, {"map_run": {"at": "2026-01-01T00:00:00Z"}}
DONE, GOES_ON = Took(1, 2, None, orphans=0), Took(1, 2, None, unfinished=True)


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([DONE], "handed out nothing"),
        ([GOES_ON, Took(1, 2, None, passed_over="no range")], "passed over .*no range"),
        ([GOES_ON] * 300, "still says unfinished"),
    ],
)
def test_a_listing_that_is_not_handed_out_as_it_should_is_not_measured(
    bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch, answers: list[Took], error: str
) -> None:
    server, left = S3Server(BUCKET, bucket), iter(answers)

    def invoke(*_: object) -> Took:
        took = next(left)
        if took is GOES_ON and not server.executions and len(answers) == 2:
            server.executions.append({"ranges": [RANGE], "then": THEN})
        return took

    monkeypatch.setattr(Cleaner, "invoke", invoke)
    monkeypatch.setattr(Cleaner, "__enter__", lambda cleaner: cleaner)
    monkeypatch.setattr(Cleaner, "__exit__", lambda *_: None)
    with pytest.raises(BenchError, match=error):
        play(server, lambda: Cleaner("http://127.0.0.1:1"), {})


@pytest.mark.parametrize(("found", "error"), [(None, "did not list"), (2, "found 2 orphans")])
def test_a_listing_that_shows_something_else_is_not_measured(
    monkeypatch: pytest.MonkeyPatch, found: int | None, error: str
) -> None:
    monkeypatch.setattr(Cleaner, "invoke", lambda *_: Took(1, 1, None, orphans=found))
    with pytest.raises(BenchError, match=error):
        jobs.listing(jobs.Sizes(retired=0, orphans=1))


def test_in_format_1_nothing_can_be_handed_out() -> None:
    done = CliRunner().invoke(main, ["--jobs", "listing", "--map"])
    assert done.exit_code == 2
    assert "add --ledger-format 2" in done.output


def test_after_a_loss_the_newest_markers_are_there_and_each_retired_asset_has_its_tag(bucket: MemoryBucket) -> None:
    site = Site(bucket, 10)
    site.have_lost(25, markers=3)
    releases = ["20260101T013000Z-r3", "20260101T020000Z-r4", "20260101T023000Z-r5"]
    found, _ = bucket.page(site.layout.log, "", 100)
    assert [key for key, _ in found] == [
        key for i in releases for key in (site.layout.marker_key(i), site.layout.placed_key(i))
    ]
    past = {key: entry for _, versions in site.past() for key, entry in versions.items()}
    assert len(past) == 25
    assert all(read_mark(bucket.tags(key)) == entry.mark for key, entry in past.items())


FEW_UNASKED = {f"cleaner_lambda.{module}.UNASKED": 100 for module in ("adoption", "survey", "waiting")}


@pytest.mark.parametrize("constants", [{}, pytest.param(FEW_UNASKED, id="asks")])
def test_what_no_marker_dates_any_more_is_dated_later(
    constants: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 300 assets the markers name 60; of 20 of the others the listing or the tag says the same."""
    monkeypatch.setattr(jobs, "FILES", 20)
    result = jobs.rebuild(jobs.Sizes(300, 1, HEAD_FORMAT, constants, markers=5))
    assert result.figures["assets dated later than they were"] >= 220
    assert "rebuilt" in result.invocations[0].stopped_by
    assert ("adoption" in result.invocations[0].stopped_by) == bool(constants)


def test_who_has_lost_the_ledger_answers_and_waits(bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(
        [
            Took(1, 1, None, stopped_by=("rebuilt", "adoption")),
            Took(1, 90, None, unfinished=True),
            Took(1, 1, None),
        ]
    )
    asked: list[tuple[object, datetime]] = []

    def invoke(_: object, event: object) -> Took:
        asked.append((event, bucket.now))
        return next(answers)

    monkeypatch.setattr(jobs, "MemoryBucket", lambda _: bucket)
    monkeypatch.setattr(Cleaner, "invoke", invoke)
    jobs.rebuild(jobs.Sizes(retired=0, orphans=1))
    assert [event for event, _ in asked] == [jobs.WAKE_UP, jobs.ADOPT, jobs.WAKE_UP]
    at = [at for _, at in asked]
    assert [at[1] - at[0], at[2] - at[1]] == [timedelta(hours=1), timedelta(seconds=90)]


def test_a_cleaner_that_asks_for_ever_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cleaner, "invoke", lambda *_: Took(1, 1, None, stopped_by=("adoption",)))
    with pytest.raises(BenchError, match="asks about the orphans again"):
        jobs.rebuild(jobs.Sizes(retired=0, orphans=1))


@pytest.mark.parametrize(
    ("days", "error"), [(None, "lacks 30, and has 0"), (-1, "lacks 0, and has 30"), (0, None), (1, None)]
)
def test_a_rebuild_that_loses_an_instant_is_not_measured(
    days: int | None, error: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def since(site: Site) -> dict[str, datetime]:
        past = {key: entry for _, versions in site.past() for key, entry in versions.items()}
        return {} if days is None else {k: each.mark.since + timedelta(days=days) for k, each in past.items()}

    monkeypatch.setattr(Cleaner, "invoke", lambda *_: Took(1, 1, None))
    monkeypatch.setattr(Site, "retired_since", since)
    monkeypatch.setattr(jobs, "FILES", 20)
    if error is not None:
        with pytest.raises(BenchError, match=error):
            jobs.rebuild(jobs.Sizes(retired=30, orphans=1))
        return
    assert jobs.rebuild(jobs.Sizes(retired=30, orphans=1)).figures == {
        "assets dated later than they were": 30 * bool(days)
    }


def test_a_deletion_of_something_else_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cleaner, "invoke", lambda *_: Took(1, 1, None, {"delete": 3}))
    with pytest.raises(BenchError, match="deleted 3 assets, and not 10"):
        jobs.delete(jobs.Sizes(retired=10, orphans=1))


def test_a_job_that_does_something_else_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cleaner, "invoke", lambda *_: Took(1, 1, None, {"tag": 3}))
    with pytest.raises(BenchError, match="did something else"):
        jobs.idle(jobs.Sizes(retired=0, orphans=1))


def test_a_job_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cleaner, "invoke", lambda *_: Took(1, 1, None, stopped_by=("rebuilt",)))
    with pytest.raises(BenchError, match="still says rebuilt"):
        jobs.listing(jobs.Sizes(retired=0, orphans=1))


def test_a_cleaner_that_fails_is_told(bucket: MemoryBucket) -> None:
    with S3Server(BUCKET, bucket) as server, Cleaner(server.url) as cleaner, pytest.raises(BenchError, match="exit 1"):
        cleaner.invoke({"what": "?"})


def test_the_report(tmp_path: Path) -> None:
    file = tmp_path / "runs.json"
    done = CliRunner().invoke(main, ["--jobs", "idle", "--retired", "0", "--json", str(file)])
    assert done.exit_code == 0, done.output
    assert "| a run in which nothing happened" in done.output
    assert "0.1 s" in done.output
    assert len(json.loads(file.read_text())["jobs"]["idle"]["invocations"]) == 1
