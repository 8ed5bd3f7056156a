"""Lists sites by their release logs: what is current, how large it is, and what the cleaner did and will do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from release_log.errors import LayoutError, LedgerError, MarkerError
from release_log.layout import Layout
from release_log.ledger_view import view
from release_log.marker import decode
from release_log.site_pattern import SitePattern, is_pattern
from uploader.history.stops import PASSING, stops_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from release_log.ledger_view import LedgerView
    from release_log.marker import Release
    from uploader.s3.port import Blob, Neighbour, ReaderPort

BATCH = 64
"""How many sites are read at once: some markers are large, and no more of them than this are in memory."""


@dataclass(frozen=True, slots=True)
class CurrentRelease:
    """A channel's current release, as far as the cleaner has seen it; before its first run, the newest marker's.

    Attributes:
        channel: The channel.
        id: The release's id.
        assets: How many assets it has; None if its marker cannot be read.
        size: Bytes of all of them; None likewise.
    """

    channel: str
    id: str
    assets: int | None
    size: int | None


@dataclass(frozen=True, slots=True)
class ListedSite:
    """A site.

    Attributes:
        prefix: Its prefix.
        pattern: The pattern by which it was found; None if it was named.
        current: Its current releases; none before the first, and after its end.
        retired: How many retired assets it has.
        last_run: When the cleaner last changed anything there; None before its first run.
        next_due: When the cleaner comes back by itself; None if nothing falls due.
        ends_at: When the site ends by `site_ttl` if nothing is published before; None if it does not, or has ended.
        problems: Why somebody has to look at it: what stops its deletions, and files that cannot be read.
    """

    prefix: str
    pattern: str | None
    current: tuple[CurrentRelease, ...] = ()
    retired: int = 0
    last_run: str | None = None
    next_due: str | None = None
    ends_at: str | None = None
    problems: tuple[str, ...] = ()


def find_prefixes(configured: Iterable[str], folders: Callable[[str], Iterable[str]]) -> dict[str, str | None]:
    """Prefix -> the pattern by which it was found, None for one that is configured by itself; in order.

    Args:
        configured: Prefixes and patterns. An earlier pattern goes before a later one.
        folders: Lists the folders that begin with a text.
    """
    each = list(dict.fromkeys(configured))
    found: dict[str, str | None] = {prefix: None for prefix in each if not is_pattern(prefix)}
    for pattern in filter(is_pattern, each):
        shape = SitePattern(pattern)
        for prefix in map(shape.site_in, folders(shape.fixed)):
            if prefix is not None:
                found.setdefault(prefix, pattern)
    return dict(sorted(found.items()))


def read_sites(bucket: ReaderPort, prefixes: Mapping[str, str | None]) -> Iterator[ListedSite]:
    """Read the sites; a prefix of a pattern without a release log is none.

    Args:
        bucket: Their bucket.
        prefixes: See `find_prefixes`.
    """
    names = list(prefixes)
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        logs = {each.prefix: each for each in bucket.neighbours(batch)}
        known = {prefix: _ledger(log) for prefix, log in logs.items()}
        ids = {prefix: _current_ids(bucket, prefix, ledger) for prefix, (ledger, _) in known.items()}
        keys = [Layout(prefix).marker_key(each) for prefix, found in ids.items() for each in found]
        markers = bucket.get_each(keys)
        for prefix in batch:
            if prefix in logs:
                yield _listed(prefix, prefixes[prefix], *known[prefix], ids[prefix], markers)
            elif prefixes[prefix] is None:
                yield ListedSite(prefix, None)


def _ledger(log: Neighbour) -> tuple[LedgerView | None, str]:
    """The cleaner's ledger, and why it cannot be read."""
    if log.unread or log.ledger is None:
        return None, log.unread
    try:
        return view(log.ledger.body), ""
    except LedgerError as error:
        return None, f"{Layout(log.prefix).ledger}: {error}"


def _current_ids(bucket: ReaderPort, prefix: str, ledger: LedgerView | None) -> list[str]:
    """Ids of the current releases: as the ledger says, or the newest marker."""
    if ledger is not None:
        return [each for each in ledger.current.values() if not ledger.says_ended(each)]
    layout = Layout(prefix)
    found = []
    for key, at in bucket.written(layout.markers).items():
        try:
            found.append((at, layout.release_id(key)))
        except LayoutError:
            continue
    return [max(found)[1]] if found else []


def _listed(
    prefix: str,
    pattern: str | None,
    ledger: LedgerView | None,
    unread: str,
    ids: Sequence[str],
    markers: Mapping[str, Blob],
) -> ListedSite:
    channels = {release_id: channel for channel, release_id in ledger.current.items()} if ledger else {}
    current, problems = [], [unread] if unread else []
    for release_id in ids:
        key = Layout(prefix).marker_key(release_id)
        release: Release | None = None
        try:
            release = decode(markers[key].body, prefix)
        except KeyError:
            problems.append(f"{key} is gone")
        except MarkerError as error:
            problems.append(f"{key}: {error}")
        if release is None or not release.ended:
            current.append(_current(channels.get(release_id), release_id, release))
    run: Mapping[str, Any] = ledger.last_run if ledger else {}
    stops = [str(stop.get("message")) for stop in stops_of(run) if stop.get("reason") not in PASSING]
    return ListedSite(
        prefix,
        pattern,
        tuple(current),
        ledger.retired_count if ledger else 0,
        _text(run.get("at")),
        _text(run.get("next_due")),
        _text(run.get("ends_at")),
        (*problems, *stops),
    )


def _current(channel: str | None, release_id: str, release: Release | None) -> CurrentRelease:
    if release is None:
        return CurrentRelease(channel or "?", release_id, None, None)
    size = sum(asset.size for asset in release.assets.values())
    return CurrentRelease(release.channel, release_id, len(release.assets), size)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
