"""Staged releases: activated only if whole, dropped, and neither twice by accident."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda.ledger import Folded, Ledger
from cleaner_lambda.ledger_document import encode as encode_ledger
from release_log.marker import Asset, Release, decode, encode
from release_log.marker_order import Contradiction
from release_log.policy_settings import HALF_PENDING_TTL
from tests.fake_uploader_s3 import LAYOUT, NOON, Clock, FakeBucket
from uploader.builds.collect import collect
from uploader.errors import NotPlacedError, StoppedError, UploaderError
from uploader.history.release import digest_of
from uploader.operations.staging import activate, drop
from uploader.protocol.announcements import POLL_SECONDS
from uploader.publishing.build import Build
from uploader.publishing.publish import publish

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from release_log.layout import Layout
    from uploader.s3.port import Listing, Look

ID = "20261123T120000Z-r1"
STAGED, MARKER = LAYOUT.staged_key(ID), LAYOUT.marker_key(ID)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    (tmp_path / "app-3f9c2ab1.js").write_text("app")
    (tmp_path / "index.html").write_text("page")
    return Build(assets=collect(tmp_path, "assets/"), prefix="assets/", channel="default", release="r1")


@pytest.fixture
def bucket(build: Build) -> FakeBucket:
    """A bucket with a staged release, as its uploader left it, half an hour ago."""
    bucket = FakeBucket()
    assert publish(bucket, build, stage=True, clocks=bucket.clock.clocks()).id == ID
    bucket.requests.clear()
    bucket.clock.passed += 1800
    return bucket


def make_current(bucket: FakeBucket, release_id: str = ID) -> bool:
    """Activate; returns whether the release was current before."""
    return activate(bucket, LAYOUT, release_id, clocks=bucket.clock.clocks()).already


def publish_newer(bucket: FakeBucket, name: str, channel: str = "default") -> None:
    """Another release becomes current, now."""
    assets = {"assets/app.js": Asset("assets/app-4a1b2c3d.js", 1, fingerprinted=True)}
    release = Release(name, channel, NOON, "assets/", {"name": "tests"}, assets)
    bucket.write(LAYOUT.marker_key(f"20261123T123000Z-{name}"), encode(release))


def test_staging_ends_with_a_staged_release_in_place_of_the_marker(bucket: FakeBucket) -> None:
    assert bucket.log(LAYOUT.log) == [STAGED]


def test_activation_checks_everything_under_an_intent_and_then_writes_the_same_as_the_marker(
    bucket: FakeBucket,
) -> None:
    staged = decode(bucket.objects[STAGED], "assets/")
    assert make_current(bucket) is False
    intent = LAYOUT.pending_key("20261123T123000Z-r1")
    assert bucket.requests == [
        f"get {STAGED}",
        f"create {intent}",
        "list assets/",
        f"get {LAYOUT.ledger}",
        f"create {MARKER}",
        f"delete {STAGED}",
        f"list {LAYOUT.markers}",
        f"list {LAYOUT.markers}",
        "place assets/index.html",
        f"list {LAYOUT.markers}",
        f"create {LAYOUT.placed_key(ID)}",
        f"delete {intent}",
    ]
    written = decode(bucket.objects[MARKER], "assets/")
    assert written == replace(staged, created_at=NOON + timedelta(seconds=1800)), "the order of such markers is plain"
    assert bucket.log(LAYOUT.log) == [MARKER]


def test_a_roll_out_that_is_cut_off_before_its_pages_are_in_place_is_finished_by_the_same_command(
    bucket: FakeBucket,
) -> None:
    bucket.fail = "place assets/index"
    with pytest.raises(UploaderError, match="not all of its pages are in place"):
        make_current(bucket)
    bucket.fail = ""
    assert "assets/index.html" not in bucket.objects
    assert make_current(bucket) is True
    assert bucket.objects["assets/index.html"] == b"page"
    assert LAYOUT.placed_key(ID) in bucket.objects


def test_activating_twice_is_not_an_error(bucket: FakeBucket) -> None:
    make_current(bucket)
    before = dict(bucket.objects)
    assert make_current(bucket) is True
    assert bucket.objects == before


@pytest.mark.parametrize("later", [0, 5])
def test_activating_again_after_a_newer_release_is_an_error(bucket: FakeBucket, later: float) -> None:
    """It would be an unwanted roll-back. Within one second, the key decides which release is newer."""
    make_current(bucket)
    bucket.clock.passed += later
    publish_newer(bucket, "r2")
    with pytest.raises(UploaderError, match=f"{ID} was activated, and 20261123T123000Z-r2 came after it"):
        make_current(bucket)


def test_a_newer_release_of_another_channel_does_not_matter(bucket: FakeBucket) -> None:
    make_current(bucket)
    bucket.clock.passed += 5
    publish_newer(bucket, "r2", "staging")
    assert make_current(bucket) is True


def test_a_staged_release_can_be_activated_after_a_newer_one(bucket: FakeBucket) -> None:
    """Its marker is the newest then."""
    publish_newer(bucket, "r2")
    bucket.clock.passed += 5
    make_current(bucket)
    assert max(bucket.log(LAYOUT.markers), key=lambda key: bucket.times[key]) == MARKER


@pytest.mark.scenario("T34a")
@pytest.mark.parametrize(("body", "fits"), [(None, False), (b"other size", False), (b"app", True)])
def test_a_missing_or_changed_asset_stops_the_activation(bucket: FakeBucket, body: bytes | None, *, fits: bool) -> None:
    del bucket.objects["assets/app-3f9c2ab1.js"]
    if body is not None:
        bucket.write("assets/app-3f9c2ab1.js", body)
    if fits:
        make_current(bucket)
    else:
        with pytest.raises(UploaderError, match=r"not whole \(.*: assets/app-3f9c2ab1\.js\); nothing was changed"):
            make_current(bucket)
    assert bucket.log(LAYOUT.log) == [MARKER if fits else STAGED]


@pytest.mark.parametrize("there", [True, False])
def test_a_file_without_a_fingerprint_may_belong_to_a_later_upload(bucket: FakeBucket, *, there: bool) -> None:
    """Only its existence can be checked, if its content is stored nowhere: another tool staged the release."""
    assets = {"index.html": Asset("assets/index.html", 4, fingerprinted=False)}
    bucket.write(STAGED, encode(Release("r1", "default", NOON, "assets/", {}, assets)))
    if there:
        bucket.write("assets/index.html", b"a later page")
        make_current(bucket)
    else:
        with pytest.raises(UploaderError, match=r"missing or changed: assets/index\.html\)"):
            make_current(bucket)


def test_of_many_missing_assets_five_are_named(bucket: FakeBucket) -> None:
    assets = {f"{n}.js": Asset(f"assets/{n}-3f9c2ab1.js", 1, fingerprinted=True) for n in range(7)}
    bucket.write(STAGED, encode(Release("r1", "default", NOON, "assets/", {}, assets)))
    with pytest.raises(UploaderError, match=r"assets/4-3f9c2ab1\.js and 2 more\)"):
        make_current(bucket)


@pytest.mark.parametrize("why", ["expired", "dropped"])
def test_a_release_that_is_not_staged_any_more_can_be_neither_activated_nor_dropped(
    bucket: FakeBucket, why: str
) -> None:
    """Expired staged releases are removed by the cleaner."""
    if why == "dropped":
        drop(bucket, LAYOUT, ID)
    else:
        del bucket.objects[STAGED]
    with pytest.raises(UploaderError, match=f"{ID} is not staged: it was dropped, has expired, .*; publish it again"):
        make_current(bucket)
    with pytest.raises(UploaderError, match=f"{ID} is not staged"):
        drop(bucket, LAYOUT, ID)
    assert bucket.log(LAYOUT.log) == []


def before_the_look(bucket: FakeBucket, what: Callable[[], object]) -> None:
    """Somebody else does something before the next look at the site."""
    look, once = bucket.look, iter([what])

    def meanwhile(layout: Layout, keys: frozenset[str]) -> Look:
        for each in once:
            each()
        return look(layout, keys)

    bucket.look = meanwhile  # type: ignore[method-assign]


def test_a_release_that_is_dropped_while_it_is_activated_does_not_become_current(bucket: FakeBucket) -> None:
    """Whoever has dropped it was told so."""
    before_the_look(bucket, lambda: drop(bucket, LAYOUT, ID))
    with pytest.raises(UploaderError, match=f"^{ID} is not staged: it was dropped, has expired, .*; publish it again$"):
        make_current(bucket)
    assert bucket.log(LAYOUT.log) == []
    assert "assets/index.html" not in bucket.objects


def test_one_that_somebody_else_activates_meanwhile_is_current_already(bucket: FakeBucket) -> None:
    before_the_look(bucket, lambda: make_current(bucket))
    assert make_current(bucket) is True
    assert bucket.log(LAYOUT.log) == [MARKER]


def test_headers_of_a_page_that_was_stored_again_are_left_out(bucket: FakeBucket) -> None:
    """Another tool's upload may have stored it with other headers. The activation can be repeated all the same."""
    staged = decode(bucket.objects[STAGED], "assets/")
    assets = {logical: each._replace(stored=None) for logical, each in staged.assets.items()}
    bucket.objects[STAGED] = encode(replace(staged, assets=assets, format=1))
    bucket.write("assets/index.html", b"newer")
    bucket.fail = f"delete {STAGED}"
    make_current(bucket)
    said = {asset.key: asset.headers for asset in decode(bucket.objects[MARKER], "assets/").assets.values()}
    assert said["assets/index.html"] is None
    assert said["assets/app-3f9c2ab1.js"] is not None
    bucket.fail = ""
    assert make_current(bucket) is True


