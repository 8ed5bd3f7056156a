"""The daily run of all sites that match a pattern: one after the other, as long as the invocation has time.

What is left is handed on to a wake-up. A site whose run fails does not keep the others from theirs: it gets a run of
its own, which Lambda repeats and reports as any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cleaner_lambda.sites import find_site
from release_log.layout import Layout
from release_log.site_pattern import SitePattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mypy_boto3_s3 import S3Client

    from cleaner_lambda.sites import Site

AGAIN_PER_MINUTE = 10
"""How many failed sites get a run of their own in one minute: after an outage all of them may have failed."""


@dataclass(slots=True)
class Swept:
    """What became of a pattern's sites.

    Attributes:
        sites: How many had a run.
        failed: Each site whose run failed, and why.
        rest: The site after which others are left; None if there are none.
    """

    sites: int = 0
    failed: list[tuple[Site, str]] = field(default_factory=list)
    rest: str | None = None


def find_sites(client: S3Client, pattern: Site, sites: Sequence[Site], after: str = "") -> Iterator[Site]:
    """The sites of a pattern that have a release log, in the order of their prefixes.

    One request for a thousand folders, and one for each folder.

    Args:
        client: The client of S3.
        pattern: The pattern, as it is configured.
        sites: The configured sites: a prefix that is configured by itself, or by an earlier pattern, is not this one's.
        after: Only those after this prefix.
    """
    shape = SitePattern(pattern.prefix)
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=pattern.bucket, Prefix=shape.fixed, Delimiter="/", StartAfter=after
    )
    for page in pages:
        for folder in page.get("CommonPrefixes", ()):
            prefix = shape.site_in(folder["Prefix"])
            if prefix is None or prefix <= after:
                continue
            site = find_site(sites, prefix, pattern.bucket)
            if site == pattern.named(prefix) and _has_log(client, site):
                yield site


def _has_log(client: S3Client, site: Site) -> bool:
    answer = client.list_objects_v2(Bucket=site.bucket, Prefix=Layout(site.prefix).log, MaxKeys=1)
    return bool(answer.get("Contents"))


def sweep(sites: Iterable[Site], run: Callable[[Site], object], has_time: Callable[[], bool]) -> Swept:
    """Run each site, one after the other.

    Args:
        sites: The sites.
        run: Cleans one.
        has_time: Whether there is time for another.
    """
    swept = Swept()
    last = ""
    for site in sites:
        if swept.sites and not has_time():
            swept.rest = last
            break
        try:
            run(site)
        except Exception as error:  # noqa: BLE001 (whatever fails there, the other sites get their runs)
            swept.failed.append((site, f"{type(error).__name__}: {error}"))
        swept.sites += 1
        last = site.prefix
    return swept
