"""Publish a build: at once, or around a roll-out."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from release_log.channel import CHANNEL, DEFAULT_CHANNEL
from release_log.errors import LayoutError
from release_log.fingerprints import PatternError, compile_pattern
from release_log.release_id import make_id
from uploader.builds.ci import build_metadata
from uploader.builds.collect import collect
from uploader.builds.files import every_file
from uploader.builds.ignore_files import read_ignore_files
from uploader.builds.options import BuildOptions
from uploader.builds.private_files import check_globs
from uploader.builds.release_name import release_name
from uploader.builds.spelling import NFC
from uploader.columns import places_of
from uploader.errors import NotActivatedError, NotPlacedError, UploaderError, UsageError
from uploader.library.cdn import cdn_of, drop_copies
from uploader.publishing.build import Build
from uploader.publishing.known_headers import NewestMarker
from uploader.publishing.publish import Published
from uploader.publishing.publish import publish as publish_assets
from uploader.s3.read_only import ReadOnly
from uploader.tracing import annotate, traced
from uploader.treatment.rules import NO_RULES
from uploader.treatment.selection import Selection

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping, Sequence

    from release_log.layout import Layout
    from uploader.builds.asset import LocalAsset
    from uploader.builds.files import Collector
    from uploader.library.site import Site
    from uploader.protocol.belongs import PagePlaced
    from uploader.publishing.compare import Upload
    from uploader.publishing.retiring import Retiring
    from uploader.s3.port import ReaderPort
    from uploader.treatment.rules import Rules

LARGE = 10_000
"""With so many files and fewer, the C library's own habit takes no more memory; see `uploader.memory`."""

log = logging.getLogger("uploader")


class Progress(Protocol):
    """Shows how far an upload is."""

    def started(self, uploads: list[Upload]) -> None:
        """The files to send are known; none of them is sent yet."""
        ...

    def sent(self, asset: LocalAsset) -> None:
        """A file is stored. Called from several threads at once."""
        ...

    def finished(self) -> None:
        """Nothing more will be sent, whether the upload succeeded or not."""
        ...


class _NoProgress:
    """For who wants to know nothing."""

    def started(self, uploads: list[Upload]) -> None:
        """See `Progress`."""

    def sent(self, asset: LocalAsset) -> None:
        """See `Progress`."""

    def finished(self) -> None:
        """See `Progress`."""


def publish(  # noqa: PLR0913 (each is one option of the command line)
    directory: str | os.PathLike[str],
    site: Site,
    *,
    channel: str = DEFAULT_CHANNEL,
    release: str | None = None,
    fingerprint_pattern: str | None = None,
    manifest: str | os.PathLike[str] | None = None,
    collector: Collector | str | None = None,
    rules: Sequence[Mapping[str, Any]] = (),
    normalize: str | None = None,
    allow: Sequence[str] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    stage: bool = False,
    dry_run: bool = False,
    invalidate: str | None = None,
    invalidate_root: str = "",
) -> Published:
    """Upload the new files of a directory, then write the release marker.

    Args:
        directory: The build's output; this and what follows, up to ``exclude``, as in `BuildOptions`.
        site: Where it is published.
        channel: The line of releases that the new release belongs to.
        release: The release's name.
        fingerprint_pattern: A regular expression with a group ``fingerprint``.
        manifest: A build manifest; ``none``: no manifest.
        collector: A function that finds the files, or its name.
        rules: How some files are stored.
        normalize: ``nfc``: the form of Unicode in which the keys are stored.
        allow: Globs that name the private files to publish on purpose, such as ``certificates/*.pem``.
        include: Globs: only the files that one of them names are published.
        exclude: Globs that name files which are not published, whatever `include` says.
        stage: Let the release wait for `activate`.
        dry_run: Find out what would be sent; write nothing.
        invalidate: A CloudFront distribution's id: it drops its copies of each file that was replaced.
        invalidate_root: The distribution's origin path: the part of a key that its URL lacks.

    Raises:
        UsageError: A value is not valid: nothing was read from the bucket, nothing written.
        UploaderError: Something failed: no marker was written, and the current release is unchanged. Or CloudFront
            refused: then the release is there.
    """
    build = BuildOptions(
        directory=Path(directory),
        channel=channel,
        release=release,
        fingerprint_pattern=fingerprint_pattern,
        manifest=None if manifest is None else Path(manifest),
        collector=collector,
        rules=[dict(rule) for rule in rules],
        normalize=normalize,
        allow=allow,
        include=include,
        exclude=exclude,
    )
    cdn = cdn_of(site, invalidate, invalidate_root)
    published = publish_build(build, site, stage=stage, dry_run=dry_run)
    if not dry_run:
        drop_copies(published.id, site, cdn, published.uploads, published.placed)
    return published


