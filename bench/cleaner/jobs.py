"""The jobs: what the site looks like before the run that is measured, and what that run has to do."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from bench.cleaner.bucket import MemoryBucket
from bench.cleaner.cleaner import POLICY, Cleaner, Took
from bench.cleaner.map_run import WORKERS, play
from bench.cleaner.server import S3Server
from bench.cleaner.site import BUCKET, PREFIX, Site, versions_of
from bench.errors import BenchError
from release_log.ledger_file import FORMAT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cleaner_lambda.ledger import Retired

FILES = 2_000
CHANGED = 200
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
AGE = timedelta(days=30)
"""How old the orphans are that are adopted."""
TO_NOTICE = timedelta(days=3)
"""How long nobody notices that the ledger is lost. Then each retired asset is old enough for an orphan."""

WAKE_UP = {"site": PREFIX, "bucket": BUCKET}
FULL = {**WAKE_UP, "full": True}
ADOPT = {**WAKE_UP, "adopt": True}
ASKS = ("adoption",)
"""What stops a run that has found very many orphans, until it is told to go on."""

TO_ANSWER = timedelta(hours=1)
"""How long that takes."""

HANDED_OUT = (f"the same, handed out to {WORKERS} workers", "a quarter of the time, 512 MB an invocation")
"""The title and the goal of a listing that is handed out."""

MOST_INVOCATIONS = 1_000
"""A job that needs more never ends."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the site is.

    Attributes:
        retired: Retired assets.
        orphans: Assets that no release names, in the job that adopts them.
        ledger_format: The format of the ledger that the cleaner writes.
        constants: As of `Cleaner`, so that a small site is treated as a large one.
        with_map: Whether the full listing is also handed out to a map run.
        markers: How many of the newest markers are left when the cleaner's state is lost; None for all.
    """

    retired: int
    orphans: int
    ledger_format: int = FORMAT
    constants: Mapping[str, int] = field(default_factory=dict)
    with_map: bool = False
    markers: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a job took.

    Attributes:
        objects: The objects in the bucket.
        invocations: What each invocation took.
        requests: Kind of request -> how many.
        figures: What else the job measures -> its value.
        handed_out: The same work, handed out to a map run; None if that is not measured.
    """

    objects: int
    invocations: tuple[Took, ...]
    requests: Counter[str]
    figures: Mapping[str, float] = field(default_factory=dict)
    handed_out: Result | None = None

    @property
    def cpu(self) -> float:
        """Processor time of all invocations, in seconds."""
        return sum(took.cpu for took in self.invocations)

    @property
    def seconds(self) -> float:
        """The duration of all invocations, one after the other."""
        return sum(took.seconds for took in self.invocations)

    def document(self) -> dict[str, Any]:
        """It, ready for JSON."""
        return {
            "objects": self.objects,
            "invocations": [asdict(took) for took in self.invocations],
            "requests": dict(self.requests),
            "figures": dict(self.figures),
            **({} if self.handed_out is None else {"handed_out": self.handed_out.document()}),
        }


@dataclass(frozen=True, slots=True)
class Job:
    """One job.

    Attributes:
        title: What it is, for people.
        goal: What it may take.
        run: Prepares and measures it.
    """

    title: str
    goal: str
    run: Callable[[Sizes], Result]


def release(sizes: Sizes) -> Result:
    """A release that changes some files."""
    return _measure(sizes, lambda site: site.publish(range(CHANGED)), tagged=CHANGED)


def idle(sizes: Sizes) -> Result:
    """A run in which nothing has happened."""
    return _measure(sizes, lambda _: WAKE_UP, tagged=0)


def listing(sizes: Sizes) -> Result:
    """A full listing of a bucket in which every object is known; no sweep is due."""
    bucket, site = _site(sizes, listing_due=True)
    bucket.now += timedelta(hours=23)
    before = bucket.get(site.layout.ledger)
    with S3Server(BUCKET, bucket) as server:
        with _cleaner(server, sizes) as cleaner:
            took = _until_rest(cleaner, WAKE_UP, WAKE_UP)
        _check_listed(took)
        result = Result(len(bucket), took, server.requests.copy())
        if not sizes.with_map or before is None:
            return result
        bucket.put(site.layout.ledger, before.body or b"")  # the listing has changed nothing else
        server.requests.clear()
        constants = {**sizes.constants, "cleaner_lambda.scan.LARGE": 0}  # it is handed out, whatever its size
        large = replace(sizes, constants=constants)
        played = play(server, lambda: _cleaner(server, large, distributed=True), WAKE_UP)
    _check_listed(played.invocations)
    figures = {
        "s by the simulated clock": played.seconds,
        "s without the map run": result.seconds,
        "of that time": played.seconds / result.seconds,
        "s of CPU on the longest way": played.cpu,
        "s of CPU without the map run": result.cpu,
        "of that CPU time": played.cpu / result.cpu,
    }
    return replace(result, handed_out=Result(result.objects, played.invocations, server.requests, figures))


