"""The pinned CDK command line, run on this repository's app."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[1]


class CdkError(Exception):
    """The command failed. The message contains its output."""


def run_cdk(
    *arguments: str, environment: Mapping[str, str], out: Path, context: Mapping[str, object] | None = None
) -> str:
    """Run a command.

    Args:
        arguments: The command and its options.
        environment: The environment, with credentials and Region.
        out: The folder that synthesis writes to.
        context: The stack's settings.

    Returns:
        The command's output.

    Raises:
        CdkError: The command failed.
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
    answer = subprocess.run(
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
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if answer.returncode:
        msg = f"cdk {arguments[0]} failed:\n{answer.stdout}"
        raise CdkError(msg)
    return answer.stdout
