"""Pages of a listing, whatever keys the bucket holds.

obstore cannot hold every key that S3 can: it refuses a page with a key such as ``a//b``, ``a/../b`` or ``a\\x01b``, and
reads ``a/`` as ``a``. Anybody who may write one object could stop all publishing with it. So boto3 asks again for such
a page, and obstore goes on behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import InvalidPathError

from release_log.errors import LayoutError
from release_log.layout import LOG_FOLDER, check_key, is_plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from obstore import ListStream, ObjectMeta
    from obstore.store import S3Store

    from uploader.aws.access import Access
    from uploader.s3.key_ranges import KeyRange

PAGE = 1000
"""How many keys obstore hands over at a time: a page of S3's."""


_LOG = f"/{LOG_FOLDER}"


def is_odd(key: str) -> bool:
    """Whether obstore refuses a key, or reads it as another one."""
    # A release log's name begins with a dot, so none of its files is plain; each upload lists a thousand of them.
    if is_plain(key) or is_plain(f"/{key}".replace(_LOG, "/", 1)[1:]):
        return False
    try:
        check_key(key)
    except LayoutError:
        return True
    return False


class Pages:
    """Lists a bucket, page by page; boto3 is loaded for the first page that obstore refuses."""

    def __init__(self, store: S3Store, access: Access) -> None:
        self._store = store
        self._access = access
        self._client: Any = None  # boto3's

    def all_at_once(self, keys: KeyRange) -> ListStream[Sequence[ObjectMeta]]:
        """The pages from a range's beginning on, as obstore gives them: to be read under asyncio.

        Raises:
            InvalidPathError: A page has an odd key.
        """
        return obstore.list(self._store, keys.folder or None, offset=keys.after, chunk_size=PAGE)

    def of(self, folder: str, after: str | None = None) -> Iterator[Sequence[ObjectMeta]]:
        """The pages of a folder, behind a key. A page may hold odd keys; see `is_odd`.

        Raises:
            AnswerError: S3 refused boto3's request.
            BaseError: S3 refused obstore's.
        """
        while True:
            if after is None or not is_odd(after):
                try:
                    for page in obstore.list(self._store, folder or None, offset=after, chunk_size=PAGE):
                        yield page
                        after = page[-1]["path"] if page else after
                except InvalidPathError:
                    pass
                else:
                    return
            page, more = self._raw(folder, after)
            yield page
            if not more:
                return
            after = page[-1]["path"]

    def metadata(self, key: str) -> Mapping[str, str] | None:
        """The headers and metadata of an object with an odd key; None if it does not exist.

        Raises:
            AnswerError: S3 refused.
        """
        from uploader.s3 import raw_pages  # noqa: PLC0415 (as below)

        return raw_pages.metadata(self._raw_client(), self._access.bucket, key)

    def _raw(self, folder: str, after: str | None) -> tuple[Sequence[ObjectMeta], bool]:
        """One page, and whether there are more."""
        from uploader.s3 import raw_pages  # noqa: PLC0415 (boto3 takes a quarter of a second, and few buckets need it)

        return raw_pages.page(self._raw_client(), self._access.bucket, folder, after or "")

    def _raw_client(self) -> Any:  # noqa: ANN401 (boto3's)
        from uploader.s3 import raw_pages  # noqa: PLC0415 (as above)

        self._client = self._client or raw_pages.open_client(self._access)
        return self._client
