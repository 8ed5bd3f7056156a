"""What somebody else wrote into the bucket, the build or an answer reaches no terminal raw, by any command."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from release_log.marker import Asset, Release
from tests.http.conftest import Uploader, new_bucket
from tests.http.in_process import no_sleep, run_here
from uploader.cli.group import COMMANDS
from uploader.history.body import body_of
from uploader.library import cleaning

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

    from examples.embedded_aws import EmbeddedAws
    from tests.http.fault_proxy import FaultProxy

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b8m\u202e\u200b\r\nuploader: forged\n[red]x[/red]\x7f##vso[task.prependpath]/tmp"
KEY = "\x9b8m\u202e\u200b\x85[red]x.js"
"""As a key may be, and a build's file: obstore holds it."""

ID = "20261123T120000Z-evil"
WORDS: dict[str, list[str]] = {
    "upload": ["BUILD", "--dry-run"],
    "run": ["BUILD", "--channel", "c", "--", "true", EVIL],
    "activate": [ID],
    "drop": [ID],
    "releases": [],
    "status": [],
    "report": ["--html", os.devnull],
    "sites": ["*/", "assets/"],
    "verify": ["--release", ID],
    "rollback": [ID, "--dry-run"],
    "pin": [ID],
    "unpin": [ID],
    "restore": ["--release", ID, "--dry-run"],
    "end": ["--site", "--dry-run"],
    "plan": ["--function", "f"],
    "clean": ["--function", "f"],
    "doctor": ["--function", EVIL],
    "completion": ["bash"],
    "schema": [],
}
"""The arguments of every command."""

OWN = {"completion", "schema"}
"""Commands that print a text of the program's own, and nothing else."""


@pytest.fixture(scope="module")
def hostile(aws: EmbeddedAws) -> Uploader:
    """A bucket whose release log and keys somebody filled with escape sequences."""
    s3 = aws.client("s3")
    there = Uploader(aws, new_bucket(s3, {}))
    s3.put_bucket_versioning(Bucket=there.bucket, VersioningConfiguration={"Status": "Enabled"})
    keys = [f"assets/{KEY}", "assets/page.html"]
    release = Release(
        release="evil",
        channel="default",
        created_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        prefix="assets/",
        uploader={"name": EVIL, "version": EVIL},
        metadata={"commit": EVIL, "branch": EVIL, "build_url": EVIL, EVIL: EVIL},
        assets={key: Asset(key, 1, key != keys[1]) for key in keys},
    )
    body = body_of(release)
    for folder in ("markers", "staged", "pending", "pins"):
        s3.put_object(Bucket=there.bucket, Key=f"assets/.releases/{folder}/{ID}.json", Body=body)
        s3.put_object(Bucket=there.bucket, Key=f"assets/.releases/{folder}/{KEY}.json", Body=body)
    bad = json.dumps({EVIL: EVIL, "format": EVIL}).encode()
    s3.put_object(Bucket=there.bucket, Key="assets/.releases/staged/20261123T110000Z-bad.json", Body=bad)
    s3.put_object(Bucket=there.bucket, Key=f"assets/.releases/x//\x1b[2J\n{KEY}", Body=b"")
    s3.put_object(Bucket=there.bucket, Key=f"assets/\x1b[2J\n{KEY}", Body=b"")
    s3.put_object(Bucket=there.bucket, Key=keys[1], Body=b"x")
    return there


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build with a file of an odd name."""
    folder = tmp_path / "build"
    folder.mkdir()
    (folder / "index.html").write_text("x")
    (folder / KEY).write_text("x")
    return folder


@pytest.fixture
def _lying_cleaner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that answers with what it found in such a bucket."""
    entry = {"key": EVIL, "state": EVIL, "since": EVIL, "reason": EVIL, "due": EVIL, "error": EVIL, "message": EVIL}
    lists: dict[str, Any] = {name: [entry] for name in ("failed", "set_aside", "delete", "tag", "untag", "upcoming")}
    document = {
        **lists,
        "site": "assets/",
        "dry_run": False,
        "missing": [EVIL],
        "inner_sites": [EVIL],
        "stopped_by": [{"reason": EVIL, "message": EVIL}],
        "at": "2026-11-23T06:05:38Z",
        "counts": dict.fromkeys(("delete", "untag", "tag", "keep", "failed"), 1),
        "bytes_deleted": 1,
        "orphans": 1,
        "wake_up_error": EVIL,
        "unfinished": True,
        "truncated": True,
        "next_due": EVIL,
    }
    for name in ("plan", "clean"):
        monkeypatch.setattr(cleaning, name, lambda *_, **__: document)


