"""Credentials that boto3 finds and renews, for obstore. Loaded only where the environment has none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.credentials import RefreshableCredentials

from uploader.aws.boto3_chain import check_credentials, find_credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import Credentials
    from obstore.store import S3Credential

    from uploader.aws.access import Access

OBSTORE_ASKS_EARLY = timedelta(minutes=5)
"""How long before the end that it is told obstore asks for credentials again; it cannot be set."""

HELD_SECONDS = (60, 10, 1)
"""How long obstore may hold credentials: the longest time that is at most half of the rest of their life.

botocore renews credentials when it is asked for them within their last 15 minutes, and has to within the last 10. It
asks before each request; obstore would hold what it has for as long as it is told.
"""


def credential_provider(access: Access) -> Callable[[], S3Credential]:
    """What obstore asks for credentials, again and again.

    Raises:
        UsageError: boto3 finds no credentials.
    """
    credentials = find_credentials(access)

    def provide() -> S3Credential:
        keys = check_credentials(credentials.get_frozen_credentials(), credentials.method)
        until = datetime.now(UTC) + OBSTORE_ASKS_EARLY + timedelta(seconds=held_seconds(credentials))
        return {
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key,
            "token": keys.token,
            "expires_at": until,
        }

    return provide


def held_seconds(credentials: Credentials) -> int:
    """How long obstore may hold credentials that were just taken."""
    if not isinstance(credentials, RefreshableCredentials):
        return HELD_SECONDS[0]
    return next((each for each in HELD_SECONDS if not credentials.refresh_needed(2 * each)), HELD_SECONDS[-1])
