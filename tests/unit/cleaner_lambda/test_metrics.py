"""The metrics of a run: each value has its site's dimensions, and ``Runs`` says whether the run ended well."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics

import cleaner_lambda
from cleaner_lambda.ledger import Retired
from cleaner_lambda.metrics import count, measure
from cleaner_lambda.outcome import Outcome
from cleaner_lambda.plan import Reason, Stop
from cleaner_lambda.policy import decide
from cleaner_lambda.report import ROUTINE, STOPS, Report
from cleaner_lambda.sites import Site
from cleaner_lambda.view import View
from release_log.metrics import Metric
from release_log.policy_settings import Policy
from release_log.tags import Mark, State

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
SITE = Site("my-assets", "assets/", Policy())
DUE = {f"{n}.js": Retired(f"{n}.js", Mark(State.REMOVED, NOW - timedelta(days=30)), 10, "r") for n in range(3)}
UNKNOWN = {
    Reason.INVALID_MARKER,
    Reason.MISSING_MARKER,
    Reason.UNKNOWN_ORDER,
    Reason.UNREADABLE_FILE,
    Reason.UNKNOWN_PAGE,
}
ASKS = {Reason.BRAKE, Reason.ADOPTION}
ERRORS = {*ASKS, *UNKNOWN, Reason.MAP_RUN}
"""The reasons that wait for a person."""


def report(*stops: Reason, **more: Any) -> Report:  # noqa: ANN401
    """A run that deleted two of three removed assets of 10 bytes each, or was held up."""
    view = View(frozenset({"live"}), DUE, stops=tuple(Stop(stop, "why") for stop in stops))
    plan = decide(view, Policy(), NOW, force=True)
    values: dict[str, Any] = {
        "dry_run": False,
        "site": "assets/",
        "at": NOW,
        "current": {},
        "plan": plan,
        "outcome": Outcome(deleted=set() if stops else {"0.js", "1.js"}),
        "missing": None,
        "orphans": None,
        "next_due": None,
    }
    return Report(**{**values, **more})


def measured(run: Report, *, by_marker: bool = False) -> dict[str, float]:
    """A run's values, by their names in CloudWatch."""
    return {metric.value: number for metric, number in measure(run, 1.5, by_marker=by_marker).items()}


def test_values_are_what_the_answer_says() -> None:
    run = report()
    values, counts = measured(run), run.document()["counts"]
    assert values == {
        "Runs": 1,
        "Tagged": counts["tag"],
        "Untagged": counts["untag"],
        "Deleted": 2,
        "BytesFreed": 20,
        "Kept": counts["keep"],
        "Failed": 0,
        "SetAside": 0,
        "InvalidMarkers": 0,
        "NotInPlace": 0,
        "BrakePulled": 0,
        "Duration": 1500,
    }


def test_a_full_listing_counts_what_it_found() -> None:
    """Zero is a value too: it ends an alarm."""
    values = measured(report(missing=("a", "b"), orphans=5))
    assert (values["MissingAssets"], values["Orphans"]) == (2, 5)
    values = measured(report(missing=(), orphans=0))
    assert (values["MissingAssets"], values["Orphans"]) == (0, 0)


@pytest.mark.parametrize(("age", "lag"), [(7, 7), (0, 0), (-2, 0)])
def test_lag_is_the_age_of_the_newest_marker_and_never_negative(age: int, lag: int) -> None:
    """A marker that was written while the run read the log is newer than the run."""
    run = report(newest_marker=NOW - timedelta(seconds=age))
    assert measured(run, by_marker=True)["Lag"] == lag
    # A long run has several attempts, and its marker did not wait for the last one.
    later = replace(run, at=NOW + timedelta(minutes=10), first=NOW)
    assert measured(later, by_marker=True)["Lag"] == lag


