"""The ledger's next format: two versions of the product on one site, and a site that is large enough for it.

The newer version is this one with other ports, which write the next format's number into the ledger. So only the format
tells the two apart.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from release_log.ledger_file import FORMAT, HEAD_FORMAT
from tests.interleaving import cast
from tests.interleaving.actor import Actor
from tests.interleaving.cases import AT_ONCE, LATER, A, go_on, release, superseded
from tests.interleaving.explore import PAGE, judged
from tests.interleaving.ports import CleanerPort, UploaderPort
from tests.interleaving.verdict import settle
from tests.interleaving.watch import Watch
from tests.interleaving.world import LAYOUT
from tests.ledger_formats import NONE, writing

if TYPE_CHECKING:
    from cleaner_lambda.port import Blob
    from uploader.s3.port import Blob as UploaderBlob


def _with_format(body: bytes, number: int) -> bytes:
    return gzip.compress(json.dumps({**json.loads(gzip.decompress(body)), "format": number}).encode(), mtime=0)


class NewerCleanerPort(CleanerPort):
    """The newer cleaner's."""

    def get(self, key: str) -> Blob | None:
        found = super().get(key)
        if found is None or key != self.layout.ledger:
            return found
        return replace(found, body=_with_format(found.body, FORMAT))

    def put_if(self, key: str, body: bytes, etag: str | None) -> str:
        return super().put_if(key, _with_format(body, FORMAT + 1) if key == self.layout.ledger else body, etag)


class NewerUploaderPort(UploaderPort):
    """The newer uploader's, which reads both formats."""

    def get(self, key: str) -> UploaderBlob | None:
        found = super().get(key)
        if found is None or key != LAYOUT.ledger:
            return found
        return found._replace(body=_with_format(found.body, FORMAT))


def older_cleaner() -> None:
    """While a newer cleaner deletes, an older one runs, and then an upload relies on the asset that is deleted."""
    world = superseded(AT_ONCE)
    newer = cast.cleaner(world, "N", cast.cleaning(AT_ONCE, port=NewerCleanerPort))
    older = cast.cleaner(world, "C", cast.cleaning(AT_ONCE))
    upload = Actor("U", world, cast.upload([A, PAGE], "default", "back", port=NewerUploaderPort))
    world.actors = [newer, older, upload]
    Watch(world.site, AT_ONCE)
    with judged(world, "a cleaner beside a newer one"):
        go_on(newer, "delete")
        go_on(older, "")
        go_on(upload, f"create {LAYOUT.markers}")
        for actor in (newer, upload):
            go_on(actor, "")
        # The upgrade is taken back, as the stop says.
        world.advance(900)
        world.delete(LAYOUT.ledger)
        settle(world, AT_ONCE)


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
