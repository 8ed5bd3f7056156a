"""docs/events.md shows the metrics and the event as the code makes them."""

from __future__ import annotations

import json
import re
from datetime import timedelta

from cleaner_lambda.completion_event import FIELDS, detail
from cleaner_lambda.metrics import measure
from cleaner_lambda.outcome import Outcome
from cleaner_lambda.plan import Reason
from cleaner_lambda.report import ROUTINE
from release_log.events import CLEAN_COMPLETED
from release_log.metrics import NAMESPACE, Metric, dimensions
from tests.paths import ROOT
from tests.unit.cleaner_lambda.test_metrics import ERRORS, NOW, SITE, report

PAGE = (ROOT / "docs" / "events.md").read_text()
EVENT, PATTERN = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))


def written(when: str) -> set[Metric]:
    """The metrics that have a value in this case."""
    return {metric for metric in Metric if metric.when == when}


def test_each_metric_has_a_value_when_it_is_declared_to() -> None:
    always, listing = written("each run"), written("a full listing")
    marker = report(newest_marker=NOW)
    assert measure(marker, 1, by_marker=False).keys() == always
    assert measure(marker, 1, by_marker=True).keys() == always | written("a run that a marker woke")
    assert measure(report(missing=(), orphans=0), 1, by_marker=False).keys() == always | listing


def test_namespace_and_dimensions_are_the_codes() -> None:
    assert f"namespace `{NAMESPACE}`" in PAGE
    assert "`service` = `asset-cleaner`" in PAGE
    assert dimensions("b", "") == {"service": "asset-cleaner", "site": "(whole bucket)", "bucket": "b"}
    assert "`(whole bucket)`" in PAGE
    assert "`säulen/` is `" + dimensions("b", "säulen/")["site"] + "`" in PAGE


def test_the_event_shown_is_one_that_is_sent() -> None:
    shown = EVENT["detail"]
    run = report(
        outcome=Outcome(deleted={"0.js"}, failed={"1.js": "AccessDenied"}),
        missing=("gone.js",),
        orphans=3,
        next_due=NOW + timedelta(minutes=15),
    )
    sent = json.loads(json.dumps(detail(run, SITE, shown["run"])))
    assert shown == sent
    assert list(shown) == list(sent)
    assert {name: EVENT[name] for name in ("source", "detail-type")} == {
        "source": CLEAN_COMPLETED.source,
        "detail-type": CLEAN_COMPLETED.detail_type,
    }


def test_every_field_of_the_event_is_declared_with_its_meaning() -> None:
    assert list(FIELDS) == list(EVENT["detail"])


def test_the_reasons_named_are_those_there_are() -> None:
    sentence = re.search(r"`stopped_by` holds (.*?)\.", PAGE, re.DOTALL)
    assert sentence
    named = re.findall(r"`(\w+)`", sentence.group(1))
    assert set(named) == ERRORS | ROUTINE
    assert set(named[-4:]) == ROUTINE, "the last four pass by themselves"
    assert all(Reason(name) for name in named)


def test_the_pattern_asks_for_what_an_event_has() -> None:
    """EventBridge never matches a missing key, and does not report that."""
    assert PATTERN["source"] == [CLEAN_COMPLETED.source]
    assert PATTERN["detail-type"] == [CLEAN_COMPLETED.detail_type]
    assert PATTERN["detail"].keys() <= EVENT["detail"].keys()
    assert PATTERN["detail"]["counts"].keys() <= EVENT["detail"]["counts"].keys()
