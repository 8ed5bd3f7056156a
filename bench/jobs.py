"""The jobs: the build, what the bucket holds of it before the upload, and the goal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.build import Build, LargeFileBuild

if TYPE_CHECKING:
    from pathlib import Path

    from bench.peers import Peer

MEGA = 1_000_000


@dataclass(frozen=True, slots=True)
class Job:
    """A job.

    Attributes:
        name: Its name for ``--jobs``.
        title: Its name in the report.
        files: How many files the build has.
        size: The files' total size in bytes.
        stored: Whether the bucket holds the build of the round before; otherwise it is empty.
        changed: How many files change before each round, if the build is stored.
        for_memory: Whether the job measures memory, for which one round is enough.
        goal: The uploader's wall time, at most, as a multiple of the yardstick's.
        peak_goal: The uploader's memory, at most, in bytes.
    """

    name: str
    title: str
    files: int
    size: int
    stored: bool = False
    changed: int = 0
    for_memory: bool = False
    goal: float | None = None
    peak_goal: int | None = None

    @property
    def sent(self) -> int:
        """How many files a run has to upload."""
        return self.changed if self.stored else self.files

    def make_build(self, folder: Path) -> Build:
        """Write the build."""
        return LargeFileBuild(folder, self.size) if self.files == 1 else Build(folder, self.files, self.size)

    def rounds_of(self, peer: Peer, rounds: int) -> range:
        """The rounds that a peer takes part in. Rounds before round 1 are a warm-up, and are not measured."""
        if self.for_memory:
            return range(1, 1 if peer.one_by_one and self.files > 1 else 2)
        if peer.one_by_one and not self.stored:
            return range(1, 2)
        # Two warm-ups: in the first a peer may upload every file, and in the second the server computes their ETags.
        return range(-1 if self.stored else 0, rounds + 1)


JOBS = {
    job.name: job
    for job in (
        Job("new", "2,000 new files, 40 MB", 2000, 40 * MEGA, goal=0.45),
        Job("same", "2,000 files, nothing changed", 2000, 40 * MEGA, stored=True, goal=0.75),
        Job(
            "changed",
            "50,000 files, 200 changed",
            50_000,
            100 * MEGA,
            stored=True,
            changed=200,
            goal=0.25,
            peak_goal=100 * MEGA,
        ),
        Job("memory", "50,000 new files, 100 MB", 50_000, 100 * MEGA, for_memory=True, peak_goal=150 * MEGA),
        Job("large", "one new file of 600 MB", 1, 600 * MEGA, for_memory=True, peak_goal=150 * MEGA),
    )
}