def check(ended: CompletedProcess[str], *, as_json: bool = False) -> None:
    """Assert that a terminal shows all of the output as text, and no line that the program did not write."""
    for stream in (ended.stdout, ended.stderr):
        odd = {character for character in stream if not character.isprintable()}
        assert odd <= {"\n"}, ascii(odd)
        assert not [line for line in stream.splitlines() if line.startswith("uploader: forged")]
        assert "please report it" not in stream
        assert "##vso[" not in stream
    if as_json and ended.stdout:
        json.loads(ended.stdout)
        assert ended.stdout.isascii()


@pytest.mark.usefixtures("_lying_cleaner")
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_what_others_wrote_as_text(
    hostile: Uploader, proxy: FaultProxy, build: Path, command: str
) -> None:
    """As text and as JSON, in its log, and in what it says of its arguments, its configuration and S3's errors."""
    environ = hostile.aws.environment(AWS_ENDPOINT_URL=proxy.url)
    words: list[object] = [command, *(build if each == "BUILD" else each for each in WORDS[command])]
    site = [] if command in OWN else ["--bucket", hostile.bucket]

    def run(*more: object, given: list[object] = words) -> CompletedProcess[str]:
        return run_here([*given[:1], *more, *given[1:]], environ, no_sleep)

    if command in OWN:
        check(run())
    else:
        check(run(*site, "-v"))
        check(run(*site, "--json"), as_json=True)
        check(run(*site, "--print-config"))
        proxy.deny(lambda _: True, EVIL.translate({ord("\n"): None}))
        check(run(*site))
    # The command itself is wrong.
    check(run(f"--{EVIL}"))
    check(run("--bucket", EVIL))
    check(run("--bucket", "b", "--prefix", EVIL))
    check(run("--bucket", "b", "--config", EVIL))
    check(run("--bucket", "b", given=[command, EVIL]))


def test_a_build_and_its_log_are_shown_as_text(uploader: Uploader, build: Path, tmp_path: Path) -> None:
    """Also a file that is refused, and what a configuration says."""
    ended = uploader.run(build, "--bucket", uploader.bucket, "-v")
    assert ended.returncode == 0
    assert r"assets/\x9b8m\u202e\u200b\x85[red]x.js" in ended.stderr
    check(ended)
    (build / "\x1b[2J.js").write_text("x")
    ended = uploader.run(build, "--bucket", uploader.bucket)
    assert ended.returncode == 1
    check(ended)
    file = tmp_path / "uploader.toml"
    text = json.dumps(EVIL)
    file.write_text(f'{text} = "x"\n[environments.{text}]\nbucket = 1\n')
    for more in ([], ["--env", EVIL], ["--env", "x"]):
        ended = uploader.run(build, "--config", file, *more)
        assert ended.returncode == 2
        check(ended)


def test_the_test_would_notice(hostile: Uploader) -> None:
    """What the commands above print holds the escaped texts: nothing was left out for another reason."""
    for command, words in (("releases", [r"\x1b]0;owned"]), ("status", [r"x//\x1b[2J\n", r"\x1b]0;owned"])):
        ended = hostile.run(command, "--bucket", hostile.bucket)
        for each in words:
            assert each in ended.stdout, (command, ended)


def test_the_markdown_of_a_report_is_text_too(hostile: Uploader) -> None:
    ended = hostile.run("report", "--markdown", "--bucket", hostile.bucket)
    check(ended)
    assert r"\x1b]0;owned" in ended.stdout
