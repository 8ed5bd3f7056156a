"""Sites by pattern, with the deployed handler: found by their markers, and by the daily run."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from cleaner_lambda import handler
from cleaner_lambda.errors import CleanerError, RequestError
from cleaner_lambda.run import clean
from cleaner_lambda.sites import Site
from cleaner_lambda.wake_up import NotSetError, schedule_name
from release_log.layout import Layout
from tests.http.in_process import publish_here
from tests.http.test_clean import keys, marker_event
from tests.http.test_events import dimensions, metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cleaner_lambda.job import Job
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

__all__ = ["metrics"]

PATTERN = "previews/*/"
NOW = {"grace": 0, "version_limit": 0, "version_ttl": 0, "max_delete_fraction": 1.0}
OLD, NEW = {"app-3f9c2ab1.js": "1"}, {"app-4a1b2c3d.js": "2"}


@pytest.fixture
def previews(cleaner: Cleaner, uploader: Uploader, monkeypatch: pytest.MonkeyPatch) -> Cleaner:
    """The handler of an installation with a pattern, and one site of it that is configured by itself."""
    prefixes = {PATTERN: NOW, "previews/main/": {"orphans": "report"}}
    sites = [{"bucket": uploader.bucket, "prefix": prefix, "policy": policy} for prefix, policy in prefixes.items()]
    monkeypatch.setenv("SITES", json.dumps(sites))
    wake_up_in_a_group_of_its_own(uploader, monkeypatch)
    return cleaner


def wake_up_in_a_group_of_its_own(uploader: Uploader, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator lists no more than a hundred schedules, and has those of all tests; see `schedules`."""
    uploader.aws.client("scheduler").create_schedule_group(Name=uploader.bucket)
    monkeypatch.setenv("WAKE_UP_GROUP", uploader.bucket)


def schedules(uploader: Uploader) -> list[dict[str, Any]]:
    """The payloads of this bucket's wake-ups."""
    client = uploader.aws.client("scheduler")
    group = uploader.bucket
    found = client.list_schedules(GroupName=group)["Schedules"]
    inputs = [client.get_schedule(GroupName=group, Name=each["Name"])["Target"]["Input"] for each in found]
    return [json.loads(each) for each in inputs]


def test_a_marker_wakes_its_site_with_the_patterns_policy_and_counts_for_the_pattern(
    uploader: Uploader, site_folder: Folder, previews: Cleaner, metrics: Callable[[], list[dict[str, Any]]]
) -> None:
    publish_here(uploader, site_folder("a", OLD), "r1", prefix="previews/pr-1/")
    previews(site="previews/pr-1/")
    second = publish_here(uploader, site_folder("b", NEW), "r2", prefix="previews/pr-1/")
    metrics()
    answer = previews(marker_event(uploader.bucket, second.key))
    assert (answer["site"], keys(answer["delete"])) == ("previews/pr-1/", ["previews/pr-1/app-3f9c2ab1.js"])
    (document,) = metrics()
    assert dimensions(document) == {"service": "asset-cleaner", "site": PATTERN, "bucket": uploader.bucket}


@pytest.mark.parametrize(
    "prefix", ["previews/", "previews/a/b/", "previews/../", "previews/.releases/", "other/a/", ""]
)
def test_a_marker_elsewhere_is_passed_over(uploader: Uploader, previews: Cleaner, prefix: str) -> None:
    """The rule's wildcard also lets folders of folders through, and whoever may write there chooses the key."""
    answer = previews(marker_event(uploader.bucket, Layout(prefix).marker_key("20261123T060538Z-x")))
    assert list(answer) == ["passed_over"]
    assert uploader.keys() == []


def test_the_daily_run_cleans_each_site_that_has_a_release_log_and_no_other_folder(
    uploader: Uploader, site_folder: Folder, previews: Cleaner, metrics: Callable[[], list[dict[str, Any]]]
) -> None:
    """A site that is configured by itself has a daily run of its own."""
    s3 = uploader.aws.client("s3")
    for name in ("pr-1", "pr-2", "main"):
        publish_here(uploader, site_folder(name, OLD), "r1", prefix=f"previews/{name}/")
    for key in ("previews/index.html", "previews/images/logo.png", "previews/pr-1/deep/app.js", "other/.releases/x"):
        s3.put_object(Bucket=uploader.bucket, Key=key, Body=b"")
    metrics()
    answer = previews(site=PATTERN, bucket=uploader.bucket, full=True)
    assert answer == {"site": PATTERN, "sites": 2, "failed": {}, "after": None}
    ledgers = [key for key in uploader.keys() if key.endswith("ledger.json.gz")]
    assert ledgers == [f"previews/pr-{number}/.releases/ledger.json.gz" for number in (1, 2)]
    *runs, last = metrics()
    assert [document["Runs"] for document in runs] == [[1.0], [1.0]]
    assert {json.dumps(dimensions(document)) for document in runs} == {json.dumps(dimensions(last))}
    assert dimensions(last)["site"] == PATTERN
    assert last["Sweeps"] == [1.0]


def test_without_a_site_the_daily_run_has_come_to_its_end(
    previews: Cleaner, metrics: Callable[[], list[dict[str, Any]]]
) -> None:
    assert previews(site=PATTERN, full=True)["sites"] == 0
    (document,) = metrics()
    assert document["Sweeps"] == [1.0]


