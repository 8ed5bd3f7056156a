"""Which release is current, by the markers, with and without a ledger."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda.ledger import Folded, Ledger
from cleaner_lambda.ledger_document import encode as encode_ledger
from release_log.marker import Asset, Release, encode
from release_log.marker_order import Contradiction
from tests.fake_uploader_s3 import LAYOUT, NOON, FakeBucket
from uploader.errors import UploaderError
from uploader.history.current import find_current, problems_of, read_ledger
from uploader.history.find import find_release
from uploader.history.order import newest_first
from uploader.history.release import BATCH, read_releases
from uploader.operations.releases import Standing, releases
from uploader.operations.status import read_status

if TYPE_CHECKING:
    from uploader.history.current import Current


def release_id(number: int) -> str:
    """Ids in the order of their numbers."""
    return f"20261123T{number:06}Z-r{number}"


def publish(bucket: FakeBucket, number: int, channel: str = "default", *, at: int | None = None) -> str:
    """Write a marker, `at` seconds after noon; returns its id."""
    asset = Asset(f"assets/app-{number:08x}.js", 1, fingerprinted=True)
    release = Release(f"r{number}", channel, NOON, "assets/", {"name": "tests"}, {"assets/app.js": asset})
    key = LAYOUT.marker_key(release_id(number))
    bucket.write(key, encode(release))
    bucket.times[key] = NOON + timedelta(seconds=number if at is None else at)
    return release_id(number)


def fold(bucket: FakeBucket, current: dict[str, str], *numbers: int, channel: str = "default") -> None:
    """A ledger in which the cleaner has seen these markers."""
    folded = {release_id(number): Folded(NOON + timedelta(seconds=number), channel) for number in numbers}
    bucket.write(LAYOUT.ledger, encode_ledger(Ledger(current=current, folded=folded, listed_at=NOON)))


def current(bucket: FakeBucket) -> Current:
    """The current releases."""
    ledger, _ = read_ledger(bucket, LAYOUT)
    return find_current(bucket, LAYOUT, bucket.written(LAYOUT.log), ledger)


def ids(found: Current) -> dict[str, str]:
    """Channel -> id."""
    return {channel: each.id for channel, each in found.releases.items()}


@pytest.fixture
def bucket() -> FakeBucket:
    """A site with three releases of one channel and one of another, and no cleaner."""
    bucket = FakeBucket()
    for number in (1, 2, 4):
        publish(bucket, number)
    publish(bucket, 3, "staging")
    bucket.requests.clear()
    return bucket


def test_newest_marker_of_each_channel_is_current(bucket: FakeBucket) -> None:
    found = current(bucket)
    assert ids(found) == {"default": release_id(4), "staging": release_id(3)}
    assert found.unseen == tuple(release_id(number) for number in (4, 3, 2, 1))
    assert problems_of(LAYOUT, found) == ()


def test_s3s_clock_orders_markers_and_then_their_keys(bucket: FakeBucket) -> None:
    publish(bucket, 9, at=0)
    assert ids(current(bucket))["default"] == release_id(4)
    publish(bucket, 5, at=4)
    assert ids(current(bucket))["default"] == release_id(5)


def test_with_a_ledger_only_what_is_current_or_new_is_read(bucket: FakeBucket) -> None:
    """However many markers exist."""
    fold(bucket, {"default": release_id(2)}, 1, 2)
    found = current(bucket)
    assert ids(found) == {"default": release_id(4), "staging": release_id(3)}
    assert found.unseen == (release_id(4), release_id(3))
    assert f"get {LAYOUT.marker_key(release_id(1))}" not in bucket.requests
    assert f"get {LAYOUT.marker_key(release_id(2))}" not in bucket.requests


def test_unseen_marker_may_be_older_than_what_the_cleaner_has_seen(bucket: FakeBucket) -> None:
    """S3's clock says which one is current, whatever was folded in first."""
    fold(bucket, {"default": release_id(4)}, 2, 4)
    found = current(bucket)
    assert ids(found) == {"default": release_id(4), "staging": release_id(3)}
    assert found.unseen == (release_id(3), release_id(1))


