"""What a site needs, and what it leaves where it is, for all that a cleaner can know."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from cleaner_lambda.plan import Reason
from release_log import marker
from release_log.errors import LedgerError
from tests.ledger_formats import ledger_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleaner_lambda.ledger import Ledger
    from release_log.marker import Release
    from release_log.policy_settings import Policy
    from tests.interleaving.site import Site


def read_ledger(site: Site) -> Ledger | None:
    """The ledger, if it exists and is whole."""
    stored = site.world.objects.get(site.layout.ledger)
    return None if stored is None else _decoded(site, stored.body)


@lru_cache(maxsize=10)
def _decoded(site: Site, _body: bytes) -> Ledger | None:
    objects = site.world.objects
    try:
        return ledger_in(site.layout, lambda key: objects[key].body if key in objects else None)
    except LedgerError:
        return None


def left_by_inner(site: Site) -> set[str]:
    """The assets where another site began and went: the next listing finds them as orphans."""
    inner = [other.layout for other in site.world.sites if site.layout.prefix in other.layout.around]
    return {key for key in site.world.objects if any(layout.owns(key) for layout in inner) and site.owns(key)}


def needed_around(site: Site, policy: Policy) -> frozenset[str]:
    """The keys that the sites around this one need, for all that this one can know."""
    around = [other for other in site.world.sites if other.layout.prefix in site.layout.around]
    return frozenset().union(*(release.all_keys for other in around for release in _needs(other, policy)))


def _needs(site: Site, policy: Policy) -> Iterator[Release]:
    """The releases whose assets a site may need."""
    for key, stored in site.world.objects.items():
        # No run deletes the intent of an upload that died before the site had its first marker.
        if key.startswith((site.layout.pending, site.layout.staged, site.layout.pins)):
            yield marker.decode(stored.body, site.layout.prefix)
    channels: dict[str, list[str]] = {}
    for release_id, (_, each) in site.releases.items():
        channels.setdefault(each.channel, []).append(release_id)
    count, published = 1 + policy.keep_releases, {i: at for i, (at, _) in site.releases.items()}
    ledger = read_ledger(site)
    # A marker that was copied before the site's cleaner first saw it has another instant in the ledger.
    as_seen = published | ({i: each.at for i, each in ledger.seen.items()} if ledger else {})
    for ids in channels.values():
        # Whoever does not know whether a marker was copied takes its name into account too.
        by_instant = (
            sorted(ids, key=lambda i, at=instants: (at[i], i), reverse=True)  # type: ignore[misc]
            for instants in (published, as_seen)
        )
        for line in (*by_instant, sorted(ids, reverse=True)):
            in_place = (n for n, i in enumerate(line) if i in site.placed or not site.releases[i][1].places_pages)
            yield from (site.releases[i][1] for i in line[: next(in_place, len(line)) + count])
    if ledger is not None:
        # Of a stored page, nobody but that site itself knows whether it was put in place.
        page_of = site.layout.page_of
        left = {e.release for key, e in ledger.retired.items() if e.logical == key or page_of(e.logical) is not None}
        yield from (
            site.releases[i][1] for i in left.union(ledger.lingering, *ledger.behind.values()) if i in site.releases
        )


def within_limit(site: Site) -> set[str]:
    """What takes part in ``version_limit`` for all that a run can know, as its path is current.

    A dead upload stored it again, so that it is an orphan; or the marker is gone by which it was removed; or nobody
    knows whether its channel's end ended it.
    """
    ledger = read_ledger(site)
    retired = ledger.retired if ledger else {}
    vanished = frozenset().union(*(site.published[i][1].keys for i in site.vanished))
    kept = {key for key, each in retired.items() if each.kept_by == Reason.WITHIN_VERSION_LIMIT}
    return {key for key in kept if not retired[key].release or retired[key].maybe_ended or key in vanished}
