"""The list of sites, as the function reads it. `release_log.environment` describes it."""

from __future__ import annotations

import json
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
