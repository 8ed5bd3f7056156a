"""The tables for whoever operates an installation: alarms, metrics, the cleaner's event and its payload."""

from __future__ import annotations

from asset_cleaner_cdk.alarms import ALARMS, Alarm, Missing
from cleaner_lambda.completion_event import FIELDS
from cleaner_lambda.report import STOPS
from cleaner_lambda.request import FLAGS, MAP_RUN, SITE_KEYS
from docs.tables.markdown import code, table
from release_log.metrics import Metric

_WITHOUT_A_VALUE = {
    Missing.IGNORE: "stays as it is",
    Missing.NOT_BREACHING: "ends",
    Missing.BREACHING: "starts",
}


def alarms() -> str:
    """Each alarm: its section, what it means, what it watches, and what it does while the metric has no value."""
    rows = [
        [
            f"[{alarm.anchor.replace('-', ' ')}](#{alarm.anchor})",
            alarm.says.format(site="a site").replace("max_delete_fraction", "`max_delete_fraction`"),
            _watched(alarm),
            _WITHOUT_A_VALUE[alarm.missing],
        ]
        for alarm in ALARMS
    ]
    return table(["alarm", "meaning", "condition", "without a value it"], rows)


def metrics() -> str:
    """Each metric of the cleaner: its unit, when it has a value, and what the value says."""
    rows = [[code(metric), metric.unit.value, metric.when, metric.doc] for metric in Metric]
    return table(["metric", "unit", "when it has a value", "value"], rows)


def stops() -> str:
    """Each reason for which a run deletes nothing: what it means, and what to do."""
    return table(["`stopped_by`", "meaning", "remedy"], ([code(reason), *texts] for reason, texts in STOPS.items()))


def event() -> str:
    """Each field of the event that the cleaner sends after a run."""
    return table(["field", ""], ([code(name), doc] for name, doc in FIELDS.items()))


def payload() -> str:
    """Each key of the payload that a person invokes the cleaner with; the policy's settings have their own table."""
    rows = [[code(name), doc] for name, doc in (FLAGS | SITE_KEYS | MAP_RUN).items()]
    return table(
        ["payload key", ""],
        [*rows, ["any setting of the [policy](policy.md)", "with `dry_run`: what if the policy were so?"]],
    )


def _watched(alarm: Alarm) -> str:
    """The condition of an alarm, such as ``sum > 0 for 4 x 15 minutes``."""
    sign = "< 1" if alarm.below else "> 0"
    times = f"{alarm.minutes} minutes" if alarm.periods == 1 else f"{alarm.periods} x {alarm.minutes} minutes"
    return f"{code(alarm.metric)} of {alarm.subject.value}: {alarm.statistic.lower()} {sign} for {times}"
