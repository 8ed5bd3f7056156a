"""The ledger's formats: two versions of the product on one site, and a site that is large enough for format 2.

Another version is this one with other ports. A newer one's write another format's number into the ledger; the first
one's hand it a head as what it takes it for. So only the format tells the two apart.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from release_log.ledger_file import FORMAT, HEAD_FORMAT
from release_log.policy_settings import Policy
from tests.few_markers import few_markers
from tests.interleaving import cast, pruned
from tests.interleaving.actor import Actor
from tests.interleaving.cases import AT_ONCE, LATER, A, B, C, go_on, release, superseded
from tests.interleaving.explore import PAGE, VERSIONS, judged
from tests.interleaving.ports import CleanerPort, UploaderPort
from tests.interleaving.verdict import settle
from tests.interleaving.watch import Watch
from tests.interleaving.world import LAYOUT, World
from tests.ledger_formats import NONE, writing

if TYPE_CHECKING:
    from cleaner_lambda.port import Blob
    from uploader.s3.port import Blob as UploaderBlob

DAY = 86_400


def _document(body: bytes) -> dict[str, Any]:
    return dict(json.loads(gzip.decompress(body)))


def _with_format(body: bytes, number: int) -> bytes:
    return _packed(_document(body) | {"format": number})


def _without_note(body: bytes) -> bytes:
    document = _document(body)
    document.pop("upgrading", None)
    return _packed(document)


def _packed(document: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps(document).encode(), mtime=0)


class NewerCleanerPort(CleanerPort):
    """The newer cleaner's."""

    def get(self, key: str) -> Blob | None:
        found = super().get(key)
        if found is None or key != self.layout.ledger:
            return found
        return replace(found, body=_with_format(found.body, FORMAT))

    def put_if(self, key: str, body: bytes, etag: str | None) -> str:
        return super().put_if(key, _with_format(body, HEAD_FORMAT + 1) if key == self.layout.ledger else body, etag)


class NewerUploaderPort(UploaderPort):
    """The newer uploader's, which reads both formats."""

    def get(self, key: str) -> UploaderBlob | None:
        found = super().get(key)
        if found is None or key != LAYOUT.ledger:
            return found
        return found._replace(body=_with_format(found.body, FORMAT))


class FirstCleanerPort(CleanerPort):
    """That of a version that knows no heads, and takes one for a broken ledger."""

    def get(self, key: str) -> Blob | None:
        found = super().get(key)
        if found is None or key != self.layout.ledger or _document(found.body)["format"] == FORMAT:
            return found
        return replace(found, body=b"")

    def put_if(self, key: str, body: bytes, etag: str | None) -> str:
        return super().put_if(key, _without_note(body) if key == self.layout.ledger else body, etag)


def older_cleaner() -> None:
    """While a newer cleaner deletes, an older one runs, and then an upload relies on the asset that is deleted."""
    world = superseded(AT_ONCE)
    newer = cast.cleaner(world, "N", cast.cleaning(AT_ONCE, port=NewerCleanerPort))
    older = cast.cleaner(world, "C", cast.cleaning(AT_ONCE))
    upload = Actor("U", world, cast.upload([A, PAGE], "default", "back", port=NewerUploaderPort))
    with judged(world, "a cleaner beside a newer one"):
        _play(world, newer, older, upload)
        # The upgrade is taken back, as the stop says.
        world.advance(900)
        world.delete(LAYOUT.ledger)
        settle(world, AT_ONCE)


def first_version() -> None:
    """The same while the newer cleaner is told to write heads, which the older one does not know."""
    with writing(HEAD_FORMAT, noted=True):
        world = superseded(AT_ONCE)
        newer = cast.cleaner(world, "N", cast.cleaning(AT_ONCE))
        older = cast.cleaner(world, "C", cast.cleaning(AT_ONCE, port=FirstCleanerPort))
        upload = Actor("U", world, cast.upload([A, PAGE], "default", "back"))
        with judged(world, "a cleaner that writes heads beside one that knows none"):
            _play(world, newer, older, upload)
            settle(world, AT_ONCE)


def _play(world: World, newer: Actor, older: Actor, upload: Actor) -> None:
    world.actors = [newer, older, upload]
    Watch(world.site, AT_ONCE)
    go_on(newer, "delete")
    go_on(older, "")
    go_on(upload, f"create {LAYOUT.markers}")
    for actor in (newer, upload):
        go_on(actor, "")


def back_on_a_large_site() -> None:
    """An asset is tagged, and lives again with a release that a run folds in which reads no retired asset."""
    with writing(HEAD_FORMAT):
        world = superseded(LATER)
        cast.clean_alone(world, LATER)
        with judged(world, "an asset that is back on a large site"):
            with writing(HEAD_FORMAT, small=NONE):
                release(world, [A, PAGE], "r2")
                cast.clean_alone(world, LATER)
            settle(world, LATER)


def sent_to_a_large_site() -> None:
    """The same with an upload, which finds the asset there, and says what is new."""
    with writing(HEAD_FORMAT):
        world = superseded(LATER)
        cast.clean_alone(world, LATER)
        with judged(world, "an asset that an upload brings back on a large site"):
            with writing(HEAD_FORMAT, small=NONE):
                world.actors = [Actor("U", world, cast.upload([A, PAGE], "default", "back"))]
                go_on(world.actors[0], "")
                cast.clean_alone(world, LATER)
            settle(world, LATER)


def lost_ledger_of_a_large_site(days: int = 3) -> None:
    """A run copies the head as the checkpoint, sweeps put other files in place of its files; then the ledger is lost.

    Meanwhile an upload is under way that names an asset which had a tag when the head was copied, and has none then.

    Args:
        days: How many sweeps there are.
    """
    policy = Policy(version_limit=9, version_ttl=0, removed_ttl=10 * DAY, grace=0)
    world = World()
    with few_markers(keep=9), judged(world, "a large site's lost ledger"):
        with writing(HEAD_FORMAT, small=NONE):
            for number, keys in enumerate(([A, *VERSIONS["lib"][:1]], [B], [C])):
                release(world, keys, f"r{number}")
                world.advance(10)
                cast.clean_alone(world, policy)
            world.advance(10)
            cast.clean_alone(world, policy)
            intent = cast.body([A], "default", "back", world)
            for day in range(days):
                world.advance(DAY + 1)
                if not day:
                    world.put(LAYOUT.pending_key(f"{world.now:%Y%m%dT%H%M%SZ}-back"), intent)
                cast.clean_alone(world, policy)
        world.advance(policy.pending_ttl + 2)
        world.delete(LAYOUT.ledger)
        with writing(HEAD_FORMAT):
            settle(world, policy)


def page_of_an_old_release_on_a_large_site() -> None:
    """Its marker is old, and a run comes that does not know which pages may be in place."""
    with writing(HEAD_FORMAT, small=NONE):
        pruned.page_of_a_pruned_release((10, 10, DAY))
