"""What a shell offers of a bucket: it asks a real server, in bounded time, and is silent if that fails."""

from __future__ import annotations

import contextlib
import getpass
import io
import logging
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from click.shell_completion import ShellComplete

from tests.paths import ROOT
from uploader.cli import suggestions
from uploader.cli.entry import COMPLETE, main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a completion sets for its whole process is this process's only for one test."""
    monkeypatch.setattr(getpass, "getpass", getpass.getpass)
    monkeypatch.setattr(logging, "disable", lambda: None)
    monkeypatch.setattr(suggestions, "SECONDS", 30)


def offered(uploader: Uploader, *words: str, **environ: str) -> list[str]:
    """The words that a shell gets for the last of these, as click finds them; nothing may be printed."""
    out, err = io.StringIO(), io.StringIO()
    streams = (contextlib.redirect_stdout(out), contextlib.redirect_stderr(err))
    with patch.dict(os.environ, uploader.aws.environment(**environ), clear=True), streams[0], streams[1]:
        found = ShellComplete(main, {}, "uploader", COMPLETE).get_completions(list(words[:-1]), words[-1])
    assert out.getvalue() + err.getvalue() == ""
    return [str(each.value) for each in found]


def test_it_offers_the_releases_that_the_command_takes_and_the_channels(
    uploader: Uploader, site_folder: Folder
) -> None:
    folder = site_folder("one", {"app-3f9c2ab1.js": "1"})
    first = uploader.upload(folder, "--release", "a1", "--channel", "production")["release"]
    second = uploader.upload(folder, "--release", "b2")["release"]
    staged = uploader.upload(folder, "--release", "c3", "--stage")["release"]
    uploader.run("pin", first, "--bucket", uploader.bucket)
    site = ["--bucket", uploader.bucket]
    assert sorted(offered(uploader, "rollback", *site, "")) == sorted([second, first])
    assert offered(uploader, "activate", *site, "2") == [staged]
    assert offered(uploader, "unpin", "", UPLOADER_BUCKET=uploader.bucket) == [first]
    assert offered(uploader, "verify", *site, "--release", f"{second[:-2]}b") == [second]
    assert offered(uploader, "releases", *site, "--channel", "") == ["default", "production"]
    assert offered(uploader, "end", *site, "--channel", "p") == ["production"]


def test_a_file_with_another_name_than_an_id_is_not_offered(uploader: Uploader, site_folder: Folder) -> None:
    """The shell puts an offered word into the user's line as it is: Enter would run one with `$(command)`."""
    release = uploader.upload(site_folder("one", {"app-3f9c2ab1.js": "1"}))["release"]
    names = ("20991231T235959Z-$(touch x)", "20991231T235959Z-\x9b2J\u202e", "20991231T235959Z-a b", "notes")
    for folder in ("markers", "staged", "pins"):
        for name in names:
            key = f"assets/.releases/{folder}/{name}.json"
            uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=key, Body=b"")
    site = ["--bucket", uploader.bucket]
    for words in (["rollback"], ["pin"], ["verify", "--release"]):
        assert offered(uploader, words[0], *site, *words[1:], "") == [release]
    for command in ("activate", "drop", "unpin"):
        assert offered(uploader, command, *site, "") == []


def test_the_bucket_may_stand_in_the_file(
    uploader: Uploader, site_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = uploader.upload(site_folder("one", {"app-3f9c2ab1.js": "1"}), "--prefix", "web/")["release"]
    (tmp_path / "uploader.toml").write_text(f'prefix = "web/"\n[environments.live]\nbucket = "{uploader.bucket}"\n')
    monkeypatch.chdir(tmp_path)
    assert offered(uploader, "rollback", "--env", "live", "") == [release]
    assert offered(uploader, "rollback", "") == []


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        (["rollback", ""], {}),
        (["rollback", "--bucket", "no-such-bucket", ""], {}),
        (["rollback", "--bucket", "NO BUCKET", ""], {}),
        (["rollback", "--bucket", "b", ""], {"AWS_ACCESS_KEY_ID": "", "AWS_EC2_METADATA_DISABLED": "true"}),
        (["rollback", "--bucket", "b", "--profile", "nobody", ""], {}),
        (["end", "--bucket", "b", "--env", "nowhere", "--channel", ""], {}),
    ],
)
def test_without_an_answer_it_offers_nothing_and_says_nothing(
    uploader: Uploader, words: list[str], environ: dict[str, str]
) -> None:
    assert offered(uploader, *words, **environ) == []


def test_a_server_that_does_not_answer_is_not_waited_for(uploader: Uploader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions, "SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        assert offered(uploader, "rollback", "--bucket", "b", "--endpoint-url", url, "") == []
        assert time.monotonic() - began < 20  # a request's own limit is longer


def test_an_mfa_code_is_not_asked_for() -> None:
    with pytest.raises(EOFError):
        suggestions._no_password("Enter MFA code for arn:aws:iam::123456789012:mfa/me: ")  # noqa: SLF001


def test_with_credentials_in_the_environment_boto3_is_not_loaded(uploader: Uploader, site_folder: Folder) -> None:
    release = uploader.upload(site_folder("one", {"app-3f9c2ab1.js": "1"}))["release"]
    program = (
        "import sys; from uploader.cli.entry import run; run(); "
        "sys.exit(', '.join(sorted({'boto3', 'botocore', 'rich'} & sys.modules.keys())) or 0)"
    )
    words = f"uploader rollback --bucket {uploader.bucket} "
    environ = uploader.aws.environment(**{COMPLETE: "bash_complete"}, COMP_WORDS=words, COMP_CWORD="4")
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"plain,{release}\n", "")
