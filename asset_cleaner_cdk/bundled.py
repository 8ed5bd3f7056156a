"""Files of the zip that is the function's code: the list of sites, and how each file is stored."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asset_cleaner_cdk.settings.stack import SiteSettings


def entries(sites: Iterable[SiteSettings]) -> list[dict[str, Any]]:
    """The list. The name of a bucket that only CloudFormation knows is null: the function's environment has it."""
    return [
        {
            "bucket": site.bucket if isinstance(site.bucket, str) else None,
            "prefix": site.prefix,
            "policy": dict(site.policy),
        }
        for site in sites
    ]


def text(sites: Iterable[SiteSettings]) -> str:
    """The file `release_log.environment.SITES_FILE` of the bundle, whose hash changes with it."""
    return json.dumps(entries(sites), indent=1) + "\n"


def zip_entry(name: str) -> zipfile.ZipInfo:
    """A file in the function's zip, which everybody may read, as Lambda requires.

    Its date is the earliest there is: the same files make the same zip on every day.
    """
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
