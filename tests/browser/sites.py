"""The reports of two made-up sites: a small one whose texts are hostile, and a very large one."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from release_log.ledger_view import FoldedMarker, LedgerView, RetiredAsset
from release_log.marker import Asset, Release
from release_log.run_record import KEPT, RunRecord
from release_log.tags import State
from uploader.cli.report.document import document
from uploader.history.current import Current
from uploader.history.release import LoggedRelease
from uploader.operations.report.read import SiteReport
from uploader.operations.report.retiring import retiring
from uploader.operations.report.space import Stored, by_age, largest
from uploader.operations.report.timeline import timeline
from uploader.operations.status import Status, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

HOSTILE = "</script><script>parent.hostile=1</script><img src=x onerror=hostile=1>\u202e\x1b[2J${7*7}{{data}}"


def small() -> dict[str, Any]:
    """Twelve releases in three channels, and texts that would like to be markup."""
    return _report(releases=12, assets=40, retired=60, channels=("production", "staging", f"x{HOSTILE}"), text=HOSTILE)


def large() -> dict[str, Any]:
    """5,000 releases, and 100,000 assets."""
    channels = ("production", "staging", *(f"preview-{number}" for number in range(18)))
    return _report(releases=5_000, assets=24, retired=99_500, channels=channels, text="")


def empty() -> dict[str, Any]:
    """Nothing was ever published."""
    status = Status(Current({}, {}, (), (), {}, {}), (), (), None, ())
    found = SiteReport(
        at=NOW, status=status, releases=[], retiring=retiring((), NOW), ages=by_age([], NOW), largest=largest([])
    )
    return document(found, "my-assets", "assets/")


def _report(*, releases: int, assets: int, retired: int, channels: tuple[str, ...], text: str) -> dict[str, Any]:
    chance = random.Random(7)  # noqa: S311 (examples)
    published = list(_published(releases, assets, channels, text))
    newest = {each.release.channel: each for each in reversed(published)}
    gone = {f"gone-{number}": FoldedMarker(NOW - timedelta(days=300), channels[0]) for number in range(2)}
    left = tuple(_retired(retired, text, chance))
    ledger = LedgerView(
        {channel: each.id for channel, each in newest.items()},
        {each.id: FoldedMarker(each.at, each.release.channel) for each in published},
        gone,
        {},
        left,
        None,
        NOW - timedelta(hours=3),
        rebuilding=False,
        last_run={
            "at": "2026-11-23T11:40:00Z",
            "run": f"run-1{text}",
            "counts": {"delete": 17, "keep": 240, "tag": 3, "untag": 0},
            "bytes_deleted": 41_000_000,
            "stopped_by": [{"reason": "brake", "message": f"more is due than is allowed{text}"}] if text else [],
            "unfinished": False,
            "next_due": "2026-11-23T13:00:00Z",
        },
        runs=tuple(_runs(text)),
    )
    current = Current(newest, {}, (), (), {}, {})
    waiting = (Waiting("20261123T115900Z-next", channels[0], NOW, NOW + timedelta(hours=6), 41),)
    status = Status(current, waiting, (), ledger, (f"a marker{text} is not valid: delete it",) if text else (), (), ())
    stored = [
        Stored(asset.key, asset.size, NOW - timedelta(days=chance.expovariate(0.02)), current=True)
        for each in newest.values()
        for asset in each.release.assets.values()
    ]
    stored += [Stored(each.logical, each.size, each.since - timedelta(days=20), current=False) for each in left]
    found = SiteReport(
        at=NOW,
        status=status,
        releases=timeline(published, gone, {channel: each.id for channel, each in newest.items()}, frozenset()),
        retiring=retiring(left, NOW),
        ages=by_age(stored, NOW),
        largest=largest(stored),
    )
    return document(found, "my-assets", f"assets{text.replace('/', '')}/" if text else "assets/")


def _runs(text: str) -> Iterator[RunRecord]:
    """As many as the ledger keeps; the newest first."""
    for number in range(KEPT):
        deleted = 17 * (number % 3)
        stops = ("brake", f"unknown{text}") if number == 1 else ()
        at = NOW - timedelta(hours=7 * number, minutes=20)
        yield RunRecord(
            f"0b7d{number:04}-run{text}", at, number, 3 * number, 0, deleted, 41_000 * deleted, 0, stops, number == 1
        )


def _published(releases: int, assets: int, channels: tuple[str, ...], text: str) -> Iterator[LoggedRelease]:
    """The newest first; each changes one in eight of the files of the one before it."""
    versions = [0] * assets
    chance = random.Random(11)  # noqa: S311 (examples)
    made = []
    for number in range(releases):
        for changed in range(number % 8, assets, 8):
            versions[changed] = number
        at = NOW - timedelta(hours=2 * (releases - number) + chance.random())
        found = {
            f"a{path}.js{text}": Asset(f"assets/a{path}-{version:08x}.js", 1000 + 97 * path + version, True)
            for path, version in enumerate(versions)
        }
        commit = f"{chance.getrandbits(160):040x}"
        release = Release(
            commit[:8] + text,
            channels[min(len(channels) - 1, int(chance.expovariate(0.8)))],
            at,
            "assets/",
            {},
            found,
            {"commit": commit, "branch": f"main{text}"},
        )
        key = f"assets/.releases/markers/{number}.json"
        made.append(LoggedRelease(f"{at:%Y%m%dT%H%M%SZ}-{commit[:8]}", key, at.replace(microsecond=0), release))
    return reversed(made)


def _retired(retired: int, text: str, chance: random.Random) -> Iterator[RetiredAsset]:
    for number in range(retired):
        since = NOW - timedelta(hours=chance.expovariate(0.01))
        due = None if number % 9 == 0 else since + timedelta(days=12)
        kept = None if due else ("within_version_limit", "pinned")[number % 2]
        yield RetiredAsset(
            f"assets/b{number}.js",
            f"chunks/{number % 500}.js{text}",
            State.SUPERSEDED,
            since,
            int(chance.lognormvariate(9.5, 1.2)),
            "",
            due,
            kept,
        )
