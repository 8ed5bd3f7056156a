"""An AWS on this machine: ministack, in an environment of its own, on a free port of 127.0.0.1.

It does S3, EventBridge, Scheduler, Lambda, IAM and CloudFormation well enough to install the stack and to run it. It
has its own interpreter, which runs the Lambda too: what the bundle does not bring and the real runtime does not have,
is missing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

ROOT = Path(__file__).resolve().parents[1]
INTERPRETER = ROOT / "examples" / "emulator" / ".venv" / "bin" / "python"
REGION = "us-east-1"
ACCOUNT = "000000000000"
START_SECONDS = 30
STOP_SECONDS = 5


class EmbeddedAwsError(Exception):
    """The embedded AWS does not start, or the CDK fails on it; the message holds what it said."""


class EmbeddedAws:
    """Start it with ``with``; it is stopped on the way out, whatever happened.

    Attributes:
        url: Its endpoint.
        enforces_iam: Whether it checks signatures and policies.
        scratch: A folder that goes when it stops.
    """

    def __init__(self, *, enforce_iam: bool = False) -> None:
        """Prepare it.

        Args:
            enforce_iam: Check signatures and policies; the key ``test`` stays almighty.
        """
        self.url = ""
        self.enforces_iam = enforce_iam
        self.scratch = Path()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            EmbeddedAwsError: It is not installed, or does not start.
        """
        if not INTERPRETER.exists():
            msg = "the embedded AWS is not installed: run `make setup`"
            raise EmbeddedAwsError(msg)
        self.scratch = Path(tempfile.mkdtemp(prefix="embedded-aws-"))
        # CloudFront's functions run in Node.
        programs = self.scratch / "bin"
        programs.mkdir()
        (programs / "node").symlink_to(Path(sys.executable).parent / "node")
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        with (self.scratch / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [INTERPRETER, "-m", "ministack"],
                cwd=self.scratch,
                # Nothing of this process's environment: the Lambda would inherit it.
                env={
                    "PATH": f"{programs}{os.pathsep}{os.defpath}",
                    "HOME": str(self.scratch),
                    "TMPDIR": str(self.scratch),
                    "GATEWAY_PORT": str(port),
                    "BIND_HOST": "127.0.0.1",
                    "IOT_MTLS_ENABLED": "0",
                    "LOG_LEVEL": "WARNING",
                    "AUTH": "true" if self.enforces_iam else "false",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Its Lambda workers are in its group, and end with it; Ctrl-C reaches us alone, and we stop it.
                start_new_session=True,
            )
        try:
            self._wait_until_up()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def stop(self) -> None:
        """End the server and its Lambda workers, and remove what they wrote."""
        if self._process is not None:
            for end in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(self._process.pid, end)
                except ProcessLookupError:
                    break
                try:
                    self._process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    continue
            self._process = None
        shutil.rmtree(self.scratch, ignore_errors=True)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment for a command that is to talk to it, instead of to AWS."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "UPLOADER_", "CDK_"))}
        return kept | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            **more,
        }

    def client(self, service: str) -> Any:  # noqa: ANN401 (each service's client is another type)
        """A boto3 client that talks to it."""
        create: Any = boto3.client  # One overload for each service by name, and none for a str.
        return create(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 (the emulator takes any)
            config=Config(read_timeout=910, retries={"max_attempts": 0}),
        )

    def cdk(self, *arguments: str, context: Mapping[str, object] | None = None) -> str:
        """Run the pinned CDK command line on this repository's app.

        Args:
            arguments: The command and its options.
            context: The stack's settings.

        Returns:
            What it printed.

        Raises:
            EmbeddedAwsError: It failed.
        """
        options = [f"--context={name}={value}" for name, value in (context or {}).items()]
        command = [
            str(Path(sys.executable).parent / "node"),
            str(ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"),
            *arguments,
            *options,
            f"--output={self.scratch / 'cdk.out'}",
            "--no-color",
            "--progress=events",
        ]
        answer = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment(
                CI="true", CDK_DISABLE_CLI_TELEMETRY="true", JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION="1"
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if answer.returncode:
            msg = f"cdk {arguments[0]} failed:\n{answer.stdout}"
            raise EmbeddedAwsError(msg)
        return answer.stdout

    def bootstrap(self) -> None:
        """``cdk bootstrap``, once before the first `deploy`."""
        self.cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}")

    def deploy(self, **context: object) -> dict[str, str]:
        """``cdk deploy`` of this repository's app.

        Args:
            context: The stack's settings.

        Returns:
            The stack's outputs.
        """
        outputs = self.scratch / "outputs.json"
        outputs.unlink(missing_ok=True)
        self.cdk("deploy", "--all", "--require-approval=never", f"--outputs-file={outputs}", context=context)
        (stack,) = json.loads(outputs.read_text()).values()
        return dict(stack)

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=1):  # noqa: S310 (our own http:// URL)
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        said = (self.scratch / "log").read_text(errors="replace")[-2000:]
        msg = f"the embedded AWS did not start at {self.url}: {said}"
        raise EmbeddedAwsError(msg)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
