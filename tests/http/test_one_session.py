"""Whatever it takes to get the credentials of a profile, such as an MFA code, is asked for once in a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.http.in_process import SMALL_PART, parts_are_small

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

ASK = """#!/bin/sh
echo asked >> "$(dirname "$0")/asked"
echo '{"Version": 1, "AccessKeyId": "test", "SecretAccessKey": "test"}'
"""


@pytest.mark.parametrize("command", ["upload", "doctor", "restore"])
def test_a_command_asks_for_credentials_once(
    uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path], tmp_path: Path, command: str
) -> None:
    """Also one that reads, sends large files, lists odd keys and asks Lambda, each by a client of its own."""
    (tmp_path / "ask.sh").write_text(ASK)
    (tmp_path / "config").write_text(f"[profile mfa]\nregion = us-east-1\ncredential_process = sh {tmp_path}/ask.sh\n")
    s3, site = uploader.aws.client("s3"), site_folder("a", {"index.html": "1", "film.mp4": "1" * (SMALL_PART + 1)})
    s3.put_bucket_versioning(Bucket=uploader.bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=uploader.bucket, Key="assets/a//b", Body=b"")
    release = uploader.upload(site)["release"] if command == "restore" else ""
    words: dict[str, list[object]] = {
        "upload": ["upload", site],
        "doctor": ["doctor", "--function", "cleaner"],
        "restore": ["restore", "--release", release],
    }
    if command == "restore":
        s3.delete_object(Bucket=uploader.bucket, Key="assets/index.html")
    with parts_are_small():
        arguments = [*words[command], "--bucket", uploader.bucket, "--profile", "mfa"]
        ended = uploader.run(*arguments, AWS_CONFIG_FILE=str(tmp_path / "config"))
    assert (ended.returncode, ended.stderr) == (int(command == "doctor"), ""), "there is no function for the doctor"
    assert (tmp_path / "asked").read_text().split() == ["asked"]
