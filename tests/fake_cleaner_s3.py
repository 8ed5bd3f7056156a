"""A bucket in memory, for stories about the cleaner: its clock stands still until a test moves it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cleaner_lambda import ledger_document as ledgers
from cleaner_lambda.errors import ConflictError
from cleaner_lambda.port import DELETE_BATCH, Blob, Listed
from release_log.layout import Layout
from release_log.marker import Asset, Release, encode
from release_log.release_id import make_id
from release_log.sent import HEADERS
from tests.ledger_formats import ledger_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cleaner_lambda.ledger import Ledger

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
PAGE = 1000

Requests = list[tuple[str, str]]
"""Operation and key of each; in the class, ``list`` is the port's method."""
MAX_TAGS = 10


def client_error(code: str = "InternalError", operation: str = "Request") -> ClientError:
    """botocore's exception for an error code of S3."""
    status = {"InternalError": 500, "ServiceUnavailable": 503, "SlowDown": 503, "AccessDenied": 403}.get(code, 400)
    answer: Any = {
        "Error": {"Code": code, "Message": f"{code} by the test"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)


@dataclass(slots=True)
class Stored:
    """One object."""

    body: bytes
    last_modified: datetime
    tags: dict[str, str] = field(default_factory=dict)
    sent: bool = True
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        """The ETag of a plain upload, as S3 makes it."""
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


class FakeS3:
    """`cleaner_lambda.port.S3Port` in memory.

    Attributes:
        clock: S3's clock. `advance` moves it; a request never does.
        on_request: Called before each request with the operation's name (the port's method) and its key (of a LIST the
            prefix, of a DELETE the first key); it may change the bucket, or raise. What it does is not logged, as it
            uses the helpers, which are not requests.
        refuse: Key -> the errors that its next deletions meet, one each, in the answer of the batch.
        unreadable: Keys that S3 cannot read in the body of a request.
        requests: Every request made, as (operation, key).
    """

    def __init__(self, prefix: str = "assets/", clock: datetime = NOON) -> None:
        self.layout = Layout(prefix)
        self.clock = clock
        self.objects: dict[str, Stored] = {}
        self.on_request: Callable[[str, str], None] | None = None
        self.refuse: dict[str, list[str]] = {}
        self.unreadable: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self._answered_at: datetime | None = None

    # The port

    def now(self) -> datetime:
        """S3's clock at the latest answer."""
        assert self._answered_at is not None, "S3's clock is known from an answer only"
        return self._answered_at

    def get(self, key: str) -> Blob | None:
        """See `S3Port.get`."""
        self._request("get", key)
        stored = self.objects.get(key)
        return None if stored is None else Blob(stored.body, stored.etag, stored.last_modified)

    def list(self, prefix: str, after: str = "", to: str | None = None) -> Iterator[Listed]:
        """See `S3Port.list`: each page shows the bucket as it is when that page is asked for."""
        while True:
            self._request("list", prefix)
            names = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
            found = [(key, self.objects[key]) for key in names[:PAGE]]
            page = [Listed(key, len(each.body), each.last_modified, each.etag) for key, each in found]
            yield from (listed for listed in page if to is None or listed.key <= to)
            if len(names) <= PAGE or (to is not None and page[-1].key >= to):
                return
            after = page[-1].key

    def put_if(self, key: str, body: bytes, etag: str | None) -> str:
        """See `S3Port.put_if`."""
        self._request("put_if", key)
        stored = self.objects.get(key)
        if (stored and stored.etag) != etag:
            msg = f"{key} was written by another run"
            raise ConflictError(msg)
        return self.put(key, body).etag

    def get_tags(self, key: str) -> dict[str, str] | None:
        """See `S3Port.get_tags`."""
        self._request("get_tags", key, answers_with_date=False)
        stored = self.objects.get(key)
        return None if stored is None else dict(stored.tags)

    def get_metadata(self, key: str) -> dict[str, str] | None:
        """See `S3Port.get_metadata`."""
        self._request("get_metadata", key)
        stored = self.objects.get(key)
        return None if stored is None else ({HEADERS: "3f21424a888c"} if stored.sent else {}) | stored.metadata

    def put_tags(self, key: str, tags: Mapping[str, str]) -> bool:
        """See `S3Port.put_tags`."""
        self._request("put_tags", key, answers_with_date=False)
        assert len(tags) <= MAX_TAGS, f"S3 refuses {len(tags)} tags"
        stored = self.objects.get(key)
        if stored is not None:
            stored.tags = dict(tags)
        return stored is not None

    def delete(self, keys: Sequence[str]) -> dict[str, str]:
        """See `S3Port.delete`."""
        assert 0 < len(keys) <= DELETE_BATCH, f"S3 refuses {len(keys)} keys in one DeleteObjects"
        self._request("delete", keys[0], answers_with_date=False)
        if self.unreadable & set(keys):
            raise client_error(operation="DeleteObjects", code="MalformedXML")
        errors = {key: self.refuse[key].pop(0) for key in keys if self.refuse.get(key)}
        for key in keys:
            if key not in errors:
                self.objects.pop(key, None)
        return errors

    def delete_one(self, key: str) -> None:
        """See `S3Port.delete_one`."""
        self._request("delete_one", key, answers_with_date=False)
        if self.refuse.get(key):
            raise client_error(self.refuse[key].pop(0), "DeleteObject")
        self.objects.pop(key, None)

    def delete_if(self, key: str, etag: str) -> bool:
        """See `S3Port.delete_if`."""
        self._request("delete_if", key, answers_with_date=False)
        if self.refuse.get(key):
            raise client_error(self.refuse[key].pop(0), "DeleteObject")
        if key not in self.objects or self.objects[key].etag != etag:
            return False
        del self.objects[key]
        return True

    def _request(self, operation: str, key: str, *, answers_with_date: bool = True) -> None:
        self.requests.append((operation, key))
        if self.on_request is not None:
            self.on_request(operation, key)
        if answers_with_date:
            self._answered_at = self.clock.replace(microsecond=0)

    # Changes that tests make to the bucket, without a request of the cleaner's

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock += timedelta(seconds=seconds)

    def put(self, key: str, body: bytes = b"x", tags: Mapping[str, str] | None = None) -> Stored:
        """Put an object there, now; an overwritten one loses its tags, as on S3."""
        self.objects[key] = Stored(body, self.clock.replace(microsecond=0), dict(tags or {}))
        return self.objects[key]

    def publish(self, name: str, channel: str, assets: Mapping[str, str]) -> str:
        """Upload a release: the missing assets, then its marker.

        Args:
            name: The release's name, or its whole id.
            channel: Its channel.
            assets: Logical path -> key.

        Returns:
            The release's id.
        """
        return self._release(self.layout.markers, name, channel, assets, upload=True)

    def stage(self, name: str, channel: str, assets: Mapping[str, str]) -> str:
        """Upload and stage a release; returns its id."""
        return self._release(self.layout.staged, name, channel, assets, upload=True)

    def intend(self, name: str, channel: str, assets: Mapping[str, str]) -> str:
        """Begin an upload: write its intent alone; returns its id."""
        return self._release(self.layout.pending, name, channel, assets, upload=False)

    def pin(self, release_id: str, channel: str, assets: Mapping[str, str]) -> str:
        """Pin a release whose assets exist; returns its id."""
        return self._release(self.layout.pins, release_id, channel, assets, upload=False)

    def break_off(self, release_id: str) -> None:
        """Delete an intent, a staged release or a pin, as the uploader does."""
        for folder in (self.layout.pending, self.layout.staged, self.layout.pins):
            self.objects.pop(self.layout.key_in(folder, release_id), None)

    def _release(self, folder: str, name: str, channel: str, assets: Mapping[str, str], *, upload: bool) -> str:
        release_id = name if "Z-" in name else make_id(self.clock, name)
        new = frozenset(key for key in assets.values() if upload and key not in self.objects)
        for key in sorted(new):
            self.put(key)
        release = Release(
            release=release_id.partition("-")[2],
            channel=channel,
            created_at=self.clock,
            prefix=self.layout.prefix,
            uploader={"name": "tests", "version": "0"},
            assets={logical: Asset(key, 1, fingerprinted=True) for logical, key in assets.items()},
            new=new if folder == self.layout.markers else frozenset(),
        )
        self.put(self.layout.key_in(folder, release_id), encode(release))
        return release_id

    def end(self, channel: str = "default", name: str = "end") -> str:
        """Say that a channel has ended."""
        release_id = f"{self.clock:%Y%m%dT%H%M%SZ}-{name}"
        writer = {"name": "tests", "version": "0"}
        end = Release("end", channel, self.clock, self.layout.prefix, writer, {}, ended=True)
        self.put(self.layout.marker_key(release_id), encode(end))
        return release_id

    # Values that tests read

    def assets(self) -> set[str]:
        """Every key of the bucket outside the release log."""
        return {key for key in self.objects if not key.startswith(self.layout.log)}

    def tags(self, key: str) -> dict[str, str]:
        """An object's tags."""
        return self.objects[key].tags

    @property
    def ledger(self) -> Ledger:
        """The ledger in the bucket."""
        found = ledger_in(self.layout, lambda key: self.objects[key].body if key in self.objects else None)
        assert found is not None
        return found

    @ledger.setter
    def ledger(self, ledger: Ledger) -> None:
        """Write the ledger as another run does."""
        self.put(self.layout.ledger, ledgers.encode(ledger))

    def made(self, *operations: str) -> Requests:
        """The requests of some kinds, in order."""
        return [request for request in self.requests if request[0] in operations]

    @property
    def writes(self) -> Requests:
        """The requests that change the bucket, in order."""
        return self.made("put_if", "put_tags", "delete", "delete_one", "delete_if")