@pytest.mark.parametrize(("seconds", "known"), [(0, True), (1, False)])
def test_headers_of_an_asset_that_was_stored_in_a_later_second_than_the_release_are_left_out(
    bucket: FakeBucket, seconds: int, *, known: bool
) -> None:
    """S3 tells time in whole seconds: the assets of the second in which the release was written are its own."""
    bucket.times["assets/app-3f9c2ab1.js"] = bucket.times[STAGED] + timedelta(seconds=seconds)
    make_current(bucket)
    (headers,) = (
        asset.headers
        for asset in decode(bucket.objects[MARKER], "assets/").assets.values()
        if asset.key == "assets/app-3f9c2ab1.js"
    )
    assert (headers is not None) is known


def test_a_dropped_release_leaves_its_assets_to_the_cleaner(bucket: FakeBucket) -> None:
    drop(bucket, LAYOUT, ID)
    assert {key for key in bucket.objects if LAYOUT.owns(key)} == {"assets/app-3f9c2ab1.js"}
    assert sum(LAYOUT.stores(key) for key in bucket.objects) == 1


def test_an_activated_release_cannot_be_dropped(bucket: FakeBucket) -> None:
    make_current(bucket)
    with pytest.raises(UploaderError, match="it was activated or dropped, has expired"):
        drop(bucket, LAYOUT, ID)
    assert MARKER in bucket.objects


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"not json", "is not valid .*; delete it, and publish that release again"),
        (b'{"format": 3}', "is not valid .*; delete it, and publish that release again"),
        (
            b'{"format": 4}',
            "is a newer uploader's .*: use an uploader and a cleaner that read it, and do not delete it",
        ),
    ],
)
def test_a_body_that_is_not_valid_is_never_made_a_marker(bucket: FakeBucket, body: bytes, said: str) -> None:
    """It would stop all deletion for the site."""
    bucket.write(STAGED, body)
    with pytest.raises(UploaderError, match=f"{STAGED} {said}"):
        make_current(bucket)
    assert bucket.log(LAYOUT.log) == [STAGED]


