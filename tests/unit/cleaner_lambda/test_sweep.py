"""The daily run of a pattern's sites: as far as there is time, and whatever one of them does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cleaner_lambda.errors import CleanerError, RequestError
from cleaner_lambda.request import Request, parse
from cleaner_lambda.sites import Site
from cleaner_lambda.sweep import Turn, sweep
from release_log.policy_settings import Policy

PATTERN = Site("b", "previews/*/", Policy())
SITES = [PATTERN.named(f"previews/{name}/") for name in "abcde"]
NOW, MIDNIGHT = datetime(2026, 11, 30, 23, 58, tzinfo=UTC), timedelta(minutes=5)
MANY = [f"previews/pr-{number}/" for number in range(500)]


def any_site(_: Site) -> bool:
    return True


def always() -> bool:
    return True


def never() -> bool:
    return False


def test_each_site_has_its_run() -> None:
    ran: list[Site] = []
    swept = sweep(SITES, any_site, ran.append, always)
    assert (ran, swept.sites, swept.failed, swept.rest) == (SITES, 5, [], None)


def test_without_a_site_nothing_is_left() -> None:
    swept = sweep([], any_site, lambda site: pytest.fail(site.prefix), never)
    assert (swept.sites, swept.failed, swept.rest) == (0, [], None)


def test_one_that_fails_does_not_keep_the_others_from_their_runs() -> None:
    def run(site: Site) -> None:
        if site in SITES[1:3]:
            msg = f"S3 refused {site.prefix}"
            raise CleanerError(msg)

    swept = sweep(SITES, any_site, run, always)
    assert (swept.sites, swept.rest) == (5, None)
    assert swept.failed == [(site, f"CleanerError: S3 refused {site.prefix}") for site in SITES[1:3]]


@pytest.mark.parametrize(("rounds", "done"), [(0, 1), (1, 2), (3, 4)])
def test_what_there_is_no_time_for_is_left_after_the_last_one_and_one_has_always_time(rounds: int, done: int) -> None:
    """Otherwise a short invocation would hand on for ever."""
    left = iter([True] * rounds + [False])
    swept = sweep(SITES, any_site, lambda _: None, lambda: next(left))
    assert (swept.sites, swept.rest) == (done, SITES[done - 1].prefix)


def test_folders_that_are_no_sites_have_no_run_and_take_no_more_than_the_time() -> None:
    """There may be a hundred thousand of them, with a request for each."""
    ran: list[Site] = []
    swept = sweep(SITES, lambda site: site in SITES[1:2], ran.append, always)
    assert (ran, swept.sites, swept.rest) == (SITES[1:2], 1, None)
    left = iter([True, True, False])
    swept = sweep(SITES, lambda _: False, ran.append, lambda: next(left))
    assert (swept.sites, swept.rest) == (0, SITES[2].prefix)


def test_the_last_site_leaves_nothing() -> None:
    assert sweep(SITES[:1], any_site, lambda _: None, never).rest is None


@pytest.mark.parametrize("asked", [{"dry_run": True}, {"force": True}, {"dry_run": True, "grace": 0}])
def test_what_is_asked_of_one_site_is_not_asked_of_a_pattern(asked: dict[str, object]) -> None:
    request = parse({"site": "previews/*/", **asked})
    with pytest.raises(RequestError, match=r"'previews/\*/' is a pattern; name one of its sites"):
        request.check_for(PATTERN)
    request.check_for(SITES[0])


def test_the_payload_by_which_it_goes_on() -> None:
    payload = {"site": "previews/*/", "bucket": "b", "after": "previews/a/", "full": True, "wake_up": True}
    expected = Request(site="previews/*/", bucket="b", after="previews/a/", full=True, wake_up=True)
    assert parse(payload) == expected
    with pytest.raises(RequestError, match="after: 5 is not a prefix"):
        parse({**payload, "after": 5})


@pytest.mark.parametrize("killers", [[MANY[0]], [MANY[123], MANY[7]]], ids=["the first of all", "two"])
def test_a_site_that_ends_each_invocation_keeps_none_for_long_from_its_daily_run(killers: list[str]) -> None:
    """They end the daily run, and both of Lambda's repetitions one and three minutes later."""
    left = {*MANY} - {*killers}
    for day in range(14):
        for minutes in (0, 1, 3):
            order = Turn(NOW + timedelta(days=day, minutes=minutes)).order(MANY)
            left.difference_update(order[: min(map(order.index, killers))])
    assert not left


def test_each_daily_run_comes_to_each_site_once_though_it_takes_many_invocations_past_midnight() -> None:
    turn, now, came = Turn.read("", NOW), NOW, []
    while order := turn.order(reversed(MANY)):
        came += order[:7]
        now += MIDNIGHT
        turn = Turn.read(turn._replace(after=came[-1]).text, now)
    assert came == Turn(NOW).order(MANY)
    assert sorted(came) == sorted(MANY)


def test_a_site_that_is_gone_or_new_meanwhile_changes_nothing_for_the_others() -> None:
    order = Turn(NOW).order(MANY)
    turn = Turn.read(Turn(NOW, order[99]).text, NOW + MIDNIGHT)
    without = [each for each in MANY if each not in order[90:100]]
    assert turn.order(without) == order[100:]
    assert [each for each in turn.order([*MANY, "previews/new/"]) if each in MANY] == order[100:]


@pytest.mark.parametrize("text", ["", "previews/a/", "previews/a b/", "previews/a/ 2026-11-30"])
def test_any_other_text_begins_anew(text: str) -> None:
    """An older version's wake-up names a place in another order."""
    assert Turn.read(text, NOW) == Turn(NOW)


def test_a_prefix_may_contain_spaces() -> None:
    turn = Turn(NOW, "previews/a b 2026-01-01T00:00:00Z/")
    assert Turn.read(turn.text, NOW + MIDNIGHT) == turn
