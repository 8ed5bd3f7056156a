"""Keep an earlier release, or make it current again: without a build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from uploader.errors import UsageError
from uploader.library.cdn import cdn_of, drop_copies
from uploader.operations import pins
from uploader.operations import rollback as operation
from uploader.tracing import annotate, traced

if TYPE_CHECKING:
    from uploader.library.site import Site
    from uploader.operations.pins import Pinned
    from uploader.operations.rollback import Target
    from uploader.protocol.belongs import PagePlaced


def pin(release: str, site: Site) -> Pinned:
    """Keep all assets of a release, an id or a name, until it is unpinned. Doing it twice is fine.

    Raises:
        NotWholeError: Some of its assets are gone: nothing was changed.
        UploaderError: There is no such release.
    """
    return pins.pin(site.open(), site.layout, release)


def unpin(release: str, site: Site) -> str:
    """Let go of a pinned release, an id or a name; returns its id. It takes an operator's rights.

    Raises:
        UploaderError: It is not pinned, or S3 refused.
    """
    return pins.unpin(site.of_operator().open(), site.layout, release)


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The result of a roll-back, or of its dry run.

    Attributes:
        target: The old release, and its channel.
        release_id: The id under which it is current; None under a dry run.
        placed: The pages that were put in place.
    """

    target: Target
    release_id: str | None
    placed: tuple[PagePlaced, ...] = ()


def rollback(  # noqa: PLR0913 (each is one option of the command line)
    release: str | None,
    site: Site,
    *,
    channel: str | None = None,
    previous: bool = False,
    dry_run: bool = False,
    invalidate: str | None = None,
    invalidate_root: str = "",
) -> RolledBack:
    """Make an old release current again, without sending anything.

    Args:
        release: Its id or name; None with `previous`.
        site: The site.
        channel: The channel; None: the release's own channel, or with `previous` the default one.
        previous: The release before the current one.
        dry_run: Check that all of it is there; write nothing.
        invalidate: As in `publish`; the CDN drops its copies of the pages that were put in place.
        invalidate_root: As in `publish`.

    Raises:
        UsageError: Both a release and `previous` are asked for, or neither.
        NotWholeError: Some of its assets are gone: nothing was changed.
        UploaderError: There is no such release, or S3 refused. Or CloudFront refused: then it is current.
    """
    cdn = cdn_of(site, invalidate, invalidate_root)
    target = rollback_target(release, site, channel=channel, previous=previous)
    done = roll_back_to(target, site, dry_run=dry_run)
    drop_copies(done.release_id or target.old.id, site, cdn, placed=done.placed)
    return done


def rollback_target(release: str | None, site: Site, *, channel: str | None = None, previous: bool = False) -> Target:
    """Find the release that `rollback` would make current."""
    if (release is None) is not previous:
        msg = "name either RELEASE, its id or its name, or --previous"
        raise UsageError(msg)
    return operation.find_target(site.open(), site.layout, release, channel)


@traced("rollback")
def roll_back_to(target: Target, site: Site, *, dry_run: bool = False) -> RolledBack:
    """Make the target of `rollback_target` current; see `rollback`."""
    annotate(aws__s3__bucket=site.bucket, asset_cleaner__site=site.prefix, asset_cleaner__channel=target.channel)
    annotate(asset_cleaner__release=target.old.id)
    if dry_run:
        operation.check(site.open(), site.layout, target)
        return RolledBack(target, target.current.id if target.already and target.current is not None else None)
    written = operation.roll_back(site.open(), site.layout, target)
    return RolledBack(target, written.id, written.placed)
