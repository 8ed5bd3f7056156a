"""The daily run of all sites that match a pattern: one after the other, as long as the invocation has time.

What is left is handed on to a wake-up. A site whose run fails does not keep the others from theirs: it gets a run of
its own, which Lambda repeats and reports as any other. One whose run ends the whole invocation, as its memory is full
or a request takes too long, leaves no time for that; so their order is another one in each daily run (`Turn`).
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from cleaner_lambda.sites import find_site
from release_log.instants import format_instant, parse_instant
from release_log.layout import Layout
from release_log.site_pattern import SitePattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from mypy_boto3_s3 import S3Client

    from cleaner_lambda.sites import Site

AGAIN_PER_MINUTE = 10
"""How many failed sites get a run of their own in one minute: after an outage all of them may have failed."""


class Turn(NamedTuple):
    """The order in which the sites of a pattern have their runs, and how far that has come.

    A site that ends each invocation keeps those behind it from their runs. In an order by chance each of them is before
    it every other time, and Lambda's repetitions of the daily run have orders of their own. (If each day began at
    another site, and followed the prefixes from there, the one right behind it would have to wait for its own day.)

    Attributes:
        begun: When the first invocation began. Another instant gives another order.
        after: The prefix of the last site that had its turn; empty if none had.
    """

    begun: datetime
    after: str = ""

    @classmethod
    def read(cls, text: str, now: datetime) -> Turn:
        """Go on where an invocation ended, in its order, whatever day it is by now.

        Args:
            text: Its `Turn.text`. Any other text begins anew: it is empty, or of an older version, with another order.
            now: When this invocation began.
        """
        prefix, _, begun = text.rpartition(" ")
        with suppress(ValueError):
            return cls(parse_instant(begun), prefix)
        return cls(now)

    @property
    def text(self) -> str:
        """What the payload of a wake-up says of it."""
        return f"{self.after} {format_instant(self.begun)}"

    def order(self, prefixes: Iterable[str]) -> list[str]:
        """Those that are still to have their turn, in its order."""
        last = self._place(self.after) if self.after else b""
        return sorted((each for each in prefixes if self._place(each) > last), key=self._place)

    def _place(self, prefix: str) -> bytes:
        return hashlib.sha256(f"{format_instant(self.begun)} {prefix}".encode()).digest()


@dataclass(slots=True)
class Swept:
    """What became of a pattern's sites.

    Attributes:
        sites: How many had a run.
        failed: Each site whose run failed, and why.
        rest: The prefix of the last site, after which others are left; None if there are none.
    """

    sites: int = 0
    failed: list[tuple[Site, str]] = field(default_factory=list)
    rest: str | None = None


def find_sites(client: S3Client, pattern: Site, sites: Sequence[Site], turn: Turn) -> Iterator[Site]:
    """What may be sites of a pattern, by the folders there, each in its turn: see `has_log`.

    One request for a thousand folders, before the first of them.

    Args:
        client: The client of S3.
        pattern: The pattern, as it is configured.
        sites: The configured sites: a prefix that is configured by itself, or by an earlier pattern, is not this one's.
        turn: Whose turn it is.
    """
    for prefix in turn.order(_prefixes(client, pattern)):
        site = find_site(sites, prefix, pattern.bucket)
        if site == pattern.named(prefix):
            yield site


def _prefixes(client: S3Client, pattern: Site) -> Iterator[str]:
    shape = SitePattern(pattern.prefix)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=pattern.bucket, Prefix=shape.fixed, Delimiter="/")
    for page in pages:
        for folder in page.get("CommonPrefixes", ()):
            if (prefix := shape.site_in(folder["Prefix"])) is not None:
                yield prefix


def has_log(client: S3Client, site: Site) -> bool:
    """Whether it is a site: whether a release log lies there."""
    answer = client.list_objects_v2(Bucket=site.bucket, Prefix=Layout(site.prefix).log, MaxKeys=1)
    return bool(answer.get("Contents"))


def sweep(
    found: Iterable[Site], is_site: Callable[[Site], bool], run: Callable[[Site], object], has_time: Callable[[], bool]
) -> Swept:
    """Run each site, one after the other.

    Args:
        found: What may be sites; it may be many that are none.
        is_site: See `has_log`.
        run: Cleans one.
        has_time: Whether there is time for another. For the first one there is always.
    """
    swept, last = Swept(), ""
    for site in found:
        if last and not has_time():
            swept.rest = last
            break
        last = site.prefix
        if not is_site(site):
            continue
        try:
            run(site)
        except Exception as error:  # noqa: BLE001 (whatever fails there, the other sites get their runs)
            swept.failed.append((site, f"{type(error).__name__}: {error}"))
        swept.sites += 1
    return swept
