"""An actor: the product's own code in a greenlet that stops at each request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from greenlet import getcurrent, greenlet

from cleaner_lambda.errors import CleanerError
from uploader.errors import UploaderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from release_log.layout import Layout
    from tests.interleaving.world import World

EPOCH = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)

MISHAPS = (UploaderError, CleanerError, BotoCoreError, ClientError)
"""The errors that faults of its requests may end an actor with. Any other error is a defect, and ends the test."""


class Crash(BaseException):
    """The process is dead: none of its code runs any more, not even a ``finally``."""


class Verdict(Enum):
    """The fate of a request."""

    DONE = "done"
    LOST = "lost"
    """S3 executes it, the answer is lost, and the client's library repeats the request."""
    LATE = "late"
    """No answer comes in time; S3 executes it later all the same."""
    AGAIN = "no answer, repeated"
    """No answer comes in time, and the client's library repeats the request; S3 executes the first one later too."""
    UNKNOWN = "error"
    """S3 answers with a 5xx, and executes it later all the same."""
    PART = "a part"
    """S3 deletes half of the keys, answers the others with a 5xx each, and deletes them later all the same."""
    REPEAT = "asked again"
    """The answer to a read is cut short, or S3 refuses a write with 409: the client repeats the request."""
    FAILED = "failed"
    """S3 answers every try with a refusal, and executes none."""


@dataclass(slots=True)
class Op:
    """One request, with the objects that it touches, for the scheduler.

    Attributes:
        kind: The operation.
        key: Its key, or prefix.
        keys: Its keys, if it has several.
        writes: Whether it changes the bucket.
        once: Whether the client's library never repeats it by itself.
        part: The effect if S3 executes a part of it; None if it cannot.
    """

    kind: str
    key: str = ""
    keys: frozenset[str] = frozenset()
    writes: bool = False
    once: bool = False
    part: Callable[[], Any] | None = None

    def touches(self, key: str) -> bool:
        return key in self.keys or (key.startswith(self.key) if self.kind == "list" else key == self.key)

    def depends_on(self, other: Op) -> bool:
        """Whether the order of the two matters."""
        if {"sleep", "time"} & {self.kind, other.kind}:
            return True
        if not (self.writes or other.writes):
            return False
        mine, theirs = self.keys or {self.key}, other.keys or {other.key}
        return any(other.touches(key) for key in mine) or any(self.touches(key) for key in theirs)

    def __str__(self) -> str:
        return f"{self.kind} {','.join(sorted(self.keys)) or self.key}"


def pause() -> None:
    """Return control to the scheduler."""
    parent = getcurrent().parent
    assert parent is not None
    parent.switch()


class BrokenPromiseError(AssertionError):
    """The promise is broken."""


@dataclass(slots=True, eq=False)
class Actor:
    """An actor: the uploader or the cleaner.

    Attributes:
        name: For people.
        world: The bucket.
        work: The actor's function.
        lives: The seconds after which it is dead.
        skew: The error of its own clock, in seconds.
        keys: The keys of its upload.
        relies_on: Keys that it decided not to send, or staged.
        until: For how long it may rely on them: as long as its intent or staged release holds.
        staged: Keys of the release that it has staged.
        pending: Its next request.
        result: What it returned, or the error that it ended with.
        seen_markers: The markers that it listed last.
        seen_before: The same, of the listing before.
        seen_at: S3's time of its last read of the ledger.
        vanished: An intent or staged release that it listed and did not find, and has not listed again since.
        deleted: Keys that its deletions took away.
        cleans: The site that it cleans; None if it is no cleaner.
        let_go: Keys of the objects that it asked, and that no upload sent: to the cleaner they may be orphans by now.
        may_go: Whether it can go on now.
    """

    name: str
    world: World
    work: Callable[[Actor], Any]
    lives: float = float("inf")
    skew: int = 0
    relies_on: frozenset[str] = frozenset()
    until: datetime = EPOCH
    staged: frozenset[str] = frozenset()
    pending: Op | None = None
    result: Any = None
    state: str = "new"
    let_go: set[str] = field(default_factory=set)
    started: datetime = EPOCH
    seen_markers: frozenset[str] = frozenset()
    seen_before: frozenset[str] = frozenset()
    seen_at: datetime = EPOCH
    answered_at: datetime = EPOCH
    verdict: Verdict = Verdict.DONE
    greenlet: Any = None
    requests: int = 0
    vanished: str | None = None
    deleted: set[str] = field(default_factory=set)
    cleans: Layout | None = None
    may_go: Callable[[], bool] = lambda: True

    def start(self) -> None:
        """Run to the first request."""
        self.state = "running"
        self.greenlet = greenlet(self._run, parent=getcurrent())
        self._switch()

    def step(self, verdict: Verdict = Verdict.DONE) -> None:
        """Execute the pending request, and run to the next one."""
        if not self.requests:
            self.started = self.world.now
        self.requests += 1
        self.verdict = verdict
        self._switch()

    def crash(self) -> None:
        """Kill the actor here."""
        if self.state == "running":
            self.state = "crashed"
            if getcurrent() is self.greenlet:
                raise Crash
            self.world.actor = self
            self.greenlet.parent = getcurrent()
            self.greenlet.throw(Crash)
            self._end()

    def _switch(self) -> None:
        self.world.actor = self
        self.greenlet.parent = getcurrent()
        self.greenlet.switch()
        if self.state != "running":
            self._end()
        self.world.check()

    def _end(self) -> None:
        self.relies_on, self.staged, self.pending = frozenset(), frozenset(), None

    def _run(self) -> None:
        try:
            self.result = self.work(self)
            self.state = "done"
        except BrokenPromiseError as violation:
            self.result, self.state = violation, "failed"
            raise
        except Crash:
            pass
        except MISHAPS as error:
            self.result, self.state = error, "failed"
