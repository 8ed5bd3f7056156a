"""Look at a build, while the bucket is asked for what will be needed first."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from release_log.layout import Layout
from uploader.builds.ci import build_metadata
from uploader.builds.collect import collect
from uploader.publishing.known_headers import newest_ahead
from uploader.publishing.publish import Build

if TYPE_CHECKING:
    import re
    from pathlib import Path

    from uploader.builds.files import Collector
    from uploader.publishing.known_headers import Said
    from uploader.s3.port import BucketPort
    from uploader.threads.ahead import Ahead
    from uploader.treatment.rules import Rules


class Prepared(NamedTuple):
    """What is there to publish a build.

    Attributes:
        build: The build.
        bucket: Where to.
        newest: What the newest marker says; it is on its way.
    """

    build: Build
    bucket: BucketPort
    newest: Ahead[Said | None]


def prepare(  # noqa: PLR0913 (what a user may say of a build)
    bucket: BucketPort,
    directory: Path,
    *,
    prefix: str,
    channel: str,
    release: str,
    pattern: re.Pattern[str] | None,
    collector: Collector,
    rules: Rules,
    manifest: Path | None,
) -> Prepared:
    """Prepare for `uploader.publishing.publish.publish`.

    Args:
        bucket: The site's bucket.
        directory: The build's output.
        prefix: The site's prefix.
        channel: The line of releases that it belongs to.
        release: Its name.
        pattern: As in `collect`; so are those that follow.
        collector: See there.
        rules: See there.
        manifest: See there.

    Raises:
        UsageError: As in `collect`.
        UploaderError: As in `collect`.
    """
    newest = newest_ahead(bucket, Layout(prefix))
    assets = collect(
        directory,
        prefix,
        pattern=pattern,
        collector=collector,
        rules=rules,
        manifest=manifest,
        named=bucket.list_ahead,
    )
    build = Build(assets=assets, prefix=prefix, channel=channel, release=release, metadata=build_metadata(os.environ))
    return Prepared(build, bucket, newest)
