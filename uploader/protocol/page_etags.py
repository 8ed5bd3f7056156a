"""The ETags of the pages in place, where they are not those of the stored pages: with KMS, and of a page sent in parts.

A page in place is recognised by its metadata, which whoever stores another object over it can copy. So its ETag counts
too: it is the stored page's, or one that the file notes which says that a release is in place.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from release_log.layout import Layout
    from release_log.marker import Asset
    from uploader.s3.port import Blob, PageInPlace, ReaderPort

READ = 10
"""How many releases are asked what they have noted of a page. As a rule the newest one tells."""


def content(others: Mapping[str, str]) -> bytes:
    """What stands in the file that says that a release is in place; the cleaner reads its name and its instant alone.

    Args:
        others: Key -> ETag of each page in place that has another than its stored version; see `others_of`.
    """
    noted = {"etags": dict(sorted(others.items()))} if others else {}
    return json.dumps({"format": 1, **noted}, separators=(",", ":"), ensure_ascii=False).encode()


def others_of(pages: Mapping[str, Asset], found: Mapping[str, PageInPlace]) -> dict[str, str]:
    """Key -> ETag of each page in place that has another than its stored version."""
    etags = {key: found[key].etag.strip('"') for key in pages if key in found}
    return {key: etag for key, etag in etags.items() if etag and pages[key].etag not in {None, etag}}


def noted_in(
    bucket: ReaderPort, layout: Layout, files: Mapping[str, datetime], keys: Collection[str]
) -> dict[str, str]:
    """Key -> ETag that the newest release in place has noted, for some pages.

    Args:
        bucket: The site's bucket.
        layout: The site.
        files: The files beside the markers, with their instants.
        keys: The pages.
    """
    noted: dict[str, str] = {}
    placed = {key: at for key, at in files.items() if layout.placed_id(key) is not None}
    for key in sorted(placed, key=lambda each: (placed[each], each), reverse=True)[:READ]:
        noted = {**etags_in(bucket.get(key)), **noted}
        if noted.keys() >= set(keys):
            break
    return noted


def etags_in(blob: Blob | None) -> dict[str, str]:
    """What a file notes that says that a release is in place. Nothing if it is not as the uploader writes it."""
    try:
        document = json.loads(blob.body) if blob is not None else None
    except (ValueError, RecursionError):
        return {}
    etags = document.get("etags") if isinstance(document, dict) else None
    return {key: etag for key, etag in etags.items() if isinstance(etag, str)} if isinstance(etags, dict) else {}
