"""Publishes a build: the intent, then the listing, then the missing files, then the marker, and last of all the pages.

The order is the protocol (``docs/protocol.md``). As soon as the intent exists, no cleaner may delete a key that the
build names. So an object that is listed after it, and matches, need not be sent. A page is stored under a name of its
own until the marker exists; so a release that ends early has changed nothing for a visitor. A file whose fingerprint
stayed while its content changed is a page too (`uploader.publishing.stayed`). The listing tells which these are, so the
intent that names their stored versions is another one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from release_log.layout import Layout
from uploader.clocks import Clocks
from uploader.counted import counted
from uploader.errors import TakenError
from uploader.history.body import body_of
from uploader.history.neighbours import warnings_of
from uploader.history.order import dated, newest_first
from uploader.history.release import LoggedRelease, digest_of
from uploader.history.stored_pages import Expected, check_stored, find_doubtful
from uploader.history.unseen import warning_of
from uploader.protocol.intent import TRIES, busy_error, intent
from uploader.protocol.late import Late
from uploader.protocol.placing import not_placed, put_in_place
from uploader.publishing.compare import FEW, Reason, StoredObjects, Upload, compare, to_look_at
from uploader.publishing.contents import changed_files, has_etag
from uploader.publishing.known_headers import read_known
from uploader.publishing.marked_assets import object_of, only_pages, release_of
from uploader.publishing.stayed import CHANGED, ClaimedError, check_not_claimed, find_stayed, with_pages
from uploader.tracing import annotate, traced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from release_log.marker import Release
    from uploader.builds.asset import LocalAsset, Stored
    from uploader.protocol.belongs import PagePlaced
    from uploader.protocol.held import Intent
    from uploader.publishing.known_headers import Known, NewestMarker
    from uploader.publishing.retiring import Retiring
    from uploader.s3.port import BucketPort, Listing, Look

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build to publish, and its release.

    Attributes:
        assets: The files.
        prefix: The site's prefix.
        channel: The release's channel.
        release: The release's name.
        metadata: The build's commit, branch and URL, for the marker; see `uploader.builds.ci.build_metadata`.
        stayed: The keys of its pages whose names have a fingerprint; see `uploader.publishing.stayed`.
    """

    assets: list[LocalAsset]
    prefix: str
    channel: str
    release: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    stayed: frozenset[str] = frozenset()
    in_order: list[LocalAsset] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Order the files by their logical paths."""
        object.__setattr__(self, "in_order", sorted(self.assets, key=attrgetter("logical")))

    def with_stayed(self, stayed: frozenset[str]) -> Build:
        """The build with some of its files with a fingerprint as pages."""
        if not stayed:
            return self
        return replace(self, assets=with_pages(self.assets, stayed), stayed=self.stayed | stayed)

    def pages(self) -> dict[str, LocalAsset]:
        """Key of the stored version -> page."""
        layout = Layout(self.prefix)
        return {object_of(layout, asset): asset for asset in self.assets if not asset.fingerprinted}

    def all_keys(self) -> frozenset[str]:
        """The keys that the upload needs: those of its files, and of the stored versions of its pages."""
        return frozenset(asset.key for asset in self.assets).union(self.pages())


def _ignore(*_: object) -> None:
    """Show no progress."""


def publish(  # noqa: C901, PLR0912, PLR0913, PLR0915 (the order of its steps is the protocol; each argument changes the upload by itself)
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
    build = _with_early(build, newest)
    pages = build.pages()
    done: dict[str, Upload] = {}
    stored: dict[str, Stored] = {}
    etags: Mapping[str, str] = {}

    def note(asset: LocalAsset, as_stored: Stored) -> None:
        stored[asset.key] = as_stored
        sent(pages.get(asset.key, asset))

    bucket.head_ahead(_keys_to_head(build))
    late, late_build, digest = Late(), build, None
    warned: set[str] = set()

    def body_at(at: datetime) -> bytes:
        return body_of(release_of(build, at, {}, {}))

    def place(held: Intent, release_id: str, release: Release) -> tuple[PagePlaced, ...] | None:
        """Put the pages in place; None if another marker has to follow, which has more of the files as pages."""
        nonlocal build, pages
        if stage:
            return ()  # also if it was written too late: nothing of it is live before it is activated
        own = LoggedRelease(release_id, layout.marker_key(release_id), held.at, only_pages(release))
        files = {page.key: page for page in pages.values()}
        etags_sent = {key: stored[key].etag for key in done if key in stored}
        check = partial(check_not_claimed, build.assets, etags, etags_sent)
        try:
            return put_in_place(bucket, layout, own, held, clocks, files=files, meanwhile=check)
        except ClaimedError as error:
            late.is_claimed(own.id, own.key, error.release_id, error.keys)
            build = build.with_stayed(error.keys)
            pages = build.pages()
            _wait_for_another_id(held, error.keys, clocks)
            return None

    taken = 0
    while taken < TRIES:
        with late.named(), intent(bucket, layout, build.release, body_at, build.all_keys(), clocks) as held:
            if not held.is_taken(layout):
                uploads, stored, etags, stayed = _compare(bucket, layout, build, held.take_look(), newest, warned)
                if stayed:
                    build = build.with_stayed(stayed)
                    pages = build.pages()
                    _wait_for_another_id(held, stayed, clocks)
                    continue
                if _may_be_claimed(bucket, layout, held, uploads):
                    _wait_for_another_id(held, (), clocks)
                    continue
                _warn_of_changed(build, uploads)
                started(uploads)
                try:
                    _send(bucket, layout, uploads, etags, note)
                except TakenError:
                    # To send it over that object could change a release that is current by now.
                    done |= {each.asset.key: each for each in uploads if object_of(layout, each.asset) in stored}
                    taken += 1
                    if taken == TRIES:
                        raise
                    _wait_for_another_id(held, (), clocks)
                    continue
                done |= {upload.asset.key: upload for upload in uploads}
                if (key := late.key) is not None and not (late.claimed or uploads) and build is late_build:
                    late.is_whole(held, "" if stage else not_placed(late.id))
                    placed = place(held, late.id, release_of(build, held.at, stored, etags))
                    if placed is None:
                        continue
                    return _published(build, late.id, key, done, digest, placed)
                if not stage:
                    held.wait_for_its_turn(layout, clocks)
                if held.is_too_old(clocks):
                    log.warning("the upload took so long that its intent may expire: checking everything again")
                    continue
                key = layout.staged_key(held.id) if stage else layout.marker_key(held.id)
                # By the time that a staged release is activated, a cleaner may know them, and have tagged them.
                new = frozenset[str]() if stage else _new_keys(uploads)
                release = release_of(build, held.at, stored, etags, new)
                body, digest = body_of(release), digest_of(release) if stage else None
                if held.write(bucket, key, body, clocks, left="" if stage else not_placed(held.id)):
                    if late.came(held, clocks):
                        late_build = build
                        continue
                    placed = place(held, held.id, release)
                    if placed is None:
                        continue
                    return _published(build, held.id, key, done, digest, placed)
            log.debug("%s is another upload's: going on under another id", held.id)
        taken += 1
        clocks.sleep(1)
    with late.named():
        raise busy_error(build.release)


def _with_early(build: Build, newest: NewestMarker | None) -> Build:
    """The build with the pages that the newest marker tells of, if it is there already.

    So the first intent names their stored versions. Nobody waits for that marker: the comparison finds them too.
    """
    stayed = newest.stayed() if newest is not None else frozenset[str]()
    return build.with_stayed(stayed.intersection(asset.key for asset in build.assets if asset.fingerprinted))


def _new_keys(uploads: Iterable[Upload]) -> frozenset[str]:
    """Keys that did not exist: what is sent again may have been tagged at that moment, by a cleaner that knew it."""
    return frozenset(each.asset.key for each in uploads if each.asset.fingerprinted and each.reason is Reason.NEW)


def _wait_for_another_id(held: Intent, stayed: Iterable[str], clocks: Clocks) -> None:
    """Wait for the next second, so that the next intent has another id: this one's DELETE may be executed late."""
    log.debug("looking again, under another intent; pages from now on: %s", ", ".join(sorted(stayed)) or "none")
    clocks.sleep(max(0.0, 1 - (clocks.passed() - held.began)))


