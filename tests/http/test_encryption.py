"""All objects of the uploader, the release log's too, have the configured encryption."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from examples.embedded_aws import REGION
from uploader.aws.access import Access, Keys
from uploader.s3.encryption import encryption
from uploader.s3.open import connect, open_connected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]

BUILD = {"app-3f9c2ab1.js": "1", "index.html": "2"}
KMS = ("--sse", "aws:kms", "--sse-kms-key-id", "alias/assets", "--sse-bucket-key")


def encrypted(uploader: Uploader) -> dict[str, tuple[str | None, str | None]]:
    s3 = uploader.aws.client("s3")
    heads = {key: s3.head_object(Bucket=uploader.bucket, Key=key) for key in uploader.every_key()}
    return {key: (head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")) for key, head in heads.items()}


def test_without_the_option_it_is_left_to_the_bucket(uploader: Uploader, site_folder: Folder) -> None:
    uploader.upload(site_folder("a", BUILD))
    assert set(encrypted(uploader).values()) == {(None, None)}


@pytest.mark.parametrize(
    ("options", "expected"), [(("--sse", "AES256"), ("AES256", None)), (KMS, ("aws:kms", "alias/assets"))]
)
def test_assets_and_release_log_are_encrypted_alike(
    uploader: Uploader, site_folder: Folder, options: tuple[str, ...], expected: tuple[str, str | None]
) -> None:
    done = uploader.upload(site_folder("a", BUILD), "--stage", *options)
    found = encrypted(uploader)
    assert len(found) == 3
    assert set(found.values()) == {expected}
    activated = uploader.run("activate", done["release"], "--bucket", uploader.bucket, *options)
    assert activated.returncode == 0, activated.stderr
    assert set(encrypted(uploader).values()) == {expected}


def test_a_file_that_goes_in_parts_is_encrypted_too(uploader: Uploader, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "large-3f9c2ab1.bin").write_bytes(b"\0" * 9_000_000)
    uploader.upload(folder, *KMS)
    assert set(encrypted(uploader).values()) == {("aws:kms", "alias/assets")}


def test_the_bucket_key_is_asked_for() -> None:
    """The emulator does not store it, so the test reads the request itself."""
    seen: dict[str, str] = {}

    class Recorder(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            seen.update({name.lower(): value for name, value in self.headers.items()})
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("ETag", '"x"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        access = Access("site", REGION, f"http://127.0.0.1:{server.server_port}", keys=Keys("test", "test"))
        encrypted = encryption("aws:kms", "alias/assets", bucket_key=True)
        open_connected(connect(access, encrypted), 1).create("k", b"")
        server.shutdown()
    assert {name: value for name, value in seen.items() if "server-side-encryption" in name} == {
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "alias/assets",
        "x-amz-server-side-encryption-bucket-key-enabled": "true",
    }


def test_the_command_that_makes_it_current_encrypts_as_the_upload_did(uploader: Uploader, site_folder: Folder) -> None:
    answer = uploader.run(site_folder("a", BUILD), "--bucket", uploader.bucket, "--stage", *KMS)
    assert answer.stdout.rstrip().endswith("--sse aws:kms --sse-kms-key-id alias/assets --sse-bucket-key")


def test_options_that_do_not_go_together_write_nothing(uploader: Uploader, site_folder: Folder) -> None:
    answer = uploader.run(site_folder("a", BUILD), "--bucket", uploader.bucket, "--sse-bucket-key")
    assert answer.returncode == 2
    assert answer.stderr == (
        "uploader: wrong usage: --sse-bucket-key is for KMS alone: give --sse aws:kms with it, or leave it out\n"
    )
    assert uploader.keys() == []
