"""What people should know of a site whose prefix lies inside another site's, or around it. Pure.

A key belongs to the innermost site. Nothing is lost, but each site keeps what the other needs, and two builds may send
different files to one key: so each should have a prefix of its own.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from release_log.layout import Layout
from uploader.history.completeness import some_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from uploader.s3.port import Neighbour

APART = "give each site a prefix of its own"


def warnings_of(
    layout: Layout, neighbours: Iterable[Neighbour], inner: Collection[str], keys: Iterable[str]
) -> list[str]:
    """One line for each site around this one and inside it.

    Args:
        layout: The site.
        neighbours: Its neighbours; of those around it some may be hidden from us.
        inner: The prefixes of the sites inside it.
        keys: The keys of the release.
    """
    lines = []
    for each in neighbours:
        if each.prefix.startswith(layout.prefix):
            continue
        if each.unread and each.ledger is None:
            lines.append(unknown_around(each.prefix, each.unread))
        else:
            lines.append(lies_inside(layout, each.prefix))
    theirs = _keys_of(inner, keys)
    lines += [has_inside(layout, prefix, theirs[prefix]) for prefix in sorted(inner)]
    return lines


def name_of_site(prefix: str) -> str:
    """A site, for people."""
    return f"the site {prefix}" if prefix else "the site of the whole bucket"


def lies_inside(layout: Layout, around: str) -> str:
    """Another site lies around this one."""
    log = Layout(around).log
    return (
        f"{name_of_site(layout.prefix)} lies inside {name_of_site(around)}, which has its release log under {log}: "
        f"{APART}, or delete that log if no site publishes there"
    )


def has_inside(layout: Layout, inner: str, keys: Collection[str]) -> str:
    """Another site lies inside this one; these keys of this one's release are beneath it."""
    line = f"{name_of_site(inner)} lies inside {name_of_site(layout.prefix)}"
    if not keys:
        return f"{line}: {APART}"
    return f"{line}, and these assets of this release belong to it: {some_of(keys)}; publish them there"


def unknown_around(around: str, why: str) -> str:
    """It is hidden from us whether a site lies around this one."""
    return f"whether a site has its release log under {Layout(around).log}, and deletes assets here, is unknown: {why}"


def _keys_of(inner: Collection[str], keys: Iterable[str]) -> dict[str, list[str]]:
    """Prefix -> the keys of the innermost site that has it."""
    found: dict[str, list[str]] = defaultdict(list)
    prefixes = sorted(inner, key=len, reverse=True)
    for key in keys if prefixes else ():
        prefix = next((each for each in prefixes if key.startswith(each)), None)
        if prefix is not None:
            found[prefix].append(key)
    return found
