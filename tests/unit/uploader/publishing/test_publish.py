"""The order of the uploader's steps, on a bucket in memory whose requests fail as a test asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import md5, sha256
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from release_log.ledger_file import HOLDS, pack
from release_log.marker import decode
from release_log.policy_settings import HALF_PENDING_TTL
from tests.fake_uploader_s3 import LAYOUT, NOON, Clock, FakeBucket
from uploader.builds.collect import collect
from uploader.errors import StoppedError, UploaderError
from uploader.history.find import without_headers
from uploader.operations.verify import verify
from uploader.publishing.build import Build
from uploader.publishing.compare import Reason
from uploader.publishing.publish import publish
from uploader.s3.port import PlacingAnswer
from uploader.s3.read_only import ReadOnly
from uploader.treatment.headers import STORED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from release_log.layout import Layout
    from uploader.s3.port import Look, Placement


@pytest.fixture
def build(tmp_path: Path) -> Build:
    (tmp_path / "app-3f9c2ab1.js").write_text("app")
    (tmp_path / "index.html").write_text("page")
    return Build(assets=collect(tmp_path, "assets/"), prefix="assets/", channel="default", release="r1")


def stored_page(build: Build) -> str:
    """The key of the build's stored page."""
    (name,) = (asset.stored for asset in build.assets if asset.stored is not None)
    return LAYOUT.page_key(name)


def run(bucket: FakeBucket, build: Build, clock: Clock | None = None) -> None:
    clock = clock or Clock()
    publish(bucket, build, clocks=clock.clocks())


@pytest.mark.scenario("L28")
def test_intent_listing_files_marker_pages_in_place_then_the_intent_goes(build: Build) -> None:
    bucket = FakeBucket()
    run(bucket, build)
    markers = "list assets/.releases/markers/"
    assert bucket.requests == [
        "create assets/.releases/pending/20261123T120000Z-r1.json",
        "list assets/",
        "get assets/.releases/ledger.json.gz",
        "put assets/app-3f9c2ab1.js",
        f"put {stored_page(build)}",
        "create assets/.releases/markers/20261123T120000Z-r1.json",
        markers,  # and a HEAD of each page, beside it
        markers,
        "place assets/index.html",
        markers,  # a pass that finds nothing to put
        "create assets/.releases/markers/20261123T120000Z-r1.placed.json",
        "delete assets/.releases/pending/20261123T120000Z-r1.json",
    ]


def test_pages_that_are_in_place_take_one_look(build: Build) -> None:
    bucket, clock = FakeBucket(), Clock()
    run(bucket, build, clock)
    clock.passed += 60
    bucket.requests.clear()
    run(bucket, build, clock)
    assert bucket.requests[-4:] == [
        "create assets/.releases/markers/20261123T120100Z-r1.json",
        "list assets/.releases/markers/",
        "create assets/.releases/markers/20261123T120100Z-r1.placed.json",
        "delete assets/.releases/pending/20261123T120100Z-r1.json",
    ]


def test_if_nothing_changed_nobody_waits_for_the_headers_that_were_asked_for_ahead(build: Build) -> None:
    class Bucket(FakeBucket):
        def look(self, layout: Layout, keys: frozenset[str]) -> Look:
            return super().look(layout, keys)._replace(metadata=NeverAnswered())

    class NeverAnswered(dict[str, dict[str, str]]):
        def _wait(self, *_: object) -> NoReturn:
            pytest.fail("it would wait")

        __contains__ = __getitem__ = __iter__ = __len__ = keys = get = _wait

    first, clock = FakeBucket(), Clock()
    run(first, build, clock)
    clock.passed += 60
    bucket = Bucket(clock=clock)
    bucket.objects, bucket.times, bucket.stored = first.objects, first.times, first.stored
    run(bucket, build, clock)
    assert len(bucket.log(LAYOUT.markers)) == 2


def test_the_intent_has_the_same_content_as_the_marker(build: Build) -> None:
    bucket = FakeBucket(fail="delete")
    run(bucket, build)
    bodies = [decode(bucket.objects[key], "assets/") for key in bucket.log(LAYOUT.log)]
    assert len(bodies) == 2, "an intent that cannot be removed is not a failure; it expires"
    alike = [without_headers(replace(each, new=frozenset())) for each in bodies]
    assert alike[0] == alike[1], "only the marker knows the ETags"
    assert [each.new for each in bodies] == [set(), {"assets/app-3f9c2ab1.js"}], "nor does the intent say what is new"


