"""The wake-ups that the cleaner has set, and how a test need not wait for their minutes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cleaner_lambda.sites import Site
from cleaner_lambda.wake_up import schedule_name
from examples.installation import Installation, wait
from release_log.policy_settings import Policy

if TYPE_CHECKING:
    from examples.embedded_aws import EmbeddedAws

_wait_until_gone = Installation.wait_until_gone


def wake_ups(aws: EmbeddedAws, bucket: str, group: str = "default") -> list[dict[str, Any]]:
    """A site's schedules, the earliest first; its prefix is ``assets/``."""
    client = aws.client("scheduler")
    names = schedule_name(Site(bucket, "assets/", Policy()), datetime.now(UTC)).rpartition("-")[0]
    found = client.list_schedules(GroupName=group, NamePrefix=names)["Schedules"]
    answers = [client.get_schedule(GroupName=group, Name=name) for name in sorted(each["Name"] for each in found)]
    return [{name: value for name, value in each.items() if name != "ResponseMetadata"} for each in answers]


def wait_until_gone(site: Installation, keys: set[str]) -> dict[str, int]:
    """Like `Installation.wait_until_gone`, but the wake-ups come when these assets are due: before their minute."""

    def left() -> set[str]:
        due = {each["key"] for each in site.invoke({"dry_run": True})["delete"]}
        return (keys & site.deletable().keys()) - due

    wait(left, lambda later: not later, f"not due: {', '.join(sorted(keys))}")
    for each in site.wake_ups():
        kept = (
            "Name",
            "GroupName",
            "ScheduleExpressionTimezone",
            "FlexibleTimeWindow",
            "ActionAfterCompletion",
            "Target",
        )
        now = f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})"
        site.aws.client("scheduler").update_schedule(ScheduleExpression=now, **{name: each[name] for name in kept})
    return _wait_until_gone(site, keys)
