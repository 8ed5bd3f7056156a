"""A dry run's cover for a bucket: it reads, and writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleaner_lambda.port import Blob

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cleaner_lambda.port import S3Port


class ReadOnly:
    """Passes reads on to a bucket; a write succeeds and changes nothing.

    Only the files that the run writes itself are read as it wrote them: a sweep goes on with them.
    """

    def __init__(self, store: S3Port) -> None:
        self._get = store.get
        self._written: dict[str, Blob] = {}
        self.now = store.now
        self.list = store.list
        self.get_tags = store.get_tags
        self.get_metadata = store.get_metadata

    def get(self, key: str) -> Blob | None:
        """Read an object."""
        return self._written.get(key) or self._get(key)

    def put_if(self, key: str, body: bytes, etag: str | None) -> str:  # noqa: ARG002 (the port's own signature)
        """Write nothing."""
        self._written[key] = blob = Blob(body, f'"{len(self._written)} {len(body)}"', self.now())
        return blob.etag

    def put_tags(self, key: str, tags: Mapping[str, str]) -> bool:  # noqa: ARG002 (the port's own signature)
        """Write nothing."""
        return True

    def delete(self, keys: Sequence[str]) -> dict[str, str]:  # noqa: ARG002 (the port's own signature)
        """Delete nothing."""
        return {}

    def delete_one(self, key: str) -> None:
        """Delete nothing."""

    def delete_if(self, key: str, etag: str) -> bool:  # noqa: ARG002 (the port's own signature)
        """Delete nothing."""
        return True
