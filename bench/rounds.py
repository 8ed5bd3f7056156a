"""A job's rounds: the peers in turn, each from the same state of the bucket, and a check of the bucket after each."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.measure import run_program
from bench.network import slow_network
from bench.past import Past, write_past
from bench.peers import OURS, PREFIX, peer_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.build import Build
    from bench.jobs import Job
    from bench.measure import Run
    from bench.network import Network
    from bench.peers import Peer

PAUSE_SECONDS = 1.2
"""The pause before each run. S3 dates objects in whole seconds, and nobody makes two releases within one second."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """The result of a job.

    Attributes:
        job: The job.
        runs: Peer -> its measured runs, round by round.
        imports: The output of ``python -X importtime`` for one more run of the uploader; empty if the bucket was empty.
    """

    job: Job
    runs: dict[str, list[Run]]
    imports: str


def measure_job(  # noqa: PLR0913 (what is measured, and how)
    job: Job,
    peers: Sequence[Peer],
    rounds: int,
    round_trip: float,
    scratch: Path,
    log: Callable[[str], None],
    *,
    past: Past = Past(),  # noqa: B008 (it never changes)
) -> JobResult:
    """Measure a job.

    Args:
        job: The job.
        peers: The programs that do it.
        rounds: How often each does it.
        round_trip: The network's round trip, in milliseconds.
        scratch: An empty folder.
        log: Called with a line about each run.
        past: What every bucket's release log tells of.

    Raises:
        BenchError: A peer did not do the job, or a measurement is not possible.
    """
    place = _Place(job, job.make_build(scratch / "build"), scratch, past)
    rounds_of = {peer.name: job.rounds_of(peer, rounds) for peer in peers}
    for peer in peers:
        place.make_buckets(peer, rounds_of[peer.name])
    runs: dict[str, list[Run]] = {peer.name: [] for peer in peers}
    with slow_network(place.buckets, scratch / "server.log", round_trip) as network:
        for number in range(min(each.start for each in rounds_of.values()), rounds + 1):
            if job.changed:
                place.build.change(job.changed)
            # Each round begins with another peer.
            for peer in [*peers[number % len(peers) :], *peers[: number % len(peers)]]:
                if number in rounds_of[peer.name]:
                    first = number == rounds_of[peer.name].start
                    took = place.upload(peer, number, network, first=first)
                    called = f"round {number}" if number > 0 else "warm-up"
                    log(f"{job.name}, {called}: {peer.name} {took.seconds:.2f} s")
                    runs[peer.name] += [took] if number > 0 else []
        ours = next((peer for peer in peers if peer.name == OURS), None)
        return JobResult(job, runs, place.imports(ours, network) if ours and job.stored else "")


@dataclass(frozen=True, slots=True)
class _Place:
    """The place of a job: its build, and the folder that the server serves."""

    job: Job
    build: Build
    scratch: Path
    past: Past

    @property
    def buckets(self) -> Path:
        return self.scratch / "buckets"

    def bucket(self, peer: Peer, number: int) -> str:
        """A peer's bucket: one for all rounds, or an empty one for each round."""
        return peer.name if self.job.stored else f"{peer.name}-{number}"

    def make_buckets(self, peer: Peer, numbers: range) -> None:
        """Prepare a peer's buckets. The server must not run yet, as it reads a folder only once."""
        for number in numbers:
            (self.buckets / self.bucket(peer, number)).mkdir(parents=True, exist_ok=True)
        if self.job.stored:
            stored = self.buckets / self.bucket(peer, 0) / PREFIX
            shutil.copytree(self.build.folder, stored, copy_function=shutil.copyfile)
        past = self.scratch / "past"
        if not past.exists():
            write_past(past, PREFIX, self.past)
        for name in {self.bucket(peer, number) for number in numbers}:
            shutil.copytree(past, self.buckets / name, dirs_exist_ok=True)  # with the files' times

    def upload(self, peer: Peer, number: int, network: Network, *, first: bool) -> Run:
        """Run a peer once, and check the result."""
        time.sleep(PAUSE_SECONDS)
        bucket = self.bucket(peer, number)
        command = peer.command(self.build.folder, bucket, f"round-{number}")
        since = time.time_ns()
        took = run_program(command, peer_environment(network.endpoint, self.scratch), self.scratch, network)
        # At first the bucket holds files that the tool did not upload itself, and tools differ in how they treat those.
        sent = None if self.job.stored and first else self.job.sent
        # The bucket stays until the end of the job: deleting thousands of files would slow down the next run.
        check_bucket(self.build, self.buckets / bucket / PREFIX, peer.name, sent, since)
        return took

    def imports(self, ours: Peer, network: Network) -> str:
        """Run the uploader once more, under ``python -X importtime``."""
        time.sleep(PAUSE_SECONDS)
        python, *arguments = ours.command(self.build.folder, self.bucket(ours, 0), "imports")
        command = [python, "-X", "importtime", *arguments]
        run_program(command, peer_environment(network.endpoint, self.scratch), self.scratch, network)
        return (self.scratch / "output").read_text()


def check_bucket(build: Build, stored: Path, peer: str, sent: int | None, since: int) -> None:
    """Check the bucket after a run.

    Args:
        build: The build that the bucket must hold.
        stored: The server's folder for the keys under the prefix.
        peer: The program that uploaded the build.
        sent: How many files it must have uploaded; None for any number.
        since: The start of the run, in nanoseconds of the system's clock.

    Raises:
        BenchError: A file is missing or old, or the number is wrong.
    """
    written = 0
    for name, size in build.files.items():
        try:
            status = (stored / name).stat()
        except FileNotFoundError:
            status = None
        if status is None or status.st_size != size:
            msg = f"{peer} did not upload {name}"
            raise BenchError(msg)
        # The modification time will not do: for some clients the server copies it from their file.
        written += status.st_ctime_ns >= since
    for name in build.pages():
        if (stored / name).read_bytes() != (build.folder / name).read_bytes():
            msg = f"{peer} did not upload the new content of {name}"
            raise BenchError(msg)
    if sent is not None and written != sent:
        msg = f"{peer} sent {written} files, not {sent}"
        raise BenchError(msg)
