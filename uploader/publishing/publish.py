"""Publishes a build: the intent, then the listing, then the missing files, then the marker, and last of all the pages.

The order is the protocol (``docs/protocol.md``). As soon as the intent exists, no cleaner may delete a key that the
build names. So an object that is listed after it, and matches, need not be sent. A page is stored under a name of its
own until the marker exists; so a release that ends early has changed nothing for a visitor. A file whose fingerprint
stayed while its content changed is a page too (`uploader.publishing.stayed`). The listing tells which these are, so the
intent that names their stored versions is another one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING

from release_log.layout import Layout
from uploader.clocks import Clocks
from uploader.counted import counted
from uploader.errors import TakenError
from uploader.history.body import body_of
from uploader.history.order import newest_first
from uploader.history.release import LoggedRelease, digest_of
from uploader.protocol.intent import TRIES, busy_error, intent
from uploader.protocol.late import Late
from uploader.protocol.placing import not_placed, put_in_place
from uploader.publishing.compare import Reason
from uploader.publishing.comparing import compare_with_bucket, keys_to_head
from uploader.publishing.marked_assets import object_of, only_pages, release_of
from uploader.publishing.stayed import CHANGED, ClaimedError, check_not_claimed
from uploader.tracing import annotate, traced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from release_log.marker import Release
    from uploader.builds.asset import LocalAsset, Stored
    from uploader.protocol.belongs import PagePlaced
    from uploader.protocol.held import Intent
    from uploader.publishing.build import Build
    from uploader.publishing.compare import Upload
    from uploader.publishing.known_headers import NewestMarker
    from uploader.publishing.retiring import Retiring
    from uploader.s3.port import BucketPort

log = logging.getLogger("uploader")


@dataclass(frozen=True, slots=True)
class Published:
    """The result of an upload, or of its dry run.

    Attributes:
        id: The release's id.
        key: Its marker's key, or the staged release's.
        uploads: The files that were sent, and why.
        unchanged: The files that the bucket held already.
        digest: For a staged release, the digest of what it publishes, which `activate` compares; else None.
        placed: The pages that were put in place, and why. None of a staged release.
        retires: What the release retires, or would retire; None if that was not asked: only a dry run always asks.
    """

    id: str
    key: str
    uploads: tuple[Upload, ...]
    unchanged: tuple[LocalAsset, ...]
    digest: str | None = None
    placed: tuple[PagePlaced, ...] = ()
    retires: tuple[Retiring, ...] | None = None

    @property
    def bytes_uploaded(self) -> int:
        """The size of all files that were sent."""
        return sum(upload.asset.size for upload in self.uploads)


def _ignore(*_: object) -> None:
    """Show no progress."""


def publish(  # noqa: PLR0913 (each argument changes the upload by itself)
    bucket: BucketPort,
    build: Build,
    *,
    stage: bool = False,
    newest: NewestMarker | None = None,
    started: Callable[[list[Upload]], None] = _ignore,
    sent: Callable[[LocalAsset], None] = _ignore,
    clocks: Clocks | None = None,
) -> Published:
    """Publish a build.

    Args:
        bucket: The site's bucket; under a dry run its read-only cover.
        build: The build.
        newest: The newest marker, if reading it has begun, and it was told to look for the build's keys.
        stage: Let the release wait for `uploader.operations.staging.activate`; do not make it current.
        started: Called with the files to send, before the first one is sent.
        sent: Called for each file that is stored.
        clocks: See `Clocks`.

    Raises:
        UploaderError: Something failed: no marker was written, and what was live is unchanged. Or the release is
            current, and not all of its pages are in place.
    """
    clocks = clocks or Clocks()
    layout = Layout(build.prefix)
    work = _Publishing(bucket, layout, _with_early(build, newest), stage, newest, started, sent, clocks)
    bucket.head_ahead(keys_to_head(work.build))
    tries = 0
    while tries < TRIES:
        keys = work.build.all_keys()
        with work.late.named(), intent(bucket, layout, build.release, work.intent_body, keys, clocks) as held:
            result = _Again.AFTER_ANOTHER if held.is_taken(layout) else work.attempt(held)
            if isinstance(result, Published):
                return result
            log.debug("going on under another id than %s: %s", held.id, result.name)
        if result is _Again.AFTER_ANOTHER:
            tries += 1
            clocks.sleep(1)
    with work.late.named():
        raise work.taken or busy_error(build.release)


def _with_early(build: Build, newest: NewestMarker | None) -> Build:
    """The build with the pages that the newest marker tells of, if it is there already.

    So the first intent names their stored versions. Nobody waits for that marker: the comparison finds them too.
    """
    stayed = newest.stayed() if newest is not None else frozenset[str]()
    return build.with_stayed(stayed.intersection(asset.key for asset in build.assets if asset.fingerprinted))


class _Again(Enum):
    """Why an attempt has no result. Everything is looked at again, under another intent."""

    WITH_WHAT_IT_LEARNT = auto()
    """What it has found out goes into the next one's intent, or needs a younger one."""
    AFTER_ANOTHER = auto()
    """Another upload was faster."""


