"""Stores files. A file up to some size goes in one request, a larger one in parts."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError

from release_log.layout import is_stored_page
from release_log.sent import HEADERS
from uploader.aws.refusals import explain_s3
from uploader.builds.asset import Stored
from uploader.errors import TakenError, UploaderError
from uploader.s3.bodies import attributes_of, read_body
from uploader.s3.errors import AnswerError, code_of, is_refused, is_taken
from uploader.s3.large_files import LargeFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from obstore import ObjectMeta, PutMode

    from uploader.builds.asset import LocalAsset
    from uploader.s3.asking import Ask
    from uploader.s3.bodies import Body
    from uploader.s3.connection import Connection

ANY = "*"
"""Stands for whatever object is there; no ETag is like this."""


class Storing:
    """Stores files in a bucket."""

    def __init__(
        self,
        connection: Connection,
        ask: Ask,
        head: Callable[[str], ObjectMeta | None],
        metadata: Callable[[str], Mapping[str, str] | None],
    ) -> None:
        """Prepare the requests; ``ask`` sends them, and ``head`` and ``metadata`` tell what lies under a key."""
        self._store = connection.store
        self._access = connection.access
        self._ask = ask
        self._head = head
        self._metadata = metadata
        self._bandwidth = connection.bandwidth
        self._stopped = Event()
        self._large_files = LargeFiles(connection.access, connection.encryption, connection.bandwidth)

    def put(self, asset: LocalAsset, over: str | None = ANY) -> Stored:
        """Store a file; returns its size and headers in the bucket.

        Args:
            asset: The file.
            over: As in `uploader.s3.port.BucketPort.put`; `ANY`: whatever is there.

        Raises:
            TakenError: As there.
            UploaderError: S3 refused, or the file changed since the build was looked at.
        """
        body = read_body(asset)
        attributes = attributes_of(asset, body)
        content = body.content
        # A stored page is never overwritten: its name says what it is.
        creates = is_stored_page(asset.key)
        mode: PutMode = "create" if creates or over is None else "overwrite" if over == ANY else {"e_tag": f'"{over}"'}

        def store() -> str | None:
            if content is None:
                return self._large_files.send(asset, attributes, self._ask, creates=creates)
            if self._bandwidth is not None:
                self._bandwidth.take(len(content), self._stopped)
            return obstore.put(
                self._store,
                asset.key,
                content,
                attributes=attributes,
                mode=mode,
                use_multipart=False,
            )["e_tag"]

        try:
            expected = is_taken if creates else is_refused
            etag = store() if content is None else self._ask("s3:PutObject", asset.key, store, expected=expected)
        except (BaseError, FileNotFoundError) as error:  # an expected one
            return self._instead(asset, body, attributes, over, error)
        except UploaderError as error:  # of a large file
            taken = isinstance(error.__cause__, AnswerError) and is_taken(error.__cause__)
            same = self._same(asset.key, body) if creates and taken else None
            if same is None:
                raise
            return same
        return Stored(body.size, body.headers.digest, etag and etag.strip('"'))

    def _same(self, key: str, body: Body) -> Stored | None:
        """What is there already: another upload's, or ours from an attempt whose answer was lost."""
        there = self._head(key)
        return there and Stored(there["size"], body.headers.digest, (there["e_tag"] or "").strip('"') or None)

    def _instead(
        self, asset: LocalAsset, body: Body, attributes: Mapping[str, str], over: str | None, error: Exception
    ) -> Stored:
        """What becomes of a file that S3 has refused to store because of what is there."""
        if is_stored_page(asset.key):
            same = self._same(asset.key, body)
            if same is None:
                raise explain_s3(self._access, "s3:PutObject", asset.key, code_of(error), str(error)) from error
            return same
        noted = self._metadata(asset.key)
        if noted is None and over is not None:
            return self.put(asset, None)  # what the look has shown is gone
        is_it = noted is not None and all(noted.get(name) == attributes.get(name) for name in (HEADERS, "digest"))
        same = self._same(asset.key, body) if is_it else None
        if same is None:
            msg = f"somebody has stored another {asset.key} since this upload looked: run again"
            raise TakenError(msg) from error
        return same

    def start(self) -> None:
        """Forget an earlier `stop`: an upload that looks again sends what is left."""
        self._stopped = Event()

    def stop(self) -> None:
        """End each wait for bandwidth, and stop the uploads in parts and remove their parts."""
        self._stopped.set()
        self._large_files.stop()