@traced("upload")
def publish_build(
    build: BuildOptions,
    site: Site,
    *,
    stage: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
    ask_retiring: bool = False,
) -> Published:
    """Publish a build; see `publish`.

    While the build is being read, the first requests are on their way.

    Args:
        build: The build.
        site: Where it is published.
        stage: Let the release wait for `activate`.
        dry_run: Find out what would be sent; write nothing.
        progress: Is told of each file that is sent.
        ask_retiring: Also find out what the release retires, which a dry run does in any case. It costs a few requests.
    """
    ask = ask_retiring or dry_run
    try:
        return _publish_build(build, site, progress or _NoProgress(), stage=stage, dry_run=dry_run, ask_retiring=ask)
    finally:
        if progress is not None:
            progress.finished()


def _publish_build(
    build: BuildOptions, site: Site, progress: Progress, *, stage: bool, dry_run: bool, ask_retiring: bool
) -> Published:
    prefix = site.layout.prefix
    name, pattern = _checked(build)
    collector, rules = _collector(build), _rules(build)
    bucket = ReadOnly(site.open()) if dry_run else site.open()
    newest = NewestMarker(bucket, site.layout, datetime.now(UTC))

    def named(keys: list[str]) -> None:
        if len(keys) > LARGE:
            from uploader.memory import give_back_early  # noqa: PLC0415 (few builds are so large)

            give_back_early()
        places = places_of(keys)
        bucket.list_ahead(site.layout, places)
        newest.look_for(places)

    try:
        assets = collect(
            build.directory,
            prefix,
            pattern=pattern,
            collector=collector,
            rules=rules,
            manifest=build.manifest,
            selection=Selection(build.include, build.exclude, read_ignore_files(build.directory)),
            allow=build.allow,
            normalize=build.normalize,
            named=named,
        )
    except BaseException:
        newest.drop()
        raise
    whole = Build(
        assets=assets, prefix=prefix, channel=build.channel, release=name, metadata=build_metadata(os.environ)
    )
    # Before it is current: afterwards it is the one that it would be compared with.
    retires, unknown = _retiring(bucket, site.layout, whole, needed=dry_run) if ask_retiring else (None, None)
    annotate(
        aws__s3__bucket=site.bucket,
        asset_cleaner__site=prefix,
        asset_cleaner__channel=build.channel,
        vcs__ref__head__revision=whole.metadata.get("commit"),
        vcs__ref__head__name=whole.metadata.get("branch"),
        cicd__pipeline__run__url__full=whole.metadata.get("build_url"),
    )
    published = publish_assets(bucket, whole, stage=stage, newest=newest, started=progress.started, sent=progress.sent)
    annotate(
        asset_cleaner__release=published.id,
        asset_cleaner__files__uploaded=len(published.uploads),
        asset_cleaner__files__unchanged=len(published.unchanged),
        asset_cleaner__bytes__uploaded=published.bytes_uploaded,
    )
    if unknown is not None:
        # Only now: a failed upload has no summary, and often failed for the same reason.
        log.warning("the summary lacks what this release retires: %s", unknown)
    return replace(published, retires=retires)


def _retiring(
    bucket: ReaderPort, layout: Layout, build: Build, *, needed: bool
) -> tuple[tuple[Retiring, ...] | None, UploaderError | None]:
    """What a build retires; or why that is unknown, unless it is needed: no upload fails for its summary."""
    from uploader.publishing.retiring import find_retiring  # noqa: PLC0415 (as in `run`: few uploads ask)

    try:
        return find_retiring(bucket, layout, build, datetime.now(UTC)), None
    except UploaderError as error:
        if needed:
            raise
        return None, error


