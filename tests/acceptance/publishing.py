"""Steps: releases by the build job's role, the events that they cause, runs at one time, and a session that ends."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from examples.cdk_command import ROOT
from tests.acceptance.account import SESSION_SECONDS
from tests.acceptance.installing import NEW, SECOND
from tests.acceptance.steps import DiffersError, Step, expect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.acceptance.world import Installed, World

ROLE, EVENT = "upload by the role", "event of a marker"
SLOW = "slow upload begun"

EVENT_SECONDS = 330
"""S3 needs some five minutes after a deploy until it announces new files."""

SLOW_FILES, SLOW_BYTES, SLOW_BANDWIDTH = 770, 100_000, "64kB/s"
"""20 minutes of upload, a third longer than the session."""


def upload(world: World) -> str:
    site = world.installed["new"].site()
    published = site.publish(world.build({"app-1a2b3c4d.js": "1", "index.html": "<p>"}), "first")
    expect(
        {each["key"] for each in published["uploaded"]} == {"assets/app-1a2b3c4d.js", "assets/index.html"}, published
    )
    # S3 needs five minutes after a deploy until it tells of new objects, so the first release ends with a run.
    answer = site.invoke({"full": True})
    expect("errorMessage" not in answer, answer)
    ledger = site.ledger()
    expect(ledger.current == {"default": published["release"]}, ledger.current)
    return "with the policy's rights alone the release was published; a run by hand made it the current one"


def event(world: World) -> str:
    installed = world.installed["new"]
    site = installed.site()
    if not world.embedded:
        time.sleep(max(0.0, installed.at + EVENT_SECONDS - time.monotonic()))
    began = time.monotonic()
    release = site.publish(world.build({"app-2b3c4d5e.js": "2", "index.html": "<p>2"}), "second")["release"]
    world.wait(site.ledger, lambda ledger: release in ledger.folded, "no run has seen the marker", 10)
    return f"the marker woke the cleaner within {time.monotonic() - began:.0f} s of the upload's beginning"


def at_once(world: World) -> str:
    site = world.installed["new"].site()
    release = site.publish(world.build({"app-3c4d5e6f.js": "3", "index.html": "<p>3"}), "third")["release"]
    before = site.assets()
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(site.invoke, ({"full": True}, {"full": True})))
    failed = [each.get("errorMessage") for each in answers if "errorMessage" in each]
    # The run that loses the race for the ledger ends with an error, or reads it again; neither may lose a release.
    expect(len(failed) < len(answers), f"both failed: {failed}")
    ledger = site.ledger()
    expect(ledger.current == {"default": release}, ledger.current)
    expect("assets/app-3c4d5e6f.js" in site.assets(), "a current asset is gone")
    return f"{len(before)} assets before; one ledger afterwards, with the newest release; {len(failed)} of two failed"


def begin_slow(world: World) -> str:
    # In the second Region: in the first one other steps look at what is in the bucket meanwhile.
    installed, log = world.installed["second"], world.scratch / "slow"
    names = [f"part-{number:08x}.js" for number in range(1, SLOW_FILES + 1)]
    folder = world.build({name: name.ljust(SLOW_BYTES) for name in names})
    world.removals.first("the slow upload's process", partial(_end, world))
    process = _start(installed, folder, installed.job.session(), log, "--max-bandwidth", SLOW_BANDWIDTH)
    world.slow = process, log
    time.sleep(5)
    expect(process.poll() is None, f"it ended at once: {log.read_text()}")
    return "an upload that lasts longer than its session has begun"


def end_slow(world: World) -> str:
    assert world.slow is not None, "it was begun"
    process, log = world.slow
    installed = world.installed["second"]
    before = installed.site().ledger().current
    try:
        code = process.wait(2 * SESSION_SECONDS)
    except subprocess.TimeoutExpired as error:
        msg = "it still runs, with a session that has ended"
        raise DiffersError(msg) from error
    return _one_line(installed, code, log.read_text(), before)


def unknown_keys(world: World) -> str:
    installed = world.installed["new"]
    before, log = installed.site().ledger().current, world.scratch / "unknown"
    keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"}
    code = _start(installed, world.build({"app-4d5e6f7a.js": "4"}), keys, log).wait()
    return _one_line(installed, code, log.read_text(), before)


def nothing_instead(_world: World) -> str:
    return "the step of the session that ends has what is asserted"


def _one_line(installed: Installed, code: int, said: str, before: Mapping[str, str]) -> str:
    lines = [line for line in said.splitlines() if line.startswith("uploader: ")]
    expect(code in {1, 2} and bool(lines) and "Traceback" not in said, f"exit status {code}: {said}")
    expect("renew" in lines[-1], f"no remedy: {lines[-1]}")
    after = installed.site().ledger().current
    expect(after == before, f"the current release was {before} and is {after}")
    return f"exit status {code}, the current release is the same; it said: {lines[-1]}"


def _start(
    installed: Installed, folder: Path, keys: Mapping[str, str], log: Path, *options: str
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "uploader", str(folder), "--bucket", installed.outputs["BucketName"], *options]
    with log.open("wb") as out:
        environment = installed.place.environment(**keys)
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)


def _end(world: World) -> None:
    if world.slow is None:
        return
    process, _ = world.slow
    if process.poll() is None:
        process.terminate()
        process.wait(30)


def log_of_runs(world: World) -> list[dict[str, object]]:
    """The JSON lines in the function's log."""
    return [json.loads(line) for line in world.installed["new"].log() if line.startswith("{")]


UPLOAD = Step(
    ROLE,
    "The policy's rights are enough to publish a release, and the cleaner's to see it.",
    upload,
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
    needs=(NEW,),
)

SLOW_UPLOAD = Step(
    SLOW,
    "An upload begins that lasts longer than the role's session.",
    begin_slow,
    needs=(SECOND,),
    lacks="sessions that end",
    instead=nothing_instead,
)

EVENTS = (
    Step(
        EVENT,
        "A marker that is written five minutes after the deploy or later wakes the cleaner.",
        event,
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html",
        needs=(ROLE,),
    ),
    Step("two runs at one time", "Both may run, and nothing is lost.", at_once, needs=(ROLE,)),
)

SESSION = Step(
    "session that ends during an upload",
    "The upload ends with one line that names the remedy; what was current stays so.",
    end_slow,
    "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
    needs=(SLOW,),
    lacks="sessions that end",
    instead=unknown_keys,
)