def test_the_marker_says_which_assets_are_new(build: Build) -> None:
    """What exists is not, whether it is sent again or not: a cleaner may know it, and be about to tag it."""
    bucket, clock, key = FakeBucket(), Clock(), "assets/app-3f9c2ab1.js"
    run(bucket, build, clock)
    clock.passed += 60
    bucket.write(key, b"other content")
    run(bucket, build, clock)
    clock.passed += 60
    run(bucket, build, clock)
    assert bucket.objects[key] == b"app", "it was sent again"
    markers = (decode(bucket.objects[each], "assets/") for each in bucket.log(LAYOUT.markers))
    assert [each.new for each in markers if each.assets] == [{key}, set(), set()]


def test_a_staged_release_says_of_none_that_it_is_new(build: Build) -> None:
    """By the time that it is activated, a cleaner may know its assets."""
    bucket = FakeBucket()
    publish(bucket, build, stage=True, clocks=Clock().clocks())
    (staged,) = bucket.log(LAYOUT.staged)
    assert decode(bucket.objects[staged], "assets/").new == set()


@pytest.mark.scenario("T17a")
@pytest.mark.parametrize(
    "fail", ["create assets/.releases/pending", "list", "put assets/app", "put assets/.releases/pages"]
)
def test_a_failure_before_the_marker_leaves_no_marker_and_no_intent(build: Build, fail: str) -> None:
    bucket = FakeBucket(fail=fail)
    with pytest.raises(UploaderError, match="run again"):
        run(bucket, build)
    assert bucket.log(LAYOUT.log) == []
    assert "assets/index.html" not in bucket.objects, "nothing has changed for a visitor"


def test_a_failure_after_the_marker_says_that_pages_are_not_in_place_and_the_next_upload_finishes_it(
    build: Build,
) -> None:
    bucket, clock = FakeBucket(fail="place assets/index"), Clock()
    with pytest.raises(UploaderError, match=r"r1 is current, but not all of its pages are in place .*run the same"):
        run(bucket, build, clock)
    assert LAYOUT.marker_key("20261123T120000Z-r1") in bucket.objects
    assert LAYOUT.placed_key("20261123T120000Z-r1") not in bucket.objects
    bucket.fail = ""
    (problem,) = verify(bucket, LAYOUT).problems
    assert "20261123T120000Z-r1 is current, but not all of its pages are in place" in problem
    bucket.requests = []
    clock.passed += 60
    run(bucket, build, clock)
    assert verify(bucket, LAYOUT).problems == ()
    assert not [request for request in bucket.requests if request.startswith("put")], "all of it is stored"
    assert bucket.objects["assets/index.html"] == b"page"
    assert LAYOUT.placed_key("20261123T120100Z-r1") in bucket.objects


def test_a_page_that_was_put_in_place_without_an_answer_is_among_those_that_were(build: Build) -> None:
    """Else the CDN would keep its copies of the old one."""
    bucket = FakeBucket()
    place = bucket.place

    def lost(placements: Sequence[Placement]) -> PlacingAnswer:
        bucket.place = place  # type: ignore[method-assign]
        place(placements)
        return PlacingAnswer({}, unanswered=True)

    bucket.place = lost  # type: ignore[method-assign]
    published = publish(bucket, build, clocks=bucket.clock.clocks())
    assert bucket.requests.count("place assets/index.html") == 1
    assert bucket.clock.passed >= HOLDS.total_seconds()
    assert [each.key for each in published.placed] == ["assets/index.html"]


def test_an_interrupt_while_the_intent_goes_is_too_late(build: Build) -> None:
    bucket = FakeBucket(fail="delete", error=KeyboardInterrupt())
    with pytest.raises(StoppedError, match=r"too late: \S+/markers/20261123T120000Z-r1.json is written") as raised:
        run(bucket, build)
    assert raised.value.done
    assert LAYOUT.placed_key("20261123T120000Z-r1") in bucket.objects


def test_a_second_run_after_a_failure_sends_only_the_missing_files(build: Build) -> None:
    bucket = FakeBucket(fail="put assets/.releases/pages")
    with pytest.raises(UploaderError):
        run(bucket, build)
    bucket.fail, bucket.requests = "", []
    run(bucket, build)
    assert [request for request in bucket.requests if request.startswith("put")] == [f"put {stored_page(build)}"]


