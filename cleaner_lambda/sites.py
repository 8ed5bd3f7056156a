"""The sites that this installation cleans, from the function's environment as the stack writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cleaner_lambda.errors import RequestError, UnknownSiteError
from release_log.environment import Variable
from release_log.errors import ReleaseLogError
from release_log.layout import check_prefix
from release_log.policy_settings import policy_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from release_log.policy_settings import Policy


@dataclass(frozen=True, slots=True)
class Site:
    """One key prefix of one bucket, and its policy."""

    bucket: str
    prefix: str
    policy: Policy


def sites_from(environ: Mapping[str, str]) -> tuple[Site, ...]:
    """Read ``SITES``: a JSON list of ``{"bucket": …, "prefix": …, "policy": {setting: value}}``.

    Raises:
        RequestError: The variable is missing or wrong.
    """
    try:
        entries = json.loads(environ[Variable.SITES])
        return tuple(
            Site(entry["bucket"], check_prefix(entry["prefix"]), policy_from(entry["policy"])) for entry in entries
        )
    except (KeyError, TypeError, ValueError, AttributeError, ReleaseLogError) as error:
        msg = f"the function's environment variable {Variable.SITES} is wrong ({error}): deploy the stack again"
        raise RequestError(msg) from error


def find_site(sites: Sequence[Site], prefix: str | None, bucket: str | None = None) -> Site:
    """The site of a payload or an event.

    Args:
        sites: The configured sites.
        prefix: The site's prefix; None for the only one.
        bucket: The site's bucket; None for any.

    Raises:
        UnknownSiteError: No site matches.
        RequestError: More than one site matches.
    """
    found = [
        site
        for site in sites
        if (prefix is None or site.prefix == prefix) and (bucket is None or site.bucket == bucket)
    ]
    if len(found) == 1:
        return found[0]
    several = len({site.bucket for site in sites}) > 1
    known = ", ".join(f"{site.prefix!r} in {site.bucket!r}" if several else repr(site.prefix) for site in sites)
    if found:
        keys = '"site" and "bucket"' if several else '"site"'
        msg = f"which site? Name one with {keys}: {known}"
    else:
        where = "" if bucket is None else f" in bucket {bucket!r}"
        msg = f"site {prefix!r}{where} is not configured here; configured: {known}"
        raise UnknownSiteError(msg)
    raise RequestError(msg)


def inside(sites: Sequence[Site], site: Site) -> tuple[str, ...]:
    """The prefixes of sites inside a site. Their objects are not this site's, even before their first release."""
    others = (other.prefix for other in sites if other.bucket == site.bucket and other.prefix != site.prefix)
    return tuple(prefix for prefix in others if prefix.startswith(site.prefix))
