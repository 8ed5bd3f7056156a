"""The uploader without a process of its own: starting an interpreter takes most of the time of a small upload."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from obstore.store import S3Store

import uploader.operations.ending as uploader_ending
import uploader.operations.restore as uploader_restore
import uploader.protocol.write_if_whole as uploader_whole
import uploader.publishing.publish as uploader_publishing
import uploader.s3.connection as uploader_connection
from examples.embedded_aws import REGION
from uploader.aws.access import Access, Keys
from uploader.builds import parts
from uploader.builds.collect import collect
from uploader.cli.entry import run
from uploader.clocks import Clocks
from uploader.publishing.build import Build
from uploader.publishing.publish import publish
from uploader.s3 import asking, bodies
from uploader.s3.open import connect, open_connected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.http.conftest import Uploader
    from uploader.publishing.publish import Published

SMALL_PART = 64 * 1024
"""The embedded AWS accepts such parts, although S3 requires 5 MiB; large bodies would be slow there."""


def run_here(
    arguments: Sequence[object], environ: Mapping[str, str], sleep: Callable[[float], None] | None = None
) -> CompletedProcess[str]:
    """Run the command line in this process, with short pauses between two tries of a request.

    Args:
        arguments: The command line's arguments.
        environ: Its complete environment.
        sleep: The marker's wait for its turn; None for the real one. With a shorter wait the releases' names order
            the markers of one second, and must ascend where the order matters.
    """
    words, out, err = [str(each) for each in arguments], io.StringIO(), io.StringIO()
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, environ, clear=True))
        stack.enter_context(patch.object(sys, "argv", ["uploader/__main__.py", *words]))
        stack.enter_context(patch.object(uploader_connection, "S3Store", _impatient))
        stack.enter_context(patch.object(asking, "PAUSES", (0.002, 0.002)))
        if sleep is not None:
            for module in (uploader_publishing, uploader_whole, uploader_ending, uploader_restore):
                stack.enter_context(patch.object(module, "Clocks", lambda: Clocks(sleep=sleep)))
        stack.enter_context(_log_restored())
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        code = run()
    return CompletedProcess(words, code, out.getvalue(), err.getvalue())


@contextmanager
def parts_are_small() -> Iterator[None]:
    """Let the uploader send files larger than `SMALL_PART` in parts."""
    with patch.object(bodies, "WHOLE_BYTES", SMALL_PART), patch.object(parts, "PART_BYTES", SMALL_PART):
        yield


def publish_here(
    uploader: Uploader,
    folder: Path,
    release: str,
    *,
    stage: bool = False,
    prefix: str = "assets/",
    channel: str = "default",
) -> Published:
    """Publish a build, for what a test needs to be there before it begins. The releases' names have to ascend."""
    bucket = open_connected(connect(Access(uploader.bucket, REGION, uploader.aws.url, keys=Keys("test", "test"))), 8)
    build = Build(assets=collect(folder, prefix), prefix=prefix, channel=channel, release=release)
    return publish(bucket, build, stage=stage, clocks=Clocks(sleep=no_sleep))


def short_sleep(seconds: float) -> None:
    """Wait, but not long: five tries last until the second is over in which another release of the name began."""
    time.sleep(min(seconds, 0.3))


def no_sleep(_seconds: float) -> None:
    """Do not wait for S3's next second: the names order the releases."""


def _impatient(bucket: str, **options: Any) -> S3Store:  # noqa: ANN401 (obstore's)
    backoff = {"init_backoff": timedelta(milliseconds=1), "max_backoff": timedelta(milliseconds=3)}
    return S3Store(bucket, **{**options, "retry_config": {**options.get("retry_config", {}), "backoff": backoff}})


@contextmanager
def _log_restored() -> Iterator[None]:
    """Undo the command's changes to its log after the command."""
    logger = logging.getLogger("uploader")
    before = logger.level, logger.handlers, logger.propagate
    try:
        yield
    finally:
        logger.level, logger.handlers, logger.propagate = before