def test_another_releases_marker_under_the_same_id_is_recognised(bucket: FakeBucket) -> None:
    """A clock that was set back can give one id twice."""
    assets = {"assets/app.js": Asset("assets/app-4a1b2c3d.js", 1, fingerprinted=True)}
    bucket.write(MARKER, encode(Release("r1", "default", NOON, "assets/", {}, assets)))
    with pytest.raises(UploaderError, match=f"{MARKER} is another release's: nothing was changed"):
        make_current(bucket)
    assert sorted(bucket.log(LAYOUT.log)) == [MARKER, STAGED]


def test_an_activation_that_died_before_the_staged_release_was_removed_can_be_repeated(bucket: FakeBucket) -> None:
    bucket.fail = f"delete {STAGED}"
    make_current(bucket)
    assert sorted(bucket.log(LAYOUT.log)) == [MARKER, STAGED]
    bucket.fail = ""
    assert make_current(bucket) is True
    assert bucket.log(LAYOUT.log) == [MARKER]


def test_activation_waits_for_a_cleaner_that_is_deleting_its_assets(bucket: FakeBucket) -> None:
    bucket.announce("assets/app-3f9c2ab1.js")
    bucket.clock.on_sleep = bucket.announce
    before = bucket.clock.passed
    make_current(bucket)
    assert bucket.clock.passed == before + POLL_SECONDS


def test_an_activation_that_took_too_long_checks_again(bucket: FakeBucket) -> None:
    """A laptop that slept between the check and the marker."""
    clock, listing, slept = bucket.clock, bucket.listing, iter([HALF_PENDING_TTL + 1.0])

    def slow(layout: Layout, keys: Collection[str]) -> Listing:
        found = listing(layout, keys)
        clock.sleep(next(slept, 0.0))
        return found

    bucket.listing = slow  # type: ignore[method-assign]
    make_current(bucket)
    assert bucket.requests.count("list assets/") == 2
    assert bucket.log(LAYOUT.log) == [MARKER]


