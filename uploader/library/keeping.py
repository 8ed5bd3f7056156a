"""Keep an earlier release, or make it current again: without a build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from uploader.errors import UsageError
from uploader.operations import pins
from uploader.operations import rollback as operation
from uploader.tracing import annotate, traced

if TYPE_CHECKING:
    from uploader.library.site import Site
    from uploader.operations.pins import Pinned
    from uploader.operations.rollback import Target


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
    """

    target: Target
    release_id: str | None


def rollback(
    release: str | None, site: Site, *, channel: str | None = None, previous: bool = False, dry_run: bool = False
) -> RolledBack:
    """Make an old release current again, without sending anything.

    Args:
        release: Its id or name; None with `previous`.
        site: The site.
        channel: The channel; None: the release's own channel, or with `previous` the default one.
        previous: The release before the current one.
        dry_run: Check that all of it is there; write nothing.

    Raises:
        UsageError: Both a release and `previous` are asked for, or neither.
        NotWholeError: Some of its assets are gone: nothing was changed.
        UploaderError: There is no such release, or S3 refused.
    """
    return roll_back_to(rollback_target(release, site, channel=channel, previous=previous), site, dry_run=dry_run)


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
    if target.already and target.current is not None:
        return RolledBack(target, target.current.id)
    return RolledBack(target, None if dry_run else operation.roll_back(site.open(), site.layout, target))
