"""The cleaners of the sites around and inside: an upload waits for them too, and nothing of theirs stops it."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from release_log.layout import Layout
from release_log.ledger_file import HOLDS, SKEW, Announcement, encode_announcement, pack
from tests.fake_uploader_s3 import LAYOUT, NEWER_LEDGER, NOON, Clock, FakeBucket
from uploader.history.neighbours import warnings_of
from uploader.protocol.announcements import LONGEST, POLL_SECONDS
from uploader.protocol.intent import intent
from uploader.s3.port import Neighbour
from uploader.s3.read_only import ReadOnly

INNER, ROOT = Layout("assets/admin/"), Layout("")
KEY = f"{INNER.prefix}ui-3f9c2ab1.js"
KEYS = frozenset({KEY, "assets/index.html"})


def announce(bucket: FakeBucket, layout: Layout, *keys: str) -> None:
    """A cleaner announces what it deletes."""
    deleting = Announcement("run", frozenset(keys)) if keys else None
    bucket.write(layout.ledger, pack({"deleting": encode_announcement(deleting)}))


def hold(bucket: FakeBucket) -> None:
    """Write an intent, and withdraw it at once."""
    with intent(bucket, LAYOUT, "r1", lambda at: f"{at}".encode(), KEYS, bucket.clock.clocks()):
        pass


@pytest.mark.parametrize("theirs", [INNER, ROOT], ids=["inside", "around"])
@pytest.mark.parametrize("own", [True, False], ids=["own ledger", "no ledger"])
def test_it_waits_for_the_cleaner_of_another_site_and_lists_again(
    theirs: Layout, caplog: pytest.LogCaptureFixture, *, own: bool
) -> None:
    clock = Clock()
    bucket = FakeBucket(clock=clock)
    if own:
        bucket.announce()
    announce(bucket, theirs, KEY)
    clock.on_sleep = lambda: announce(bucket, theirs) if clock.passed > POLL_SECONDS else None
    with caplog.at_level(logging.INFO, "uploader"):
        hold(bucket)
    assert clock.passed == 2 * POLL_SECONDS
    assert bucket.requests.count("list assets/") == 2
    whose = "the site assets/admin/" if theirs == INNER else "the site of the whole bucket"
    assert [record.message for record in caplog.records] == [
        f"waiting: the cleaner of {whose} is deleting assets of this release; until 12:15:01 UTC at most"
    ]


def test_it_does_not_wait_for_the_deletion_of_other_keys() -> None:
    bucket = FakeBucket()
    announce(bucket, INNER, f"{INNER.prefix}other-3f9c2ab1.js")
    hold(bucket)
    assert bucket.clock.passed == 0


def test_the_ledgers_are_read_after_the_intent() -> None:
    bucket = FakeBucket()
    announce(bucket, ROOT)
    announce(bucket, INNER)
    bucket.clock.passed = 60.0  # all ledgers are older than the listing
    hold(bucket)
    assert bucket.requests[0].startswith("create assets/.releases/pending/")
    assert bucket.requests[1:-1] == ["list assets/", *(f"get {each.ledger}" for each in (LAYOUT, ROOT, INNER))]


def test_a_site_inside_that_only_the_second_listing_shows_is_asked_too() -> None:
    """It began while the upload waited for the first cleaner; its own may have announced before the intent."""
    clock = Clock()
    bucket = FakeBucket(clock=clock)
    bucket.announce(KEY)

    def meanwhile() -> None:
        if clock.passed == POLL_SECONDS:
            bucket.announce()
            announce(bucket, INNER, KEY)
        elif clock.passed == 3 * POLL_SECONDS:
            announce(bucket, INNER)

    clock.on_sleep = meanwhile
    hold(bucket)
    assert clock.passed == 3 * POLL_SECONDS
    assert bucket.requests.count("list assets/") == 3


def test_a_ledger_of_another_site_that_cannot_be_read_may_announce_anything(caplog: pytest.LogCaptureFixture) -> None:
    """The upload waits as long as an announcement in it could hold, says so in one line, and goes on."""
    bucket = FakeBucket()
    bucket.write(INNER.ledger, b"broken")
    hold(bucket)
    assert HOLDS.total_seconds() <= bucket.clock.passed < HOLDS.total_seconds() + POLL_SECONDS
    (line,) = [each.message for each in caplog.records if each.levelno == logging.WARNING]
    assert line.startswith("the ledger of the cleaner of the site assets/admin/ cannot be read (the ledger is broken")


def test_one_that_is_broken_again_and_again_stops_no_upload() -> None:
    """Whoever announced before the intent has ended by then, and so has what S3 did not answer."""
    clock = Clock()
    bucket = FakeBucket(clock=clock)
    bucket.write(INNER.ledger, b"broken")
    clock.on_sleep = lambda: bucket.write(INNER.ledger, b"broken")
    hold(bucket)
    assert LONGEST.total_seconds() <= clock.passed < LONGEST.total_seconds() + POLL_SECONDS


def test_one_of_a_newer_format_is_waited_for_like_a_broken_one(caplog: pytest.LogCaptureFixture) -> None:
    """Its site may be another team's, and stops no upload here."""
    bucket = FakeBucket()
    bucket.write(INNER.ledger, NEWER_LEDGER)
    hold(bucket)
    assert HOLDS.total_seconds() <= bucket.clock.passed < HOLDS.total_seconds() + POLL_SECONDS
    (line,) = [each.message for each in caplog.records if each.levelno == logging.WARNING]
    assert line.endswith("cannot be read (its format 3 is newer than 2, which this version reads)")


