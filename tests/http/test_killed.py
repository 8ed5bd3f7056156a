"""An uploader that is killed, terminated or interrupted at any moment publishes nothing by halves.

The next run of the same command never finds a wrong object, and sends nothing twice. The moments of ``kill -9`` are
random: a failure names the seed, and ``SEED`` in the environment sets it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from time import sleep  # by name: the fixture `upload` shortens `time.sleep`
from typing import TYPE_CHECKING, Any

import pytest

from release_log.layout import is_stored_page
from release_log.release_id import PLACED
from tests.http.conftest import Ended, end_state, markers, new_bucket, read_bucket, without_intents
from tests.http.fault_proxy import sent
from tests.paths import ROOT
from tests.torture import TORTURE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader
    from tests.http.fault_proxy import FaultProxy, Request

    Folder = Callable[[str, dict[str, str]], Path]

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
MOMENTS = 40 if TORTURE else 8
DELAY = 0.012
"""Seconds of delay for each request, so that the process lives long enough to be killed."""

BUILD = {f"chunk{number}-3f9c2ab1.js": str(number) for number in range(6)} | {"index.html": "<html>", "logo.png": "x"}
PAGES = frozenset({"assets/index.html", "assets/logo.png"})
"""The files without a fingerprint."""


class Life:
    """One run of ``python -m uploader``, in a bucket of its own, to be ended by a signal."""

    def __init__(self, uploader: Uploader, proxy: FaultProxy, folder: Path, bucket: str) -> None:
        self.proxy = proxy
        proxy.heal()
        proxy.delay = DELAY
        self.others = proxy.connections()
        options = ["--bucket", bucket, "--release", "run-0000", "--concurrency", "2"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uploader", str(folder), *options],
            cwd=ROOT,
            env=uploader.aws.environment(AWS_ENDPOINT_URL=proxy.url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, how: signal.Signals, number: int, then: float) -> Ended:
        """Send a signal some seconds after a request arrived; number 0 is the start."""
        try:
            self.proxy.wait_for(number)
            sleep(then)
            self.process.send_signal(how)
            out, err = self.process.communicate(timeout=30)
        finally:
            self.process.kill()
        self.proxy.settle(self.others)
        return Ended(self.process.returncode, out, err)


def arrived_marker(requests: list[Request]) -> bool:
    """Whether the server stored a marker."""
    return any(each.method == "PUT" and "/markers/" in each.path and each.done == 200 for each in requests)


@pytest.fixture
def usual(
    upload: Callable[..., Ended],
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    site_folder: Folder,
) -> tuple[list[Request], dict[str, object]]:
    """The requests of an undisturbed upload, and its end state."""
    bucket = new_bucket(s3, {})
    assert upload(site_folder("a", BUILD), bucket).code == 0
    return list(proxy.requests), end_state(read_bucket(s3, bucket))


def test_killed_at_any_moment_and_run_again(  # noqa: PLR0913, PLR0917 (fixtures)
    uploader: Uploader,
    upload: Callable[..., Ended],
    usual: tuple[list[Request], dict[str, object]],
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    site_folder: Folder,
    subtests: pytest.Subtests,
) -> None:
    """A marker exists only with all its assets, a page in place only after it.

    The next run sends the missing files, and nothing else, and puts the page in place.
    """
    requests, wanted = usual
    folder, chosen = site_folder("a", BUILD), random.Random(SEED)  # noqa: S311 (no secret)
    for moment in range(MOMENTS):
        # One moment in each part of the process's life, counted in requests; it starts up before the first one.
        number, part = divmod((moment + chosen.random()) / MOMENTS * (len(requests) + 1), 1)
        with subtests.test(seed=SEED, moment=f"{number + part:.2f} of {len(requests)} requests"):
            bucket = new_bucket(s3, {})
            ended = Life(uploader, proxy, folder, bucket).end(
                signal.SIGKILL, int(number), part * (1.5 * DELAY if number else 0.3)
            )
            assert ended.code in {-signal.SIGKILL, 0}
            after, arrived = read_bucket(s3, bucket), sent(proxy.requests, arrived=True)
            assert bool(markers(after)) == arrived_marker(proxy.requests)
            if any(key.endswith(PLACED) for key in after):
                assert end_state(without_intents(after)) == wanted, "in place, but not everything that it names"
            elif markers(after):
                late = {key for key in wanted if key.endswith(PLACED)} | PAGES
                found = end_state(without_intents(after))
                assert wanted.keys() - late <= found.keys(), "a marker, but not everything that its pages ask for"
            else:
                assert PAGES.isdisjoint(after), "a page without its release's marker"
            assert arrived <= after.keys()

            proxy.heal()
            again = upload(folder, bucket)
            assert again.code == 0, again.err
            assert sent(proxy.requests) == {f"assets/{name}" for name in BUILD} - arrived
            left = read_bucket(s3, bucket)
            assert end_state(without_intents(left)) == wanted
            assert len(left) - len(without_intents(left)) <= 1, "more than the intent of the killed run is left"


def before_the_marker(requests: list[Request]) -> list[int]:
    """The numbers of a few requests: the first after the intent, the first asset, the last asset."""
    assets = [number for number, request in enumerate(requests, 1) if sent([request]) - PAGES]
    return [2, assets[0], assets[-1]]


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [(signal.SIGINT, 130, "uploader: interrupted: "), (signal.SIGTERM, 143, "uploader: terminated: ")],
)
def test_told_to_end_and_run_again(  # noqa: PLR0913, PLR0917 (fixtures)
    uploader: Uploader,
    upload: Callable[..., Ended],
    usual: tuple[list[Request], dict[str, object]],
    proxy: FaultProxy,
    s3: Any,  # noqa: ANN401
    site_folder: Folder,
    subtests: pytest.Subtests,
    how: signal.Signals,
    code: int,
    words: str,
) -> None:
    """By Ctrl-C, or by a cancelled job: one line, no marker, and the intent is deleted."""
    requests, wanted = usual
    folder = site_folder("a", BUILD)
    for number in before_the_marker(requests):
        with subtests.test(during=str(requests[number - 1])):
            bucket = new_bucket(s3, {})
            ended = Life(uploader, proxy, folder, bucket).end(how, number, DELAY / 2)
            assert (ended.code, ended.out) == (code, ""), ended.err
            (line,) = ended.err.strip().splitlines()
            assert line.startswith(words)
            after, arrived = read_bucket(s3, bucket), sent(proxy.requests, arrived=True)
            assert [key for key in after if "/.releases/" in key and not is_stored_page(key)] == []
            proxy.heal()
            assert upload(folder, bucket).code == 0
            assert sent(proxy.requests) == {f"assets/{name}" for name in BUILD} - arrived
            assert end_state(read_bucket(s3, bucket)) == wanted