def _may_be_claimed(bucket: BucketPort, layout: Layout, held: Intent, uploads: Iterable[Upload]) -> bool:
    """Whether an object that is about to be replaced may be the page of a release that the look does not show.

    The look may have listed the markers before the objects, and the release may have come in between. To send the file
    now would change that release. As a rule no such file is sent, and nothing is asked.
    """
    if not any(upload.asset.fingerprinted and upload.reason in CHANGED for upload in uploads):
        return False
    return any(key not in held.log for key in newest_first(bucket.written(layout.markers), layout.markers))


def _warn(layout: Layout, build: Build, look: Look, warned: set[str]) -> None:
    """Say, once, which other sites this build concerns, and whether the cleaner sees what is published."""
    keys = (asset.key for asset in build.assets)
    lines = warnings_of(layout, look.neighbours, look.listing.inner, keys)
    log_files = dated(layout, look.listing.log, look.instants)
    # An instant of S3's, and hardly older than the present: our intent is among these files.
    now = max(look.listing.log.values(), default=None)
    # A ledger without instants cannot be read, and says nothing of what its cleaner has seen.
    if now is not None and (look.ledger is None or look.instants):
        unseen = warning_of(layout, log_files, look.instants, now)
        lines += [unseen] if unseen else []
    for line in lines:
        if line not in warned:
            log.warning("%s", line)
        warned.add(line)