def _check_listed(invocations: tuple[Took, ...]) -> None:
    found = [took.orphans for took in invocations if took.orphans is not None]
    if not found or found[-1]:
        msg = f"the cleaner found {found[-1]:,} orphans, and not 0" if found else "the cleaner did not list the site"
        raise BenchError(msg)


def sweep(sizes: Sizes) -> Result:
    """The run that is due once a day on a large site: a tenth of the retired assets is beyond the version limit."""
    return _sweep(sizes, WAKE_UP, _but_a_tenth(sizes))


def plan(sizes: Sizes) -> Result:
    """The same as a dry run."""
    return _sweep(sizes, {**WAKE_UP, "dry_run": True}, _but_a_tenth(sizes))


def delete(sizes: Sizes) -> Result:
    """The largest deletion that there is: every retired asset is due, and no limit holds it up."""
    result = _sweep(sizes, WAKE_UP, 0, max_delete_fraction=1)
    figures = {
        "deletions a second of CPU": sizes.retired / result.cpu,
        "deletions a second": sizes.retired / result.seconds,
    }
    return replace(result, figures=figures)


def _but_a_tenth(sizes: Sizes) -> int:
    """The number of versions of each file that stay, so that a tenth of them goes."""
    versions = sizes.retired // FILES
    return versions - versions // 10


def _sweep(sizes: Sizes, event: Mapping[str, object], limit: int, **settings: object) -> Result:
    bucket, _ = _site(sizes)
    bucket.now += timedelta(hours=23)  # the listing is not due yet, and the sweep is
    policy = {**POLICY, "version_limit": limit, "version_ttl": 0, "grace": 0, **settings}
    with S3Server(BUCKET, bucket) as server, _cleaner(server, sizes, policy) as cleaner:
        took = _until_rest(cleaner, event, event)
    deleted = sum(each.counts.get("delete", 0) for each in took)
    due = sum(max(0, versions - limit) for versions in versions_of(sizes.retired, FILES))
    if deleted != due:
        msg = f"the cleaner deleted {deleted:,} assets, and not {due:,}"
        raise BenchError(msg)
    return Result(sizes.retired, took, server.requests)


def adopt(sizes: Sizes) -> Result:
    """A bucket full of assets that no release names: the first run, or if that asks, those that are told to go on."""
    bucket = MemoryBucket(BEGIN)
    bucket.add_assets(
        f"{PREFIX}old/{number:07}-{number * 2_654_435_761 % 2**28:07x}a.js" for number in range(sizes.orphans)
    )
    bucket.now += AGE
    Site(bucket, FILES).publish(range(FILES))
    with S3Server(BUCKET, bucket) as server, _cleaner(server, sizes) as cleaner:
        took = _until_rest(cleaner, or_stopped_by=ASKS)
        if took[-1].stopped_by:
            bucket.now += TO_ANSWER  # so that the ledger may get its next format
            server.requests.clear()
            took = _until_rest(cleaner, ADOPT, WAKE_UP)
        return Result(len(bucket), took, server.requests)


