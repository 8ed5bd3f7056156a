"""A file of the build as an asset, and the form in which it is stored."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from uploader.treatment.rules import Treatment


class Stored(NamedTuple):
    """The stored form of an asset: compressed, for example.

    Attributes:
        size: The size of the object in bytes.
        headers: The digest of the headers that the object is stored with.
        etag: S3's ETag of the object; None if S3 gave none.
    """

    size: int
    headers: str
    etag: str | None = None


class Folder(NamedTuple):
    """The folder of a build, for the files whose keys say where they lie in it: 50,000 paths would be 6 MB.

    Attributes:
        path: Its path on this machine, with a slash at its end.
        prefix: How many characters of a key are the site's prefix.
    """

    path: str
    prefix: int


class LocalAsset(NamedTuple):
    """One file of the build. A tuple, because a build may have 100,000 files.

    Attributes:
        source: The file's path on this machine; or the folder, if the key says the rest.
        key: The key in the bucket, prefix included.
        logical: The logical path, prefix included.
        size: The size in bytes.
        fingerprinted: Whether the name has a fingerprint, so that it changes whenever the content changes.
        digest: SHA-256 of the content, hexadecimal; None for a fingerprinted file. The key of such a file identifies
            its content, so we read it only to send it.
        treatment: The headers, and the compression.
        signature: See `uploader.builds.content.signature_of`: a different one later means that the file changed.
        identity: See `uploader.builds.content.identity_of`.
    """

    source: str | Folder
    key: str
    logical: str
    size: int
    fingerprinted: bool
    digest: str | None
    treatment: Treatment
    signature: int
    identity: int = 0

    @property
    def path(self) -> str:
        """The file's path on this machine."""
        source = self.source
        return source if isinstance(source, str) else source.path + self.key[source.prefix :]

    def under(self, key: str) -> LocalAsset:
        """The same file, to be stored under this key."""
        return self if key == self.key else self._replace(source=self.path, key=key)

    def as_it_is(self) -> Stored:
        """The stored form if we do not compress the file."""
        return Stored(self.size, self.treatment.headers.digest)

    @property
    def stored(self) -> str | None:
        """For a page, the name of its stored version: a digest of its content, its headers and its compression."""
        if self.digest is None:
            return None
        text = f"{self.digest} {self.treatment.headers.digest} {self.treatment.encoding}"
        return hashlib.sha256(text.encode()).hexdigest()