def test_channel_whose_current_marker_is_gone_has_no_current_release(bucket: FakeBucket) -> None:
    """An older one is not current instead; a new one is."""
    del bucket.objects[LAYOUT.marker_key(release_id(4))]
    fold(bucket, {"default": release_id(4)}, 1, 2, 4)
    found = current(bucket)
    assert ids(found) == {"staging": release_id(3)}
    assert found.lost == {"default": release_id(4)}
    (problem,) = problems_of(LAYOUT, found)
    assert problem.startswith(f"{LAYOUT.marker_key(release_id(4))}, the marker of channel 'default'")
    publish(bucket, 5)
    assert ids(current(bucket))["default"] == release_id(5)
    assert problems_of(LAYOUT, current(bucket)) == ()


@pytest.mark.parametrize(
    ("file", "name"),
    [("20261123T060500Z-bad.json", "20261123T060500Z-bad"), ("bad.json", "bad.json")],
    ids=["its body", "its name"],
)
def test_a_file_that_cannot_be_read_is_reported_and_is_not_an_unseen_release(
    bucket: FakeBucket, file: str, name: str
) -> None:
    bucket.write(LAYOUT.markers + file, b"not JSON")
    found = current(bucket)
    assert [each.id for each in found.unreadable] == [name]
    assert name not in found.unseen
    assert ids(found)["default"] == release_id(4)


def test_files_are_read_in_batches_and_deleted_ones_are_left_out() -> None:
    bucket = FakeBucket()
    keys = [LAYOUT.marker_key(publish(bucket, number)) for number in range(1, 2 * BATCH + 2)]
    del bucket.objects[keys[BATCH]]
    bucket.requests.clear()
    reading = read_releases(bucket, LAYOUT, keys)
    next(reading)
    assert len(bucket.requests) == BATCH
    assert [each.key for each in reading] == [key for key in keys[1:] if key != keys[BATCH]]


def test_a_name_of_many_releases_is_looked_up_side_by_side() -> None:
    """A commit that was published, or rolled back to, again and again."""
    bucket = FakeBucket()
    some = [LAYOUT.marker_key(publish(bucket, 1))]
    body = bucket.objects[some[0]]
    for minute in range(40):
        some.append(LAYOUT.marker_key(f"20261124T12{minute:02}00Z-r1"))
        bucket.write(some[-1], body)
    asked: list[int] = []
    get_each = bucket.get_each
    bucket.get_each = lambda keys: asked.append(len(keys)) or get_each(keys)  # type: ignore[method-assign, func-returns-value]
    find_release(bucket, LAYOUT, "r1", (LAYOUT.markers, LAYOUT.pins))
    assert asked == [16, 16, 9]


def test_release_is_found_by_its_id_staged_or_not(bucket: FakeBucket) -> None:
    marker = LAYOUT.marker_key(release_id(4))
    staged = LAYOUT.staged_key("20261123T070000Z-s")
    bucket.write(staged, bucket.objects[marker])
    for key, name in ((marker, release_id(4)), (staged, "20261123T070000Z-s")):
        found = find_release(bucket, LAYOUT, name, (LAYOUT.markers, LAYOUT.staged))
        assert (found.key, found.id) == (key, name)
    with pytest.raises(UploaderError, match=f"no release {release_id(8)}"):
        find_release(bucket, LAYOUT, release_id(8), (LAYOUT.markers, LAYOUT.staged))


def test_folders_in_the_log_are_not_releases(bucket: FakeBucket) -> None:
    """The console makes objects for folders."""
    bucket.write(LAYOUT.markers, b"")
    assert LAYOUT.markers not in newest_first(bucket.written(LAYOUT.log), LAYOUT.markers)
    assert problems_of(LAYOUT, current(bucket)) == ()


def test_list_reads_no_more_markers_than_it_shows(bucket: FakeBucket) -> None:
    found = releases(bucket, LAYOUT, channel=None, limit=2)
    assert [each.id for each in found] == [release_id(4), release_id(3)]
    assert [request for request in bucket.requests if request.startswith("get")] == [
        f"get {LAYOUT.ledger}",
        *(f"get {LAYOUT.marker_key(release_id(number))}" for number in (4, 3)),
    ]


