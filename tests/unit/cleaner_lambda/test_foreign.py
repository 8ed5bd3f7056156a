"""Objects that a release names and that no upload sent: two markers cannot delete other people's objects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cleaner_lambda import foreign
from cleaner_lambda.guard import check
from cleaner_lambda.ledger import Retired
from cleaner_lambda.metrics import measure
from cleaner_lambda.next_due import RETRY_SECONDS
from cleaner_lambda.orphans import is_unproven
from cleaner_lambda.plan import Action, Plan, Reason
from cleaner_lambda.view import View
from release_log.fingerprints import compile_pattern
from release_log.layout import Layout
from release_log.metrics import Metric
from release_log.policy_settings import Orphans, Policy
from release_log.tags import Mark, State
from tests.fake_cleaner_s3 import NOON, FakeS3
from tests.unit.cleaner_lambda.runs import APP, DAY, POLICY, A, B, at_request, fail_with, keys_of, run

PHOTO, PAGE = "assets/uploads/photo.jpg", "assets/index.html"
REPORT = replace(POLICY, orphans=Orphans.REPORT)
ALL = replace(POLICY, orphans=Orphans.ALL)


@pytest.fixture
def s3() -> FakeS3:
    """A site whose current release names a page of its own, and somebody else's photo."""
    s3 = FakeS3()
    s3.put(PHOTO).sent = False
    s3.publish("r1", "default", {APP: A, PAGE: PAGE, PHOTO: PHOTO})
    run(s3)
    s3.advance(60)
    return s3


@pytest.mark.parametrize("policy", [POLICY, REPORT], ids=["fingerprinted", "report"])
@pytest.mark.parametrize("second", [{APP: A}, {APP: A, PHOTO: B}], ids=["removed", "superseded"])
def test_two_markers_neither_delete_nor_tag_an_object_that_no_upload_sent(
    s3: FakeS3, policy: Policy, second: dict[str, str]
) -> None:
    """The page, which an upload sent, goes; the answer names the photo once, and counts it as an orphan then."""
    s3.publish("r2", "default", second)
    told = run(s3, policy=policy, dry_run=True).document()
    report = run(s3, policy=policy)
    assert [(each["key"], each["reason"]) for each in report.document()["set_aside"]] == [(PHOTO, "foreign")]
    assert [told[name] for name in ("set_aside", "tag", "delete")] == [
        report.document()[name] for name in ("set_aside", "tag", "delete")
    ]
    assert measure(report, 1.0, by_marker=False)[Metric.SET_ASIDE] == 0, "it raises no alarm"
    assert PHOTO not in s3.ledger.retired
    s3.advance(30 * DAY)
    report = run(s3, policy=policy, full=True)
    s3.advance(30 * DAY)
    run(s3, policy=policy, full=True)
    assert (s3.assets(), s3.tags(PHOTO)) == ({PHOTO, *second.values()}, {})
    assert (keys_of(report, "set_aside"), report.orphans) == ([], 1)


def test_it_stays_though_the_ledger_is_lost(s3: FakeS3) -> None:
    s3.publish("r2", "default", {APP: A})
    del s3.objects[s3.layout.ledger]
    for _ in range(4):
        run(s3, full=True)
        s3.advance(3 * DAY)
    assert s3.assets() == {A, PHOTO}


def test_what_an_older_version_tagged_loses_the_tag(s3: FakeS3) -> None:
    """It asked no object, so that its ledger calls the photo removed."""
    s3.objects[PHOTO].sent = True
    s3.publish("r2", "default", {APP: A})
    run(s3)
    assert s3.tags(PHOTO)
    s3.objects[PHOTO].sent = False
    s3.advance(30 * DAY)
    run(s3)
    assert (s3.assets(), s3.tags(PHOTO)) == ({A, PHOTO}, {})
    assert s3.ledger.owed == frozenset()


def test_as_long_as_a_release_needs_it_it_is_an_asset_like_any_other(s3: FakeS3) -> None:
    s3.publish("r2", "default", {APP: A})
    run(s3)
    s3.publish("r3", "default", {APP: B, PHOTO: PHOTO})
    assert run(s3, full=True).missing == ()
    del s3.objects[PHOTO]
    assert run(s3, full=True).missing == (PHOTO,)


@pytest.mark.parametrize(("policy", "asked"), [(POLICY, []), (ALL, []), (REPORT, [A])])
def test_old_versions_of_another_tool_follow_the_setting_for_orphans(policy: Policy, asked: list[str]) -> None:
    """By default they go like any other version, and no object is asked. Left alone they go when that setting ends."""
    s3 = FakeS3()
    s3.put(A).sent = False
    s3.publish("r1", "default", {APP: A})
    s3.advance(60)
    s3.publish("r2", "default", {APP: B})
    run(s3, policy=policy)
    s3.advance(DAY)
    run(s3, policy=policy)
    assert [key for _, key in s3.made("get_metadata")] == asked
    assert (A in s3.objects) == bool(asked)
    for _ in range(2):
        s3.advance(DAY)
        run(s3)
    assert s3.assets() == {B}


