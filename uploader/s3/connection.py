"""A connection to a bucket: obstore's, with our credentials, encryption, retries and time limits."""

from __future__ import annotations

import contextlib
import os
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from uploader.aws.access import first_line
from uploader.aws.endpoint import server_of
from uploader.errors import UsageError
from uploader.s3.pages import PAGE
from uploader.s3.recent import starts
from uploader.threads.ahead import Ahead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from obstore import ObjectMeta

    from release_log.layout import Layout
    from uploader.aws.access import Access
    from uploader.s3.bandwidth import Bandwidth

WARM = 9
"""How many connections are opened ahead: for the listing's key ranges, the newest marker and the five requests of the
look, of a build of some 2,000 files. Each that is opened later takes a round trip more, with TLS three. Two of them
list markers."""

OTHER_FILES = 10
"""How many files a process has open besides these connections, at most, with two requests at a time: three streams,
obstore's own three, a connection for the pages, and the files that are being sent."""

OPENING_SECONDS = 0.1
"""How long `Connection.wait` waits, at most."""


OBSTORES_OWN = frozenset(
    {
        *("AWS_TOKEN", "AWS_SKIP_SIGNATURE", "AWS_REQUEST_PAYER", "AWS_CONDITIONAL_PUT", "AWS_COPY_IF_NOT_EXISTS"),
        *("AWS_DISABLE_TAGGING", "AWS_DISABLE_BULK_DELETE", "AWS_S3_EXPRESS", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST"),
        *("AWS_SERVER_SIDE_ENCRYPTION", "AWS_SSE_KMS_KEY_ID", "AWS_SSE_BUCKET_KEY_ENABLED"),
        *("AWS_SSE_CUSTOMER_KEY_BASE64", "AWS_BUCKET", "AWS_BUCKET_NAME", "AWS_ENDPOINT"),
    }
)
"""Environment variables that obstore obeys, and nothing of AWS knows."""


class Connection:
    """A bucket to which requests can be sent.

    Attributes:
        store: obstore's client; it sends the requests.
        access: The bucket, and the credentials.
        encryption: What `uploader.s3.encryption.encryption` returned.
        bandwidth: The limit for the bodies of files; None: no limit.
        errors: What a request can raise.
        markers: The pages of markers that `warm` has begun to list; the answer is None if that failed.
    """

    def __init__(
        self,
        access: Access,
        encryption: Mapping[str, Any],
        options: Mapping[str, Any],
        errors: tuple[type[Exception], ...],
        bandwidth: Bandwidth | None = None,
    ) -> None:
        self.access = access
        self.bandwidth = bandwidth
        self.encryption = encryption
        self.errors = errors
        self._options = options
        _hide_variables()
        self.store = S3Store(access.bucket, **options)
        self._once: S3Store | None = None
        self.markers: list[Ahead[Sequence[ObjectMeta] | None]] = []
        self._opened = Event()
        self._opened.set()

    @property
    def once(self) -> S3Store:
        """A client that sends each request once."""
        if self._once is None:
            options = {**self._options, "retry_config": {**self._options["retry_config"], "max_retries": 0}}
            self._once = S3Store(self.access.bucket, **options)
        return self._once

    def beside(self) -> Connection:
        """The same bucket, over TCP connections of its own."""
        return Connection(self.access, self.encryption, self._options, self.errors, self.bandwidth)

    def warm(self, layout: Layout, now: datetime) -> None:
        """Open TCP connections, each by a request whose answer nobody needs, though two may save another request.

        To open a connection takes as long as a request. Meanwhile the rest of the program is loaded.

        Args:
            layout: The site.
            now: The present; see `uploader.s3.recent`.
        """
        self._opened.clear()
        self.markers = [Ahead(partial(self._list, layout.markers, start)) for start in starts(layout, now)]
        for _ in range(_opened_ahead() - len(self.markers)):
            # A daemon: the process can end before the answer arrives.
            Thread(target=self._touch, args=(layout.ledger,), daemon=True).start()

    def wait(self) -> None:
        """If connections are being opened, wait for the first one: a new one would be ready later."""
        self._opened.wait(OPENING_SECONDS)

    def _list(self, folder: str, start: str | None) -> Sequence[ObjectMeta] | None:
        page = None
        with contextlib.suppress(BaseException):  # as in `_touch`
            page = next(iter(obstore.list(self.store, folder, offset=start, chunk_size=PAGE)), ())
        self._opened.set()
        return page

    def _touch(self, key: str) -> None:
        with contextlib.suppress(BaseException):  # whatever it is, the first request that counts meets it too
            obstore.head(self.store, key)
        self._opened.set()


def _opened_ahead() -> int:
    """How many connections are opened ahead: fewer where the process may open few files, as each stays open."""
    try:
        import resource  # noqa: PLC0415 (there is none on Windows)
    except ImportError:
        return WARM
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return WARM if limit == resource.RLIM_INFINITY else min(WARM, limit - OTHER_FILES)


def connect(
    access: Access, encryption: Mapping[str, Any] | None = None, bandwidth: Bandwidth | None = None
) -> Connection:
    """Prepare the connection to a bucket; no request is sent yet.

    Args:
        access: The bucket, and the credentials.
        encryption: What `uploader.s3.encryption.encryption` returned; None leaves it to the bucket's default.
        bandwidth: The limit for the bodies of files; None: no limit.

    Raises:
        UsageError: The bucket's name is not valid.
    """
    endpoint = access.endpoint
    options: dict[str, Any] = {
        "region": access.region,
        **_credentials(access),
        **_server(access),
        # S3 verifies this checksum, so the body need not be hashed a second time for the signature.
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
    errors: tuple[type[Exception], ...] = (BaseError, FileNotFoundError, ValueError)
    try:
        return Connection(access, encryption or {}, options, errors, bandwidth)
    except (BaseError, ValueError) as error:
        msg = f"bucket {access.bucket!r}: {first_line(error)}"
        raise UsageError(msg) from error


def _hide_variables() -> None:
    """Hide from obstore the variables that are its own, and empty ones, which it takes for values.

    They would change what is sent where: without a signature, or with an empty token. Python's `os.environ`, which
    boto3 and the command of `run` get, keeps them.
    """
    for name, value in os.environ.items():
        if name.startswith("AWS_") and (not value or name.upper() in OBSTORES_OWN):
            os.unsetenv(name)


def _server(access: Access) -> dict[str, Any]:
    """The options for obstore's server, in the name that goes before each environment variable that obstore reads.

    obstore takes an empty variable for a URL; nor does it know that endpoints can be ignored.
    """
    if access.endpoint:
        return {"endpoint": access.endpoint, "aws_endpoint_url_s3": access.endpoint}
    server = server_of(access)
    return {"aws_endpoint_url_s3": server.url, "virtual_hosted_style_request": server.has_bucket}


def _credentials(access: Access) -> dict[str, Any]:
    """The options for obstore's credentials."""
    if access.keys is not None:
        keys = access.keys
        named = {"access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key, "token": keys.token}
        return {name: value for name, value in named.items() if value is not None}
    from uploader.s3 import boto3_credentials  # noqa: PLC0415 (boto3 takes a quarter of a second)

    return {"credential_provider": boto3_credentials.credential_provider(access)}
