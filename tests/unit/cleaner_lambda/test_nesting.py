"""Sites inside this one and around it: what is asked, and what is said if it cannot be answered."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import timedelta

import pytest

from cleaner_lambda import nesting, reconcile, survey
from cleaner_lambda.errors import UnreadableError
from cleaner_lambda.ledger import Retired
from cleaner_lambda.nesting import find_inner, is_empty
from cleaner_lambda.pace import BATCH, Pace
from release_log.layout import Layout
from release_log.tags import Mark, State
from tests.fake_cleaner_s3 import NOON, FakeS3, client_error
from tests.unit.cleaner_lambda.runs import DAY, POLICY, A, keys_of, run, stopped_by

INNER = "assets/admin/"
KEY = "assets/admin/ui-3f9c2ab1.js"


def test_a_log_around_that_may_not_be_listed_stops_deletion_and_is_named(s3: FakeS3) -> None:
    """Which assets a site there needs is unknown. Once the role may list it, the run deletes."""
    s3.advance(POLICY.version_ttl)

    def refuse(made: str, key: str) -> None:
        if (made, key) == ("list", ".releases/"):
            raise client_error(code="AccessDenied")

    s3.on_request = refuse
    report = run(s3)
    assert (keys_of(report, "delete"), stopped_by(report)) == ([], ["unreadable_file"])
    assert ".releases/" in report.plan.stops[0].message
    s3.on_request = None
    assert keys_of(run(s3), "delete") == [A]


@pytest.mark.parametrize(
    ("why", "words"),
    [("denied", "cannot be read (AccessDenied)"), ("newer", "is deployed here too"), ("broken", "")],
)
def test_a_ledger_around_that_cannot_be_read_stops_deletion_unless_its_own_site_rebuilds_it(
    s3: FakeS3, why: str, words: str
) -> None:
    """It may say whose page is in place there, and which releases that site keeps."""
    s3.advance(POLICY.version_ttl)
    ledger = Layout("").ledger
    s3.put(ledger, gzip.compress(b'{"format": 99}') if why == "newer" else b"broken")

    def refuse(made: str, key: str) -> None:
        if (made, key) == ("get", ledger):
            raise UnreadableError(key, "AccessDenied")

    s3.on_request = refuse if why == "denied" else None
    report = run(s3)
    if words:
        assert (keys_of(report, "delete"), stopped_by(report)) == ([], ["unreadable_file"])
        assert ledger in report.plan.stops[0].message
        assert words in report.plan.stops[0].message
        s3.on_request = None
        s3.put(ledger, b"broken")
        report = run(s3)
    assert (keys_of(report, "delete"), stopped_by(report)) == ([A], [])


def test_a_ledger_around_that_says_a_wrong_channel_of_a_current_release_gives_nothing_of_it_away() -> None:
    """Then that channel has a newer release, as far as the ledger says."""
    s3 = FakeS3("assets/in/")
    outer = FakeS3("assets/", s3.clock)
    outer.objects = s3.objects
    app, needed, other = "assets/in/app.js", "assets/in/app-aaaa1111.js", "assets/in/other-aaaa1111.js"
    s3.publish("r1", "default", {app: needed})
    beta = outer.publish("beta", "beta", {app: needed})
    s3.advance(60)
    outer.clock = s3.clock
    outer.publish("outer", "default", {"assets/o.js": "assets/o-aaaa1111.js"})
    run(outer)
    s3.publish("r2", "default", {"assets/in/other.js": other})
    run(s3)
    ledger = outer.ledger
    outer.ledger = replace(ledger, folded={**ledger.folded, beta: replace(ledger.folded[beta], channel="default")})
    s3.advance(POLICY.removed_ttl)
    assert keys_of(run(s3), "delete") == []
    assert needed in s3.objects


def test_another_error_of_a_log_around_ends_the_run(s3: FakeS3) -> None:
    """It is tried again as a whole, and nothing was deleted."""
    s3.advance(POLICY.version_ttl)

    def fail(made: str, key: str) -> None:
        if (made, key) == ("list", ".releases/"):
            raise client_error(code="InternalError")

    s3.on_request = fail
    with pytest.raises(Exception, match="InternalError"):
        run(s3)
    assert A in s3.objects


def test_what_a_site_around_keeps_by_its_settings_stays() -> None:
    """Its ledger says what ``keep_releases`` was in its last run."""
    s3 = FakeS3("assets/in/")
    app, old, new = "assets/in/app.js", "assets/in/app-aaaa1111.js", "assets/in/app-bbbb2222.js"
    outer = FakeS3("assets/", s3.clock)
    outer.objects = s3.objects
    s3.publish("r1", "default", {app: old})
    outer.publish("outer1", "default", {app: old})
    outer.advance(60)
    outer.publish("outer2", "default", {app: new})
    s3.advance(120)
    outer.clock = s3.clock
    run(outer, policy=replace(POLICY, keep_releases=1))
    s3.publish("r2", "default", {app: new})
    run(s3)
    s3.advance(POLICY.version_ttl)
    run(s3)
    assert s3.ledger.retired[old].kept_by == "needed_by_a_site_around"
    outer.clock = s3.clock
    outer.publish("outer3", "default", {app: new})
    run(outer, policy=POLICY)
    s3.advance(DAY)
    assert keys_of(run(s3), "delete") == [old]


@pytest.mark.parametrize("known", ["settings", "log"])
def test_a_site_has_no_asset_left_though_a_site_inside_has(known: str) -> None:
    """So the release log of a site that has ended can go."""
    s3 = FakeS3("assets/")
    s3.put(KEY)
    if known == "log":
        s3.put(f"{INNER}.releases/ledger.json.gz", b"x")
    prefixes = (INNER,) if known == "settings" else ()
    assert is_empty(s3, Layout("assets/"), prefixes, Pace())
    s3.put("assets/zz.js")
    assert not is_empty(s3, Layout("assets/"), prefixes, Pace())


@pytest.mark.parametrize("known", ["settings", "log"])
def test_whatever_the_ledger_says_an_inner_sites_key_is_left_alone(s3: FakeS3, known: str) -> None:
    """Neither deleted nor tagged, and its entry leaves the ledger without an alarm."""
    s3.put(KEY)
    if known == "log":
        s3.put(f"{INNER}.releases/ledger.json.gz", b"x")
    entry = Retired("assets/admin/ui.js", Mark(State.REMOVED, NOON - timedelta(days=99)), 1, "r0")
    s3.ledger = replace(s3.ledger, retired={**s3.ledger.retired, KEY: entry}, owed=frozenset({KEY}))
    s3.advance(POLICY.version_ttl)
    report = run(s3, inner=(INNER,) if known == "settings" else ())
    assert keys_of(report, "delete") == [A], "the rest goes on"
    assert (keys_of(report, "set_aside"), report.document()["inner_sites"]) == ([], [INNER])
    assert KEY in s3.objects
    assert KEY not in {*s3.ledger.retired, *s3.ledger.owed}
    assert ("get_tags", KEY) not in s3.requests


def test_what_is_in_folders_that_nobody_looked_into_is_left_alone(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither deleted nor tagged; the answer says so, and the next run goes on."""
    monkeypatch.setattr(nesting, "FOLDERS", 1)
    keys = [f"assets/{name}/ui-3f9c2ab1.js" for name in "abc"]
    for key in keys:
        s3.put(key)
    entries = {key: Retired(key, Mark(State.REMOVED, NOON - timedelta(days=99)), 1, "r0") for key in keys}
    s3.ledger = replace(s3.ledger, retired={**s3.ledger.retired, **entries})
    for left in (2, 1, 0):
        report = run(s3)
        assert keys_of(report, "delete") == [keys[2 - left]]
        assert keys_of(report, "tag") == keys_of(report, "set_aside") == []
        assert (report.document()["not_looked_at"], report.unfinished) == (left, left > 0)
        assert (report.next_due == report.at) is (left > 0)