@dataclass(slots=True)
class _Publishing:
    """A build on its way into the bucket, from one attempt to the next.

    Attributes:
        bucket, layout, build, stage, newest, started, sent, clocks: As for `publish`.
        late: The file that is not the last word on its release, if there is one.
        late_build: The build that it has.
        digest: As in `Published`.
        done: Key -> what was sent, by any attempt.
        stored: Key of the object -> how it is stored; of this attempt, as is `etags`.
        etags: Key -> ETag, as the look has shown it.
        warned: The warnings that have been given.
        taken: Why the last attempt could not send its files, if it could not.
    """

    bucket: BucketPort
    layout: Layout
    build: Build
    stage: bool
    newest: NewestMarker | None
    started: Callable[[list[Upload]], None]
    sent: Callable[[LocalAsset], None]
    clocks: Clocks
    late: Late = field(default_factory=Late)
    late_build: Build | None = None
    digest: str | None = None
    done: dict[str, Upload] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    etags: Mapping[str, str] = field(default_factory=dict)
    warned: set[str] = field(default_factory=set)
    taken: TakenError | None = None

    def intent_body(self, at: datetime) -> bytes:
        """The content of an intent."""
        return body_of(release_of(self.build, at, {}, {}))

    def attempt(self, held: Intent) -> Published | _Again:
        """Send what is missing, and write the marker, or the staged release, under an intent that has looked around."""
        self.taken = None
        found = compare_with_bucket(self.bucket, self.layout, self.build, held.take_look(), self.newest, self.warned)
        uploads, self.stored, self.etags, stayed = found
        if stayed:
            return self._with_pages(held, stayed)
        if _may_be_claimed(self.bucket, self.layout, held, uploads):
            return self._with_pages(held, frozenset())
        _warn_of_changed(self.build, uploads)
        self.started(uploads)
        try:
            self._send(uploads)
        except TakenError as error:
            # To send it over that object could change a release that is current by now.
            self.taken = error
            return _Again.AFTER_ANOTHER
        if self.late.key is not None and not (self.late.claimed or uploads) and self.build is self.late_build:
            release_id, key = self.late.id, self.late.key
            self.late.is_whole(held, self._left(release_id))
            return self._place(held, release_id, key, release_of(self.build, held.at, self.stored, self.etags))
        if not self.stage:
            held.wait_for_its_turn(self.layout, self.clocks)
        if held.is_too_old(self.clocks):
            log.warning("the upload took so long that its intent may expire: checking everything again")
            return _Again.WITH_WHAT_IT_LEARNT
        return self._write(held, uploads)

    def _with_pages(self, held: Intent, stayed: frozenset[str]) -> _Again:
        """Go on with some of the files as pages, in the next second: this intent's DELETE may be executed late."""
        self.build = self.build.with_stayed(stayed)
        log.debug("pages from now on: %s", ", ".join(sorted(stayed)) or "no others")
        self.clocks.sleep(max(0.0, 1 - (self.clocks.passed() - held.began)))
        return _Again.WITH_WHAT_IT_LEARNT

    @traced("send")
    def _send(self, uploads: Sequence[Upload]) -> None:
        annotate(asset_cleaner__files=len(uploads))
        pages, stored = self.build.pages(), self.stored
        # Two pages with the same content are stored once.
        files = {object_of(self.layout, upload.asset): upload.asset for upload in uploads}
        sent = set[str]()

        def note(asset: LocalAsset, as_stored: Stored) -> None:
            stored[asset.key] = as_stored
            sent.add(asset.key)
            self.sent(pages.get(asset.key, asset))

        # Others may have stored something since the look, and their release may be current: it needs what they have
        # stored.
        seen = {each.asset.key: self.etags.get(each.asset.key) for each in uploads if each.asset.fingerprinted}
        over = {key: etag for key, etag in seen.items() if etag is not None} | dict.fromkeys(_new_keys(uploads))
        try:
            self.bucket.put((asset.under(key) for key, asset in files.items()), note, over)
        except TakenError:
            self.done |= {each.asset.key: each for each in uploads if object_of(self.layout, each.asset) in sent}
            raise
        self.done |= {each.asset.key: each for each in uploads}

    def _write(self, held: Intent, uploads: Sequence[Upload]) -> Published | _Again:
        """Write the marker, or the staged release."""
        key = self.layout.staged_key(held.id) if self.stage else self.layout.marker_key(held.id)
        # By the time that a staged release is activated, a cleaner may know them, and have tagged them.
        new = frozenset[str]() if self.stage else _new_keys(uploads)
        release = release_of(self.build, held.at, self.stored, self.etags, new)
        self.digest = digest_of(release) if self.stage else None
        if not held.write(self.bucket, key, body_of(release), self.clocks, left=self._left(held.id)):
            return _Again.AFTER_ANOTHER
        if self.late.came(held, self.clocks):
            self.late_build = self.build
            return _Again.WITH_WHAT_IT_LEARNT
        return self._place(held, held.id, key, release)

    def _left(self, release_id: str) -> str:
        """What is left to do when its file is written."""
        return "" if self.stage else not_placed(release_id)

    def _place(self, held: Intent, release_id: str, key: str, release: Release) -> Published | _Again:
        """Put the pages in place: then the release is published, unless another marker has to name more files as pages.

        Of a staged release nothing is live before it is activated, also if it was written too late.
        """
        placed: tuple[PagePlaced, ...] = ()
        if not self.stage:
            own = LoggedRelease(release_id, self.layout.marker_key(release_id), held.at, only_pages(release))
            files = {page.key: page for page in self.build.pages().values()}
            sent = {key: self.stored[key].etag for key in self.done if key in self.stored}
            check = partial(check_not_claimed, self.build.assets, self.etags, sent)
            try:
                placed = put_in_place(self.bucket, self.layout, own, held, self.clocks, files=files, meanwhile=check)
            except ClaimedError as error:
                self.late.is_claimed(own.id, own.key, error.release_id, error.keys)
                return self._with_pages(held, error.keys)
        unchanged = tuple(asset for asset in self.build.assets if asset.key not in self.done)
        return Published(release_id, key, tuple(self.done.values()), unchanged, self.digest, placed)


