"""Runs a command for the user as a shell would: with the same streams, signals and exit code."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Self

from uploader.errors import EXIT_SIGNAL, UploaderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORWARDED = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP


def check_command(command: Sequence[str]) -> None:
    """Refuse a command that cannot be run, before anything else is done.

    Raises:
        UsageError: There is no such command, or it may not be executed.
    """
    name = command[0]
    if shutil.which(name) is not None:
        return
    if os.path.dirname(name) and os.path.isfile(name):  # noqa: PTH113, PTH120 (a command's name, which Path would change)
        msg = f"command {name!r} is not executable: chmod +x {name}"
    else:
        msg = f"command {name!r} not found: name a program on the PATH, or its file as in ./roll-out.sh"
    raise UsageError(msg)


def run_command(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command to its end, and pass on to it the signals that this process gets meanwhile.

    Returns:
        The exit code; 128 plus the signal's number if a signal ended it, as in a shell.

    Raises:
        UploaderError: The operating system refuses to run it.
    """
    with _Signals() as signals:
        try:
            process = subprocess.Popen(list(command), env=dict(environ))
        except OSError as error:
            msg = f"command {command[0]!r} cannot be run ({error.strerror}): check its first line (#!) and its type"
            raise UploaderError(msg) from error
        signals.pass_on_to(process)
        code = process.wait()
    return EXIT_SIGNAL - code if code < 0 else code


class _Signals:
    """Passes signals on to the command; those that came before it started, as soon as it has."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        # In a terminal Ctrl-C reaches the command directly: both processes are in the same foreground group.
        self._terminal = sys.stdin is not None and sys.stdin.isatty()
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in FORWARDED:
            # An ignored signal stays ignored, here and in the command: under nohup, or in a shell's background.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # the value that signal.signal returned

    def pass_on_to(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        for number in self._early:
            process.send_signal(number)

    def _handle(self, number: int, _frame: object) -> None:
        if self._process is None:
            self._early.append(number)
        elif number != signal.SIGINT or not self._terminal:
            self._process.send_signal(number)
