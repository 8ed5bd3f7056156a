"""The uploader's command line and the cleaner's handler, each as its users run it, against a real S3 server."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from cleaner_lambda import afterwards, handler
from examples.embedded_aws import ACCOUNT, REGION, EmbeddedAws
from release_log.layout import Layout, is_stored_page
from release_log.release_id import PLACED
from tests.http.fault_proxy import FaultProxy
from tests.http.in_process import parts_are_small, run_here
from tests.http.plain_s3 import PlainS3, Stored
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_buckets, _runs = itertools.count(1), itertools.count(1)


@dataclass(frozen=True)
class Uploader:
    """``python -m uploader``."""

    aws: EmbeddedAws
    bucket: str

    def run(self, *arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the command line with these arguments alone; see `run_here`."""
        return run_here(arguments, self.aws.environment(**environ))

    def process(self, *arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run it in a process of its own, without shortened pauses."""
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
        """Every key in the bucket, the release log's included, but for what stands beside each marker: see `beside`."""
        return [key for key in self.every_key() if not is_beside(key)]

    def every_key(self) -> list[str]:
        """Every key in the bucket."""
        return [entry["Key"] for entry in self.aws.client("s3").list_objects_v2(Bucket=self.bucket).get("Contents", ())]

    def beside(self) -> list[str]:
        """The keys of the stored pages, and of the files that say that a release is in place."""
        return [key for key in self.every_key() if is_beside(key)]


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
def context() -> SimpleNamespace:
    """The context that Lambda gives to the handler."""
    return SimpleNamespace(
        aws_request_id="run-1",
        function_name="cleaner",
        memory_limit_in_mb=128,
        get_remaining_time_in_millis=lambda: 900_000,
        invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:cleaner",
    )


@pytest.fixture
def cleaner(
    aws: EmbeddedAws,
    bucket: str,
    context: Any,  # noqa: ANN401 (stands for Lambda's)
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., dict[str, Any]]]:
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
    afterwards.scheduler.cache_clear()
    afterwards.events.cache_clear()
    for operation, check in LIMITS.items():
        for client in (handler._s3(), handler._s3_once()):  # noqa: SLF001
            client.meta.events.register(f"provide-client-params.s3.{operation}", check)

    def invoke(payload: Any = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        answer: dict[str, Any] = handler.lambda_handler(payload if payload is not None else more, context)
        return answer

    yield invoke
    handler._s3.cache_clear()  # noqa: SLF001
    handler._s3_once.cache_clear()  # noqa: SLF001
    afterwards.scheduler.cache_clear()
    afterwards.events.cache_clear()


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
def proxy(aws: EmbeddedAws) -> Iterator[FaultProxy]:
    """A network in front of the server; a test can break it."""
    with FaultProxy(aws.url) as between:
        yield between


def read_bucket(s3: Any, bucket: str) -> dict[str, Stored]:  # noqa: ANN401 (boto3's client)
    """Every object of a bucket."""
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]
    with PlainS3(s3.meta.endpoint_url) as plain:
        return {key: plain.get(bucket, key) for key in keys}


def end_state(objects: dict[str, Stored]) -> dict[str, object]:
    """The state after a run, for comparison: everything except instants, ids and the release log's metadata."""
    state: dict[str, object] = {}
    for key, stored in objects.items():
        if "/.releases/" not in key:
            tags = {name: _timeless(value) for name, value in stored.tags.items()}
            state[key] = (hashlib.sha256(stored.body).hexdigest(), stored.headers, tags)
        elif is_stored_page(key):
            state[key] = (hashlib.sha256(stored.body).hexdigest(), stored.headers)
        elif key.endswith(".gz"):
            state[key] = json.loads(_timeless(gzip.decompress(stored.body).decode())) | {"last_run": None, "runs": None}
        else:
            state[_timeless(key)] = json.loads(_timeless(stored.body.decode()))
    return state


def _timeless(text: str) -> str:
    # A file has a stamp from two seconds after its last change on; and who sent it may have died before the marker.
    text = re.sub(r',"stamp":"[0-9a-f]*"|"new":true,', "", text)
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d{8}T\d{6}Z|(?<=run-)\d{4}", "…", text)


@dataclass(frozen=True)
class Ended:
    """The end of a command."""

    code: int
    out: str
    err: str


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Shorten every pause between two tries; returns the requested lengths."""
    asked: list[float] = []
    real = time.sleep

    def short(seconds: float) -> None:
        asked.append(seconds)
        real(min(seconds, 0.002))

    monkeypatch.setattr(time, "sleep", short)
    return asked


@pytest.fixture
def upload(
    uploader: Uploader,
    proxy: FaultProxy,
    waits: list[float],  # noqa: ARG001 (for what it does)
) -> Callable[..., Ended]:
    """``python -m uploader`` in this process, through the proxy, one request at a time, with short pauses."""
    environ = uploader.aws.environment(AWS_ENDPOINT_URL=proxy.url)

    def command(folder: Path, bucket: str, *arguments: str) -> Ended:
        # Of two runs with one name in one second, the second would wait a second for an id of its own.
        options = ["--bucket", bucket, "--release", f"run-{next(_runs):04}", "--concurrency", "1", *arguments]
        ended = run_here([folder, *options], environ, time.sleep)
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return command


@pytest.fixture
def small_parts() -> Iterator[None]:
    """Small files go in parts too."""
    with parts_are_small():
        yield


@pytest.fixture
def s3(aws: EmbeddedAws) -> Any:  # noqa: ANN401 (boto3's client)
    """A client that no test breaks."""
    return aws.client("s3")


def client_of(url: str, attempts: int = 1) -> Any:  # noqa: ANN401
    """A client of S3 at a server or a proxy, which makes so many attempts."""
    create: Any = boto3.client
    return create(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
    )


def new_bucket(s3: Any, objects: dict[str, Stored]) -> str:  # noqa: ANN401
    """A bucket of its own with these objects, the markers last, and in their order.

    A second may end between any two of these writes. A page that is younger than the file that says that it is in
    place, or a release that is older than what the ledger knows, would have the cleaner read and decide more.
    """
    name = f"site-{os.getpid()}-{next(_buckets)}"
    s3.create_bucket(Bucket=name)
    with PlainS3(s3.meta.endpoint_url) as plain:
        for key, stored in sorted(objects.items(), key=lambda each: ("/.releases/markers/" in each[0], each[0])):
            plain.put(name, key, stored)
    return name


def markers(objects: dict[str, Stored]) -> list[str]:
    """The keys of the markers."""
    return [key for key in objects if "/.releases/markers/" in key and not is_beside(key)]


def is_beside(key: str) -> bool:
    """Whether it is the key of a stored page, or of a file that says that a release is in place."""
    return is_stored_page(key) or key.endswith(PLACED)


def without_intents(objects: dict[str, Stored]) -> dict[str, Stored]:
    """The objects without intents, which keep the keys of a dead upload until they expire."""
    return {key: stored for key, stored in objects.items() if "/.releases/pending/" not in key}


@pytest.fixture
def layout() -> Layout:
    """The keys of the site that the tests use."""
    return Layout("assets/")
