"""A file whose fingerprint stayed while its content changed: with its release, or not at all."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from release_log.marker import STAYED, Asset, decode, encode
from release_log.policy_settings import HALF_PENDING_TTL
from tests.fake_uploader_s3 import LAYOUT, NOON, FakeBucket
from uploader.builds.collect import collect
from uploader.columns import places_of
from uploader.errors import NotPlacedError, NotWholeError, UploaderError
from uploader.operations.rollback import find_target, roll_back
from uploader.operations.staging import activate, drop
from uploader.operations.verify import verify
from uploader.publishing.build import Build
from uploader.publishing.known_headers import NewestMarker
from uploader.publishing.publish import publish
from uploader.s3.port import always
from uploader.s3.read_only import ReadOnly
from uploader.treatment.headers import STORED
from uploader.treatment.rule_tables import parse_rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from uploader.publishing.publish import Published

NAME = "precache-manifest.3f9c2ab14d5e6f70.js"
KEY = f"assets/{NAME}"


class Site:
    """A build folder, and the bucket that it is published to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bucket = FakeBucket()
        (folder / "index.html").write_text("page")
        (folder / "app-3f9c2ab1.js").write_text("app")

    def build(self, release: str, content: str, **options: object) -> Build:
        (self.folder / NAME).write_text(content)
        return self.build_of(release, **options)

    def build_of(self, release: str, **options: object) -> Build:
        assets = collect(self.folder, "assets/", **options)  # type: ignore[arg-type]
        return Build(assets=assets, prefix="assets/", channel="default", release=release)

    def publish(
        self, release: str, content: str, *, stage: bool = False, after: float = 60, **options: object
    ) -> Published:
        self.bucket.clock.passed += after
        build = self.build(release, content, **options)
        return publish(self.bucket, build, stage=stage, clocks=self.bucket.clock.clocks())

    def roll_back(self, release_id: str) -> None:
        self.bucket.clock.passed += 60
        target = find_target(self.bucket, LAYOUT, release_id, None)
        roll_back(self.bucket, LAYOUT, target, clocks=self.bucket.clock.clocks())

    @property
    def live(self) -> str:
        """What a visitor gets."""
        return self.bucket.objects[KEY].decode()

    def marked(self, published: Published) -> Asset:
        """The file as a release names it."""
        release = decode(self.bucket.objects[published.key], "assets/")
        (found,) = (asset for asset in release.assets.values() if asset.key == KEY)
        return found

    def intents(self) -> list[str]:
        made = [each for each in self.bucket.requests if each.startswith(f"create {LAYOUT.pending}")]
        self.bucket.requests.clear()
        return made

    def wrong(self) -> list[str]:
        found = verify(self.bucket, LAYOUT)
        return [*found.problems, *(f"{each.key} {each.problem}" for each in found.findings)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize("content", ["new", "longer"])
@pytest.mark.parametrize("stage", [False, True])
def test_it_is_put_in_place_after_the_marker(site: Site, content: str, *, stage: bool) -> None:
    site.publish("r0", "old")
    site.intents()
    published = site.publish("r1", content, stage=stage)
    assert [each.asset.key for each in published.uploads] == [KEY]
    if stage:
        assert site.live == "old"
        published = site.publish("r2", "old")
        assert not published.uploads, "what was in place all the time is that of the current release"
        return
    assert site.live == content
    assert [each.key for each in published.placed] == [KEY]
    assert site.wrong() == []
    marked = site.marked(published)
    assert (marked.fingerprinted, marked.stamp) == (False, STAYED)
    assert marked.stored == site.bucket.stored[KEY][STORED]
    # No cleaner deletes its stored version: it was listed and sent under an intent that names it.
    first, second = (each.removeprefix("create ") for each in site.intents())
    assert first != second, "the first one's DELETE may be executed late"


def test_the_intent_that_it_is_sent_under_names_its_stored_version(site: Site) -> None:
    site.publish("r0", "old")
    site.bucket.fail = f"put {LAYOUT.pages}"
    bodies = []

    class Noting(FakeBucket):
        def create(self, key: str, body: bytes, in_time: Callable[[], bool] = always) -> bool:
            bodies.append(body)
            return super().create(key, body, in_time)

    site.bucket.__class__ = Noting
    with pytest.raises(UploaderError, match="run again"):
        site.publish("r1", "new")
    last = decode(bodies[-1], "assets/")
    (page,) = (page for key, page in last.pages.items() if key == KEY)
    assert LAYOUT.page_key(page.stored or "") in site.bucket.requests[-2]
    assert site.live == "old"


@pytest.mark.parametrize("content", ["new", "longer"])
def test_a_release_that_is_dropped_leaves_it(site: Site, content: str) -> None:
    site.publish("r0", "old")
    published = site.publish("r1", content, stage=True)
    drop(site.bucket, LAYOUT, published.id, digest=published.digest)
    assert site.live == "old"
    assert site.wrong() == []


def test_an_activation_puts_it_in_place(site: Site) -> None:
    site.publish("r0", "old")
    published = site.publish("r1", "new", stage=True)
    site.bucket.clock.passed += 60
    activated = activate(site.bucket, LAYOUT, published.id, digest=published.digest, clocks=site.bucket.clock.clocks())
    assert [each.key for each in activated.placed] == [KEY]
    assert site.live == "new"
    assert site.wrong() == []


@pytest.mark.parametrize("fail", [f"create {LAYOUT.markers}", "put assets/.releases/pages"])
@pytest.mark.parametrize("content", ["new", "longer"])
def test_an_upload_that_is_cut_off_before_its_marker_leaves_it(site: Site, fail: str, content: str) -> None:
    site.publish("r0", "old")
    site.bucket.fail = fail
    with pytest.raises(UploaderError, match="run again"):
        site.publish("r1", content)
    site.bucket.fail = ""
    assert site.live == "old"
    assert site.wrong() == []


def test_while_it_has_its_name_it_stays_a_page_that_a_roll_back_brings_back(site: Site) -> None:
    site.publish("r0", "old")
    site.publish("r1", "new")
    unchanged = site.publish("r2", "new")
    assert not unchanged.uploads
    assert not unchanged.placed
    assert site.marked(unchanged).stamp == STAYED
    site.publish("r3", "newest")
    assert site.live == "newest"
    site.roll_back(unchanged.id)
    assert site.live == "new"
    assert site.wrong() == []


def test_the_first_intent_names_it_if_the_newest_marker_is_there_by_then(site: Site) -> None:
    """Nothing waits for that marker: if it comes late, the comparison finds the same."""
    site.publish("r0", "old")
    site.publish("r1", "new")
    site.intents()
    site.bucket.clock.passed += 60
    newest = NewestMarker(site.bucket, LAYOUT, NOON)
    newest.look_for(places_of([KEY]))
    newest._read._workers.wait()  # noqa: SLF001
    assert newest.stayed() == {KEY}
    build = site.build("r2", "new")
    published = publish(site.bucket, build, newest=newest, clocks=site.bucket.clock.clocks())
    assert len(site.intents()) == 1
    assert not published.uploads
    assert site.marked(published).stamp == STAYED
    site.publish("r3", "new")
    assert len(site.intents()) == 2


def test_a_release_with_the_content_that_is_gone_is_named(site: Site) -> None:
    """The first release had it as an asset: nobody has stored its content, and only another build of it brings it."""
    old = site.publish("r0", "old")
    site.publish("r1", "longer")
    with pytest.raises(NotWholeError, match=NAME):
        site.roll_back(old.id)
    assert site.live == "longer"


def test_of_the_same_size_it_is_found_by_verify_and_another_upload_brings_it_back(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    old = site.publish("r0", "old")
    site.publish("r1", "new")
    caplog.clear()
    site.roll_back(old.id)
    assert [each for each in caplog.messages if KEY in each and "publish that build again" in each]
    assert site.wrong() == [f"{KEY} content_differs"]
    again = site.publish("r2", "old")
    assert site.marked(again).fingerprinted, "this is what the current release has: it is sent at once"
    assert (site.live, site.wrong()) == ("old", [])


def test_content_that_the_newest_release_has_is_sent_at_once(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody stored other content since: who publishes again must not make pages of all that they overwrote."""
    site.publish("r0", "old")
    site.bucket.objects[KEY] = b"bad"
    published = site.publish("r1", "old", stage=True)
    assert [(each.asset.key, each.reason) for each in published.uploads] == [(KEY, "content_differs")]
    assert (site.live, site.wrong()) == ("old", [])
    assert [each for each in caplog.messages if "sent again" in each and KEY in each]


def test_other_headers_alone_are_sent_at_once(site: Site) -> None:
    """One rule may change those of all files: to store each of them twice would be too dear."""
    site.publish("r0", "old")
    rules = parse_rules([{"match": "*.js", "cache_control": "no-store"}], "here")
    published = site.publish("r1", "old", stage=True, rules=rules)
    assert {each.asset.key: each.reason for each in published.uploads}[KEY] == "headers_differ"
    assert site.marked(published).fingerprinted
    assert site.bucket.stored[KEY]["Cache-Control"] == "no-store"


@pytest.mark.parametrize("same", [False, True])
def test_a_file_that_a_rule_compresses_no_more_is_known_by_its_digest(site: Site, *, same: bool) -> None:
    site.publish("r0", "unpacked")
    # As if a rule had compressed it.
    site.bucket.objects[KEY] = b"packed"
    for key in site.bucket.log(LAYOUT.markers):
        release = decode(site.bucket.objects[key], "assets/")
        assets = {
            name: asset._replace(size=6, headers="packed", etag=None, stamp=None) if asset.key == KEY else asset
            for name, asset in release.assets.items()
        }
        site.bucket.objects[key] = encode(replace(release, assets=assets))
    site.bucket.stored[KEY]["digest"] = sha256(b"unpacked" if same else b"other").hexdigest()
    published = site.publish("r1", "unpacked", stage=True)
    assert {each.asset.key for each in published.uploads} == {KEY}
    assert site.marked(published).fingerprinted == same
    assert site.live == ("unpacked" if same else "packed")


@pytest.mark.parametrize("ours", [False, True])
def test_what_another_tool_stored_with_the_same_size_is_sent_at_once(site: Site, *, ours: bool) -> None:
    """Its content is unknown with KMS; so all files of a bucket that this uploader takes over would be pages."""
    site.publish("r0", "old")
    for key in [key for key in site.bucket.objects if key.startswith(LAYOUT.log)]:
        del site.bucket.objects[key]
    if not ours:
        site.bucket.stored[KEY] = {"Content-Type": "text/javascript"}
    published = site.publish("r1", "new", stage=True)
    assert {each.asset.key: each.reason for each in published.uploads}[KEY] == "content_differs"
    assert site.marked(published).fingerprinted != ours
    assert site.live == ("old" if ours else "new")


class Meanwhile(FakeBucket):
    """Somebody else acts before the first request that begins in a certain way.

    Attributes:
        before: How that request begins; empty: nobody does.
        act: What they do.
    """

    before = ""
    act: Callable[[], object]

    def _request(self, what: str) -> None:
        if self.before and what.startswith(self.before):
            self.before = ""
            self.act()
            self.clock.passed += 1
        super()._request(what)


@pytest.fixture
def at_once(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[], object]], Published]:
    """Publishes ``old`` as r2, while something else happens before its first request that begins so."""
    site.publish("r0", "old")
    site.bucket.__class__ = Meanwhile

    def publish_meanwhile(before: str, act: Callable[[], object]) -> Published:
        site.bucket.clock.passed += 60
        build = site.build("r2", "old")
        site.folder = tmp_path_factory.mktemp("other")  # this build's files stay as they are
        (site.folder / "index.html").write_text("other")
        (site.folder / "app-3f9c2ab1.js").write_text("app")
        site.bucket.requests.clear()
        site.bucket.before, site.bucket.act = before, act  # type: ignore[attr-defined]
        return publish(site.bucket, build, clocks=site.bucket.clock.clocks())

    return publish_meanwhile


def markers_of(site: Site) -> list[str]:
    return sorted(key.rpartition("-")[2] for key in site.bucket.log(LAYOUT.markers))


@pytest.mark.parametrize("content", ["new", "longer"])
def test_where_an_upload_at_the_same_time_has_put_its_page_the_newest_release_gets_its_own(
    site: Site,
    at_once: Callable[[str, Callable[[], object]], Published],
    content: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    published = at_once(f"create {LAYOUT.markers}", lambda: site.publish("r1", content, after=1))
    assert (site.live, site.wrong()) == ("old", [])
    assert markers_of(site) == ["r0.json", "r1.json", "r2.json", "r2.json"]
    assert site.marked(published).stamp == STAYED
    assert KEY in {page.key for page in published.placed}
    assert KEY in {each.asset.key for each in published.uploads}
    assert [
        each for each in caplog.messages if "-r1, published meanwhile, has other content of" in each and KEY in each
    ]
    assert site.bucket.log(LAYOUT.pending) == []
    site.publish("r3", "newest")
    site.roll_back(published.id)
    assert (site.live, site.wrong()) == ("old", [])


def test_so_it_is_if_two_others_have_each_put_a_page(
    site: Site, at_once: Callable[[str, Callable[[], object]], Published]
) -> None:
    def others() -> None:
        site.publish("r1", "new", after=1)
        (site.folder / "app-3f9c2ab1.js").write_text("new")
        (site.folder / NAME).unlink()
        site.bucket.clock.passed += 1
        publish(site.bucket, site.build_of("r11"), clocks=site.bucket.clock.clocks())

    at_once(f"create {LAYOUT.markers}", others)
    assert (site.live, site.bucket.objects["assets/app-3f9c2ab1.js"], site.wrong()) == ("old", b"app", [])


@pytest.mark.parametrize("content", ["other", "new"])
def test_so_it_is_if_both_have_sent_a_new_file_of_that_name(
    site: Site, at_once: Callable[[str, Callable[[], object]], Published], content: str
) -> None:
    """Both have looked before either has sent it; so it is an asset to both."""

    def other() -> None:
        del site.bucket.objects[KEY], site.bucket.stored[KEY]
        site.publish("r1", content, after=1)

    del site.bucket.objects[KEY], site.bucket.stored[KEY]
    published = at_once(f"create {LAYOUT.markers}", other)
    assert (site.live, site.wrong()) == ("old", [])
    assert site.marked(published).stamp == STAYED


@pytest.mark.parametrize("content", ["other", "new"])
def test_so_it_is_if_the_other_one_has_sent_it_over_what_an_attempt_that_was_cut_off_had_sent(
    site: Site, at_once: Callable[[str, Callable[[], object]], Published], content: str
) -> None:
    """The other one had looked before that attempt; so it is an asset to both, and this upload sends nothing."""

    def other() -> None:
        del site.bucket.objects[KEY], site.bucket.stored[KEY]  # as its look has it
        site.publish("r1", content, after=1)

    published = at_once(f"create {LAYOUT.markers}", other)
    assert (site.live, site.wrong()) == ("old", [])
    assert site.marked(published).stamp == STAYED


def test_a_new_file_that_both_have_sent_with_the_same_content_stays_an_asset(
    site: Site, at_once: Callable[[str, Callable[[], object]], Published]
) -> None:
    def other() -> None:
        del site.bucket.objects[KEY], site.bucket.stored[KEY]
        site.publish("r1", "old", after=1)

    del site.bucket.objects[KEY], site.bucket.stored[KEY]
    published = at_once(f"create {LAYOUT.markers}", other)
    assert site.marked(published).fingerprinted
    assert markers_of(site) == ["r0.json", "r1.json", "r2.json"]


def test_a_page_with_the_same_content_takes_nothing_away(
    site: Site, at_once: Callable[[str, Callable[[], object]], Published]
) -> None:
    def other() -> None:
        build = site.build("r1", "old").with_stayed(frozenset({KEY}))
        publish(site.bucket, build, clocks=site.bucket.clock.clocks())

    published = at_once(f"create {LAYOUT.markers}", other)
    assert site.marked(published).fingerprinted
    assert markers_of(site) == ["r0.json", "r1.json", "r2.json"]
    assert (site.live, site.wrong()) == ("old", [])


def test_without_another_upload_at_the_same_time_no_marker_is_read_for_that(
    site: Site, at_once: Callable[[str, Callable[[], object]], Published]
) -> None:
    published = at_once("nothing", lambda: None)
    after = site.bucket.requests[site.bucket.requests.index(f"create {published.key}") + 1 :]
    assert [each for each in after if each.startswith("get ")] == []


@pytest.mark.parametrize("fail", ["put assets/.releases/pages", f"create {LAYOUT.pending}", f"create {LAYOUT.markers}"])
def test_an_upload_that_ends_before_its_second_marker_says_that_its_first_one_is_current(
    site: Site, at_once: Callable[[str, Callable[[], object]], Published], fail: str
) -> None:
    def other() -> None:
        site.publish("r1", "new", after=1)
        site.bucket.before, site.bucket.act = f"delete {LAYOUT.pending}", break_off  # type: ignore[attr-defined]

    def break_off() -> None:
        site.bucket.fail = fail

    with pytest.raises(NotPlacedError, match=r"r2 is current, and \S+-r1, published meanwhile, has other content of"):
        at_once(f"create {LAYOUT.markers}", other)
    site.bucket.fail = ""
    assert f"{KEY} content_differs" in site.wrong()
    site.publish("r3", "old")
    assert (site.live, site.wrong()) == ("old", [])


def test_a_roll_back_at_the_same_time_says_that_its_asset_may_be_gone(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    old = site.publish("r0", "old")
    (site.folder / "index.html").write_text("other")
    site.publish("r1", "old")
    site.bucket.__class__ = Meanwhile
    site.bucket.before = f"create {LAYOUT.markers}"  # type: ignore[attr-defined]
    site.bucket.act = lambda: site.publish("r2", "new", after=1)  # type: ignore[attr-defined]
    site.roll_back(old.id)
    assert [each for each in caplog.messages if "may have replaced" in each and KEY in each and "publish the" in each]
    assert f"{KEY} content_differs" in site.wrong()
    (site.folder / "index.html").write_text("page")
    site.publish("r3", "old")
    assert (site.live, site.wrong()) == ("old", [])


@pytest.mark.parametrize("content", ["other", "new"])
def test_a_new_file_that_a_release_has_which_is_younger_than_the_listing_is_not_sent_over(
    site: Site, content: str
) -> None:
    """The site is listed while the build is being read; meanwhile another upload begins, and its release is current."""
    site.publish("r0", "old")
    del site.bucket.objects[KEY], site.bucket.stored[KEY]
    (site.folder / NAME).unlink()
    site.bucket.clock.passed += 60
    publish(site.bucket, site.build_of("r1"), clocks=site.bucket.clock.clocks())
    site.bucket.clock.passed += 60
    site.bucket.list_ahead(LAYOUT, site.build("r3", "old").all_keys())
    ahead, site.bucket._ahead = site.bucket._ahead, None  # noqa: SLF001
    site.publish("r2", content, after=2)
    site.bucket._ahead = ahead  # noqa: SLF001
    published = site.publish("r3", "old", stage=True, after=2)
    assert (site.live, site.wrong()) == (content, [])
    site.bucket.clock.passed += 60
    activate(site.bucket, LAYOUT, published.id, clocks=site.bucket.clock.clocks())
    assert (site.live, site.wrong()) == ("old", [])


def test_its_logical_path_is_its_key_unless_another_file_has_that(site: Site) -> None:
    site.publish("r0", "old")
    other = f"{NAME.removesuffix('.js')}.8a7b6c5d4e3f2a1b.js"
    published = site.publish("r1", "new")
    assert KEY in decode(site.bucket.objects[published.key], "assets/").assets
    (site.folder / other).write_text("other")
    published = site.publish("r2", "new")
    release = decode(site.bucket.objects[published.key], "assets/")
    assert {asset.key for asset in release.assets.values()} >= {KEY, f"assets/{other}"}


def test_a_dry_run_says_it_and_writes_nothing(site: Site) -> None:
    site.publish("r0", "old")
    before = dict(site.bucket.objects)
    site.bucket.clock.passed += 60
    found = publish(ReadOnly(site.bucket), site.build("r1", "new"), clocks=site.bucket.clock.clocks())
    assert [(each.asset.key, each.reason) for each in found.uploads] == [(KEY, "content_differs")]
    assert [each.key for each in found.placed] == [KEY]
    assert site.bucket.objects == before


def test_a_file_that_changes_while_it_is_published_is_an_error(site: Site) -> None:
    site.publish("r0", "old")
    build = site.build("r1", "new")
    (site.folder / NAME).write_text("after that")
    site.bucket.clock.passed += 60
    with pytest.raises(UploaderError, match="changed while it was being uploaded"):
        publish(site.bucket, build, clocks=site.bucket.clock.clocks())
    assert site.live == "old"
    assert site.bucket.log(LAYOUT.pending) == []


def suspended(site: Site, folder: str, meanwhile: Callable[[], object]) -> None:
    """The machine sleeps within the next PUT of a file in this folder, until its intent has expired."""
    create, seconds = site.bucket.create, iter([2 * HALF_PENDING_TTL + 1.0])

    def late(key: str, body: bytes, *_: object) -> bool:
        if key.startswith(folder) and (slept := next(seconds, 0.0)):
            meanwhile()
            site.bucket.clock.sleep(slept)
        return create(key, body)

    site.bucket.create = late  # type: ignore[method-assign, assignment]


def test_a_file_that_is_a_page_since_a_late_staged_release_was_written_gets_another_one(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Its content is stored already, so that nothing is left to send; but the late one names it as an asset."""
    site.publish("r0", "old")
    site.bucket.clock.passed += 60
    build = site.build("r1", "old").with_stayed(frozenset({KEY}))
    publish(site.bucket, build, clocks=site.bucket.clock.clocks())
    (site.folder / NAME).unlink()
    site.bucket.clock.passed += 60
    publish(site.bucket, site.build_of("r2"), clocks=site.bucket.clock.clocks())
    site.bucket.clock.passed += 60
    build = site.build("r4", "old")
    site.folder = tmp_path_factory.mktemp("other")
    (site.folder / "index.html").write_text("page")
    (site.folder / "app-3f9c2ab1.js").write_text("app")
    suspended(site, LAYOUT.staged, lambda: site.publish("r3", "new", after=1))
    published = publish(site.bucket, build, stage=True, clocks=site.bucket.clock.clocks())
    assert not published.uploads
    assert site.live == "new"
    site.bucket.clock.passed += 60
    activate(site.bucket, LAYOUT, published.id, digest=published.digest, clocks=site.bucket.clock.clocks())
    assert (site.live, site.wrong()) == ("old", [])


def begin_others(site: Site, folder: Path) -> None:
    """From now on the site's builds are without the file; and others come between an upload's requests."""
    site.folder = folder
    (folder / "index.html").write_text("page")
    (folder / "app-3f9c2ab1.js").write_text("app")
    site.bucket.__class__ = Meanwhile


def test_no_page_is_put_where_a_newer_release_of_another_channel_has_its_asset(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A roll-back brings that asset back, and has no file that it could publish as a page too."""
    r0 = site.publish("r0", "old")
    site.bucket.clock.passed += 60
    other = replace(site.build("r1", "new"), channel="other")
    begin_others(site, tmp_path_factory.mktemp("others"))

    def meanwhile() -> None:
        site.bucket.clock.passed += 60
        publish(site.bucket, site.build_of("r2"), clocks=site.bucket.clock.clocks())
        site.roll_back(r0.id)

    site.bucket.before, site.bucket.act = f"list {LAYOUT.markers}", meanwhile  # type: ignore[attr-defined]
    publish(site.bucket, other, clocks=site.bucket.clock.clocks())
    assert (site.live, site.wrong()) == ("old", [])


@pytest.mark.parametrize("channel", ["default", "other"])
def test_where_a_page_is_under_way_that_the_newest_release_does_not_name_the_next_one_has_a_page_too(
    site: Site, tmp_path_factory: pytest.TempPathFactory, channel: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The page's upload reads the markers before the next one's marker is there, and puts the page after it."""
    site.publish("r0", "old")
    site.bucket.clock.passed += 60
    other = replace(site.build("r1", "new"), channel=channel)
    begin_others(site, tmp_path_factory.mktemp("others"))

    def meanwhile() -> None:
        site.bucket.clock.passed += 60
        publish(site.bucket, site.build_of("r2"), clocks=site.bucket.clock.clocks())
        assert site.marked(site.publish("r3", "old")).stamp == STAYED

    site.bucket.before, site.bucket.act = f"place {KEY}", meanwhile  # type: ignore[attr-defined]
    publish(site.bucket, other, clocks=site.bucket.clock.clocks())
    assert (site.live, site.wrong()) == ("old", [])
    assert [each for each in caplog.messages if "-r1, published meanwhile, has other content of" in each]


def test_of_two_markers_of_one_second_the_older_name_looks_at_the_other_one_too(
    site: Site, at_once: Callable[[str, Callable[[], object]], Published]
) -> None:
    """Both have sent a new file of that name; this upload's marker is the last, and counts as the older."""

    def other() -> None:
        site.publish("r9", "new", after=0)
        site.bucket.clock.passed -= 1

    del site.bucket.objects[KEY], site.bucket.stored[KEY]
    published = at_once(f"put {KEY}", other)
    assert (site.live, site.wrong()) == ("old", [])
    assert site.marked(published).stamp == STAYED


@pytest.mark.parametrize("case", ["new", "longer", "headers", "content"])
@pytest.mark.parametrize("stage", [True, False])
def test_an_upload_sends_nothing_over_what_a_release_has_stored_that_came_after_its_look(
    site: Site, tmp_path_factory: pytest.TempPathFactory, case: str, *, stage: bool
) -> None:
    """It is staged, or cut off before its marker: so nobody would say that the current release has another file."""
    theirs, own, options = "old", case, {}
    if case in {"new", "longer"}:
        publish(site.bucket, site.build_of("r0"), clocks=site.bucket.clock.clocks())
    else:
        theirs, own = "new", "old"
        site.publish("r0", "old")
        if case == "headers":
            options = {"rules": parse_rules([{"match": NAME, "cache_control": "max-age=5"}], "test")}
        else:  # what the newest release has belongs there, and is sent at once
            site.bucket.write(KEY, b"somebody's")
    site.bucket.clock.passed += 60
    build = replace(site.build("r2", own, **options), channel="other")
    begin_others(site, tmp_path_factory.mktemp("others"))

    def meanwhile() -> None:
        site.publish("r1", theirs, after=1)
        site.bucket.fail = "" if stage else f"create {LAYOUT.markers}"

    site.bucket.before, site.bucket.act = f"put {KEY}", meanwhile  # type: ignore[attr-defined]
    if stage:
        staged = publish(site.bucket, build, stage=True, clocks=site.bucket.clock.clocks())
        assert (site.live, site.marked(staged).stamp) == (theirs, STAYED)
        drop(site.bucket, LAYOUT, staged.id)
    else:
        with pytest.raises(UploaderError, match="run again"):
            publish(site.bucket, build, clocks=site.bucket.clock.clocks())
    assert (site.live, site.wrong()) == (theirs, [])


def test_a_file_that_another_upload_has_sent_since_the_look_is_not_sent_again(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    publish(site.bucket, site.build_of("r0"), clocks=site.bucket.clock.clocks())
    site.bucket.clock.passed += 60
    build = site.build("r2", "same")
    begin_others(site, tmp_path_factory.mktemp("others"))
    site.bucket.before = f"put {KEY}"  # type: ignore[attr-defined]
    site.bucket.act = lambda: site.publish("r1", "same", after=1)  # type: ignore[attr-defined]
    published = publish(site.bucket, build, clocks=site.bucket.clock.clocks())
    assert site.marked(published).fingerprinted
    assert markers_of(site) == ["r0.json", "r1.json", "r2.json"]


def test_an_older_marker_that_comes_back_while_a_late_one_is_checked_is_no_error(site: Site) -> None:
    """An operator restores a marker that names a page where the late release has an asset."""
    (site.folder / NAME).write_text("new")
    older = publish(
        site.bucket, site.build("r0", "new").with_stayed(frozenset({KEY})), clocks=site.bucket.clock.clocks()
    )
    marker, at = site.bucket.objects.pop(older.key), site.bucket.times[older.key]
    (site.folder / "app-3f9c2ab1.js").write_text("app")
    del site.bucket.objects[KEY], site.bucket.stored[KEY]
    site.bucket.clock.passed += 60
    build = site.build("r1", "old")
    suspended(site, LAYOUT.markers, lambda: None)
    site.bucket.__class__ = Meanwhile

    def restore() -> None:
        site.bucket.objects[older.key], site.bucket.times[older.key] = marker, at

    site.bucket.before, site.bucket.act = f"list {LAYOUT.markers}", restore  # type: ignore[attr-defined]
    published = publish(site.bucket, build, clocks=site.bucket.clock.clocks())
    assert site.marked(published).stamp == STAYED
    assert (site.live, site.wrong()) == ("old", [])