@dataclass(frozen=True, slots=True)
class RolledOut:
    """The result of a roll-out.

    Attributes:
        published: The staged release.
        marker: The marker's key; None if the release is not current: its roll-out failed, or this was a dry run.
        dropped: Whether a release whose roll-out failed was dropped; else it expires.
        placed: The pages that were put in place once the roll-out had succeeded.
    """

    published: Published
    marker: str | None
    dropped: bool = False
    placed: tuple[PagePlaced, ...] = ()


@traced("run")
def run(  # noqa: PLR0913 (each is one option of the command line)
    build: BuildOptions,
    site: Site,
    roll_out: Callable[[Published], bool],
    *,
    dry_run: bool = False,
    invalidate: str | None = None,
    invalidate_root: str = "",
    progress: Progress | None = None,
    ask_retiring: bool = False,
) -> RolledOut:
    """Stage a build, roll it out, and make it current only if the roll-out succeeds.

    Args:
        build: The build.
        site: Where it is published.
        roll_out: Rolls out the staged release; returns whether that succeeded. If it raises, the release is dropped.
        dry_run: Find out what would be sent; write nothing, and roll nothing out.
        invalidate: As in `publish`; the CDN drops its copies of pages once they are in place, after the roll-out.
        invalidate_root: As in `publish`.
        progress: Is told of each file that is sent.
        ask_retiring: Also find out what the release retires.

    Raises:
        NotActivatedError: The roll-out succeeded, but the release could not be made current.
        NotPlacedError: The roll-out succeeded, and the release is current, but not all of its pages are in place.
        UploaderError: The upload failed: `roll_out` was not called, and the current release is unchanged.
    """
    from uploader.library.staging import activate, drop_quietly  # noqa: PLC0415 (a mere upload needs neither: 10 ms)

    cdn = cdn_of(site, invalidate, invalidate_root)
    published = publish_build(build, site, stage=True, dry_run=dry_run, progress=progress, ask_retiring=ask_retiring)
    if dry_run:
        return RolledOut(published, None)
    try:
        drop_copies(published.id, site, cdn, published.uploads)
        succeeded = traced("roll-out")(roll_out)(published)
    except BaseException:
        drop_quietly(published.id, site, published.digest)
        raise
    if not succeeded:
        return RolledOut(published, None, dropped=drop_quietly(published.id, site, published.digest))
    try:
        activated = activate(published.id, site, digest=published.digest)
    except NotPlacedError:
        raise
    except UploaderError as error:
        raise NotActivatedError(published.id, str(error)) from error
    drop_copies(published.id, site, cdn, placed=activated.placed)
    return RolledOut(published, activated.marker, placed=activated.placed)


def _checked(build: BuildOptions) -> tuple[str, re.Pattern[str] | None]:
    """The release's name, and the compiled pattern.

    Raises:
        UsageError: One of the user's words is not valid.
    """
    now, pattern = datetime.now(UTC), build.fingerprint_pattern
    name = release_name(os.environ) if build.release is None else build.release
    try:
        make_id(now, name)
        compiled = compile_pattern(pattern) if isinstance(pattern, str) else pattern
    except (LayoutError, PatternError) as error:
        raise UsageError(str(error)) from error
    for option, globs in (("--allow", build.allow), ("--include", build.include), ("--exclude", build.exclude)):
        check_globs(option, globs)
    if build.normalize not in {None, NFC}:
        msg = f"normalize {build.normalize!r}: the one form is {NFC!r}"
        raise UsageError(msg)
    if not CHANNEL.fullmatch(build.channel):
        msg = f"channel {build.channel!r}: use up to 64 letters, digits, dots, hyphens and underscores"
        raise UsageError(msg)
    return name, compiled


def _collector(build: BuildOptions) -> Collector:
    if not isinstance(build.collector, str):
        return build.collector or every_file
    from uploader.builds.user_collector import load_collector  # noqa: PLC0415 (few have one of their own)

    return load_collector(build.collector)


def _rules(build: BuildOptions) -> Rules:
    if not build.rules:
        return NO_RULES
    from uploader.treatment.rule_tables import parse_rules  # noqa: PLC0415 (many have none)

    return parse_rules(list(build.rules), build.rules_source)
