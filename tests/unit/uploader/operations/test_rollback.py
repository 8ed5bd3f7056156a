"""A roll-back: a new marker with an old release's assets, if all of them exist."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda.ledger import Folded, Ledger
from cleaner_lambda.ledger_document import encode as encode_ledger
from release_log.instants import format_instant
from release_log.marker import decode, encode
from tests.fake_uploader_s3 import LAYOUT, FakeBucket
from uploader.builds.collect import collect
from uploader.errors import NotWholeError, UploaderError
from uploader.history.find import without_headers
from uploader.operations.rollback import check, find_target, roll_back
from uploader.protocol.announcements import POLL_SECONDS
from uploader.publishing.build import Build
from uploader.publishing.publish import publish

if TYPE_CHECKING:
    from pathlib import Path

    from release_log.marker import Release
    from uploader.operations.rollback import Target

APPS = {"r1": "assets/app-3f9c2ab1.js", "r2": "assets/app-4a1b2c3d.js", "r3": "assets/app-5b2c3d4e.js"}


@pytest.fixture
def bucket(tmp_path: Path) -> FakeBucket:
    """Three releases, a minute apart, each with a script of its own and the page."""
    bucket = FakeBucket()
    for name, key in APPS.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / key.removeprefix("assets/")).write_text(name)
        (folder / "index.html").write_text(f"page of {name}")
        add(bucket, folder, name)
    bucket.requests.clear()
    return bucket


def add(bucket: FakeBucket, folder: Path, name: str, channel: str = "default") -> str:
    """Publish a build, and let a minute pass; returns the id."""
    build = Build(assets=collect(folder, "assets/"), prefix="assets/", channel=channel, release=name)
    published = publish(bucket, build, clocks=bucket.clock.clocks()).id
    bucket.clock.passed += 60
    return published


def target(bucket: FakeBucket, wanted: str | None, channel: str | None = None) -> Target:
    """The release that would be current again."""
    return find_target(bucket, LAYOUT, wanted, channel)


def back(bucket: FakeBucket, wanted: str | None, channel: str | None = None) -> str:
    """Roll back, and let a minute pass; returns the new id."""
    release_id = roll_back(bucket, LAYOUT, target(bucket, wanted, channel), clocks=bucket.clock.clocks()).id
    bucket.clock.passed += 60
    return release_id


def marker(bucket: FakeBucket, release_id: str) -> Release:
    """The content of a marker."""
    return decode(bucket.objects[LAYOUT.marker_key(release_id)], "assets/")


def test_the_new_marker_has_the_old_ones_assets_and_says_what_it_is(bucket: FakeBucket) -> None:
    at = bucket.clock.wall()
    new = back(bucket, "20261123T120000Z-r1")
    assert new == "20261123T120300Z-r1"
    old, written = marker(bucket, "20261123T120000Z-r1"), marker(bucket, new)
    assert without_headers(written).assets == without_headers(old).assets
    assert (written.release, written.channel) == ("r1", "default")
    assert format_instant(written.created_at) == format_instant(at)
    assert written.metadata == {**old.metadata, "rollback_of": "20261123T120000Z-r1"}
    assert bucket.times[LAYOUT.marker_key(new)] == max(bucket.times[key] for key in bucket.log(LAYOUT.markers))


def test_headers_of_assets_that_were_stored_again_since_are_left_out(bucket: FakeBucket) -> None:
    """The next upload relies on the headers in a marker, and these may have changed."""
    written = marker(bucket, back(bucket, "r1"))
    assert all(asset.headers is not None for asset in written.assets.values())
    bucket.write(APPS["r1"], bucket.objects[APPS["r1"]])
    bucket.clock.passed += 60
    back(bucket, "r2")
    written = marker(bucket, back(bucket, "20261123T120000Z-r1"))
    assert {asset.key for asset in written.assets.values() if asset.headers is None} == {APPS["r1"]}


def test_everything_is_checked_under_an_intent_and_nothing_is_sent(bucket: FakeBucket) -> None:
    found = target(bucket, "20261123T120000Z-r1")
    bucket.requests.clear()
    new = roll_back(bucket, LAYOUT, found, clocks=bucket.clock.clocks()).id
    assert bucket.requests == [
        f"create {LAYOUT.pending_key(new)}",
        "list assets/",
        f"get {LAYOUT.ledger}",
        f"create {LAYOUT.marker_key(new)}",
        f"list {LAYOUT.markers}",
        f"list {LAYOUT.markers}",
        "place assets/index.html",
        f"list {LAYOUT.markers}",
        f"create {LAYOUT.placed_key(new)}",
        f"delete {LAYOUT.pending_key(new)}",
    ]


def test_missing_assets_are_listed_and_nothing_is_changed(bucket: FakeBucket) -> None:
    del bucket.objects[APPS["r1"]]
    before = dict(bucket.objects)
    found = target(bucket, "r1")
    for attempt in (lambda: check(bucket, LAYOUT, found), lambda: back(bucket, "r1")):
        with pytest.raises(NotWholeError, match=rf"r1 is not whole \(.*: {APPS['r1']}\); nothing was changed") as error:
            attempt()
        assert error.value.gone == {APPS["r1"]}
    assert bucket.objects == before


def test_it_waits_for_a_cleaner_that_is_deleting_its_assets(bucket: FakeBucket) -> None:
    """Then it checks which assets are left."""
    bucket.announce(APPS["r1"])

    def delete() -> None:
        del bucket.objects[APPS["r1"]]
        bucket.announce()
        bucket.clock.on_sleep = lambda: None

    bucket.clock.on_sleep = delete
    before = bucket.clock.passed
    with pytest.raises(NotWholeError):
        back(bucket, "r1")
    assert bucket.clock.passed == before + POLL_SECONDS
    assert len(bucket.log(LAYOUT.markers)) == 3


def test_it_waits_for_its_turn(bucket: FakeBucket, tmp_path: Path) -> None:
    """Markers of one second are ordered by their names, and the roll-back to r1 must come after r3."""
    add(bucket, tmp_path / "r2", "r9")
    bucket.clock.passed -= 60
    new = back(bucket, "r1")
    written = sorted(bucket.log(LAYOUT.markers), key=lambda key: (bucket.times[key], key))
    assert written[-1] == LAYOUT.marker_key(new)


def test_previous_is_the_last_other_build_and_twice_is_there_and_back(bucket: FakeBucket, tmp_path: Path) -> None:
    assert target(bucket, None).old.id == "20261123T120100Z-r2"
    add(bucket, tmp_path / "r3", "r3")
    assert target(bucket, None).old.id == "20261123T120100Z-r2", "one build was published twice"
    back(bucket, None)
    assert target(bucket, None).old.release.release == "r3"


def test_previous_looks_at_one_channel_only(bucket: FakeBucket, tmp_path: Path) -> None:
    add(bucket, tmp_path / "r1", "r1", "staging")
    assert target(bucket, None).old.id == "20261123T120100Z-r2"
    with pytest.raises(UploaderError, match="channel 'staging' has no other release before its current one"):
        target(bucket, None, "staging")
    with pytest.raises(UploaderError, match="channel 'beta' has no other release"):
        target(bucket, None, "beta")


def test_another_channel_can_be_rolled_back_to_it(bucket: FakeBucket) -> None:
    new = back(bucket, "r1", "staging")
    assert marker(bucket, new).channel == "staging"
    assert target(bucket, "r1", "staging").already
    assert not target(bucket, "20261123T120000Z-r1").already


def test_a_release_that_is_current_already_is_recognised(bucket: FakeBucket) -> None:
    """By its assets, also just after a roll-back to it."""
    assert target(bucket, "r3").already
    back(bucket, "r1")
    assert target(bucket, "20261123T120000Z-r1").already
    assert not target(bucket, "r3").already


def test_files_without_a_fingerprint_that_are_not_this_releases_are_named(bucket: FakeBucket) -> None:
    """An older version of the uploader stored its page nowhere. One that another tool put there has no digest."""
    for release_id in ("20261123T120000Z-r1", "20261123T120200Z-r3"):
        release = marker(bucket, release_id)
        assets = {logical: each._replace(stored=None) for logical, each in release.assets.items()}
        bucket.objects[LAYOUT.marker_key(release_id)] = encode(replace(release, assets=assets, format=1))
    assert target(bucket, "r1").replaced == {"assets/index.html"}
    assert target(bucket, "r3").replaced == frozenset()
    bucket.stored["assets/index.html"] = {}
    assert target(bucket, "r3").replaced == {"assets/index.html"}


def test_the_old_pages_are_back_in_place(bucket: FakeBucket) -> None:
    assert bucket.objects["assets/index.html"] == b"page of r3"
    assert target(bucket, "r1").replaced == frozenset()
    new = back(bucket, "r1")
    assert bucket.objects["assets/index.html"] == b"page of r1"
    assert LAYOUT.placed_key(new) in bucket.objects


def test_a_roll_back_that_is_cut_off_before_the_old_pages_are_in_place_is_finished_by_the_same_command(
    bucket: FakeBucket,
) -> None:
    bucket.fail = "place assets/index"
    with pytest.raises(UploaderError, match="not all of its pages are in place"):
        back(bucket, "r1")
    bucket.fail = ""
    found = target(bucket, "r1")
    assert found.already
    assert found.unfinished
    new = back(bucket, "r1")
    assert bucket.objects["assets/index.html"] == b"page of r1"
    assert LAYOUT.placed_key(new) in bucket.objects


def test_a_pinned_release_whose_marker_is_gone_can_be_rolled_back_to(bucket: FakeBucket) -> None:
    old = LAYOUT.marker_key("20261123T120000Z-r1")
    bucket.write(LAYOUT.pin_key("20261123T120000Z-r1"), bucket.objects.pop(old))
    assert marker(bucket, back(bucket, "r1")).metadata["rollback_of"] == "20261123T120000Z-r1"


def test_an_id_that_is_taken_is_left_to_its_owner(bucket: FakeBucket) -> None:
    """Somebody stages a release of this name within the second."""
    taken = LAYOUT.staged_key("20261123T120300Z-r1")
    bucket.write(taken, b"another's")
    assert back(bucket, "r1") == "20261123T120301Z-r1"
    assert bucket.objects[taken] == b"another's"


# Instants that somebody has set anew


def fold(bucket: FakeBucket) -> None:
    """The cleaner has seen every marker; then somebody copies the second one onto itself."""
    log = {key: bucket.times[key] for key in bucket.log(LAYOUT.markers)}
    folded = {LAYOUT.release_id(key): Folded(at, "default") for key, at in log.items()}
    bucket.write(LAYOUT.ledger, encode_ledger(Ledger(current={"default": max(folded)}, folded=folded)))


def copy_onto_itself(bucket: FakeBucket, release_id: str = "20261123T120100Z-r2") -> None:
    """Its ``LastModified`` is now."""
    bucket.times[LAYOUT.marker_key(release_id)] = bucket.clock.s3()


@pytest.mark.parametrize("wanted", [None, "r2"])
def test_a_marker_that_was_copied_is_as_old_as_the_ledger_says(bucket: FakeBucket, wanted: str | None) -> None:
    fold(bucket)
    copy_onto_itself(bucket)
    found = target(bucket, wanted)
    assert found.current is not None
    assert (found.old.name, found.current.name, found.already) == ("r2", "r3", False)
    assert marker(bucket, back(bucket, wanted)).assets["assets/app.js"].key == APPS["r2"]


def test_headers_of_what_was_stored_again_before_a_marker_was_copied_are_left_out(bucket: FakeBucket) -> None:
    """They may be other headers than the marker's, though the marker is the newer file."""
    fold(bucket)
    bucket.write(APPS["r2"], bucket.objects[APPS["r2"]])
    copy_onto_itself(bucket)
    assert marker(bucket, back(bucket, "r2")).assets["assets/app.js"].headers is None


def test_while_it_is_unknown_what_is_current_the_release_has_to_be_named(bucket: FakeBucket) -> None:
    """And naming what seems to be current writes a new marker, which ends the doubt."""
    bucket.clock.passed += 60
    copy_onto_itself(bucket, "20261123T120000Z-r1")
    with pytest.raises(UploaderError, match="it is unknown which release of channel 'default' is current"):
        target(bucket, None)
    assert target(bucket, "r1").already is False
    assert back(bucket, "r1").endswith("-r1")
