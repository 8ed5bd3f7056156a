"""Which objects there are under the keys of pages, and what S3 says of them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import Listed, S3Port
    from release_log.layout import Layout

STORED = "stored-page"
DIGEST = "digest"
"""The names in a page's metadata that tell which page it is; `uploader.treatment.headers` has them too."""

UNREADABLE = ""
"""What stands for the note of a page that nobody may read: no release has a page that is called so."""

_NOT_GIVEN_OUT = {"400", "403", "AccessDenied"}
"""How S3 answers a HEAD that it refuses; the first one is for an object under a key that its client provides (SSE-C):
https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html"""

PAGE = 1000
"""How many keys S3 lists at a time."""


def find(store: S3Port, layout: Layout, keys: list[str], pace: Pace) -> dict[str, Listed]:
    """Those of some keys that exist. Lists from each to the next, as several may be on one page of the listing."""
    parts = [keys[start : start + PAGE] for start in range(0, len(keys), PAGE)]

    def find_some(wanted: list[str]) -> dict[str, Listed]:
        found: dict[str, Listed] = {}
        left = set(wanted)
        at, after = 0, ""
        while at < len(wanted):
            # Without its last character a key sorts before itself. Each listing ends where its first page does.
            after = max(after, wanted[at][:-1])
            for number, listed in enumerate(store.list(layout.prefix, after, wanted[-1]), 1):
                after = listed.key
                while at < len(wanted) and wanted[at] <= listed.key:
                    at += 1
                if listed.key in left:
                    found[listed.key] = listed
                if number % PAGE == 0 and at < len(wanted):
                    break
            else:
                break
        return found

    return dict(chain.from_iterable(found.items() for found in pace.mapper(find_some, parts)))


def read(store: S3Port, key: str) -> list[str]:
    """What the metadata of a page says that it is; `UNREADABLE` if S3 does not give it out."""
    try:
        metadata = store.get_metadata(key) or {}
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_GIVEN_OUT:
            raise
        return [UNREADABLE]
    digest = metadata.get(DIGEST)
    return [each for each in (metadata.get(STORED), digest and f"sha256:{digest}") if each]
