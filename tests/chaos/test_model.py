"""The model complains about a broken bucket: without that, a clean run of chaos would show nothing."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.due import Rules
from tests.chaos.log import LOG, PREFIX, Stored
from tests.chaos.model import Model
from tests.chaos.promise import BrokenError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RULES = Rules(version_limit=1, version_ttl=100, removed_ttl=200, grace=10)


def asset(name: str, version: int) -> str:
    """The key of an asset, whose fingerprint is its body's."""
    return f"{PREFIX}{name}-{hashlib.md5(body(name, version), usedforsecurity=False).hexdigest()[:8]}.js"


def body(name: str, version: int) -> bytes:
    """The body of an asset."""
    return f"{name} {version}".encode()


class Site:
    """A bucket in memory that a perfect uploader and a perfect cleaner share, until a test breaks it."""

    def __init__(self) -> None:
        self.time = NOON
        self.stored: dict[str, tuple[bytes, datetime]] = {}
        self.model = Model(self, RULES, lambda: self.time)

    def objects(self, prefix: str) -> dict[str, Stored]:
        """See `tests.chaos.log.Bucket`."""
        return {
            key: Stored(hashlib.md5(content, usedforsecurity=False).hexdigest(), at)
            for key, (content, at) in sorted(self.stored.items())
            if key.startswith(prefix)
        }

    def read(self, key: str) -> bytes | None:
        """See `tests.chaos.log.Bucket`."""
        return self.stored[key][0] if key in self.stored else None

    def put(self, key: str, content: bytes) -> None:
        """Store an object."""
        self.stored[key] = (content, self.time)

    def publish(self, folder: str = "markers", channel: str = "default", /, **versions: int) -> str:
        """Write a file of the release log, with its assets unless it is an intent; returns its key.

        A release without assets is the end of its channel.
        """
        self.time += timedelta(seconds=1)
        for name, version in versions.items():
            if folder != "pending":
                self.put(asset(name, version), body(name, version))
        assets = {f"{PREFIX}{name}.js": {"key": asset(name, version)} for name, version in versions.items()}
        key = f"{LOG}{folder}/{self.time:%Y%m%dT%H%M%SZ}-r.json"
        self.put(key, json.dumps({"channel": channel, "assets": assets, "ended": not assets}).encode())
        return key

    def goes(self, name: str, version: int, after: float = 0) -> None:
        """An asset is deleted, some seconds after the last look."""
        self.model.look()
        self.time += timedelta(seconds=after)
        del self.stored[asset(name, version)]


@pytest.fixture
def site() -> Site:
    """Two releases, of which the second supersedes one version, twice, and lacks one path."""
    site = Site()
    for version in (1, 2):
        site.publish(app=version, logo=1)
    site.publish(app=3)
    site.model.look()
    return site


def test_what_is_due_may_go(site: Site) -> None:
    """`app` 1 is beyond the limit after its time, `logo` after its own; `app` 2 is kept by the limit."""
    site.goes("app", 1, after=100)
    site.goes("logo", 1, after=100)
    site.model.look()
    assert site.model.overdue() == set()
    assert site.model.went == 2


@pytest.mark.parametrize("folder", ["markers", "staged", "pins"])
def test_needed_asset_is_lost(site: Site, folder: str) -> None:
    site.publish(folder, "other", app=1, only=1)
    site.goes("only", 1, after=1000)
    with pytest.raises(
        BrokenError, match=rf"only-.* is (current|in) .*{'other' if folder == 'markers' else folder}.*lost"
    ):
        site.model.look()


@pytest.mark.parametrize(("placed", "lost"), [(False, "stored"), (True, "stored"), (True, "page")])
def test_a_page_is_stored_and_in_place_once_a_file_says_so(site: Site, *, placed: bool, lost: str) -> None:
    """Until then the release before is current too."""
    site.time += timedelta(seconds=1)
    page, stored = f"{PREFIX}index.html", f"{LOG}pages/{'a' * 64}"
    marker = {"app": {"key": asset("app", 4)}, "index.html": {"key": page, "stored": "a" * 64}}
    site.put(asset("app", 4), body("app", 4))
    site.put(stored, b"page")
    key = f"{LOG}markers/{site.time:%Y%m%dT%H%M%SZ}-p.json"
    site.put(key, json.dumps({"format": 3, "channel": "default", "assets": marker}).encode())
    site.model.look()
    site.time += timedelta(seconds=1000)
    if placed:
        site.put(page, b"page")
        site.put(key.replace(".json", ".placed.json"), b"{}")
        site.model.look()
        assert asset("app", 3) not in site.model.overdue(), "it is superseded since a moment ago"
    else:
        site.goes("app", 3)
        with pytest.raises(BrokenError, match=r"app-.* is current in default .* is lost"):
            site.model.look()
        site.put(asset("app", 3), body("app", 3))
    del site.stored[stored if lost == "stored" else page]
    with pytest.raises(BrokenError, match=r"(pages/a+|index.html) is current in default .* is lost"):
        site.model.look()


