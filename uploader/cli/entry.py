"""The command line. ``upload`` is the default command: ``python -m uploader DIRECTORY --bucket NAME``."""

from __future__ import annotations

import contextlib
import os
import sys

import click

from uploader.about import VERSION
from uploader.cli.colours import failure
from uploader.cli.group import LazyGroup
from uploader.cli.signals import terminate_as_interrupt
from uploader.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_STATUS,
    EXIT_TERMINATED,
    StoppedError,
    UploaderError,
    UsageError,
)

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
    """Run the command line. This is the one place that maps errors to exit codes.

    Returns:
        The exit code.
    """
    if sys.stdout is not None and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # for a terminal that cannot show the letters of a key
    with terminate_as_interrupt() as ending:
        try:
            if COMPLETE in os.environ:
                from click.shell_completion import shell_complete  # noqa: PLC0415 (only a shell needs it)

                code: object = shell_complete(main, {}, "uploader", COMPLETE, os.environ[COMPLETE])
            else:
                # Not `main.main`, which treats every KeyboardInterrupt alike.
                with main.make_context("python -m uploader", sys.argv[1:]) as context:
                    code = main.invoke(context)
        except click.exceptions.Exit as done:
            return done.exit_code
        except UploaderError as error:
            _complain(f"{'wrong usage: ' if isinstance(error, UsageError) else ''}{error}")
            return error.exit_code
        except click.ClickException as error:
            where: click.Context | None = getattr(error, "ctx", None)
            path = where.command_path if where is not None else "python -m uploader"
            _complain(f"wrong usage: {error.format_message().rstrip('.')}; see {path} --help")
            return error.exit_code
        except OSError as error:
            _complain(f"{error.filename or 'standard output'}: {error.strerror}")
            return EXIT_FAILED
        except KeyboardInterrupt as error:
            rest = str(error) if isinstance(error, StoppedError) else "no marker was written; run again to finish"
            _complain(f"{'terminated' if ending.terminated else 'interrupted'}: {rest}")
            return EXIT_TERMINATED if ending.terminated else EXIT_INTERRUPTED
    return code if isinstance(code, int) else EXIT_DONE


def _complain(line: str) -> None:
    with contextlib.suppress(OSError):  # the exit code says it too
        click.echo(failure(f"uploader: {line}", sys.stderr), err=True)
