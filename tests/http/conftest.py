"""The uploader's command line and the cleaner's handler, each as its users run it, against a real S3 server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import handler
from examples.embedded_aws import ACCOUNT, REGION, ROOT, EmbeddedAws
from release_log.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Uploader:
    """``python -m uploader`` in a process of its own."""

    aws: EmbeddedAws
    bucket: str

    def run(self, *arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run it with just these arguments."""
        return subprocess.run(
            [sys.executable, "-m", "uploader", *map(str, arguments)],
            cwd=ROOT,
            env=self.aws.environment(**environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def upload(self, directory: Path, *arguments: object) -> dict[str, Any]:
        """Upload a build that must succeed; returns the JSON document."""
        answer = self.run(directory, "--bucket", self.bucket, "--json", *arguments)
        assert answer.returncode == 0, answer.stderr
        document: dict[str, Any] = json.loads(answer.stdout)
        return document

    def keys(self) -> list[str]:
        """Every key in the bucket, the release log's included."""
        return [entry["Key"] for entry in self.aws.client("s3").list_objects_v2(Bucket=self.bucket).get("Contents", ())]


@pytest.fixture
def uploader(aws: EmbeddedAws, bucket: str) -> Uploader:
    """The command line, and a new bucket for it."""
    return Uploader(aws, bucket)


@pytest.fixture
def site_folder(tmp_path: Path) -> Callable[[str, dict[str, str]], Path]:
    """Writes the files of a build: ``site_folder("one", {"app-3f9c2ab1.js": "1"})``."""

    def write(name: str, files: dict[str, str]) -> Path:
        folder = tmp_path / name
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return folder

    return write


@pytest.fixture
def cleaner(aws: EmbeddedAws, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., dict[str, Any]]]:
    """The Lambda's handler in this process.

    Every request is checked against the limits that the emulator does not have.
    """
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "SITES": json.dumps(
            [{"bucket": bucket, "prefix": "assets/", "policy": {"grace": 0, "version_limit": 0, "version_ttl": 0}}]
        ),
        "WAKE_UP_GROUP": "default",
        "WAKE_UP_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/wake-up",
        "WAKE_UP_DEAD_LETTER_ARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead",
    }.items():
        monkeypatch.setenv(name, value)
    handler._s3.cache_clear()  # noqa: SLF001
    handler._s3_once.cache_clear()  # noqa: SLF001
    handler._scheduler.cache_clear()  # noqa: SLF001
    for operation, check in LIMITS.items():
        for client in (handler._s3(), handler._s3_once()):  # noqa: SLF001
            client.meta.events.register(f"provide-client-params.s3.{operation}", check)
    context = SimpleNamespace(
        aws_request_id="run-1",
        function_name="cleaner",
        memory_limit_in_mb=128,
        get_remaining_time_in_millis=lambda: 900_000,
        invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:cleaner",
    )

    def invoke(payload: object = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        answer: dict[str, Any] = handler.lambda_handler(payload if payload is not None else more, context)
        return answer

    yield invoke
    handler._s3.cache_clear()  # noqa: SLF001
    handler._s3_once.cache_clear()  # noqa: SLF001
    handler._scheduler.cache_clear()  # noqa: SLF001


def _page(params: dict[str, Any], **_: object) -> None:
    assert params.get("MaxKeys", 1000) <= 1000, "S3 gives 1,000 keys a page, whatever is asked"


def _batch(params: dict[str, Any], **_: object) -> None:
    assert len(params["Delete"]["Objects"]) <= 1000, "S3 refuses a batch of more than 1,000"


def _tags(params: dict[str, Any], **_: object) -> None:
    tags = params["Tagging"]["TagSet"]
    assert len(tags) <= 10, "S3 refuses an eleventh tag"
    assert all(len(tag["Key"]) <= 128 and len(tag["Value"]) <= 256 for tag in tags)


LIMITS = {"ListObjectsV2": _page, "DeleteObjects": _batch, "PutObjectTagging": _tags}


@pytest.fixture
def layout() -> Layout:
    """The keys of the site that the tests use."""
    return Layout("assets/")
