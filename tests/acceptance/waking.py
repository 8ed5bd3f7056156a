"""Steps: the cleaner's own wake-ups, of which each has to come though the one before deletes itself."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from release_log.environment import Variable
from tests.acceptance.publishing import EVENT
from tests.acceptance.steps import Step, expect
from tests.wake_ups import wait_until_gone

if TYPE_CHECKING:
    from examples.installation import Installation
    from tests.acceptance.world import World

OLD, REMOVED, LATE = "assets/app-aaaa1111.js", "assets/logo-bbbb2222.png", "assets/film-cccc3333.mp4"

STAYS_SECONDS = 120


def schedules(world: World) -> list[str]:
    """The names of the wake-ups that are set."""
    installed = world.installed["new"]
    group = installed.function()["Environment"]["Variables"][Variable.WAKE_UP_GROUP.value]
    found = installed.place.client("scheduler").list_schedules(GroupName=group)["Schedules"]
    return sorted(each["Name"] for each in found)


def to_come(world: World) -> list[str]:
    """Those whose minute has not begun; one that fired stays a while, and deletes itself."""
    return [each for each in schedules(world) if each.rpartition("-")[2] > f"{datetime.now(UTC):%Y%m%dT%H%MZ}"]


def in_a_row(world: World) -> str:
    site = world.installed["new"].site()
    world.wait(lambda: to_come(world), lambda names: not names, "a wake-up of earlier steps does not come", 10)
    # The page was there before: without it in these releases its removal would wake the cleaner in between.
    page, film = {"index.html": "<p>3"}, {"film-cccc3333.mp4": "1"}
    _published(world, site, {**page, **film, "app-aaaa1111.js": "1", "logo-bbbb2222.png": "1"}, "w1")
    _published(world, site, {**page, **film, "app-aaaa2222.js": "2"}, "w2")
    # After a minute the old version is due, after seven the removed file.
    woken = [_gone(world, site, OLD, 6)]
    second = world.wait(lambda: to_come(world), bool, "the run that a wake-up woke has set no other", 2)
    time.sleep(STAYS_SECONDS)
    after = to_come(world)
    expect(
        set(second) & set(after) != set(), f"the schedules {second} were set, and {STAYS_SECONDS} s later {after} are"
    )
    _published(world, site, {**page, "app-aaaa2222.js": "2"}, "w3")
    woken.append(_gone(world, site, REMOVED, 8))
    woken.append(_gone(world, site, LATE, 10))
    return (
        f"three wake-ups came, after {', '.join(f'{seconds:.0f} s' for seconds in woken)}; between them the schedule "
        f"{', '.join(sorted(set(second) & set(after)))} was still there {STAYS_SECONDS} s after the run that set it"
    )


def one_and_its_schedule(world: World) -> str:
    site = world.installed["new"].site()
    _published(world, site, {"app-aaaa1111.js": "1", "logo-bbbb2222.png": "1"}, "w1")
    _published(world, site, {"app-aaaa2222.js": "2", "logo-bbbb2222.png": "1"}, "w2")
    world.wait(lambda: schedules(world), bool, "no wake-up was set")
    names = schedules(world)
    expect(all(re.fullmatch(r"site-[0-9a-f]{32}-\d{8}T\d{4}Z", name) for name in names), names)
    for each in site.wake_ups():
        expect(bool(re.fullmatch(r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:00\)", each["ScheduleExpression"])), each)
        expect(each["ActionAfterCompletion"] == "DELETE", each)
    rights = _rights(world)
    expect({each for each in rights if each.startswith("scheduler:")} == {"scheduler:CreateSchedule"}, rights)
    wait_until_gone(site, {OLD})
    return (
        f"the wake-up {', '.join(names)} is named after its minute, the cleaner may only create schedules; one that "
        "was moved to this moment woke the cleaner, which deleted what was due"
    )


def _rights(world: World) -> set[str]:
    """The actions of the cleaner's role."""
    installed = world.installed["new"]
    iam, role = installed.place.client("iam"), installed.function()["Role"].rpartition("/")[2]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    statements = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
    return {
        action
        for each in statements
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }


def _published(world: World, site: Installation, files: dict[str, str], name: str) -> None:
    release: Any = site.publish(world.build(files), name)["release"]
    world.wait(site.ledger, lambda ledger: release in ledger.folded, f"no run has seen {name}", 10)


def _gone(world: World, site: Installation, key: str, minutes: float) -> float:
    began = time.monotonic()
    world.wait(site.assets, lambda assets: key not in assets, f"no wake-up came for {key}", minutes)
    return time.monotonic() - began


STEPS = (
    Step(
        "three wake-ups in a row",
        "Each asset is deleted within two minutes after it is due, though each schedule deletes itself; one that a "
        "woken run has set is still there two minutes later.",
        in_a_row,
        "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-delete.html",
        needs=(EVENT,),
        lacks="schedules that delete themselves a while after they fired, in their own minutes",
        instead=one_and_its_schedule,
    ),
)
