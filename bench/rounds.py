"""A job's rounds: everybody in turn, from the same state of the bucket, and each looked after."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.measure import run
from bench.network import network
from bench.peers import OURS, PREFIX, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.jobs import Job
    from bench.measure import Run
    from bench.network import Network
    from bench.peers import Peer
    from bench.site import Site

PAUSE_SECONDS = 1.2
"""Before each run. S3 dates in whole seconds, and nobody makes two releases within one."""


@dataclass(frozen=True, slots=True)
class Done:
    """A job that is done.

    Attributes:
        job: The job.
        runs: Peer -> its measured runs, round by round.
        imports: What ``python -X importtime`` said of one more run of ours; empty if nothing was stored.
    """

    job: Job
    runs: dict[str, list[Run]]
    imports: str


def do(
    job: Job, peers: Sequence[Peer], rounds: int, round_trip: float, scratch: Path, tell: Callable[[str], None]
) -> Done:
    """Do a job.

    Args:
        job: What.
        peers: Who.
        rounds: How often.
        round_trip: The network's, in milliseconds.
        scratch: An empty folder.
        tell: Told of each run.

    Raises:
        BenchError: Somebody did not do the job, or nothing can be measured.
    """
    place = _Place(job, job.make_site(scratch / "site"), scratch)
    rounds_of = {peer.name: job.rounds_of(peer, rounds) for peer in peers}
    for peer in peers:
        place.make_buckets(peer, rounds_of[peer.name])
    runs: dict[str, list[Run]] = {peer.name: [] for peer in peers}
    with network(place.buckets, scratch / "server.log", round_trip) as through:
        for number in range(min(each.start for each in rounds_of.values()), rounds + 1):
            if job.changed:
                place.site.change(job.changed)
            # Nobody is always the first.
            for peer in [*peers[number % len(peers) :], *peers[: number % len(peers)]]:
                if number in rounds_of[peer.name]:
                    first = number == rounds_of[peer.name].start
                    took = place.upload(peer, number, through, first=first)
                    called = f"round {number}" if number > 0 else "warm-up"
                    tell(f"{job.name}, {called}: {peer.name} {took.seconds:.2f} s")
                    runs[peer.name] += [took] if number > 0 else []
        ours = next((peer for peer in peers if peer.name == OURS), None)
        return Done(job, runs, place.imports(ours, through) if ours and job.stored else "")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a job is done: the build, and the folder that the server serves."""

    job: Job
    site: Site
    scratch: Path

    @property
    def buckets(self) -> Path:
        return self.scratch / "buckets"

    def bucket(self, peer: Peer, number: int) -> str:
        """One that goes on from round to round, or an empty one for each."""
        return peer.name if self.job.stored else f"{peer.name}-{number}"

    def make_buckets(self, peer: Peer, numbers: range) -> None:
        """Make what a peer will find; the server must not be there yet, as it does not look again."""
        for number in numbers:
            (self.buckets / self.bucket(peer, number)).mkdir(parents=True, exist_ok=True)
        if self.job.stored:
            there = self.buckets / self.bucket(peer, 0) / PREFIX
            shutil.copytree(self.site.folder, there, copy_function=shutil.copyfile)

    def upload(self, peer: Peer, number: int, through: Network, *, first: bool) -> Run:
        """Run a peer once, and see that it did what it should."""
        time.sleep(PAUSE_SECONDS)
        bucket = self.bucket(peer, number)
        command = peer.command(self.site.folder, bucket, f"round-{number}")
        since = time.time_ns()
        took = run(command, environment(through.endpoint, self.scratch), self.scratch, through)
        # What the first one sends depends on what a tool remembers of what it has not sent itself.
        sent = None if self.job.stored and first else self.job.sent
        # The bucket stays until the job is done: whoever writes after thousands of files were deleted is slowed down.
        check(self.site, self.buckets / bucket / PREFIX, peer.name, sent, since)
        return took

    def imports(self, ours: Peer, through: Network) -> str:
        """Run us once more, for what ``python -X importtime`` says."""
        time.sleep(PAUSE_SECONDS)
        python, *arguments = ours.command(self.site.folder, self.bucket(ours, 0), "imports")
        command = [python, "-X", "importtime", *arguments]
        run(command, environment(through.endpoint, self.scratch), self.scratch, through)
        return (self.scratch / "output").read_text()


def check(site: Site, stored: Path, peer: str, sent: int | None, since: int) -> None:
    """Look into the bucket, where a run has ended.

    Args:
        site: The build that must be there.
        stored: The server's folder for the keys under the prefix.
        peer: Who uploaded it.
        sent: How many of its files must have been written since then; None if that does not matter.
        since: In nanoseconds of the system's clock.

    Raises:
        BenchError: It is not so.
    """
    written = 0
    for name, size in site.files.items():
        try:
            status = (stored / name).stat()
        except FileNotFoundError:
            status = None
        if status is None or status.st_size != size:
            msg = f"{peer} did not upload {name}"
            raise BenchError(msg)
        # Not the time of modification: with some clients the server sets it to that of their file.
        written += status.st_ctime_ns >= since
    for name in site.pages():
        if (stored / name).read_bytes() != (site.folder / name).read_bytes():
            msg = f"{peer} did not upload what is new in {name}"
            raise BenchError(msg)
    if sent is not None and written != sent:
        msg = f"{peer} sent {written} files, not {sent}"
        raise BenchError(msg)