def _new_keys(uploads: Iterable[Upload]) -> frozenset[str]:
    """Keys that did not exist: what is sent again may have been tagged at that moment, by a cleaner that knew it."""
    return frozenset(each.asset.key for each in uploads if each.asset.fingerprinted and each.reason is Reason.NEW)


def _may_be_claimed(bucket: BucketPort, layout: Layout, held: Intent, uploads: Iterable[Upload]) -> bool:
    """Whether an object that is about to be replaced may be the page of a release that the look does not show.

    The look may have listed the markers before the objects, and the release may have come in between. To send the file
    now would change that release. As a rule no such file is sent, and nothing is asked.
    """
    if not any(upload.asset.fingerprinted and upload.reason in CHANGED for upload in uploads):
        return False
    return any(key not in held.log for key in newest_first(bucket.written(layout.markers), layout.markers))


def _warn_of_changed(build: Build, uploads: list[Upload]) -> None:
    changed = [each.asset for each in uploads if each.reason in CHANGED]
    stayed = [asset.key for asset in changed if asset.key in build.stayed]
    if stayed:
        log.warning(
            "%s changed under the same name, such as %r: put in place with the pages, when this release becomes "
            "current; from then on older pages get the new content, and browsers keep the old one for a year; let the "
            "build rename what it changes",
            counted(len(stayed), "file with a fingerprint", "files with a fingerprint"),
            stayed[0],
        )
    again = [asset.key for asset in changed if asset.fingerprinted]
    if again:
        log.warning(
            "%s had other content than the newest release's, such as %r: sent again; find out who stored it",
            counted(len(again), "file with a fingerprint", "files with a fingerprint"),
            again[0],
        )