def test_list_of_a_channel_goes_back_as_far_as_it_takes(bucket: FakeBucket) -> None:
    (found,) = releases(bucket, LAYOUT, channel="staging", limit=1)
    assert (found.id, found.standing, found.missing) == (release_id(3), Standing.CURRENT, 1)


def test_release_that_is_being_activated_is_listed_once(bucket: FakeBucket) -> None:
    marker = LAYOUT.marker_key(release_id(4))
    bucket.write(LAYOUT.staged_key(release_id(4)), bucket.objects[marker])
    found = releases(bucket, LAYOUT, channel=None, limit=9)
    assert [(each.id, each.standing) for each in found][:2] == [
        (release_id(4), Standing.CURRENT),
        (release_id(3), Standing.CURRENT),
    ]


def test_cleaner_that_does_not_run_any_more_is_a_problem(bucket: FakeBucket) -> None:
    """It lists the site every day."""
    fold(bucket, {"default": release_id(4), "staging": release_id(3)}, 1, 2, 3, 4)
    assert read_status(bucket, LAYOUT, NOON + timedelta(days=1, hours=12)).problems == ()
    (problem,) = read_status(bucket, LAYOUT, NOON + timedelta(days=2)).problems
    assert problem.startswith("the cleaner has not listed the site for two days")


# Instants that somebody has set anew


def copy_onto_itself(bucket: FakeBucket, number: int) -> None:
    """Its ``LastModified`` is now."""
    bucket.times[LAYOUT.marker_key(release_id(number))] = NOON + timedelta(days=1)


def test_marker_that_was_copied_keeps_the_instant_that_the_ledger_has(bucket: FakeBucket) -> None:
    fold(bucket, {"default": release_id(4), "staging": release_id(3)}, 1, 2, 4)
    copy_onto_itself(bucket, 2)
    found = current(bucket)
    assert ids(found) == {"default": release_id(4), "staging": release_id(3)}
    assert found.releases["default"].at == NOON + timedelta(seconds=4)
    assert problems_of(LAYOUT, found) == ()
    listed = releases(bucket, LAYOUT, channel="default", limit=3)
    assert [(each.id, each.standing) for each in listed] == [
        (release_id(4), Standing.CURRENT),
        (release_id(2), Standing.EARLIER),
        (release_id(1), Standing.EARLIER),
    ]


def test_marker_that_was_gone_and_came_back_is_as_old_as_before(bucket: FakeBucket) -> None:
    """Also while the marker of the release that followed it is gone."""
    gone = {release_id(number): Folded(NOON + timedelta(seconds=number), "default") for number in (2, 4)}
    ledger = Ledger(current={"default": release_id(4)}, gone=gone, listed_at=NOON)
    bucket.write(LAYOUT.ledger, encode_ledger(ledger))
    copy_onto_itself(bucket, 2)
    assert ids(current(bucket))["default"] == release_id(4)
    del bucket.objects[LAYOUT.marker_key(release_id(4))]
    del bucket.objects[LAYOUT.marker_key(release_id(1))]
    found = current(bucket)
    assert found.lost == {"default": release_id(4)}
    assert "default" not in found.releases


def test_markers_that_no_ledger_has_seen_and_that_contradict_each_other_are_a_problem(bucket: FakeBucket) -> None:
    publish(bucket, 130_000, at=500)
    assert problems_of(LAYOUT, current(bucket)) == ()
    copy_onto_itself(bucket, 4)
    (problem,) = problems_of(LAYOUT, current(bucket))
    assert f"{release_id(4)} is dated after {release_id(130_000)}, which is newer" in problem
    assert "channel 'default'" in problem


def test_doubt_of_the_ledger_is_a_problem_until_the_channel_has_a_new_release(bucket: FakeBucket) -> None:
    folded = {release_id(number): Folded(NOON + timedelta(seconds=number), "default") for number in (1, 2, 4)}
    doubts = {"default": Contradiction(release_id(4), release_id(2))}
    ledger = Ledger(current={"default": release_id(2)}, folded=folded, doubts=doubts, listed_at=NOON)
    bucket.write(LAYOUT.ledger, encode_ledger(ledger))
    assert "which release of channel 'default' is current" in problems_of(LAYOUT, current(bucket))[0]
    publish(bucket, 5)
    assert problems_of(LAYOUT, current(bucket)) == ()