def test_an_intent_older_than_half_its_time_is_not_trusted(build: Build) -> None:
    """The marker needs an intent that still protects; else the check begins again under a new intent."""
    clock = Clock()
    bucket = FakeBucket(clock=clock)
    once = iter([HALF_PENDING_TTL + 1.0])
    real = bucket.put

    def slow(*arguments: Any, **named: Any) -> None:  # noqa: ANN401 (the port's own)
        real(*arguments, **named)
        clock.sleep(next(once, 0.0))

    bucket.put = slow  # type: ignore[method-assign]
    published = publish(bucket, build, clocks=clock.clocks())
    assert bucket.requests.count("list assets/") == 2
    assert bucket.log(LAYOUT.markers) == [published.key]
    assert published.key > LAYOUT.marker_key("20261123T120000Z-r1")
    assert {upload.reason for upload in published.uploads} == {Reason.NEW}, (
        "the files that the first round sent are counted"
    )
    assert len(published.uploads) == 2


def test_what_an_earlier_try_sent_is_named_as_it_is_stored_by_now(build: Build) -> None:
    """The intent grew too old, and somebody stored the file once more: the body stands for another ETag of S3's."""
    clock = Clock()
    bucket = FakeBucket(clock=clock)
    (app,) = (asset.key for asset in build.assets if asset.fingerprinted)
    once, real = iter([True]), bucket.put

    def slow(*arguments: Any, **named: Any) -> None:  # noqa: ANN401 (the port's own)
        real(*arguments, **named)
        if next(once, False):
            clock.sleep(HALF_PENDING_TTL + 1.0)
            bucket.write(app, b"APP")
            bucket.stored[app]["digest"] = sha256(b"app").hexdigest()

    bucket.put = slow  # type: ignore[method-assign]
    published = publish(bucket, build, clocks=clock.clocks())
    release = decode(bucket.objects[published.key], "assets/")
    assert bucket.requests.count(f"put {app}") == 1
    assert release.assets["assets/app.js"].etag == md5(b"APP", usedforsecurity=False).hexdigest()


def suspended(
    bucket: FakeBucket, clock: Clock, meanwhile: Callable[[], object] = lambda: None, folder: str = LAYOUT.markers
) -> None:
    """The machine sleeps within the first PUT of a marker, until the intent has expired."""
    create, seconds = bucket.create, iter([2 * HALF_PENDING_TTL + 1.0])

    def late(key: str, body: bytes, *_: object) -> bool:
        slept = next(seconds, 0.0) if key.startswith(folder) else 0.0
        if slept:
            meanwhile()
        clock.sleep(slept)
        return create(key, body)

    bucket.create = late  # type: ignore[method-assign, assignment]


def test_a_release_whose_marker_was_written_too_late_is_checked_under_another_intent(build: Build) -> None:
    """It is whole: its marker counts, and no second one is written."""
    clock = Clock()
    bucket = FakeBucket(clock=clock)
    suspended(bucket, clock)
    published = publish(bucket, build, clocks=clock.clocks())
    assert bucket.requests.count("list assets/") == 2
    assert bucket.log(LAYOUT.markers) == [published.key] == [LAYOUT.marker_key("20261123T120000Z-r1")]
    assert bucket.log(LAYOUT.pending) == []
    assert len(published.uploads) == 2


def test_a_staged_release_that_was_written_too_late_changes_nothing_for_a_visitor(build: Build, tmp_path: Path) -> None:
    clock = Clock()
    bucket = FakeBucket(clock=clock)
    run(bucket, build, clock)
    clock.passed += 60
    (tmp_path / "index.html").write_text("PAGE")
    suspended(bucket, clock, folder=LAYOUT.staged)
    late = replace(build, assets=collect(tmp_path, "assets/"))
    published = publish(bucket, late, stage=True, clocks=clock.clocks())
    assert bucket.log(LAYOUT.staged) == [published.key] == [LAYOUT.staged_key("20261123T120100Z-r1")]
    assert bucket.objects["assets/index.html"] == b"page"
    assert LAYOUT.placed_key(published.id) not in bucket.objects


def test_what_was_deleted_before_a_late_marker_is_sent_again(build: Build) -> None:
    """Under a second marker, because the first one might have been folded in and superseded by now."""
    clock = Clock()
    bucket = FakeBucket(clock=clock)
    (app,) = (asset.key for asset in build.assets if asset.fingerprinted)
    suspended(bucket, clock, lambda: bucket.objects.pop(app))
    published = publish(bucket, build, clocks=clock.clocks())
    assert app in bucket.objects
    assert published.key == max(bucket.log(LAYOUT.markers)) > LAYOUT.marker_key("20261123T120000Z-r1")