@pytest.mark.parametrize(("error", "kind"), [(None, UploaderError), (KeyboardInterrupt(), StoppedError)])
def test_everything_stays_if_nobody_knows_whether_the_marker_exists(
    bucket: FakeBucket, error: BaseException | None, kind: type[BaseException]
) -> None:
    bucket.fail, bucket.error = f"create {MARKER}", error
    with pytest.raises(kind, match=f"whether {MARKER} was written is not known"):
        make_current(bucket)
    assert bucket.log(LAYOUT.log) == [STAGED, LAYOUT.pending_key("20261123T123000Z-r1")]


def test_another_tools_name_of_a_release_need_not_be_valid_in_an_id(bucket: FakeBucket) -> None:
    """The format is open: we check only the id."""
    assets = {"index.html": Asset("assets/index.html", 4, fingerprinted=False)}
    bucket.write("assets/index.html", b"page")
    bucket.write(STAGED, encode(Release("feature/x, 2nd", "default", NOON, "assets/", {}, assets)))
    make_current(bucket)
    assert bucket.log(LAYOUT.log) == [MARKER]


def test_the_clock_of_the_build_machine_decides_nothing(build: Build) -> None:
    """It is a day slow: the id names yesterday, and the release is the newest all the same."""
    bucket = FakeBucket(clock=Clock(ahead=-86_400))
    published = publish(bucket, build, stage=True, clocks=bucket.clock.clocks())
    publish_newer(bucket, "r2")
    bucket.clock.passed += 5
    assert published.id < "20261123"
    assert make_current(bucket, published.id) is False
    assert make_current(bucket, published.id) is True
    assert bucket.times[LAYOUT.marker_key(published.id)] == NOON + timedelta(seconds=5)


def test_what_was_activated_is_not_said_to_be_dropped(bucket: FakeBucket) -> None:
    """An activation that was cut off, or comes at the same time, leaves the staged release beside its marker."""
    bucket.fail = f"delete {STAGED}"
    make_current(bucket)
    bucket.fail = ""
    with pytest.raises(UploaderError, match=f"^{ID} was activated, so it was not dropped: .* roll back$"):
        drop(bucket, LAYOUT, ID)
    assert bucket.log(LAYOUT.log) == [MARKER]


# Instants that somebody has set anew


def fold(bucket: FakeBucket, **more: object) -> None:
    """The cleaner has seen every marker."""
    folded = {LAYOUT.release_id(key): Folded(bucket.times[key], "default") for key in bucket.log(LAYOUT.markers)}
    bucket.write(LAYOUT.ledger, encode_ledger(replace(Ledger(folded=folded), **more)))  # type: ignore[arg-type]


def test_a_marker_that_was_copied_does_not_make_its_release_current_again(bucket: FakeBucket) -> None:
    make_current(bucket)
    bucket.clock.passed += 5
    publish_newer(bucket, "r2")
    fold(bucket)
    bucket.clock.passed += 5
    bucket.times[MARKER] = bucket.clock.s3()
    with pytest.raises(UploaderError, match="came after it"):
        make_current(bucket)


def test_while_it_is_unknown_what_is_current_an_activation_says_so(bucket: FakeBucket) -> None:
    make_current(bucket)
    fold(bucket, doubts={"default": Contradiction("20261123T120000Z-x", ID)})
    with pytest.raises(UploaderError, match="unknown whether it is current"):
        make_current(bucket)


def test_a_marker_that_was_removed_is_not_written_again(bucket: FakeBucket) -> None:
    """It would count from when the cleaner first saw it, and so not be current."""
    staged = bucket.objects[STAGED]
    make_current(bucket)
    fold(bucket)
    bucket.write(STAGED, staged)
    del bucket.objects[MARKER]
    with pytest.raises(UploaderError, match=f"{MARKER} existed before and was removed: .* publish this release again"):
        make_current(bucket)
    assert MARKER not in bucket.objects


def suspended(bucket: FakeBucket, key: str, meanwhile: Callable[[], object] = lambda: None) -> None:
    """The machine sleeps within the PUT of a file, until its intent has expired."""
    create, seconds = bucket.create, iter([2 * HALF_PENDING_TTL + 1.0])

    def late(wanted: str, body: bytes, *_: object) -> bool:
        if wanted == key and (slept := next(seconds, 0.0)):
            meanwhile()
            bucket.clock.sleep(slept)
        return create(wanted, body)

    bucket.create = late  # type: ignore[method-assign, assignment]


