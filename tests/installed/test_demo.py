"""``make demo`` tells its story to the end, and leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.paths import ROOT

COMMAND = [sys.executable, "-u", "-m", "examples.demo"]

FASTER = """
import sys
from examples import demo
from tests.wake_ups import wait_until_gone
demo.POLICY.update({policy})
demo.Installation.wait_until_gone = wait_until_gone
sys.exit(demo.main())
"""
POLICY = {"grace": 2, "version_ttl": 8, "removed_ttl": 10}
"""The pauses for viewers, cut short, and the wait for a whole minute."""


def is_up(url: str) -> bool:
    """Whether an embedded AWS answers at this address."""
    try:
        with urllib.request.urlopen(f"{url}/_ministack/health", timeout=2):  # noqa: S310 (http, by our own server)
            return True
    except (urllib.error.URLError, OSError):
        return False


def test_the_demo_ends_with_what_the_plan_named(tmp_path: Path) -> None:
    """Into a pipe it writes plain text without control codes; at the end its server and its files are gone."""
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-u", "-c", FASTER.format(policy=POLICY)]
    answer = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=170)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "\x1b" not in answer.stdout
    assert re.search(r"exactly the \d+ objects that the plan named, and nothing else", answer.stdout)
    # A roll-out that failed, with a page in the bucket.
    failed = answer.stdout.partition("4. A roll-out that fails")[2].partition("5. Ask the cleaner")[0]
    for words in ("was dropped; the current release is unchanged", "a visitor gets the same index.html as before"):
        assert words in failed
    assert "verify: " in failed
    for words in ("uploaded (new)", "superseded_at=", "removed_at=", "What to do next", "EventBridge Scheduler: at("):
        assert words in answer.stdout
    (page,) = re.findall(r"^ +file://(\S+)$", answer.stdout, re.MULTILINE)
    assert '<script type="application/json" id="data">{"bucket":"' in Path(page).read_text()
    (url,) = re.findall(r"up at (\S+)", answer.stdout)
    assert not is_up(url)
    assert not list(tmp_path.glob("embedded-aws-*"))


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_stops_its_server(tmp_path: Path, ending: signal.Signals) -> None:
    """Ctrl-C, or a CI system's SIGTERM."""
    demo = subprocess.Popen(
        COMMAND, cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True
    )
    assert demo.stdout is not None
    url = ""
    for line in demo.stdout:
        found = re.search(r"up at (\S+)", line)
        if found:
            url = found[1]
            break
    assert is_up(url)
    demo.send_signal(ending)
    said = demo.stdout.read()
    assert demo.wait(30) == 130
    assert "interrupted" in said
    assert not is_up(url)
    assert not list(tmp_path.glob("embedded-aws-*"))
