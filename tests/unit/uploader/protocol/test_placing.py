"""The pages of a release are put in place while others publish, and while S3 does not take them."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from tests.fake_uploader_s3 import LAYOUT, Clock, FakeBucket
from uploader.builds.collect import collect
from uploader.errors import NotPlacedError, StoppedError
from uploader.history.release import LoggedRelease, read_release
from uploader.protocol.placing import LONGEST_PAUSE, PASSES
from uploader.protocol.write_if_whole import finish_placing
from uploader.publishing.build import Build
from uploader.publishing.publish import publish
from uploader.s3.port import PlacingAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from uploader.protocol.belongs import PagePlaced
    from uploader.s3.port import Placement

PAGE = "assets/index.html"
NAMED = rf"{PAGE}: not in place after {PASSES} tries, as others published .*: run the same command again"


@pytest.fixture
def bucket() -> FakeBucket:
    return FakeBucket(clock=Clock())


def cut_off(bucket: FakeBucket, folder: Path, name: str, channel: str = "default") -> str:
    """A release whose upload ends before its page is in place; returns its id."""
    (folder / "index.html").write_text(name)
    bucket.clock.passed += 60
    bucket.fail = "place"
    build = Build(assets=collect(folder, "assets/"), prefix="assets/", channel=channel, release=name)
    with pytest.raises(NotPlacedError) as raised:
        publish(bucket, build, clocks=bucket.clock.clocks())
    bucket.fail = ""
    (intent,) = bucket.log(LAYOUT.pending)
    del bucket.objects[intent]
    bucket.clock.passed += 60
    bucket.requests.clear()
    return str(raised.value).partition(" ")[0]


def finish(bucket: FakeBucket, release_id: str) -> tuple[PagePlaced, ...]:
    logged = read_release(bucket, LAYOUT, LAYOUT.marker_key(release_id))
    assert logged is not None
    return finish_placing(bucket, LAYOUT, logged, bucket.clock.clocks())


@contextmanager
def answers(bucket: FakeBucket, answer: Callable[[], PlacingAnswer | None]) -> Iterator[None]:
    """S3 answers the PUTs of pages so, and does not execute them; None: as it does else."""
    place = bucket.place

    def instead(placements: Sequence[Placement]) -> PlacingAnswer:
        found = answer()
        return place(placements) if found is None else found

    bucket.place = instead  # type: ignore[method-assign]
    yield
    bucket.place = place  # type: ignore[method-assign]


def test_the_intents_of_others_stay_too_while_their_pages_may_come_late(bucket: FakeBucket, tmp_path: Path) -> None:
    """Such a page asks for what its own release has, and nothing else protects that once it is superseded."""
    ours, _ = cut_off(bucket, tmp_path, "r1"), cut_off(bucket, tmp_path, "r2", "other")

    def interrupt() -> None:
        raise KeyboardInterrupt

    def lost() -> PlacingAnswer:
        """The first one has no answer; the next look finds the page in place, so that there is nothing left to put."""
        page = next(key for key in bucket.objects if LAYOUT.stores(key) and bucket.objects[key] == b"r2")
        bucket.write(PAGE, bucket.objects[page])
        bucket.stored[PAGE] = bucket.stored[page]
        return PlacingAnswer({}, unanswered=True)

    bucket.clock.on_sleep = interrupt
    with answers(bucket, lost), pytest.raises(StoppedError, match="not all of its pages are in place"):
        finish(bucket, ours)
    assert [key.partition("Z-")[2] for key in bucket.log(LAYOUT.pending)] == ["r1.json", "r2.json"]


def test_while_s3_has_too_many_requests_it_gets_fewer(bucket: FakeBucket, tmp_path: Path) -> None:
    ours = cut_off(bucket, tmp_path, "r1")
    over = bucket.clock.passed + 30
    with answers(bucket, lambda: PlacingAnswer({}) if bucket.clock.passed < over else None):
        assert [page.key for page in finish(bucket, ours)] == [PAGE]
    assert bucket.objects[PAGE] == b"r1"
    assert bucket.clock.passed < over + LONGEST_PAUSE


def test_after_one_refused_put_nobody_waits(bucket: FakeBucket, tmp_path: Path) -> None:
    """As a rule another upload has put a page in place."""
    ours, refused = cut_off(bucket, tmp_path, "r1"), iter([PlacingAnswer({})])
    before = bucket.clock.passed
    with answers(bucket, lambda: next(refused, None)):
        finish(bucket, ours)
    assert bucket.clock.passed == before


def test_what_s3_refuses_each_time_is_named(bucket: FakeBucket, tmp_path: Path) -> None:
    ours = cut_off(bucket, tmp_path, "r1")
    with answers(bucket, lambda: PlacingAnswer({})), pytest.raises(NotPlacedError, match=NAMED):
        finish(bucket, ours)


def test_so_it_is_if_others_publish_before_each_put(bucket: FakeBucket, tmp_path: Path) -> None:
    ours, *others = (cut_off(bucket, tmp_path, name) for name in ("r1", "r2", "r3"))
    written, turns = bucket.written, cycle(others)

    def publishes(prefix: str) -> dict[str, datetime]:
        bucket.clock.passed += 1
        bucket.times[LAYOUT.marker_key(next(turns))] = bucket.clock.s3()
        return written(prefix)

    bucket.written = publishes  # type: ignore[method-assign]
    with pytest.raises(NotPlacedError, match=NAMED):
        finish(bucket, ours)
    assert f"place {PAGE}" not in bucket.requests


def test_of_the_newer_releases_one_of_each_channel_is_kept_in_memory(bucket: FakeBucket, tmp_path: Path) -> None:
    """There may be hundreds, with 50,000 files each; each is read once."""
    ours = cut_off(bucket, tmp_path, "ours")
    newer = [cut_off(bucket, tmp_path, f"newer-{number}", ("default", "other")[number % 2]) for number in range(6)]
    kept = set[str]()

    def look() -> None:
        gc.collect()
        kept.update(each.id for each in gc.get_objects() if isinstance(each, LoggedRelease))

    with answers(bucket, look):
        finish(bucket, ours)
    assert sorted(kept.intersection(newer)) == newer[-2:]  # other tests may have left some of their own
    assert [bucket.requests.count(f"get {LAYOUT.marker_key(each)}") for each in newer] == [1] * 6
    assert bucket.objects[PAGE] == b"newer-5"