def test_a_late_marker_of_a_whole_release_counts(bucket: FakeBucket) -> None:
    suspended(bucket, MARKER)
    assert make_current(bucket) is False
    assert bucket.requests.count("list assets/") == 2
    assert bucket.log(LAYOUT.log) == [MARKER]


def test_a_late_marker_of_a_release_that_is_not_whole_is_named(bucket: FakeBucket) -> None:
    """The staged release expired while the machine slept."""
    suspended(bucket, MARKER, lambda: bucket.objects.pop("assets/app-3f9c2ab1.js"))
    with pytest.raises(UploaderError, match=f"^{MARKER} was written after .* not whole .*: publish the release again$"):
        make_current(bucket)


@pytest.mark.parametrize(
    ("fail", "error", "kind"),
    [
        ("place assets/index", None, NotPlacedError),
        ("place assets/index", KeyboardInterrupt(), StoppedError),
        (f"delete {STAGED}", KeyboardInterrupt(), StoppedError),
    ],
)
def test_once_the_release_of_a_late_marker_is_found_whole_only_its_pages_are_missing(
    bucket: FakeBucket, fail: str, error: BaseException | None, kind: type[BaseException]
) -> None:
    """It is current, and whoever has rolled it out must not be told that it is not."""
    suspended(bucket, MARKER)
    bucket.fail, bucket.error = fail, error
    with pytest.raises(kind, match=f"^{ID} is current, but not all of its pages are in place"):
        make_current(bucket)


def replaced(bucket: FakeBucket) -> str:
    """A thief deletes the staged release and creates another of the same id; returns the digest of the first."""
    digest = digest_of(decode(bucket.objects[STAGED], "assets/"))
    release = decode(bucket.objects.pop(STAGED), "assets/")
    page = {"assets/index.html": release.assets["assets/index.html"]}
    bucket.write(STAGED, encode(replace(release, assets=page)))
    return digest


@pytest.mark.parametrize("what", [activate, drop])
def test_a_staged_release_that_was_replaced_is_neither_activated_nor_dropped(
    bucket: FakeBucket, what: Callable[..., object]
) -> None:
    digest = replaced(bucket)
    with pytest.raises(UploaderError, match="was replaced since it was staged"):
        what(bucket, LAYOUT, ID, digest=digest)
    assert STAGED in bucket.objects
    assert MARKER not in bucket.objects


def test_a_marker_of_a_thief_is_not_the_release_that_was_staged(bucket: FakeBucket) -> None:
    digest = replaced(bucket)
    make_current(bucket)
    with pytest.raises(UploaderError, match="was replaced since it was staged"):
        activate(bucket, LAYOUT, ID, digest=digest)


def test_the_digest_stays_the_same_from_the_upload_to_the_marker(bucket: FakeBucket, build: Build) -> None:
    """Although the activation changes the instant, and leaves out the headers of an object that was stored again."""
    bucket.clock.passed += 60
    published = publish(bucket, replace(build, release="r2"), stage=True, clocks=bucket.clock.clocks())
    assert published.digest == digest_of(decode(bucket.objects[published.key], "assets/"))
    bucket.clock.passed += 60
    bucket.write("assets/app-3f9c2ab1.js", b"app")
    activated = [
        activate(bucket, LAYOUT, published.id, digest=published.digest, clocks=bucket.clock.clocks()) for _ in range(2)
    ]
    assert [each.already for each in activated] == [False, True]
    assert decode(bucket.objects[activated[0].marker], "assets/").assets["assets/app.js"].headers is None


def test_a_release_that_is_dropped_leaves_a_file_whose_fingerprint_stayed(tmp_path: Path) -> None:
    """S3 has one object for a key, and the new content is put in place by the activation."""
    name = "precache-manifest.3f9c2ab14d5e6f70.js"
    bucket, clock = FakeBucket(), Clock()
    for number, (content, stage) in enumerate((("old", False), ("new", True))):
        clock.passed += 60
        (tmp_path / name).write_text(content)
        build = Build(assets=collect(tmp_path, "assets/"), prefix="assets/", channel="default", release=f"r{number}")
        published = publish(bucket, build, stage=stage, clocks=clock.clocks())
    drop(bucket, LAYOUT, published.id, digest=published.digest)
    assert bucket.objects[f"assets/{name}"] == b"old"