def _published(
    build: Build,
    release_id: str,
    key: str,
    done: Mapping[str, Upload],
    digest: str | None,
    placed: tuple[PagePlaced, ...],
) -> Published:
    unchanged = tuple(asset for asset in build.assets if asset.key not in done)
    return Published(release_id, key, tuple(done.values()), unchanged, digest, placed)


def _keys_to_head(build: Build) -> list[str]:
    """Keys whose content no listing tells: pages, mostly. If they are many, the listing first says which exist."""
    unsure = [asset.key for asset in build.assets if not asset.fingerprinted]
    return unsure if len(unsure) <= FEW else []


@traced("compare")
def _compare(
    bucket: BucketPort,
    layout: Layout,
    build: Build,
    look: Look,
    newest: NewestMarker | None,
    warned: set[str],
) -> tuple[list[Upload], dict[str, Stored], Mapping[str, str], frozenset[str]]:
    """The files to send, how others are stored compressed, the ETags of all that is there, and what has to be a page.

    Nothing else about the bucket is needed from here on.
    """
    _warn(layout, build, look, warned)
    sizes, etags = look.listing.sizes, look.listing.etags
    known = read_known(bucket, layout, build.channel, look, newest, (asset.key for asset in build.assets))
    names = {name for asset in build.assets if not asset.fingerprinted and (name := asset.stored) is not None}
    pages = {name: sizes[key] for name in names if (key := layout.page_key(name)) in sizes}
    check_stored(bucket, find_doubtful(_stored_pages(layout, build, known), look.listing))

    def ask(keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        asked = {**look.metadata, **metadata}
        return {**asked, **bucket.metadata([key for key in keys if key not in asked])}

    metadata: Mapping[str, Mapping[str, str]] = {}
    # If nothing has to be looked at, nobody waits for what was asked for ahead.
    if unknown := to_look_at(build.assets, sizes, known.headers, pages):
        metadata = ask(unknown)

    changed = changed_files(build.assets, sizes, etags, known, ask)
    stored = StoredObjects(sizes, known.headers, metadata, changed, pages)
    uploads = list(compare(build.assets, stored))
    new = (each.asset for each in uploads if each.reason is Reason.NEW and each.asset.fingerprinted)
    unseen = frozenset(asset.key for asset in new if asset.key in known.etags)
    # The listing may be older than the release that names them: as a rule it is made while the build is being read.
    if unseen and (there := bucket.listing(layout, unseen)).sizes:
        return _compare(bucket, layout, build, look._replace(listing=_with(look.listing, there)), None, warned)
    sent = {upload.asset.key for upload in uploads}
    compressed = {
        object_of(layout, asset): how._replace(etag=etags.get(object_of(layout, asset)))
        for asset, how in stored.compressed(build.assets)
        if asset.key not in sent
    }
    return uploads, compressed, etags, find_stayed(build.assets, uploads, sizes, known, ask)


def _with(listing: Listing, younger: Listing) -> Listing:
    """A listing, and a younger one of a few keys that it lacks."""
    return listing._replace(
        sizes={**listing.sizes, **younger.sizes},
        times={**listing.times, **younger.times},
        etags={**listing.etags, **younger.etags},
    )


def _stored_pages(layout: Layout, build: Build, known: Known) -> Iterator[Expected]:
    """The stored pages of a build. An earlier release, or the ETag itself, may tell that one is this build's."""
    for asset in build.assets:
        if not asset.fingerprinted and asset.digest is not None:
            is_that_version = known.stored.get(asset.key) == asset.stored
            tells = partial(_is_known, asset, known.etags.get(asset.key) if is_that_version else None)
            yield Expected(object_of(layout, asset), asset.key, asset.digest, asset.size, tells)


def _is_known(asset: LocalAsset, known: str | None, etag: str, size: int) -> bool:
    return etag == known or (size == asset.size and has_etag(asset, etag))


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


@traced("send")
def _send(
    bucket: BucketPort,
    layout: Layout,
    uploads: list[Upload],
    etags: Mapping[str, str],
    note: Callable[[LocalAsset, Stored], None],
) -> None:
    annotate(asset_cleaner__files=len(uploads))
    # Two pages with the same content are stored once.
    files = {object_of(layout, upload.asset): upload.asset for upload in uploads}
    # Others may have stored something since the look, and their release may be current: it needs what they have stored.
    seen = {each.asset.key: etags.get(each.asset.key) for each in uploads if each.asset.fingerprinted}
    over = {key: etag for key, etag in seen.items() if etag is not None} | dict.fromkeys(_new_keys(uploads))
    bucket.put((asset.under(key) for key, asset in files.items()), note, over)
