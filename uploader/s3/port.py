"""The uploader's port to the bucket: what it can read, write and delete.

It can delete intents, staged releases and pins, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from release_log.layout import Layout
    from uploader.builds.asset import LocalAsset, Stored


def always() -> bool:
    """A request that never comes too late."""
    return True


def never() -> bool:
    """A request that always comes too late to be repeated."""
    return False


class Blob(NamedTuple):
    """One object read whole; ``last_modified`` is S3's clock, in whole seconds.

    Of an object with more than `release_log.bounds.FILE_BYTES`, no more is read than its reader needs to refuse it.
    """

    body: bytes
    last_modified: datetime
    etag: str | None = None


class Neighbour(NamedTuple):
    """A site whose prefix lies around this site's, or inside it, by the release log that lies there.

    Attributes:
        prefix: Its prefix.
        ledger: Its cleaner's state; None if it does not exist. If it exists and S3 does not give it out, its body is
            empty.
        unread: Why S3 gives out neither; empty if it does.
    """

    prefix: str
    ledger: Blob | None
    unread: str = ""


class Listing(NamedTuple):
    """Which keys of a site exist.

    Attributes:
        sizes: Key -> bytes, for the keys that were asked for and exist.
        times: Key -> S3's ``LastModified``, for the same keys.
        log: Key -> S3's ``LastModified`` in whole seconds, for every file of the release log.
        inner: Prefixes of sites inside this one: every folder of these keys that has a release log, perhaps others.
        etags: Key -> S3's ETag, without quotes, for the keys that were asked for and exist.
    """

    sizes: Mapping[str, int]
    times: Mapping[str, datetime]
    log: Mapping[str, datetime]
    inner: frozenset[str] = frozenset()
    etags: Mapping[str, str] = MappingProxyType({})


def inner_of(layout: Layout, listing: Listing, keys: Collection[str]) -> list[str]:
    """The prefixes of the sites inside a site that some of its keys lie beneath. Pure."""
    # With 50,000 keys their folders take 20 ms, and hardly any site has another one inside.
    return sorted(listing.inner & layout.folders(keys)) if listing.inner else []


class Look(NamedTuple):
    """One look at a site. The requests run side by side, so their order is unknown.

    Attributes:
        listing: The listing. `BucketPort.list_ahead` may have made it a while ago, except for the release log.
        began: When the first of these requests was sent, on `uploader.clocks.Clocks.passed`.
        ledger: The cleaner's state; None if it does not exist.
        metadata: The answer to `BucketPort.head_ahead`, for which whoever reads it may have to wait; empty if that
            failed. See `BucketPort.metadata`.
        instants: Id -> instant of each marker that the cleaner has seen; see `uploader.protocol.look.look_around`.
        neighbours: The sites around this one, and those inside it that some of these keys lie beneath.
    """

    listing: Listing
    began: float
    ledger: Blob | None
    metadata: Mapping[str, Mapping[str, str]]
    instants: Mapping[str, datetime] = MappingProxyType({})
    neighbours: tuple[Neighbour, ...] = ()


class PageInPlace(NamedTuple):
    """A page as visitors get it.

    Attributes:
        etag: Its ETag.
        http: Its headers and metadata; see `ReaderPort.metadata`.
    """

    etag: str
    http: Mapping[str, str]


class Placement(NamedTuple):
    """A page to put in place.

    Attributes:
        key: The page's key.
        source: The key of its stored version.
        etag: The ETag of the page that it replaces; None if it must not exist.
        file: The file of the build; None: S3 copies the stored version.
    """

    key: str
    source: str
    etag: str | None
    file: LocalAsset | None = None


class PlacingAnswer(NamedTuple):
    """What became of some placements.

    Attributes:
        etags: Key -> ETag of each page that was put in place. The others found another page than they expected.
        unanswered: Whether S3 left a request without an answer, so that it may still be executed.
    """

    etags: Mapping[str, str]
    unanswered: bool = False


class ReaderPort(Protocol):
    """How a bucket is read. Every method raises `UploaderError` with one line when S3 refuses."""

    def get(self, key: str) -> Blob | None:
        """Read an object; None if it does not exist."""
        ...

    def pieces(self, key: str) -> Iterator[bytes]:
        """Read an object piece by piece, as it arrives; no piece if it does not exist. No request is repeated."""
        ...

    def get_each(self, keys: Sequence[str]) -> dict[str, Blob]:
        """Read objects in parallel; those that exist."""
        ...

    def written(self, prefix: str) -> Mapping[str, datetime]:
        """Key -> S3's ``LastModified``, in whole seconds, of every object under a prefix; `odd_keys` are left out."""
        ...

    def recent(self, layout: Layout, now: datetime) -> Mapping[str, datetime]:
        """Some of the files beside the markers, as `written`, in one round of requests: a thousand of the first ones,
        and of those of the last days by the machine's clock. As a rule the newest is among them.
        """
        ...

    def odd_keys(self, prefix: str) -> list[str]:
        """The keys that no release can name, such as ``a//b``, among the first 10,000 under a prefix.

        Every other method passes over them.
        """
        ...

    def listing(self, layout: Layout, keys: Collection[str]) -> Listing:
        """Which of these keys of a site exist, its release log, and the sites inside it."""
        ...

    def neighbours(self, prefixes: Collection[str]) -> tuple[Neighbour, ...]:
        """Those of these prefixes that have a release log, in their order, and those of which S3 does not tell."""
        ...

    def metadata(self, keys: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """Key -> headers and metadata (``digest`` and ``headers``, if `BucketPort.put` stored it); existing keys."""
        ...


class BucketPort(ReaderPort, Protocol):
    """How a bucket is read and written."""

    def look_at_pages(
        self, layout: Layout, keys: Sequence[str]
    ) -> tuple[Mapping[str, datetime], dict[str, PageInPlace]]:
        """The files beside the markers, as in `written`, and the pages in place, each by a HEAD; in any order."""
        ...

    def place(self, placements: Sequence[Placement]) -> PlacingAnswer:
        """Put pages in place, side by side, each only if it replaces what it expects. No request is repeated."""
        ...

    def list_ahead(self, layout: Layout, keys: Collection[str]) -> None:
        """Begin to list these keys of a site, for the next `look`."""
        ...

    def head_ahead(self, keys: Sequence[str]) -> None:
        """Begin to ask for the metadata of these keys, for the next `look`; behind the intent if that comes soon."""
        ...

    def look(self, layout: Layout, keys: frozenset[str]) -> Look:
        """Which of these keys exist, the release log, the ledgers and some metadata.

        Of the markers, those with a name two days older than the file that was created last may be as `recent` found
        them.

        All ledgers are read now; of each at least the beginning that `release_log.ledger_file.read_head` needs.
        """
        ...

    def create(self, key: str, body: bytes, in_time: Callable[[], bool] = always) -> bool:
        """Write an object if none exists; False if somebody else wrote one.

        The request is repeated after a passing error only while it is ``in_time``.
        """
        ...

    def begin_withdrawal(self, key: str) -> Callable[[], None]:
        """Begin to delete an intent; the next request goes beside it.

        Returns:
            Waits until it is deleted, and raises what `withdraw` raises.
        """
        ...

    def put(
        self,
        assets: Iterable[LocalAsset],
        done: Callable[[LocalAsset, Stored], None],
        over: Mapping[str, str | None],
    ) -> None:
        """Store files in parallel, each with a checksum that S3 verifies.

        ``done`` is called for each file that is stored, with its size, headers and ETag in the bucket.

        Args:
            assets: The files.
            done: See above.
            over: Key -> ETag of the one object that a file may replace; None: it replaces none. What has no entry, or
                goes in parts, replaces whatever is there.

        Raises:
            TakenError: There is another object than that, and it is not the file.
        """
        ...

    def withdraw(self, key: str, etag: str | None = None) -> None:
        """Delete an intent, a staged release or a pin; the key need not exist.

        With an ETag only the object that has it is deleted, also if S3 executes the request late. A store that has no
        conditional deletions deletes any.
        """
        ...


@dataclass(frozen=True, slots=True)
class Deleted:
    """A key whose newest version is a delete marker.

    Attributes:
        marker: The delete marker's version id.
        size: Bytes of the newest version below the delete marker; None if no version is left, or if that one is in an
            archive, so that nobody can read it.
    """

    marker: str
    size: int | None


class VersionsPort(Protocol):
    """The requests of a restoration, in a versioned bucket. Every method raises `UploaderError` with one line."""

    def deleted(self, keys: Collection[str]) -> Mapping[str, Deleted]:
        """Those of these keys whose newest version is a delete marker."""
        ...

    def undelete(self, markers: Mapping[str, str]) -> None:
        """Remove delete markers: key -> version id. They need not exist."""
        ...

    def untag(self, keys: set[str]) -> None:
        """Remove our tags, and keep the user's."""
        ...
