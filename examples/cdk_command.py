"""The pinned CDK command line, run on this repository's app."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[1]

END_SECONDS = 10
"""How long a command may take to end, once it is told to."""


class CdkError(Exception):
    """The command failed. The message contains its output."""


@dataclass(frozen=True, slots=True)
class CdkRun:
    """A command that was begun.

    Attributes:
        command: Its name, such as ``deploy``.
    """

    command: str
    _process: subprocess.Popen[bytes]
    _said: IO[bytes]

    def wait(self) -> str:
        """Wait for its end.

        Returns:
            Its output.

        Raises:
            CdkError: It failed.
        """
        try:
            status = self._process.wait()
        except BaseException:
            self.end()
            raise
        with self._said as file:
            file.seek(0)
            said = file.read().decode(errors="replace")
        if status:
            msg = f"cdk {self.command} failed:\n{said}"
            raise CdkError(msg)
        return said

    def end(self) -> None:
        """End it, if it still runs; what it began at AWS goes on there."""
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def run_cdk(
    *arguments: str, environment: Mapping[str, str], out: Path, context: Mapping[str, object] | None = None
) -> str:
    """Run a command, and wait for its end.

    Returns:
        The command's output.

    Raises:
        CdkError: The command failed.
    """
    return begin_cdk(*arguments, environment=environment, out=out, context=context).wait()


def begin_cdk(
    *arguments: str, environment: Mapping[str, str], out: Path, context: Mapping[str, object] | None = None
) -> CdkRun:
    """Begin a command.

    Args:
        arguments: The command and its options.
        environment: The environment, with credentials and Region.
        out: The folder that synthesis writes to; of this command alone, while it runs.
        context: The stack's settings.
    """
    options = [f"--context={name}={value}" for name, value in (context or {}).items()]
    command = [
        str(Path(sys.executable).parent / "node"),
        str(ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"),
        *arguments,
        *options,
        f"--output={out}",
        "--no-color",
        "--progress=events",
    ]
    said = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the command runs; a pipe would be full one day)
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={
            **environment,
            "CI": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_VALIDATION": "false",  # the CDK's own look at the template takes longer than all the rest
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        },
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
    )
    return CdkRun(arguments[0], process, said)