def test_an_old_one_delays_nothing() -> None:
    bucket = FakeBucket()
    bucket.write(ROOT.ledger, b"note")
    bucket.clock.passed = HOLDS.total_seconds()
    hold(bucket)
    assert bucket.clock.passed == HOLDS.total_seconds()


def test_what_s3_hides_delays_nothing() -> None:
    bucket = FakeBucket()
    bucket.refused[""] = "access denied"
    hold(bucket)
    assert bucket.clock.passed == 0


def test_a_dry_run_waits_for_nobody() -> None:
    bucket = FakeBucket()
    announce(bucket, INNER, KEY)
    with intent(ReadOnly(bucket), LAYOUT, "r1", lambda _: b"", KEYS, bucket.clock.clocks()) as held:
        assert [each.prefix for each in held.take_look().neighbours] == [INNER.prefix]
    assert bucket.clock.passed == 0


def test_a_listing_that_is_a_minute_older_than_the_intent_is_repeated() -> None:
    """It does not show a site inside that began after it."""
    for seconds, times in ((59, 1), (62, 2)):
        bucket = FakeBucket()
        bucket.list_ahead(LAYOUT, KEYS)
        bucket.clock.passed += seconds
        hold(bucket)
        assert bucket.requests.count("list assets/") == times


class TestWarnings:
    """One line for each other site."""

    def test_a_site_around(self) -> None:
        assert warnings_of(LAYOUT, [Neighbour("", None)], (), KEYS) == [
            (
                "the site assets/ lies inside the site of the whole bucket, which has its release log under "
                ".releases/: give each site a prefix of its own, or delete that log if no site publishes there"
            )
        ]

    def test_the_keys_of_a_site_inside_are_the_innermost_ones(self) -> None:
        keys = ["assets/a/b/x.js", "assets/a/y.js", "assets/z.js"]
        inner = {"assets/a/", "assets/a/b/", "assets/c/"}
        assert warnings_of(LAYOUT, [Neighbour("assets/a/", None)], inner, keys) == [
            (
                "the site assets/a/ lies inside the site assets/, and these assets of this release belong to it: "
                "assets/a/y.js; publish them there"
            ),
            (
                "the site assets/a/b/ lies inside the site assets/, and these assets of this release belong to it: "
                "assets/a/b/x.js; publish them there"
            ),
            "the site assets/c/ lies inside the site assets/: give each site a prefix of its own",
        ]

    def test_what_is_hidden(self) -> None:
        assert warnings_of(LAYOUT, [Neighbour("", None, "access denied: allow it")], (), KEYS) == [
            (
                "whether a site has its release log under .releases/, and deletes assets here, is unknown: "
                "access denied: allow it"
            )
        ]

    def test_neither_around_nor_inside(self) -> None:
        assert warnings_of(LAYOUT, (), (), KEYS) == []


def test_an_expired_announcement_is_over() -> None:
    """By S3's clock."""
    bucket = FakeBucket()
    announce(bucket, INNER, KEY)
    bucket.times[INNER.ledger] -= HOLDS - timedelta(seconds=2)
    hold(bucket)
    assert bucket.clock.passed == POLL_SECONDS


def test_an_announcement_from_the_future_holds_up_no_later_upload() -> None:
    """Whoever may write under the prefix can put a ledger there: one file would delay every upload, for ever."""
    bucket = FakeBucket()
    deleting = Announcement("run", frozenset({KEY}), NOON + timedelta(days=36_500))
    bucket.write(INNER.ledger, pack({"deleting": encode_announcement(deleting)}))
    hold(bucket)
    assert bucket.clock.passed <= (HOLDS + SKEW).total_seconds() + POLL_SECONDS
    before = bucket.clock.passed = 86_400.0
    hold(bucket)
    assert bucket.clock.passed == before