def test_marker_without_its_assets(site: Site) -> None:
    """An upload that ends before all is there."""
    site.publish(app=4)
    del site.stored[asset("app", 4)]
    with pytest.raises(BrokenError, match=r"app-.* is current in default .* is lost"):
        site.model.look()


def test_asset_with_other_bytes(site: Site) -> None:
    site.put(asset("app", 3), b"other")
    with pytest.raises(BrokenError, match="has other bytes"):
        site.model.look()


@pytest.mark.parametrize(
    ("name", "version", "seconds"),
    [("app", 1, 97), ("logo", 1, 198), ("app", 2, 10_000)],
    ids=["version_ttl", "removed_ttl", "version_limit"],
)
def test_asset_goes_too_early(site: Site, name: str, version: int, seconds: int) -> None:
    site.goes(name, version, after=seconds)
    with pytest.raises(BrokenError, match="too early"):
        site.model.look()


def test_asset_goes_that_is_needed_again(site: Site) -> None:
    """It left long ago, and came back; its time counts from when it left again."""
    site.time += timedelta(seconds=1000)
    site.publish(app=1)
    site.publish(app=3)
    site.time += timedelta(seconds=60)
    site.goes("app", 1)
    with pytest.raises(BrokenError, match="too early"):
        site.model.look()


def test_copied_marker_changes_nothing(site: Site) -> None:
    first = next(key for key in site.stored if "/markers/" in key)
    site.put(first, site.stored[first][0])
    site.goes("app", 3, after=1000)
    with pytest.raises(BrokenError, match=r"current in default .* is lost"):
        site.model.look()


def test_asset_goes_that_a_standing_intent_names(site: Site) -> None:
    """One that stood there already when nothing was under way; a younger one may meet a run's end."""
    site.publish("pending", app=1)
    site.model.look()
    site.model.nights += 1
    site.goes("app", 1, after=1000)
    with pytest.raises(BrokenError, match="although the intent"):
        site.model.look()


@pytest.mark.parametrize("app", [1, 2])
def test_asset_goes_that_an_intent_names_whose_name_was_used_before(site: Site, app: int) -> None:
    """The intent that stood there at night is gone; a younger one has its name, whatever it names."""
    intent = site.publish("pending", app=1)
    site.model.look()
    site.model.nights += 1
    site.time -= timedelta(seconds=1)
    del site.stored[intent]
    assert site.publish("pending", app=app) == intent
    site.stored[intent] = (site.stored[intent][0], site.time + timedelta(seconds=1))
    site.goes("app", 1, after=1000)
    site.model.look()
    site.model.nights += 1
    site.goes("app", 2, after=1000)
    if app == 2:
        with pytest.raises(BrokenError, match="although the intent"):
            site.model.look()


def test_object_of_nobody_goes(site: Site) -> None:
    """Whoever put it: not before it is a day old."""
    site.put(asset("nobodys", 1), body("nobodys", 1))
    site.goes("nobodys", 1, after=86_000)
    with pytest.raises(BrokenError, match="not a day old"):
        site.model.look()


def test_what_was_due_is_left(site: Site) -> None:
    """An old version, an old path, an orphan, an intent and a staged release that are over."""
    orphan, intent = asset("orphan", 1), site.publish("pending", app=9)
    site.put(orphan, body("orphan", 1))
    site.time += timedelta(days=3)
    site.model.look()
    assert site.model.overdue() == {asset("app", 1), asset("logo", 1), orphan, intent}


def test_what_a_page_asks_for_that_a_later_release_has_as_an_asset_may_stay(site: Site) -> None:
    """The first build cannot know that digits alone are a fingerprint, so the file is a page of its release."""
    version = next(n for n in range(100, 1000) if re.search(r"-\d{8}\.js$", asset("chunk", n)))
    chunk, asked = asset("chunk", version), asset("asked", 1)
    key = site.publish("markers", "other", asked=1)
    marker = {f"{PREFIX}asked.js": {"key": asked}, chunk: {"key": chunk, "stored": "a" * 64}}
    site.put(key, json.dumps({"channel": "other", "assets": marker}).encode())
    site.put(f"{LOG}pages/{'a' * 64}", body("chunk", version))
    for now in range(version, version + 3):
        site.publish("markers", "other", chunk=now)
    site.time += timedelta(days=3)
    site.model.look()
    before = site.model.overdue()
    site.goes("chunk", version)
    site.model.look()
    assert site.model.overdue() == before | {asked}


def test_all_versions_of_a_channel_that_has_ended_go_as_removed_ones(site: Site) -> None:
    """Though another channel has their path, and one of them was within the limit."""
    site.publish("markers", "other", app=4)
    site.publish()
    site.model.look()
    site.time += timedelta(seconds=RULES.removed_ttl)
    assert site.model.overdue() == {asset("app", 1), asset("app", 2), asset("app", 3), asset("logo", 1)}
    for version in (1, 2, 3):
        site.goes("app", version)
    site.model.look()


def test_asset_of_a_channel_that_has_ended_goes_too_early(site: Site) -> None:
    site.publish("markers", "other", app=4)
    site.publish()
    site.goes("app", 2, RULES.removed_ttl - 1)
    with pytest.raises(BrokenError, match="went too early"):
        site.model.look()
