"""The way to a bucket: boto3's chain for who and where, obstore for what moves."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from uploader.errors import UsageError
from uploader.session import first_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploader.session import Access

WARM = 8
"""How many connections are opened ahead: for the listing's key ranges, the intent, and what is read beside them."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A bucket that can be asked.

    Attributes:
        store: Sends the requests.
        access: Which bucket, and who we are.
        encryption: See `uploader.encryption`.
        errors: What a request may fail with.
    """

    store: S3Store
    access: Access
    encryption: Mapping[str, Any]
    errors: tuple[type[Exception], ...]
    options: Mapping[str, Any]

    def beside(self) -> Connection:
        """The same way, with connections of its own."""
        return replace(self, store=S3Store(self.access.bucket, **self.options))

    def warm(self, key: str) -> None:
        """Open connections, without waiting for them: ask for an object, whatever the answer.

        To open one takes as long as a request. Meanwhile the rest of the program is loaded, asyncio too: so this does
        without.
        """
        for _ in range(WARM):
            # The process does not wait for it, should it end before.
            Thread(target=self._touch, args=(key,), daemon=True).start()

    def _touch(self, key: str) -> None:
        with contextlib.suppress(*self.errors):
            obstore.head(self.store, key)


def connect(access: Access, encryption: Mapping[str, Any] | None = None) -> Connection:
    """Find the way to a bucket; nothing is asked yet.

    Args:
        access: Which, and the way to it.
        encryption: See `uploader.encryption`.

    Raises:
        UsageError: It cannot be a bucket, by its name.
    """
    endpoint = access.endpoint
    credentials, renewal_errors = _credentials(access)
    options: dict[str, Any] = {
        "region": access.region,
        **credentials,
        **({"endpoint": endpoint} if endpoint else {"virtual_hosted_style_request": "." not in access.bucket}),
        # S3 computes the same of what it gets. So the body itself need not be signed, that is hashed once more.
        "checksum_algorithm": "CRC64NVME",
        "unsigned_payload": True,
        "client_options": {"allow_http": bool(endpoint and endpoint.startswith("http://")), "timeout": "120s"},
        "retry_config": {
            "max_retries": 6,
            "backoff": {"max_backoff": timedelta(seconds=5)},
            "retry_timeout": timedelta(seconds=120),
        },
        **(encryption or {}),
    }
    try:
        store = S3Store(access.bucket, **options)
    except (BaseError, ValueError) as error:
        msg = f"bucket {access.bucket!r}: {first_line(error)}"
        raise UsageError(msg) from error
    errors: tuple[type[Exception], ...] = (BaseError, FileNotFoundError, ValueError, *renewal_errors)
    return Connection(store, access, encryption or {}, errors, options)


def _credentials(access: Access) -> tuple[dict[str, Any], tuple[type[Exception], ...]]:
    """The library's options for the credentials, and what may go wrong when they are renewed."""
    if access.keys is not None:
        keys = access.keys
        named = {"access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key, "token": keys.token}
        return {name: value for name, value in named.items() if value is not None}, ()
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 (as `uploader.session` says)
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415

    return {"credential_provider": Boto3CredentialProvider(access.session)}, (BotoCoreError,)