@pytest.mark.parametrize(
    ("error", "kind"), [(UploaderError("no answer"), UploaderError), (KeyboardInterrupt(), StoppedError)]
)
def test_a_check_that_fails_names_the_late_marker(
    build: Build, error: BaseException, kind: type[BaseException]
) -> None:
    """That nothing was changed would be wrong."""
    clock = Clock()
    bucket = FakeBucket(clock=clock)

    def fail() -> None:
        bucket.fail, bucket.error = f"get {LAYOUT.ledger}", error

    suspended(bucket, clock, fail)
    with pytest.raises(kind, match=r"markers/20261123T120000Z-r1.json was written after its intent .* publish the rel"):
        publish(bucket, build, clocks=clock.clocks())


def test_the_id_of_another_upload_is_not_used(build: Build) -> None:
    bucket = FakeBucket()
    bucket.objects[LAYOUT.pending_key("20261123T120000Z-r1")] = b"another upload's"
    bucket.objects[LAYOUT.marker_key("20261123T120001Z-r1")] = b"another release"
    clock = Clock()
    run(bucket, build, clock)
    assert bucket.objects[LAYOUT.pending_key("20261123T120000Z-r1")] == b"another upload's"
    assert bucket.objects[LAYOUT.marker_key("20261123T120001Z-r1")] == b"another release"
    assert LAYOUT.marker_key("20261123T120002Z-r1") in bucket.objects


def test_headers_and_digests_from_before_a_wait_are_asked_for_again(build: Build) -> None:
    """While it waits for the cleaner, the stored page is deleted, and somebody puts another page in place."""
    clock = Clock()
    bucket = FakeBucket(clock=clock)
    run(bucket, build, clock)
    clock.passed = 60.0
    bucket.announce("assets/index.html")

    def meanwhile() -> None:
        bucket.objects.pop(stored_page(build), None)
        bucket.write("assets/index.html", b"PAGE")
        bucket.stored["assets/index.html"] = {**bucket.stored["assets/index.html"], STORED: "another"}
        bucket.announce()

    clock.on_sleep = meanwhile
    run(bucket, build, clock)
    assert bucket.objects["assets/index.html"] == bucket.objects[stored_page(build)] == b"page"


@pytest.mark.scenario("L17")
def test_a_dry_run_makes_no_write(build: Build) -> None:
    bucket = FakeBucket()
    published = publish(ReadOnly(bucket), build)
    assert [upload.reason for upload in published.uploads] == [Reason.NEW, Reason.NEW]
    assert [each.key for each in published.placed] == ["assets/index.html"]
    markers = f"list {LAYOUT.markers}"
    assert bucket.requests == ["list assets/", f"get {LAYOUT.ledger}", markers, markers, markers]
    assert bucket.objects == {}


def test_the_same_build_gives_the_same_marker_except_for_id_and_time(build: Build) -> None:
    bodies = []
    for _ in range(2):
        bucket = FakeBucket()
        run(bucket, build)
        bodies.append([body for key, body in bucket.objects.items() if key.startswith(LAYOUT.markers)])
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("folded", [False, True])
def test_an_upload_says_once_that_the_cleaner_has_not_seen_the_newest_release(
    build: Build, caplog: pytest.LogCaptureFixture, *, folded: bool
) -> None:
    """A marker of the first minutes after a deploy may have woken nobody."""
    bucket = FakeBucket()
    publish(bucket, build, clocks=bucket.clock.clocks())
    (marker,) = bucket.log(LAYOUT.markers)
    bucket.times[marker] = NOON - timedelta(minutes=11)
    if folded:
        at = {LAYOUT.release_id(marker): {"at": "2026-11-23T11:49:00Z", "channel": "default"}}
        bucket.write(LAYOUT.ledger, pack({"deleting": None, "folded": at}))
    publish(bucket, build, clocks=bucket.clock.clocks())
    assert [marker in each.getMessage() for each in caplog.records if each.levelname == "WARNING"] == [True] * (
        not folded
    )


@pytest.mark.parametrize("stage", [False, True])
def test_a_file_that_changed_under_its_name_is_said(
    build: Build, tmp_path: Path, caplog: pytest.LogCaptureFixture, *, stage: bool
) -> None:
    """S3 has one object for a key: older pages get the new content, once this release is current."""
    bucket, clock = FakeBucket(), Clock()
    run(bucket, build, clock)
    clock.passed += 60
    (tmp_path / "app-3f9c2ab1.js").write_text("new")
    publish(bucket, replace(build, assets=collect(tmp_path, "assets/")), stage=stage, clocks=clock.clocks())
    (said,) = [each for each in caplog.messages if "changed under the same name" in each]
    assert "when this release becomes current" in said
