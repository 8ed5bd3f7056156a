"""The ports of both sides on the shared bucket, with the same requests as the real ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from cleaner_lambda.errors import ConflictError, UnreadableError
from cleaner_lambda.port import Blob, Listed
from release_log.layout import LOG_FOLDER, Layout
from release_log.policy_settings import Policy
from release_log.sent import was_sent
from tests.fake_uploader_s3 import inner_logs, stored_with
from tests.interleaving.actor import EPOCH, BrokenPromiseError, Op
from tests.interleaving.world import LAYOUT, REPEAT, Errors, Stored, World
from uploader.errors import TakenError, UploaderError
from uploader.s3.errors import NoAnswerError
from uploader.s3.port import Blob as UploaderBlob
from uploader.s3.port import Listing, Look, Neighbour, PageInPlace, PlacingAnswer, always, inner_of
from uploader.threads.ahead import Awaited

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from tests.interleaving.actor import Actor
    from uploader.builds.asset import LocalAsset
    from uploader.builds.asset import Stored as UploaderStored
    from uploader.s3.port import Placement

UNANSWERED = ReadTimeoutError(endpoint_url="s3")
GIVEN_UP = UploaderError("no answer: run again")


def _answer(status: int, code: str) -> ClientError:
    error = {"Error": {"Code": code, "Message": "by the test"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(error, "Request")  # type: ignore[arg-type]


def _fail(error: UploaderError) -> None:
    raise error


CLEANER_ERRORS = Errors(UNANSWERED, _answer(500, "InternalError"), _answer(400, "RequestTimeout"))
UPLOADER_ERRORS = Errors(GIVEN_UP, GIVEN_UP, GIVEN_UP)
PLACE_ERRORS = Errors(NoAnswerError(), NoAnswerError(), GIVEN_UP)


def ask(world: World, op: Op, effect: Callable[[], Any], errors: Errors) -> Any:  # noqa: ANN401 (the effect's)
    """Make a request, again while its answer is cut short or 409."""
    answer = REPEAT
    while answer is REPEAT:
        answer = world.request(op, effect, errors)
    return answer


class CleanerPort:
    """`cleaner_lambda.port.S3Port`."""

    def __init__(self, world: World, actor: Actor | None, layout: Layout = LAYOUT) -> None:
        self.world = world
        self.actor = actor
        self.layout = layout

    def _request(self, op: Op, effect: Callable[[], object]) -> object:
        return ask(self.world, op, effect, CLEANER_ERRORS)

    def _refuse(self, key: str, *, there: bool) -> None:
        if there and self.world.refuses(key):
            raise _answer(403, "AccessDenied")

    def now(self) -> datetime:
        return self.world.now if self.actor is None else self.actor.answered_at

    def get(self, key: str) -> Blob | None:
        def effect() -> Blob | None:
            stored = self.world.objects.get(key)
            if key == self.layout.ledger and self.actor is not None:
                self.actor.seen_at = self.world.now
            if stored is None and key.startswith((self.layout.pending, self.layout.staged)) and self.actor is not None:
                self.actor.vanished = key
            return None if stored is None else Blob(stored.body, stored.etag, stored.at)

        blob: Blob | None = self._request(Op("get", key), effect)  # type: ignore[assignment]
        if blob is not None and self.world.refuses(key):
            raise UnreadableError(key, "AccessDenied")
        return blob

    def list(self, prefix: str, after: str = "", to: str | None = None) -> Iterator[Listed]:
        start = after
        while True:

            def effect(start: str = start) -> list[Listed]:
                return list(map(self.world.listed, self.world.names(prefix, start)))

            page: list[Listed] = self._request(Op("list", prefix), effect)  # type: ignore[assignment]
            self._note_order(prefix)
            if prefix == self.layout.markers and self.actor is not None:
                if start == after:
                    self.actor.seen_before, self.actor.seen_markers = self.actor.seen_markers, frozenset()
                self.actor.seen_markers |= {each.key for each in page}
            yield from (each for each in page if to is None or each.key <= to)
            if len(page) < self.world.page or (to is not None and page[-1].key > to):
                return
            start = page[-1].key

    def _note_order(self, prefix: str) -> None:
        """The one rule that this port checks itself: without it nothing is lost, as long as the other rules hold."""
        if self.actor is None:
            return
        if prefix == self.layout.pending:
            self.actor.vanished = None
        elif prefix == self.layout.markers and self.actor.vanished:
            msg = f"{self.actor.name} goes on to the markers though {self.actor.vanished} vanished under its eyes"
            raise BrokenPromiseError(msg)

    def put_if(self, key: str, body: bytes, etag: str | None) -> str:
        def effect() -> Stored | None:
            stored = self.world.objects.get(key)
            return self.world.put(key, body) if (stored and stored.etag) == etag else None

        written = self._request(Op("put", key, writes=True), effect)
        if written is None:
            written = self._request(Op("get", key), lambda: self.world.objects.get(key))
            if not isinstance(written, Stored) or written.body != body:
                raise ConflictError(key)
        return written.etag  # type: ignore[attr-defined, no-any-return]

    def get_tags(self, key: str) -> dict[str, str] | None:
        def effect() -> dict[str, str] | None:
            stored = self.world.objects.get(key)
            return None if stored is None else dict(stored.tags)

        tags: dict[str, str] | None = self._request(Op("get_tags", key), effect)  # type: ignore[assignment]
        self._refuse(key, there=tags is not None)
        return tags

    def get_metadata(self, key: str) -> dict[str, str] | None:
        def effect() -> dict[str, str] | None:
            stored = self.world.objects.get(key)
            if stored is not None and self.actor is not None and not was_sent(stored.metadata):
                self.actor.let_go.add(key)
            return None if stored is None else dict(stored.metadata)

        metadata: dict[str, str] | None = self._request(Op("head", key), effect)  # type: ignore[assignment]
        self._refuse(key, there=metadata is not None)
        return metadata

    def put_tags(self, key: str, tags: Mapping[str, str]) -> bool:
        self._refuse(key, there=key in self.world.objects)

        def effect() -> bool:
            stored = self.world.objects.get(key)
            if stored is not None:
                self.world.objects[key] = replace(stored, tags=dict(tags))
            return stored is not None

        return self._request(Op("put_tags", key, writes=True, once=True), effect)  # type: ignore[return-value]

    def delete(self, keys: Sequence[str]) -> dict[str, str]:
        def delete(some: Sequence[str]) -> dict[str, str]:
            for key in some:
                if self.actor is not None and key in self.world.objects:
                    self.actor.deleted.add(key)
                if key.startswith(self.layout.markers) and self.layout.placed_id(key) is None:
                    self.world.site_of(self.layout).pruned.add(self.layout.release_id(key))
                self.world.delete(key)
            return {}

        def part() -> dict[str, str]:
            half = len(keys) // 2
            delete(keys[:half])
            assert self.actor is not None
            self.world.send_late(self.actor, op, lambda: delete(keys[half:]))
            return dict.fromkeys(keys[half:], "InternalError: by the test")

        def effect() -> dict[str, str]:
            return delete(keys)

        refused = [key for key in keys if key in self.world.objects and self.world.refuses(key)]
        keys = [key for key in keys if key not in refused]
        op = Op("delete", keys=frozenset(keys), writes=True, once=True, part=part)
        failed: dict[str, str] = self._request(op, effect) if keys else {}  # type: ignore[assignment]
        return {**failed, **dict.fromkeys(refused, "AccessDenied: by the test")}

    def delete_one(self, key: str) -> None:
        self._request(Op("delete", keys=frozenset({key}), writes=True), lambda: self.world.delete(key))

    def delete_if(self, key: str, etag: str) -> bool:
        def effect() -> bool:
            stored = self.world.objects.get(key)
            if stored is None or stored.etag != etag:
                return False
            self.world.delete(key)
            return True

        return self._request(Op("delete", key, frozenset({key}), writes=True), effect)  # type: ignore[return-value]


class UploaderPort:
    """`uploader.s3.port.BucketPort`."""

    def __init__(self, world: World, actor: Actor) -> None:
        self.world = world
        self.actor = actor
        self._ahead: tuple[float, Listing] | None = None
        self._early: dict[str, datetime] | None = None
        self._metadata_ahead: tuple[float, Mapping[str, Mapping[str, str]]] | None = None
        self._own = ""  # the marker to come, of the intent that was written last

    def _request(self, op: Op, effect: Callable[[], object]) -> object:
        return ask(self.world, op, effect, UPLOADER_ERRORS)

    def list_ahead(self, layout: Layout, keys: Collection[str]) -> None:
        # The real port lists the markers when the program begins, and the site when the build's files are known.
        self._early = self.written(layout.markers)
        self._ahead = (self._passed(), self.listing(layout, keys))

    def head_ahead(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        asked = self._passed()
        # The real port asks behind the intent, as a rule, and nobody waits for the answers before they are read.
        found = Awaited(partial(self.metadata, keys)) if self._asks_behind() else self.metadata(keys)
        self._metadata_ahead = asked, found

    def _asks_behind(self) -> bool:
        """Each in half of the random schedules with an early listing; without one, before the intent."""
        return self.actor.requests % 2 == 1

    def _passed(self) -> float:
        return (self.world.time - EPOCH).total_seconds()

    def create(self, key: str, body: bytes, _in_time: Callable[[], bool] = always) -> bool:
        writer = f"{self.actor.name}, {self.actor.requests}"
        if f"/{LOG_FOLDER}pending/" in key:
            self._own = key.replace(f"/{LOG_FOLDER}pending/", f"/{LOG_FOLDER}markers/")
            # Under a new intent the uploader reads everything again.
            self.actor.relies_on = self.actor.staged
            self.actor.until = max(self.actor.until, self.world.now + timedelta(seconds=Policy().pending_ttl))

        def effect() -> bool:
            if key in self.world.objects:
                return False
            self.world.put(key, body, metadata={"writer": writer})
            return True

        if self._request(Op("create", key, writes=True), effect):
            return True
        found = self._request(Op("get", key), lambda: self.world.objects.get(key))
        return isinstance(found, Stored) and found.metadata.get("writer") == writer

    def get(self, key: str) -> UploaderBlob | None:
        def effect() -> UploaderBlob | None:
            stored = self.world.objects.get(key)
            return None if stored is None else UploaderBlob(stored.body, stored.at, stored.etag)

        return self._request(Op("get", key), effect)  # type: ignore[return-value]

    def pieces(self, key: str) -> Iterator[bytes]:
        blob = self.get(key)
        if blob is not None:
            yield blob.body

    def get_each(self, keys: Sequence[str]) -> dict[str, UploaderBlob]:
        found = {key: self.get(key) for key in keys}
        return {key: blob for key, blob in found.items() if blob is not None}

    def written(self, prefix: str) -> dict[str, datetime]:
        return {key: at for key, (_, at) in self._listing(prefix).items()}

    def recent(self, layout: Layout, now: datetime) -> dict[str, datetime]:  # noqa: ARG002 (the port's own signature)
        return self.written(layout.markers)

    def odd_keys(self, prefix: str) -> list[str]:  # noqa: ARG002 (the port's own signature)
        return []

    def listing(self, layout: Layout, keys: Collection[str]) -> Listing:
        found = self._listing(layout.prefix)
        log = {key: at for key, (_, at) in found.items() if key.startswith(layout.log)}
        sizes = {key: size for key, (size, _) in found.items() if key in keys}
        return Listing(sizes, {key: found[key][1] for key in sizes}, log, inner_logs(layout, found))

    def neighbours(self, prefixes: Collection[str]) -> tuple[Neighbour, ...]:
        return tuple(
            Neighbour(layout.prefix, self.get(layout.ledger))
            for layout in map(Layout, prefixes)
            if self._request(Op("list", layout.log), partial(self.world.names, layout.log))
        )

    def look(self, layout: Layout, keys: frozenset[str]) -> Look:
        # The real port sends these requests in parallel. In this order the ledger is read under the oldest listing.
        (began, listing), self._ahead = self._ahead or (self._passed(), self.listing(layout, keys)), None
        log, early, self._early = self.written(layout.log), self._early, None
        if early is not None:
            # The real port does not list the markers with names two days older than its own again.
            older = {key: at for key, at in early.items() if self._is_older(layout, key)}
            log = older | {key: at for key, at in log.items() if not self._is_older(layout, key)}
        (asked, metadata), self._metadata_ahead = self._metadata_ahead or (began, {}), None
        ledger = self.get(layout.ledger)
        neighbours = self.neighbours([*layout.around, *inner_of(layout, listing, keys)])
        return Look(listing._replace(log=log), min(began, asked), ledger, metadata, neighbours=neighbours)

    def _is_older(self, layout: Layout, key: str) -> bool:
        """Here any marker with an older name than the one to come: no rule relies on the two days."""
        return key.startswith(layout.markers) and key < self._own

    def metadata(self, keys: Sequence[str]) -> dict[str, Mapping[str, str]]:
        found: dict[str, Mapping[str, str]] = {}
        for key in keys:
            stored = self._request(Op("get", key), lambda key=key: self.world.objects.get(key))  # type: ignore[misc]
            if isinstance(stored, Stored):
                found[key] = stored.metadata
        return found

    def look_at_pages(
        self, layout: Layout, keys: Sequence[str]
    ) -> tuple[Mapping[str, datetime], dict[str, PageInPlace]]:
        files = self.written(layout.markers)
        found: dict[str, PageInPlace] = {}
        for key in keys:
            stored = self._request(Op("get", key), lambda key=key: self.world.objects.get(key))  # type: ignore[misc]
            if isinstance(stored, Stored):
                found[key] = PageInPlace(stored.etag, stored.metadata)
        return files, found

    def place(self, placements: Sequence[Placement]) -> PlacingAnswer:
        etags: dict[str, str] = {}
        unanswered = False
        for page in placements:

            def effect(page: Placement = page) -> str | None:
                there, source = self.world.objects.get(page.key), self.world.objects.get(page.source)
                body = None if page.file is None else page.file.path.encode()
                if (there and there.etag) != page.etag or (source is None and body is None):
                    return None
                if page.file is not None and body is not None:
                    metadata, size = stored_with(page.file), page.file.size
                else:
                    assert source is not None
                    body, metadata, size = source.body, source.metadata, source.size
                return self.world.put(page.key, body, size=size, metadata=dict(metadata)).etag

            try:
                etag = ask(self.world, Op("put", page.key, writes=True, once=True), effect, PLACE_ERRORS)
            except NoAnswerError:
                unanswered = True
            else:
                if etag is not None:
                    etags[page.key] = etag
        return PlacingAnswer(etags, unanswered)

    def begin_withdrawal(self, key: str) -> Callable[[], None]:
        def withdraw() -> None:
            # The release is current, or superseded by one that is in place. Nothing else of it is needed, nor what was
            # staged if that is the release.
            if any(key == site.layout.pending_key(i) for site in self.world.sites for i in site.published):
                self.actor.staged = frozenset()
            self.actor.relies_on = self.actor.staged
            self.withdraw(key)

        # The real port sends it beside the next request: each order in half of the cases.
        if self.actor.requests % 2 == 0:
            return withdraw
        try:
            withdraw()
        except UploaderError as error:
            return partial(_fail, error)
        return lambda: None

    def put(
        self,
        assets: Iterable[LocalAsset],
        done: Callable[[LocalAsset, UploaderStored], None],
        over: Mapping[str, str | None],
    ) -> None:
        for asset in assets:
            seen = over if self._goes_at_once() else {}
            etag = self._request(Op("put", asset.key, writes=True), partial(self._store, asset, seen))
            if etag is None:
                there = self._request(Op("get", asset.key), partial(self.world.objects.get, asset.key))
                is_it = isinstance(there, Stored) and (there.body, there.metadata) == self._of(asset)
                if not is_it:
                    raise TakenError(asset.key)
                etag = there.etag  # type: ignore[attr-defined]
            done(asset, self._as_stored(asset, str(etag)))

    def _store(self, asset: LocalAsset, over: Mapping[str, str | None]) -> str | None:
        there = self.world.objects.get(asset.key)
        if there is not None and over.get(asset.key, there.etag) != there.etag:
            return None
        body, metadata = self._of(asset)
        return self.world.put(asset.key, body, size=asset.size, metadata=metadata).etag

    def _of(self, asset: LocalAsset) -> tuple[bytes, dict[str, str]]:
        return self._body(asset), stored_with(asset)

    def _goes_at_once(self) -> bool:
        """Whether the next file goes in one request, which has a condition: each in half of the random schedules."""
        return self.actor.requests % 2 == 0

    def _body(self, asset: LocalAsset) -> bytes:
        return b"" if asset.fingerprinted else asset.path.encode()

    def _as_stored(self, asset: LocalAsset, _etag: str) -> UploaderStored:
        return asset.as_it_is()

    def withdraw(self, key: str, etag: str | None = None) -> None:
        def effect() -> None:
            if key in self.world.objects and etag in {None, self.world.objects[key].etag}:
                self.world.delete(key)

        self._request(Op("delete", key, frozenset({key}), writes=True), effect)

    def _listing(self, prefix: str) -> dict[str, tuple[int, datetime]]:
        found: dict[str, tuple[int, datetime]] = {}
        start = ""
        while True:

            def effect(start: str = start) -> list[str]:
                names = self.world.names(prefix, start)
                found.update({key: (self.world.objects[key].size, self.world.objects[key].at) for key in names})
                return names

            page: list[str] = self._request(Op("list", prefix), effect)  # type: ignore[assignment]
            if len(page) < self.world.page:
                return found
            start = page[-1]


class PagesFirstPort(UploaderPort):
    """The uploader's, whose intent takes so long that the pages are asked for before it."""

    def _asks_behind(self) -> bool:
        return False


class EtagsPort(UploaderPort):
    """The uploader's, with the ETags of all objects, and assets that have a content. Each file goes in parts."""

    def listing(self, layout: Layout, keys: Collection[str]) -> Listing:
        found = super().listing(layout, keys)
        # Nobody comes in between a request and what its answer is used for.
        return found._replace(etags={key: self.world.objects[key].etag for key in found.sizes})

    def _body(self, asset: LocalAsset) -> bytes:
        return asset.path.encode()

    def _as_stored(self, asset: LocalAsset, etag: str) -> UploaderStored:
        return asset.as_it_is()._replace(etag=etag)

    def _goes_at_once(self) -> bool:
        return False


class AtOncePort(EtagsPort):
    """The same, where each file goes in one request."""

    def _goes_at_once(self) -> bool:
        return True
