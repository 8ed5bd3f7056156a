"""An AWS on this machine: ministack, in a separate environment, on a free port of 127.0.0.1.

Its S3, EventBridge, Scheduler, Lambda, IAM and CloudFormation are good enough to install and run the stack. Its own
interpreter also runs the Lambda: a package that is neither in the bundle nor in Lambda's real runtime is missing there
too.
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

from examples.cdk_command import ROOT, CdkError, run_cdk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

INTERPRETER = ROOT / "examples" / "emulator" / ".venv" / "bin" / "python"
SERVER = ROOT / "examples" / "emulator_server.py"
REGION = "us-east-1"
ACCOUNT = "000000000000"
KEPT_OUT = ("AWS_", "UPLOADER_", "CDK_", "GITHUB_")
"""The beginnings of the variables that a command must not inherit: it would go to AWS, or tell a CI job of itself."""

START_SECONDS = 30
STOP_SECONDS = 5


class EmbeddedAwsError(Exception):
    """The embedded AWS does not start, or the CDK fails on it. The message contains the program's output."""


class EmbeddedAws:
    """A server process. ``with`` starts and stops it, whatever happens in between.

    Attributes:
        url: The endpoint.
        enforces_iam: Whether it checks signatures and policies.
        scratch: A folder that is removed when it stops.
    """

    def __init__(self, *, enforce_iam: bool = False) -> None:
        """Prepare the server.

        Args:
            enforce_iam: Check signatures and policies. The key ``test`` may still do everything.
        """
        self.url = ""
        self.enforces_iam = enforce_iam
        self.scratch = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Start the server.

        Raises:
            EmbeddedAwsError: It is not installed, or does not start.
        """
        if not INTERPRETER.exists():
            msg = "the embedded AWS is not installed: run `make setup`"
            raise EmbeddedAwsError(msg)
        self.scratch = Path(tempfile.mkdtemp(prefix="embedded-aws-"))
        # It runs CloudFront's functions in Node.js.
        programs = self.scratch / "bin"
        programs.mkdir()
        (programs / "node").symlink_to(Path(sys.executable).parent / "node")
        port = _free_port()
        self.url, self._clients = f"http://127.0.0.1:{port}", {}
        with (self.scratch / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [INTERPRETER, "-P", SERVER],
                cwd=self.scratch,
                # Nothing of this process's environment, which the Lambda would inherit.
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
                # A group for the server and its Lambda workers, to end them together. Ctrl-C reaches only us.
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
        """Stop the server."""
        self.stop()

    def stop(self) -> None:
        """End the server and its Lambda workers, and remove their files."""
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
        """The environment for a command that should use the embedded AWS instead of AWS."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(KEPT_OUT)}
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

    def client(self, service: str) -> Any:  # noqa: ANN401 (each service's client has its own type)
        """A boto3 client for the embedded AWS; the same for each call, as making one takes as long as some requests."""
        if service not in self._clients:
            create: Any = boto3.client  # It has an overload for the name of each service, but none for a str.
            self._clients[service] = create(
                service,
                endpoint_url=self.url,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",  # noqa: S106 (the emulator accepts any key)
                config=Config(read_timeout=910, retries={"max_attempts": 0}),
            )
        return self._clients[service]

    def cdk(self, *arguments: str, context: Mapping[str, object] | None = None) -> str:
        """Run the pinned CDK command line on this repository's app.

        Args:
            arguments: The command and its options.
            context: The stack's settings.

        Returns:
            The command's output.

        Raises:
            EmbeddedAwsError: The command failed.
        """
        try:
            return run_cdk(*arguments, environment=self.environment(), out=self.scratch / "cdk.out", context=context)
        except CdkError as error:
            raise EmbeddedAwsError(str(error)) from error

    def bootstrap(self) -> None:
        """Run ``cdk bootstrap``, once before the first `deploy`."""
        # Without the app, which it would synthesise and not use.
        self.cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}", "--app=")

    def deploy(self, **context: object) -> dict[str, str]:
        """Run ``cdk deploy`` on this repository's app.

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
        log = (self.scratch / "log").read_text(errors="replace")[-2000:]
        msg = f"the embedded AWS did not start at {self.url}: {log}"
        raise EmbeddedAwsError(msg)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
