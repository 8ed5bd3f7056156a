"""``run``: upload and stage, roll out, and make it current only if that succeeded."""

from __future__ import annotations

import logging
import os
import shlex
import time
from typing import TYPE_CHECKING, Any

from uploader.cli.child_process import run_command
from uploader.cli.console import answer
from uploader.cli.next_command import next_command, staged_for
from uploader.cli.upload_answer import (
    document_of,
    drop_copies,
    placed_of,
    progress,
    summary,
    tell_job,
    wants_summary,
)
from uploader.errors import NotActivatedError, StoppedError, UploaderError
from uploader.library import publishing
from uploader.library.cdn import cdn_of
from uploader.tracing import variables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uploader.builds.options import BuildOptions
    from uploader.cli.notice import Notice
    from uploader.cli.output import OutputOptions
    from uploader.library.site import Site
    from uploader.protocol.belongs import PagePlaced
    from uploader.publishing.invalidation import Cdn
    from uploader.publishing.publish import Published

log = logging.getLogger("uploader")


def run(  # noqa: PLR0913 (each is one option of the command line)
    site: Site,
    build: BuildOptions,
    output: OutputOptions,
    notice: Notice,
    *,
    command: list[str],
    dry_run: bool,
    invalidate: str | None,
    invalidate_root: str,
) -> int:
    """Stage a build, and make it current if the user's command succeeds; returns the command's exit code."""
    cdn = cdn_of(site, invalidate, invalidate_root)
    roll_out = RollOut(site, build, output, cdn, command)
    if dry_run:
        published = publishing.run(build, site, roll_out, dry_run=True).published
        document = roll_out.document_of(published, dry_run=True)
        tell_job(document, published.retires)
        *lines, last = summary(document, site)
        answer(output, document, [*lines, f"{last}; {command[0]} not run"], done="nothing was written")
        return 0
    try:
        rolled_out = publishing.run(build, site, roll_out, progress=progress(output), ask_retiring=wants_summary())
    except NotActivatedError as error:
        raise UploaderError(roll_out.not_current_yet(error.why)) from error
    except KeyboardInterrupt as error:
        if roll_out.code != 0 or (isinstance(error, StoppedError) and (error.done or error.is_current)):
            raise
        raise StoppedError(roll_out.not_current_yet(str(error))) from error
    finally:
        notice.document = roll_out.document
    return _tell(roll_out, rolled_out, notice)


class RollOut:
    """The user's command, run for a staged release.

    Attributes:
        code: The command's exit code; None until it has ended.
        document: The document of ``--json``.
    """

    def __init__(
        self, site: Site, build: BuildOptions, output: OutputOptions, cdn: Cdn | None, command: list[str]
    ) -> None:
        self.site = site
        self.output = output
        self.command = command
        self.code: int | None = None
        self.document: dict[str, Any] = {}
        self._build = build
        self._cdn = cdn
        self._began = time.monotonic()

    def __call__(self, published: Published) -> bool:
        """Run it; returns whether it succeeded."""
        name = self.command[0]
        self.document = self.document_of(published, dry_run=False)
        drop_copies(self.document, self.site, self._cdn, f"{name} was not run and {published.id} was dropped")
        if not self.output.as_json:
            began = f"{summary(self.document, self.site)[0]}; running {shlex.join(self.command)}"
            answer(self.output, self.document, began, done=f"{name} was not run and the release was dropped")
        self.code = run_command(self.command, os.environ | {"UPLOADER_RELEASE_ID": published.id} | variables())
        return self.code == 0

    def drop_copies_of_pages(self, document: dict[str, Any], placed: Sequence[PagePlaced]) -> None:
        """Have the CDN drop its copies of the pages that are in place now."""
        if self._cdn is None or not placed:
            return
        before, paths = document["invalidation"]["paths"], self._cdn.stale_paths((), placed)
        document["invalidation"] = {**document["invalidation"], "paths": paths}
        drop_copies(document, self.site, self._cdn, f"release {document['release']} is current")
        document["invalidation"]["paths"] = tuple(sorted({*before, *paths}))

    def document_of(self, published: Published, *, dry_run: bool) -> dict[str, Any]:
        """The document of ``--json`` for a staged release."""
        seconds = time.monotonic() - self._began
        return document_of(published, self.site, self._build, self._cdn, staged=True, dry_run=dry_run, seconds=seconds)

    def not_current_yet(self, why: str) -> str:
        """What to say when the command succeeded and its release could not be made current."""
        release_id = self.document["release"]
        return (
            f"{self.command[0]} succeeded, but {release_id} is not current yet{f' ({why})' if why else ''}: "
            f"production serves it, and its assets are kept for {staged_for()} only; "
            f"make it current: {next_command('activate', release_id, self.site, self.document['digest'])}"
        )


def _tell(roll_out: RollOut, rolled_out: publishing.RolledOut, notice: Notice) -> int:
    release_id, site, code = rolled_out.published.id, roll_out.site, roll_out.code or 0
    if code:
        # What was not dropped may be current: the command can have activated it before it failed.
        state = "was dropped; the current release is unchanged" if rolled_out.dropped else "was not dropped"
        again = "fix the roll-out and run again"
        log.error("%s failed (exit status %d): %s %s; %s", roll_out.command[0], code, release_id, state, again)
    document = roll_out.document | {"marker": rolled_out.marker, "staged": None, "exit_status": code}
    notice.document = document
    try:
        if not code:
            document["placed"] = placed_of(rolled_out.placed)
            roll_out.drop_copies_of_pages(document, rolled_out.placed)
    finally:  # the release is current, whatever became of the invalidation
        tell_job(document, rolled_out.published.retires)
        if roll_out.output.as_json or not code:
            line = f"activated {release_id} at s3://{site.bucket}/{site.prefix}"
            state = f"was {'' if rolled_out.dropped else 'not '}dropped" if code else "is current"
            answer(roll_out.output, document, line, done=f"release {release_id} {state}")
    return code