def test_more_logs_inside_than_a_listing_notes_stop_deletion_until_they_are_gone(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (nesting, reconcile, survey):
        monkeypatch.setattr(module, "INNER_SITES", 3)
    logs = [f"assets/site{number}/.releases/ledger.json.gz" for number in range(9)]
    for key in logs:
        s3.put(key)
    s3.advance(POLICY.version_ttl)
    report = run(s3, full=True)
    assert (keys_of(report, "delete"), stopped_by(report)) == ([], ["invalid_marker"])
    assert "more than 3 folders below assets/ hold a release log" in report.plan.stops[0].message
    for key in logs[3:]:
        del s3.objects[key]
    assert keys_of(run(s3, full=True), "delete") == [A]


def test_no_more_folders_are_looked_into_when_the_time_is_nearly_over(s3: FakeS3) -> None:
    """A few always are, so that each run comes on."""
    keys = [f"assets/{number:03}/a.js" for number in range(BATCH + 2)]
    inside = find_inner(s3, s3.layout, (), keys, Pace(has_time=lambda: False))
    assert inside.not_looked_at == {*keys[BATCH:]}
    assert len(s3.made("list")) == BATCH


def test_a_site_without_folders_asks_for_no_log_inside(s3: FakeS3) -> None:
    s3.advance(POLICY.version_ttl)
    s3.requests.clear()
    run(s3)
    assert {key for _, key in s3.made("list") if not key.startswith(s3.layout.log)} == {".releases/"}


@pytest.mark.parametrize(
    ("prefix", "around"),
    [("", ()), ("assets/", ("",)), ("web/shop/assets/", ("web/shop/", "web/", ""))],
)
def test_the_prefixes_around_a_site(prefix: str, around: tuple[str, ...]) -> None:
    assert Layout(prefix).around == around


def test_the_folders_below_a_site_that_hold_some_keys() -> None:
    """Neither the site's own prefix, nor what lies outside it."""
    keys = ["assets/a.js", "assets/js/b.js", "assets/js/lib/c.js", "assets/css/d.css"]
    assert Layout("assets/").folders(keys) == {"assets/js/", "assets/js/lib/", "assets/css/"}
    assert Layout("").folders(["a.js", "x/y.js"]) == {"x/"}


def test_an_asset_that_a_site_around_needs_is_announced_once_and_asked_about_again_after_a_day() -> None:
    s3 = FakeS3("assets/in/")
    app, old, new = "assets/in/app.js", "assets/in/app-aaaa1111.js", "assets/in/app-bbbb2222.js"
    s3.publish("r1", "default", {app: old})
    run(s3)
    s3.advance(60)
    s3.publish("r2", "default", {app: new})
    run(s3)
    outer = FakeS3("assets/", s3.clock)
    outer.objects = s3.objects
    outer.publish("outer", "default", {app: old})
    s3.advance(POLICY.version_ttl)
    run(s3)
    assert s3.ledger.retired[old].kept_by == "needed_by_a_site_around"
    for _ in range(3):
        s3.advance(900)
        s3.requests.clear()
        report = run(s3)
        assert (keys_of(report, "delete"), s3.writes) == ([], [])
        assert s3.made("list") == [
            ("list", getattr(s3.layout, name)) for name in ("pending", "staged", "pins", "markers")
        ]
    outer.clock = s3.clock
    outer.publish("outer2", "default", {app: new})
    s3.advance(DAY)
    assert keys_of(run(s3), "delete") == [old]