def test_with_an_empty_prefix_every_object_is_asked() -> None:
    """It may belong to anybody, whatever its name looks like; what an upload sent goes."""
    s3, old, mine, new = FakeS3(prefix=""), "old-aaaa1111.js", "app-bbbb2222.js", "app-cccc3333.js"
    s3.put(old).sent = False
    s3.publish("r1", "default", {"old.js": old, "app.js": mine})
    run(s3)
    s3.advance(60)
    s3.publish("r2", "default", {"app.js": new})
    for _ in range(2):
        run(s3)
        s3.advance(30 * DAY)
    assert s3.assets() == {old, new}


def test_an_object_that_is_gone_is_forgotten(s3: FakeS3) -> None:
    s3.publish("r2", "default", {APP: A})
    del s3.objects[PHOTO]
    report = run(s3)
    assert (keys_of(report, "set_aside"), set(s3.ledger.retired)) == ([], {PAGE})


def test_while_s3_does_not_say_whose_it_is_it_stays(s3: FakeS3) -> None:
    """The run does all its other work, and comes back soon."""
    s3.publish("r2", "default", {APP: B})
    at_request(s3, "get_metadata", PAGE, fail_with("503"))
    report = run(s3)
    assert (keys_of(report, "tag"), keys_of(report, "failed")) == ([A], [PAGE])
    assert report.next_due is not None
    assert (report.next_due - report.at).total_seconds() <= RETRY_SECONDS
    s3.on_request = None
    assert keys_of(run(s3), "tag") == [PAGE]


def test_if_s3_refuses_to_say_whose_it_is_it_is_asked_again_with_the_next_full_listing(s3: FakeS3) -> None:
    """For ever if it must be."""
    s3.publish("r2", "default", {APP: B})
    s3.on_request = lambda operation, key: fail_with("403")() if (operation, key) == ("get_metadata", PAGE) else None
    report = run(s3)
    assert [(each["key"], each["reason"]) for each in report.document()["set_aside"]] == [
        (PAGE, "refused"),
        (PHOTO, "foreign"),
    ]
    s3.requests.clear()
    s3.advance(60)
    run(s3)
    assert s3.made("get_metadata") == []
    s3.advance(3 * DAY)
    run(s3)
    assert (set(s3.made("get_metadata")), PAGE in s3.objects) == ({("get_metadata", PAGE)}, True)
    s3.on_request = None
    run(s3, full=True)
    assert PAGE not in s3.objects


def test_a_run_asks_so_many_objects_and_the_next_one_goes_on(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "ASKED", 1)
    s3.publish("r2", "default", {APP: A})
    first = run(s3)
    assert (keys_of(first, "tag"), first.not_looked_at, first.document()["unfinished"]) == ([PAGE], 1, True)
    assert first.next_due == first.at
    second = run(s3)
    assert (keys_of(second, "set_aside"), second.document()["unfinished"]) == ([PHOTO], False)


def test_the_finished_plan_is_checked_once_more() -> None:
    """What nobody asked stays, whoever made the plan."""
    entry = Retired(PHOTO, Mark(State.REMOVED, NOON), 1, "r1")
    plan = Plan((), (Action(PHOTO, Reason.BEYOND_REMOVED_TTL, entry),), (), (), (), (), None)
    view = View(frozenset(), {PHOTO: entry}, orphans=Orphans.FINGERPRINTED)
    assert check(plan, view, Layout("assets/")).set_aside == {PHOTO: Reason.FOREIGN}
    assert check(plan, replace(view, ours=frozenset({PHOTO})), Layout("assets/")).plan == plan


@pytest.mark.parametrize(("key", "pattern", "asked"), [(A, None, False), (A, "@([0-9]+)", True), (PHOTO, "(p)", False)])
def test_whether_an_object_is_asked_is_a_matter_of_the_pattern_for_orphans(
    key: str,
    pattern: str | None,
    asked: bool,  # noqa: FBT001 (a case)
) -> None:
    """Of what would be retired as an orphan anyway, nobody asks who sent it."""
    action = Action(key, Reason.BEYOND_REMOVED_TTL, Retired(key, Mark(State.REMOVED, NOON), 1, "r1"))
    compiled = None if pattern is None else compile_pattern(pattern)
    view = View(frozenset(), {}, orphans=Orphans.FINGERPRINTED, pattern=compiled)
    assert is_unproven(action, view) is asked