def rebuild(sizes: Sizes) -> Result:
    """The runs after the cleaner's whole state was lost, until it has rebuilt its ledger.

    Raises:
        BenchError: They never end; or an asset is not in the ledger, or is older there than it is.
    """
    bucket = MemoryBucket(BEGIN)
    site = Site(bucket, FILES)
    site.have_lost(sizes.retired, sizes.markers)
    bucket.now += TO_NOTICE
    took: list[Took] = []
    event: Mapping[str, object] = WAKE_UP
    with S3Server(BUCKET, bucket) as server, _cleaner(server, sizes) as cleaner:
        while not took or took[-1].unfinished or took[-1].stopped_by:
            _check_number(took)
            took.append(cleaner.invoke(event))
            asks = not set(took[-1].stopped_by).isdisjoint(ASKS)
            if asks and event is ADOPT:
                msg = "the cleaner asks about the orphans again, though it was told to go on"
                raise BenchError(msg)
            event = ADOPT if asks else WAKE_UP
            # The ledger gets its next format a quarter of an hour after the first run, and nothing is deleted before.
            waits = asks or not took[-1].unfinished
            bucket.now += TO_ANSWER if waits else timedelta(seconds=ceil(took[-1].seconds))
    found = site.retired_since()
    assets = Counter(_dated(found.get(key), entry) for _, some in site.past() for key, entry in some.items())
    if assets["lost"] or assets["earlier"]:
        msg = f"of the retired assets the ledger lacks {assets['lost']:,}, and has {assets['earlier']:,} as older"
        raise BenchError(msg)
    return Result(len(bucket), tuple(took), server.requests, {"assets dated later than they were": assets["later"]})


def _dated(since: datetime | None, entry: Retired) -> str:
    """How the ledger dates an asset, beside what it was."""
    if since is None:
        return "lost"
    return "same" if since == entry.mark.since else "earlier" if since < entry.mark.since else "later"


JOBS = {
    "release": Job(f"a release changes {CHANGED} of {FILES:,} files", "0.5 s, 200 MB", release),
    "idle": Job("a run in which nothing happened", "0.1 s", idle),
    "listing": Job("a full listing, every object known", "25 µs an object, 300 MB", listing),
    "sweep": Job("a sweep, a tenth of the retired assets is due", "256 MB", sweep),
    "plan": Job("the same as a dry run", "256 MB", plan),
    "delete": Job("every retired asset is due", "3,500 deletions a second, 256 MB", delete),
    "adopt": Job("a bucket of orphans is adopted", "ends; 1.1 requests a 1,000 orphans without tags", adopt),
    "rebuild": Job("the cleaner's whole state is lost", "the same instants, 512 MB", rebuild),
}


def _site(sizes: Sizes, *, listing_due: bool = False) -> tuple[MemoryBucket, Site]:
    bucket = MemoryBucket(BEGIN)
    site = Site(bucket, FILES)
    site.have_past(sizes.retired, sizes.ledger_format, listing_due=listing_due)
    return bucket, site


def _cleaner(
    server: S3Server, sizes: Sizes, policy: Mapping[str, object] = POLICY, *, distributed: bool = False
) -> Cleaner:
    return Cleaner(server.url, policy, sizes.ledger_format, sizes.constants, distributed=distributed)


def _measure(sizes: Sizes, event: Callable[[Site], dict[str, Any]], tagged: int) -> Result:
    """Measure the second of two equal runs in a process: the first one opens boto3's clients.

    Another process has folded in a release before, so that the ledger is one that the cleaner has written.
    """
    bucket, site = _site(sizes)
    with S3Server(BUCKET, bucket) as server:
        with _cleaner(server, sizes) as cleaner:
            cleaner.invoke(site.publish(range(CHANGED)))
        with _cleaner(server, sizes) as cleaner:
            cleaner.invoke(event(site))
            server.requests.clear()
            took = cleaner.invoke(event(site))
    if took.counts.get("tag") != tagged or took.stopped_by:
        msg = f"the cleaner did something else: {took.counts}, {took.stopped_by}, and not {tagged} tags"
        raise BenchError(msg)
    return Result(len(bucket), (took,), server.requests)


def _check_number(took: Sequence[Took]) -> None:
    """Check that a job ends."""
    if len(took) == MOST_INVOCATIONS:
        said = ", ".join(took[-1].stopped_by) or "unfinished"
        msg = f"after {MOST_INVOCATIONS} invocations the cleaner still says {said}"
        raise BenchError(msg)


def _until_rest(
    cleaner: Cleaner,
    first: Mapping[str, object] = FULL,
    then: Mapping[str, object] = FULL,
    or_stopped_by: tuple[str, ...] = (),
) -> tuple[Took, ...]:
    """Have it run until it has done all its work, or waits for somebody."""
    took: list[Took] = []
    while not took or took[-1].unfinished or took[-1].stopped_by not in {(), or_stopped_by}:
        _check_number(took)
        took.append(cleaner.invoke(then if took else first))
    return tuple(took)
