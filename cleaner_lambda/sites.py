"""The sites that this installation cleans: each by its prefix, or all that match a pattern (``previews/*/``).

The stack writes them into the file `FILE` of the bundle, as a function's environment holds no more than 4 KB.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cleaner_lambda.errors import RequestError, UnknownSiteError
from release_log.environment import SITES_FILE, Variable
from release_log.errors import ReleaseLogError
from release_log.policy_settings import policy_from
from release_log.site_pattern import SitePattern, check_site, is_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from release_log.policy_settings import Policy

FILE = Path(__file__).resolve().parents[1] / SITES_FILE
"""Beside this package, in the bundle."""


@dataclass(frozen=True, slots=True)
class Site:
    """One key prefix of one bucket, and its policy; or a pattern of prefixes, as it is configured.

    Attributes:
        bucket: The bucket's name.
        prefix: The site's prefix, or the pattern.
        policy: Its policy.
        pattern: The pattern by which the site was found; empty for a site that is configured by its prefix.
    """

    bucket: str
    prefix: str
    policy: Policy
    pattern: str = ""

    @property
    def is_pattern(self) -> bool:
        """Whether it stands for all sites that match, and is not one itself."""
        return is_pattern(self.prefix)

    @property
    def counted_as(self) -> str:
        """Whose metrics it counts for. All sites of a pattern share them: each metric of a site costs money."""
        return self.pattern or self.prefix

    def digest(self, more: str = "") -> str:
        """Tells it from other sites, and with more text from other things of its own, in 32 characters of a name."""
        return hashlib.sha256(f"{self.bucket}/{self.prefix}{more}".encode()).hexdigest()[:32]

    def named(self, prefix: str) -> Site:
        """The site of this pattern that has a prefix."""
        return replace(self, prefix=prefix, pattern=self.prefix)


def sites_from(environ: Mapping[str, str], file: Path = FILE) -> tuple[Site, ...]:
    """Read the configured sites: a JSON list of ``{"bucket": …, "prefix": …, "policy": {setting: value}}``.

    The bucket that the stack creates has no name before it exists: it is null in the file, and in the environment.
    A stack of an older version has the whole list in ``SITES``, also while its function is being updated.

    Args:
        environ: The function's environment.
        file: The file of the bundle.

    Raises:
        RequestError: They are missing or wrong.
    """
    inline = environ.get(Variable.SITES)
    try:
        text = file.read_text(encoding="utf-8") if inline is None else inline
        return tuple(
            Site(
                environ[Variable.BUCKET] if entry["bucket"] is None else entry["bucket"],
                check_site(entry["prefix"]),
                policy_from(entry["policy"]),
            )
            for entry in json.loads(text)
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError, ReleaseLogError) as error:
        where = f"file {SITES_FILE}" if inline is None else f"environment variable {Variable.SITES}"
        msg = f"the function's {where} is wrong ({error}): deploy the stack again"
        raise RequestError(msg) from error


def find_site(sites: Sequence[Site], prefix: str | None, bucket: str | None = None) -> Site:
    """The site, or the pattern, of a payload or an event.

    A site that is configured by its prefix goes before a pattern that matches, and an earlier pattern before a later.

    Args:
        sites: The configured sites.
        prefix: The site's prefix, or a pattern as it is configured; None for the only site.
        bucket: The site's bucket; None for any.

    Raises:
        UnknownSiteError: No site matches.
        RequestError: More than one site matches.
    """
    there = [site for site in sites if bucket in {None, site.bucket}]
    found = [site for site in there if site.prefix == prefix or (prefix is None and not site.is_pattern)]
    if not found and prefix is not None:
        matching = [site for site in there if site.is_pattern and SitePattern(site.prefix).matches(prefix)]
        # Of each bucket the first.
        found = [site.named(prefix) for site in {site.bucket: site for site in reversed(matching)}.values()]
    if len(found) == 1 and (prefix is not None or len(there) == 1):
        return found[0]
    several = len({site.bucket for site in sites}) > 1
    known = ", ".join(f"{site.prefix!r} in {site.bucket!r}" if several else repr(site.prefix) for site in sites)
    if found or (prefix is None and there):
        keys = '"site" and "bucket"' if several else '"site"'
        msg = f"which site? Name one with {keys}: {known}"
    else:
        where = "" if bucket is None else f" in bucket {bucket!r}"
        msg = f"site {prefix!r}{where} is not configured here; configured: {known}"
        raise UnknownSiteError(msg)
    raise RequestError(msg)


def inside(sites: Sequence[Site], site: Site) -> tuple[str, ...]:
    """The prefixes of sites inside a site. Their objects are not this site's, even before their first release.

    Those that a pattern would match there are known by their release logs, as the sites of other installations are.
    """
    others = (
        other.prefix
        for other in sites
        if other.bucket == site.bucket and other.prefix != site.prefix and not other.is_pattern
    )
    return tuple(prefix for prefix in others if prefix.startswith(site.prefix))