def test_what_there_is_no_time_for_goes_on_in_a_wake_up(
    uploader: Uploader,
    site_folder: Folder,
    previews: Cleaner,
    context: Any,  # noqa: ANN401 (stands for Lambda's)
    monkeypatch: pytest.MonkeyPatch,
    metrics: Callable[[], list[dict[str, Any]]],
) -> None:
    for name in "abc":
        publish_here(uploader, site_folder(name, OLD), "r1", prefix=f"previews/{name}/")
    left = [900_000]

    def slow(*arguments: Any) -> Any:  # noqa: ANN401
        left[0] = 250_000
        return clean(*arguments)

    monkeypatch.setattr(handler, "clean", slow)
    context.get_remaining_time_in_millis = lambda: left[0]
    metrics()
    done = []
    payload: dict[str, Any] = {"site": PATTERN, "bucket": uploader.bucket, "full": True}
    for _ in range(2):
        left[0] = 900_000
        answer = previews(payload)
        done.append(answer["after"].rpartition(" ")[0])
        assert answer["sites"] == 1
        payload = {**payload, "after": answer["after"], "wake_up": True}
        assert payload in schedules(uploader)
    left[0] = 900_000
    last = previews(payload)
    assert (last["sites"], last["after"]) == (1, None)
    assert len({*done} & {f"previews/{name}/" for name in "abc"}) == 2
    assert sum(key.endswith("ledger.json.gz") for key in uploader.keys()) == 3
    assert [document["Sweeps"] for document in metrics() if "Sweeps" in document] == [[1.0]]


def test_a_site_that_ends_the_invocation_is_not_always_before_the_same_others(
    uploader: Uploader, site_folder: Folder, previews: Cleaner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its memory is full, say; then nothing of this process goes on."""

    class KilledError(BaseException):
        """No ``except Exception`` sees it."""

    for name in "abcd":
        publish_here(uploader, site_folder(name, OLD), "r1", prefix=f"previews/{name}/")

    def full(store: Any, job: Job, *more: Any) -> Any:  # noqa: ANN401
        if job.prefix == "previews/a/":
            raise KilledError
        return clean(store, job, *more)

    clock = Mock(wraps=datetime)
    monkeypatch.setattr(handler, "clean", full)
    monkeypatch.setattr(handler, "datetime", clock)
    for day in (3, 4, 5):
        clock.now.side_effect = lambda zone, day=day: datetime(2026, 1, day, tzinfo=zone)
        with pytest.raises(KilledError):
            previews(site=PATTERN)
    assert sum(key.endswith("ledger.json.gz") for key in uploader.keys()) == 3


def test_a_run_of_a_pattern_that_cannot_go_on_is_recorded_before_it_fails(
    uploader: Uploader,
    site_folder: Folder,
    previews: Cleaner,
    context: Any,  # noqa: ANN401 (stands for Lambda's)
    metrics: Callable[[], list[dict[str, Any]]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Lambda repeats it, as the sites that are left have no other run before the next day's."""
    for name in "ab":
        publish_here(uploader, site_folder(name, OLD), "r1", prefix=f"previews/{name}/")
    times = iter([900_000, 900_000, 250_000])
    context.get_remaining_time_in_millis = lambda: next(times, 250_000)
    uploader.aws.client("scheduler").delete_schedule_group(Name=uploader.bucket)
    metrics()
    with pytest.raises(NotSetError, match=uploader.bucket):
        previews(site=PATTERN)
    assert metrics()[-1]["WakeUpsNotSet"] == [1.0]
    assert "swept" in [record.getMessage() for record in caplog.records]


def test_a_site_whose_run_fails_gets_one_of_its_own_and_the_others_have_theirs(
    uploader: Uploader,
    site_folder: Folder,
    previews: Cleaner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in "abc":
        publish_here(uploader, site_folder(name, OLD), "r1", prefix=f"previews/{name}/")

    def odd(store: Any, job: Job, *more: Any) -> Any:  # noqa: ANN401
        if job.prefix == "previews/b/":
            msg = "it is odd"
            raise CleanerError(msg)
        return clean(store, job, *more)

    monkeypatch.setattr(handler, "clean", odd)
    answer = previews(site=PATTERN)
    assert answer["failed"] == {"previews/b/": "CleanerError: it is odd"}
    assert answer["sites"] == 3
    assert sum(key.endswith("ledger.json.gz") for key in uploader.keys()) == 2
    assert {"site": "previews/b/", "bucket": uploader.bucket, "wake_up": True} in schedules(uploader)
    assert any("'previews/b/' failed" in record.getMessage() for record in caplog.records)


def test_a_dry_run_of_a_pattern_is_refused(previews: Cleaner) -> None:
    with pytest.raises(RequestError, match="is a pattern; name one of its sites"):
        previews(site=PATTERN, dry_run=True)


def test_it_says_which_sites_it_cleans(uploader: Uploader, previews: Cleaner) -> None:
    prefixes = (PATTERN, "previews/main/")
    assert previews(list_sites=True) == {"sites": [{"bucket": uploader.bucket, "prefix": each} for each in prefixes]}


def test_the_wake_up_by_which_a_pattern_goes_on_has_a_name_of_its_own() -> None:
    """Two parts of one daily run may end in the same minute."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from release_log.policy_settings import Policy  # noqa: PLC0415

    minute, site = datetime(2026, 1, 1, tzinfo=UTC), Site("b", PATTERN, Policy())
    names = {schedule_name(site, minute, more) for more in ("", '{"after": "previews/a/"}', '{"after": "previews/b/"}')}
    assert len(names) == 3
    assert max(map(len, names)) <= 64
