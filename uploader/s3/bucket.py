"""`uploader.s3.port.BucketPort` over HTTP: obstore sends every request, except for the parts of large files."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, TypeVar

from release_log.layout import LOG_FOLDER, Layout
from uploader.columns import places_of
from uploader.s3.bodies import Room, memory_for
from uploader.s3.errors import NoAnswerError
from uploader.s3.key_ranges import PAGE, key_ranges
from uploader.s3.port import Listing, Look, PlacingAnswer, always, inner_of
from uploader.s3.requests import Requests
from uploader.s3.storing import ANY
from uploader.threads.ahead import Ahead, Awaited
from uploader.threads.workers import Workers, for_each, run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from uploader.builds.asset import LocalAsset, Stored
    from uploader.s3.connection import Connection
    from uploader.s3.listing import KeyListing
    from uploader.s3.port import Blob, Neighbour, PageInPlace, Placement
    from uploader.s3.recent import Older

Answer = TypeVar("Answer")

RANGES = 60
"""Into how many ranges of keys a large listing is divided: ten for each that is listed at a time, so that all of these
end at about the same time. Up to 54,000 keys a range is one page."""

BEHIND_SECONDS = 1
"""How long what goes behind the intent waits for it, at most."""


FIRST = "!"
"""The first name that a file can have."""


class Bucket:
    """A bucket. Ctrl-C can interrupt each call."""

    def __init__(self, connection: Connection, concurrency: int) -> None:
        self._connection = connection
        self._requests = Requests(connection)
        self._of_pages = self._requests
        self._concurrency = concurrency
        self._listing_ahead: Ahead[KeyListing] | None = None
        self._metadata_ahead: Ahead[dict[str, Mapping[str, str]]] | None = None
        self._written = ""  # the file of the release log that was written last
        self._looked = False  # whether there was a look already
        self._begun = Event()  # whether a file of the release log is on its way, or the look has begun
        self._log: Collection[str] = ()  # the files of the release log, as they were found last

    def list_ahead(self, layout: Layout, keys: Collection[str]) -> None:
        """See `BucketPort.list_ahead`."""
        self._listing_ahead = Ahead(self._to_list(layout, keys))

    def head_ahead(self, keys: Sequence[str]) -> None:
        """See `BucketPort.head_ahead`."""

        def ask() -> dict[str, Mapping[str, str]]:
            # Behind the intent: to prepare these connections takes 2 ms, and all of Python waits meanwhile.
            self._begun.wait(BEHIND_SECONDS)
            # Connections of their own, so that the intent need not wait for a free one. Once they are open, the same
            # pages are looked at over them after the marker: a new connection would take another round trip.
            self._of_pages = Requests(self._connection.beside())
            return self._of_each(keys, self._of_pages.metadata_if_readable)

        if keys:
            self._metadata_ahead = Ahead(ask)

    def create(self, key: str, body: bytes, in_time: Callable[[], bool] = always) -> bool:
        """See `BucketPort.create`."""
        self._connection.wait()
        self._written = key

        def write() -> bool:
            self._begun.set()
            return self._requests.create(key, body, in_time)

        return run(write)

    def get(self, key: str) -> Blob | None:
        """See `BucketPort.get`."""
        return run(lambda: self._requests.get(key))

    def pieces(self, key: str) -> Iterator[bytes]:
        """See `ReaderPort.pieces`."""
        return self._requests.pieces(key)

    def written(self, prefix: str) -> dict[str, datetime]:
        """See `BucketPort.written`."""
        if prefix.endswith(LOG_FOLDER):
            layout = Layout(prefix.removesuffix(LOG_FOLDER))
            return self._written_log(layout)
        known = [key for key in self._log if key.startswith(prefix)]
        return run(lambda: self._requests.written(prefix, known))

    def recent(self, layout: Layout, now: datetime) -> dict[str, datetime]:
        """See `ReaderPort.recent`."""
        found = run(lambda: self._requests.recent(layout, now))
        self._log = found
        return found

    def odd_keys(self, prefix: str) -> list[str]:
        """See `ReaderPort.odd_keys`."""
        return run(lambda: self._requests.odd_keys(prefix))

    def get_each(self, keys: Sequence[str]) -> dict[str, Blob]:
        """See `ReaderPort.get_each`."""
        return self._of_each(keys, self._requests.get)

    def listing(self, layout: Layout, keys: Collection[str]) -> Listing:
        """See `BucketPort.listing`."""
        found = Ahead(self._to_list(layout, keys))
        log = self.written(layout.log)
        return _listing(layout, found.answer() or self._list(layout, keys), log)

    def neighbours(self, prefixes: Collection[str]) -> tuple[Neighbour, ...]:
        """See `ReaderPort.neighbours`."""
        return self._neighbours(prefixes)

    def _neighbours(self, prefixes: Collection[str], *, whole: bool = True) -> tuple[Neighbour, ...]:
        if not prefixes:
            return ()
        found = self._of_each(list(prefixes), lambda prefix: self._requests.neighbour(prefix, whole=whole))
        return tuple(found[prefix] for prefix in prefixes if prefix in found)

    def look(self, layout: Layout, keys: frozenset[str]) -> Look:
        """See `BucketPort.look`."""
        self._begun.set()
        listed, self._listing_ahead = self._listing_ahead, None
        headed, self._metadata_ahead = self._metadata_ahead, None
        # What is listed ahead has no stored pages: their names are not known before the build is read.
        pages = layout.pages
        names = {key for key in keys if key.startswith(pages)}
        stored = None if listed is None or not names else Ahead(self._to_list(layout, names))
        listed = listed or Ahead(self._to_list(layout, keys))
        older = self._older(layout)
        written = Ahead(lambda: self._requests.log_now(layout, self._log, older))
        asked = Ahead(lambda: self._neighbours(layout.around, whole=False))
        ledger = run(lambda: self._requests.ledger(layout.ledger))
        log, found, around = written.answer(), listed.answer(), asked.answer()
        if log is None:
            log = self._written_log(layout)
        self._log = log
        if found is None:
            found = self._list(layout, keys)
        elif stored is not None:
            found.add(stored.answer() or self._list(layout, names))
        if around is None:
            around = self._neighbours(layout.around, whole=False)
        listing = _listing(layout, found, log)
        inside = self._neighbours(inner_of(layout, listing, keys), whole=False)
        metadata: Mapping[str, Mapping[str, str]] = {} if headed is None else Awaited(headed.answer)
        began = listed.began if headed is None else min(listed.began, headed.began)
        return Look(listing, began, ledger, metadata, neighbours=(*around, *inside))

    def metadata(self, keys: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """See `BucketPort.metadata`."""
        return self._of_each(keys, self._requests.metadata)

    def look_at_pages(
        self, layout: Layout, keys: Sequence[str]
    ) -> tuple[Mapping[str, datetime], dict[str, PageInPlace]]:
        """See `BucketPort.look_at_pages`."""
        written = Ahead(lambda: self.written(layout.markers))
        pages = self._of_each(keys, self._of_pages.in_place.page)
        files = written.answer()
        return self.written(layout.markers) if files is None else files, pages

    def place(self, placements: Sequence[Placement]) -> PlacingAnswer:
        """See `BucketPort.place`."""
        room, unanswered = Room(), list[str]()
        etags: dict[str, str] = {}

        def place(page: Placement) -> None:
            with room.held(memory_for(page.file) if page.file else 0):
                try:
                    etag = self._requests.in_place.place(page)
                except NoAnswerError:
                    unanswered.append(page.key)
                    return
            if etag is not None:
                etags[page.key] = etag

        for_each(placements, place, at_once=self._concurrency)
        return PlacingAnswer(etags, bool(unanswered))

    def begin_withdrawal(self, key: str) -> Callable[[], None]:
        """See `BucketPort.begin_withdrawal`."""
        return Workers([key], self._requests.delete, at_once=1).start().wait

    def put(
        self,
        assets: Iterable[LocalAsset],
        done: Callable[[LocalAsset, Stored], None],
        over: Mapping[str, str | None],
    ) -> None:
        """See `BucketPort.put`."""
        room = Room()

        def put(asset: LocalAsset) -> None:
            with room.held(memory_for(asset)):
                stored = self._requests.files.put(asset, over.get(asset.key, ANY))
            done(asset, stored)

        self._requests.files.start()
        for_each(assets, put, at_once=self._concurrency, stop=self._requests.files.stop)

    def withdraw(self, key: str, etag: str | None = None) -> None:
        """See `BucketPort.withdraw`."""
        if etag is None:
            run(lambda: self._requests.delete(key))
        else:
            run(lambda: self._requests.delete_exactly(key, etag))

    def _older(self, layout: Layout) -> Older | None:
        """The markers that the look need not list again; None if it has to list all.

        They were listed when the program began, so they are for the first look alone. And the intent has to have a name
        behind theirs, so that none of them is newer: it has, unless the machine's clock was set back by days.
        """
        # Taken once: they may arrive while this look, or a later one, is under way.
        looked, self._looked, older, own = self._looked, True, self._requests.older, self._written
        if looked or older is None or not own.startswith(layout.pending):
            return None
        return older if layout.marker_key(layout.release_id(own)) > older.recent else None

    def _written_log(self, layout: Layout) -> dict[str, datetime]:
        return run(lambda: self._requests.written_log(layout, self._log))

    def _list(self, layout: Layout, keys: Collection[str]) -> KeyListing:
        return run(self._to_list(layout, keys))

    def _to_list(self, layout: Layout, keys: Collection[str]) -> Callable[[], KeyListing]:
        """Prepare a listing that looks for these keys, and for a release log in each of their folders."""
        wanted = keys if isinstance(keys, dict) else places_of(keys)
        folders = {key[: key.rfind("/") + 1] for key in wanted}
        logs = [f"{Layout(folder).log}{FIRST}" for folder in layout.folders(folders)]
        pages = [key for key in wanted if LOG_FOLDER in key]
        # In the order in which they came, as a rule their own: to sort a set of 50,000 takes ten times as long.
        assets = [key for key in wanted if LOG_FOLDER not in key] if pages else list(wanted)
        # Hardly any of these logs exists, so they fill no page.
        page = PAGE * (len(assets) + len(logs)) // len(assets) if assets else PAGE
        # Stored pages apart, as other releases' lie between ours.
        ranges = [*key_ranges([*assets, *logs], RANGES, page), *key_ranges(pages, RANGES)]
        return self._requests.listing(ranges, wanted, self._concurrency)

    def _of_each(self, keys: Sequence[str], ask: Callable[[str], Answer | None]) -> dict[str, Answer]:
        """Key -> answer, for the keys that exist."""
        found: dict[str, Answer] = {}

        def ask_one(key: str) -> None:
            answer = ask(key)
            if answer is not None:
                found[key] = answer

        for_each(keys, ask_one, at_once=self._concurrency)
        return found


def _listing(layout: Layout, found: KeyListing, log: Mapping[str, datetime]) -> Listing:
    inner = frozenset(prefix for prefix in found.logs if prefix.startswith(layout.prefix) and prefix != layout.prefix)
    return Listing(found.sizes, found.times, log, inner, found.etags)
