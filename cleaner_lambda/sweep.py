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
        rest: The prefix after which others are left; None if there are none.
    """

    sites: int = 0
    failed: list[tuple[Site, str]] = field(default_factory=list)
    rest: str | None = None


def find_sites(client: S3Client, pattern: Site, sites: Sequence[Site], after: str = "") -> Iterator[Site]:
    """What may be sites of a pattern, by the folders there, in the order of their prefixes: see `has_log`.

    One request for a thousand folders.

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
            # A folder that holds keys behind `after` is listed again.
            if prefix is None or prefix <= after:
                continue
            site = find_site(sites, prefix, pattern.bucket)
            if site == pattern.named(prefix):
                yield site


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
