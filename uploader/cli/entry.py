"""The command line. ``upload`` is the default command: ``python -m uploader DIRECTORY --bucket NAME``."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import sys

import click

from uploader.about import VERSION
from uploader.cli.colours import failure
from uploader.cli.complaint import complaint
from uploader.cli.group import LazyGroup
from uploader.cli.next_command import program
from uploader.cli.signals import terminate_as_interrupt
from uploader.errors import EXIT_DONE, EXIT_STATUS, is_panic
from uploader.printable import printable

log = logging.getLogger("uploader")

COMPLETE = "_UPLOADER_COMPLETE"
"""The variable in which a shell asks for completions, in click's protocol; the scripts of `completion` set it."""


@click.group(cls=LazyGroup, epilog=EXIT_STATUS)
@click.version_option(VERSION, prog_name="uploader")
def main() -> None:
    """Publish builds of fingerprinted assets to S3. `upload` is the default command.

    \b
    Examples:
      python -m uploader dist --bucket my-assets
      python -m uploader run dist --bucket my-assets -- ./roll-out.sh
      python -m uploader --env production
      python -m uploader activate --help
    """


def run() -> int:
    """Run the command line; `uploader.cli.complaint` says what an error means.

    Returns:
        The exit code.
    """
    if sys.stderr is None:  # it was closed: the log and the progress bar go nowhere
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 (for as long as the process runs)
    if sys.stdout is not None and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # for a terminal that cannot show the letters of a key
    with terminate_as_interrupt() as ending:
        try:
            if COMPLETE in os.environ:
                from click.shell_completion import shell_complete  # noqa: PLC0415 (only a shell needs it)

                code: object = shell_complete(main, {}, "uploader", COMPLETE, os.environ[COMPLETE])
            else:
                # Not `main.main`, which treats every KeyboardInterrupt alike.
                with main.make_context(shlex.join(program()), sys.argv[1:], obj=ending) as context:
                    code = main.invoke(context)
        except click.exceptions.Exit as done:
            return done.exit_code
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 (its line is for users, who need no traceback)
            return _end(error, terminated=ending.terminated)
        except BaseException as error:
            if not is_panic(error):
                raise
            return _end(error, terminated=False)
    return code if isinstance(code, int) else EXIT_DONE


def _end(error: BaseException, *, terminated: bool) -> int:
    line, code = complaint(error, terminated=terminated)
    log.debug("", exc_info=error)
    from uploader.cli.ci_job import as_annotation  # noqa: PLC0415 (most runs end without an error)

    line = printable(line)
    with contextlib.suppress(OSError):  # the exit code says it too
        click.echo(as_annotation(line) or failure(f"uploader: {line}", sys.stderr), err=True, color=True)
    return code
