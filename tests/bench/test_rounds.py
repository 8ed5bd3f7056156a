"""A small round of the benchmark, where its environment is installed (`make bench` does that; `make test` does not)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.jobs import Job
from bench.peers import OURS, YARDSTICK, all_peers, installed
from bench.rounds import measure_job

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not installed(), reason="the benchmark's environment is not installed")


@pytest.mark.parametrize(
    "job",
    [Job("new", "", 20, 20_000), Job("changed", "", 60, 60_000, stored=True, changed=12)],
    ids=lambda job: job.name,
)
def test_everybody_does_the_job_and_is_measured(job: Job, tmp_path: Path) -> None:
    told: list[str] = []
    known = all_peers()
    done = measure_job(job, [known[OURS], known[YARDSTICK]], 1, 1, tmp_path, told.append)
    assert len(told) == (6 if job.stored else 4)
    assert set(done.runs) == {OURS, YARDSTICK}
    for runs in done.runs.values():
        assert len(runs) == 1
        assert runs[0].seconds > 0
        assert runs[0].peak > 10_000_000
    assert ("obstore" in done.imports) == job.stored