def test_there_is_no_lag_unless_a_marker_woke_the_run_and_is_there() -> None:
    """A timer's run finds a marker of last week, and is not late."""
    assert "Lag" not in measured(report(newest_marker=NOW - timedelta(days=7)))
    assert "Lag" not in measured(report(), by_marker=True)


@pytest.mark.parametrize("reason", [*sorted(ERRORS), Reason.REBUILT, Reason.DELETING])
def test_a_run_that_is_held_up_ended_well_if_the_next_one_goes_on_by_itself(reason: Reason) -> None:
    values = measured(report(reason))
    assert values["Runs"] == (reason not in ERRORS)
    assert values["Deleted"] == 0
    assert values["BrakePulled"] == (reason in ASKS)
    assert values["InvalidMarkers"] == (reason in UNKNOWN)


def test_one_error_among_reasons_that_pass_is_enough() -> None:
    assert measured(report(Reason.REBUILT, Reason.INVALID_MARKER))["Runs"] == 0


@pytest.mark.parametrize(
    ("more", "failed"),
    [
        ({"outcome": Outcome(deleted={"0.js"}, failed={"1.js": "AccessDenied"})}, 1),
        ({"unread": {"1.js": "AccessDenied"}}, 1),
        ({"unfinished": True}, 0),
    ],
    ids=["a deletion failed", "tags could not be read", "the time was over"],
)
def test_a_run_that_did_not_do_all_did_not_end_well(more: dict[str, Any], failed: int) -> None:
    """If that goes on for a day, due assets are not deleted, and no other alarm says so."""
    values = measured(report(**more))
    assert (values["Runs"], values["Failed"]) == (0, failed)


def test_a_run_that_found_assets_missing_did_its_work() -> None:
    """`MissingAssets` has an alarm of its own."""
    assert measured(report(missing=("a",), orphans=0))["Runs"] == 1


def test_a_run_with_nothing_to_do_ended_well() -> None:
    idle = replace(report(), plan=decide(View(frozenset({"live"}), {}), Policy(), NOW), outcome=Outcome())
    values = measured(idle)
    assert (values["Runs"], values["Deleted"], values["Kept"]) == (1, 0, 1)


def test_each_metric_has_its_unit_and_its_sites_dimensions(capsys: pytest.CaptureFixture[str]) -> None:
    """In the form that CloudWatch reads from the log: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html."""
    metrics = EphemeralMetrics(namespace="AssetCleaner", service="asset-cleaner")
    values = dict.fromkeys(Metric, 2.0)
    count(metrics, values, SITE)
    metrics.flush_metrics()
    document = json.loads(capsys.readouterr().out)
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "AssetCleaner"
    assert [sorted(names) for names in directive["Dimensions"]] == [["bucket", "service", "site"]]
    assert (document["service"], document["site"], document["bucket"]) == ("asset-cleaner", "assets/", "my-assets")
    assert {each["Name"]: each["Unit"] for each in directive["Metrics"]} == {
        metric.value: metric.unit.value for metric in Metric
    }
    assert all(document[name] == [2.0] for name in Metric)


def test_nothing_to_add_leaves_no_dimension_behind() -> None:
    """Powertools clears them with the values that it publishes: without one they would be the next invocation's."""
    metrics = EphemeralMetrics(namespace="AssetCleaner", service="asset-cleaner")
    count(metrics, {}, SITE)
    assert metrics.dimension_set == {}


def test_every_reason_to_delete_nothing_has_its_meaning_and_remedy_for_the_documents() -> None:
    assert set(STOPS) == ERRORS | ROUTINE


def test_no_stop_has_a_reason_that_the_documents_do_not_name() -> None:
    """By the sources: a page that no release has was such a stop, and raised no alarm."""
    sources = (path.read_text() for path in Path(cleaner_lambda.__file__).parent.glob("*.py"))
    made = {Reason[name] for text in sources for name in re.findall(r"\bStop\(\s*Reason\.(\w+)", text)}
    assert made == set(STOPS)
