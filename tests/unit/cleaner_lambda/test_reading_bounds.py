"""What the cleaner reads of a release log is bounded; what is beyond stops only deletion, and the stop names it."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import look, reading
from cleaner_lambda import s3 as s3_port
from cleaner_lambda.answer import MAX_ANSWER_BYTES, cut
from cleaner_lambda.job import Job
from cleaner_lambda.pace import Pace
from cleaner_lambda.plan import Reason, Stop
from cleaner_lambda.reading import AT_ONCE, NAMED, name_some
from cleaner_lambda.run import clean
from cleaner_lambda.s3 import S3Store
from tests.fake_cleaner_s3 import NOON, FakeS3
from tests.unit.cleaner_lambda.runs import APP, POLICY, A, B, C, run, stopped_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cleaner_lambda.report import Report

FOLDERS = ["pending", "staged", "pins", "markers"]
ASSET = {"key": "assets/x-0123abcd.js", "size": 1, "fingerprinted": True}


def body(**asset: object) -> bytes:
    """The body of a release of one asset."""
    document = {
        "format": 1, "release": "x", "channel": "default", "created_at": "2026-11-23T06:05:38Z", "prefix": "assets/",
        "uploader": {}, "assets": {"x.js": {**ASSET, **asset}},
    }  # fmt: skip
    return json.dumps(document).encode()


def paced(bucket: FakeS3, pace: Pace) -> Report:
    """A run with a pace."""
    return clean(bucket, Job(prefix="assets/", policy=POLICY, run="run"), pace)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (body(size=10**4299), "a number of more than 100 digits is larger than S3's largest object"),
        (body(key="assets/x\x01.js"), "holds a control character"),
        (body(key="assets/x\x00.js"), "holds a control character"),
        (body(key="assets/" + "x" * 2000), "longer than 1024 bytes"),
        (body(headers="x" * 8_000_000), "longer than 4096 characters"),
        (body()[:-1] + b', "a": ' + b"[" * 990 + b'"\\ud83d\\ude80"' + b"]" * 990 + b"}", "levels|not JSON"),
        (b"[" + b"[]," * 4_000_001 + b"[]]", "more than 4000000 values"),
    ],
    ids=["size", "control character", "NUL", "long key", "8 MB", "deep", "many values"],
)
def test_a_file_beyond_a_bound_is_set_aside_and_stops_only_deletion(
    s3: FakeS3, folder: str, content: bytes, words: str
) -> None:
    """The run ends, tags, folds in the other markers, and says which file it is. Without it all is as before."""
    s3.publish("r3", "default", {APP: C})
    s3.advance(POLICY.version_ttl)
    key = f"{s3.layout.log}{folder}/20261124T000000Z-bad.json"
    s3.put(key, content)

    report = run(s3)

    assert stopped_by(report) == ["invalid_marker"]
    (stop,) = report.plan.stops
    assert key in stop.message
    assert len(stop.message) < 1000
    assert any(word in stop.message for word in words.split("|"))
    assert s3.assets() == {A, B, C}
    assert "superseded_at" in s3.tags(B), "all other work is done"
    assert s3.ledger.current["default"].endswith("r3")
    s3.objects.pop(key)
    run(s3)
    assert s3.assets() == {C}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_with_too_many_files_stops_only_deletion(
    s3: FakeS3, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FOLDER_FILES", 3)
    monkeypatch.setattr(look, "MARKER_FILES", 3)
    s3.advance(POLICY.version_ttl)
    for number in range(4):
        s3.put(f"{s3.layout.log}{folder}/20261123T12000{number}Z-more.json", s3.objects[newest(s3)].body)
    report = run(s3)
    assert f"{s3.layout.log}{folder}/ has more than 3 files" in report.plan.stops[0].message
    assert s3.assets() == {A, B}


def newest(s3: FakeS3) -> str:
    """The key of the newest marker."""
    return s3.layout.marker_key(s3.ledger.current["default"])


@pytest.mark.parametrize("folder", ["pending", "staged", "pins"])
def test_files_that_protect_too_many_keys_stop_only_deletion(
    s3: FakeS3, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "PROTECTED_KEYS", 2)
    s3.advance(POLICY.version_ttl)
    for number in range(4):
        s3.put(f"{s3.layout.log}{folder}/20261123T12000{number}Z-more.json", body(key=f"assets/x-0123abc{number}.js"))
    report = run(s3)
    assert [stop.reason for stop in report.plan.stops] == [Reason.INVALID_MARKER]
    assert "name more than 2 keys" in report.plan.stops[0].message
    assert s3.assets() == {A, B}


def test_intents_are_read_side_by_side(s3: FakeS3) -> None:
    """1,600 took 40 s, one by one, at every look."""
    for number in range(3 * AT_ONCE):
        s3.intend(f"20261123T1200{number:02}Z-more", "default", {APP: B})
    sizes: list[int] = []

    def mapper(work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        batch = list(items)
        sizes.append(len(batch))
        return map(work, batch)

    paced(s3, Pace(mapper=mapper))
    assert sizes[:3] == [AT_ONCE] * 3


@pytest.mark.parametrize("folder", FOLDERS)
def test_files_that_there_is_no_time_to_read_stop_only_deletion(s3: FakeS3, folder: str) -> None:
    """The run ends in time, and says how many files it did not read. With more time all is as before."""
    s3.advance(POLICY.version_ttl)
    for number in range(AT_ONCE + 2):
        s3.put(f"{s3.layout.log}{folder}/20261123T1200{number:02}Z-more.json", s3.objects[newest(s3)].body)
    read: set[str] = set()
    s3.on_request = lambda operation, key: read.add(key) if operation == "get" and f"/{folder}/" in key else None

    report = paced(s3, Pace(has_time=lambda: len(read) < AT_ONCE, sleep=lambda _: None))

    assert f"2 files under {s3.layout.log}{folder}/ were not read" in " ".join(s.message for s in report.plan.stops)
    assert s3.assets() == {A, B}
    run(s3)
    assert s3.assets() == {B}


def test_files_that_say_in_place_without_their_markers_are_read_while_there_is_time(s3: FakeS3) -> None:
    """One that notes ETags is as large as a marker, so it is read: thousands were, one by one, whatever the time."""
    s3.advance(POLICY.version_ttl)
    content = json.dumps({"format": 1, "etags": {"assets/index.html": "0" * 100}}).encode()
    for number in range(AT_ONCE + 2):
        s3.put(f"{s3.layout.markers}20261123T1200{number:02}Z-gone.placed.json", content)
    report = paced(s3, Pace(has_time=lambda: False, sleep=lambda _: None))
    read = {key for operation, key in s3.requests if operation == "get" and key.endswith(".placed.json")}
    assert len(read) == AT_ONCE
    assert stopped_by(report) == ["invalid_marker"]
    assert f"2 files under {s3.layout.markers} were not read" in report.plan.stops[0].message
    assert s3.assets() == {A, B}
    run(s3)
    assert s3.assets() == {B}


def test_nothing_that_an_unread_intent_may_need_is_deleted(s3: FakeS3) -> None:
    """The time ends between the two looks, and so does an upload begin."""
    s3.advance(POLICY.version_ttl)
    looks = 0

    def count(operation: str, key: str) -> None:
        nonlocal looks
        if (operation, key) == ("list", s3.layout.pending):
            looks += 1
            for number in range(AT_ONCE + 1 if looks == 2 else 0):
                s3.intend(f"20261123T1200{number:02}Z-back", "default", {APP: A if number == AT_ONCE else B})

    s3.on_request = count
    report = paced(s3, Pace(has_time=lambda: looks < 2, sleep=lambda _: None))
    assert looks == 2
    assert stopped_by(report) == ["invalid_marker"]
    assert A in s3.assets()


@pytest.mark.parametrize("odd", ["99991231T235959Z", "00000000T000000Z", "20269999T999999Z"])
def test_an_instant_in_an_id_that_no_calendar_can_add_to_fails_no_run(s3: FakeS3, odd: str) -> None:
    """The last minute of the year 9999 failed every run: a minute was added to it."""
    s3.publish(f"{odd}-odd", "default", {APP: C})
    s3.publish("20261123T130000Z-next", "default", {APP: B})
    run(s3)
    assert s3.ledger.current["default"]


def test_only_some_of_many_invalid_files_are_named(s3: FakeS3) -> None:
    """The answer and the ledger hold every stop."""
    s3.advance(POLICY.version_ttl)
    for number in range(1000):
        s3.put(f"{s3.layout.markers}not-an-id-{number}.json", b"x")
        s3.put(f"{s3.layout.markers}20261123T120000Z-bad-{number}.json", b"x")
    stops = run(s3).plan.stops
    assert len(stops) == 2 * (NAMED + 1)
    assert [stop.message for stop in stops if stop.message.startswith("980 more files")]


def test_the_others_end_when_the_first_of_them_does() -> None:
    stops = [Stop(Reason.INVALID_MARKER, str(n), NOON + timedelta(seconds=n)) for n in range(NAMED + 5)]
    assert name_some("f", stops)[-1].until == NOON + timedelta(seconds=NAMED)
    forever = [*stops, Stop(Reason.INVALID_MARKER, "for ever")]
    assert name_some("f", forever)[-1].until is None
    assert name_some("f", stops[:NAMED]) == stops[:NAMED]


def test_an_answer_with_thousands_of_channels_is_cut(s3: FakeS3) -> None:
    """Lambda refuses an answer of more than 6 MB."""
    document = run(s3).document() | {"current": {f"channel-{n}": "20261123T120000Z-r" * 4 for n in range(80_000)}}
    answer = cut(document)
    assert answer["truncated"]
    assert answer["current"] == {}
    assert len(json.dumps(answer).encode()) < MAX_ANSWER_BYTES
    assert cut(run(s3).document())["current"] != {}


@pytest.mark.parametrize("name", ["stopped_by", "not_in_place"])
def test_an_answer_that_says_something_of_each_of_thousands_of_channels_is_cut(s3: FakeS3, name: str) -> None:
    """A stop for each, after a bucket was copied: Lambda refused the answer, and the run counted as failed."""
    entry: object = {"reason": "unknown_order", "channel": None, "message": "x" * 300}
    entries = [entry if name == "stopped_by" else "20261123T120000Z-r" * 10] * 40_000
    answer = cut(run(s3).document() | {name: entries})
    assert answer["truncated"]
    assert 0 < len(answer[name]) < len(entries)
    assert len(json.dumps(answer).encode()) < MAX_ANSWER_BYTES


class Stream:
    """The body of an answer that counts what is read of it."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.closed = False

    def read(self, most: int | None = None) -> bytes:
        taken = self.left if most is None else min(most, self.left)
        self.left -= taken
        return b"x" * taken

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(("size", "read"), [(9, 9), (10, 10), (11, 11), (1000, 11)])
def test_of_a_larger_file_no_more_is_read_than_is_needed_to_refuse_it(
    size: int, read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_port, "FILE_BYTES", 10)
    stream = Stream(size)
    answer = {
        "Body": stream, "ContentLength": size, "ETag": "e", "LastModified": NOON,
        "ResponseMetadata": {"HTTPHeaders": {}},
    }  # fmt: skip
    client: Any = SimpleNamespace(get_object=lambda **_: answer)
    blob = S3Store(client, "b").get("k")
    assert blob is not None
    assert len(blob.body) == read
    assert stream.closed or size <= 10
