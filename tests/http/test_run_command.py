"""``run`` around a real command: its streams, signals and exit code; and every command of the pages for publishing."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest

from release_log.ledger_file import Announcement, encode_announcement, pack
from tests.http.in_process import publish_here, run_here, short_sleep
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from release_log.layout import Layout
    from tests.http.conftest import Uploader

    Begin = Callable[..., subprocess.Popen[str]]
    Folder = Callable[[str, dict[str, str]], Path]

WAIT = "touch began; while :; do sleep 0.05; done"
"""A slow roll-out; the file ``began`` shows that a signal can reach it."""


@pytest.fixture
def begin(uploader: Uploader, site_folder: Folder, tmp_path: Path) -> Iterator[Begin]:
    """Begins ``run dist -- sh -c SCRIPT``; kills processes that are still running in the end."""
    site_folder("dist", {"app-3f9c2ab1.js": "1"})
    started = []

    def call(script: str, **options: object) -> subprocess.Popen[str]:
        words = [
            "-m",
            "uploader",
            "run",
            "dist",
            "--bucket",
            uploader.bucket,
            "--release",
            "r1",
            "--",
            "sh",
            "-c",
            script,
        ]
        streams = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE) | {"stdin": subprocess.DEVNULL}
        process: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]  # the streams vary
            [sys.executable, *words],
            cwd=tmp_path,
            env=uploader.aws.environment(PYTHONPATH=str(ROOT)),
            text=True,
            **(streams | options),
        )
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.wait()


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not come"
        time.sleep(0.02)


def log_folders(uploader: Uploader) -> list[str]:
    """The kinds of files in the release log."""
    return [key.split("/")[2] for key in uploader.keys() if ".releases/" in key]


def test_a_roll_out_that_fails_leaves_the_page_that_visitors_get(uploader: Uploader, site_folder: Folder) -> None:
    """And one that succeeds replaces it, once its command has ended."""
    publish_here(uploader, site_folder("old", {"index.html": "old", "app-3f9c2ab1.js": "1"}), "r1")
    folder, s3 = site_folder("new", {"index.html": "new", "app-3f9c2ab2.js": "2"}), uploader.aws.client("s3")
    for name, command, code, page in (("r2", "false", 1, b"old"), ("r3", "true", 0, b"new")):
        words = ["run", folder, "--bucket", uploader.bucket, "--release", name, "--", command]
        ended = run_here(words, uploader.aws.environment(), short_sleep)
        assert ended.returncode == code, ended.stderr
        assert s3.get_object(Bucket=uploader.bucket, Key="assets/index.html")["Body"].read() == page
        assert uploader.run("verify", "--bucket", uploader.bucket).returncode == 0


def test_its_streams_are_the_commands(uploader: Uploader, begin: Begin) -> None:
    process = begin("cat; echo oops >&2", stdin=subprocess.PIPE)
    out, err = process.communicate("from the terminal\n", timeout=20)
    assert (process.returncode, err) == (0, "oops\n")
    assert [line.split()[0] for line in out.splitlines()] == ["staged", "from", "activated"]
    assert log_folders(uploader) == ["markers"]


@pytest.mark.parametrize(
    ("number", "script", "code", "log"),
    [
        (signal.SIGTERM, WAIT, 143, []),
        (signal.SIGTERM, f"trap 'sleep 0.3; echo rolled back; exit 5' TERM; {WAIT}", 5, []),
        (signal.SIGTERM, f"trap 'echo finished all the same; exit 0' TERM; {WAIT}", 0, ["markers"]),
        (signal.SIGHUP, WAIT, 129, []),
        # Here no terminal sends the signal to the command, so the uploader does.
        (signal.SIGINT, f"trap 'exit 9' INT; {WAIT}", 9, []),
    ],
    ids=["it dies", "it rolls back", "it succeeds all the same", "the terminal is closed", "Ctrl-C in a CI system"],
)
def test_a_signal_is_passed_on_and_the_commands_end_decides(  # noqa: PLR0913, PLR0917 (its cases)
    uploader: Uploader, begin: Begin, tmp_path: Path, number: int, script: str, code: int, log: list[str]
) -> None:
    process = begin(script)
    wait_for(tmp_path / "began")
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code, err
    assert log_folders(uploader) == log
    assert ("was dropped; the current release is unchanged" in err) == bool(code)
    assert ("activated" in out) == (not code)


def test_a_terminals_ctrl_c_reaches_the_command_once(uploader: Uploader, begin: Begin, tmp_path: Path) -> None:
    """The terminal itself sends the signal to the whole foreground group: the uploader does not send it again."""
    controller, terminal = pty.openpty()
    process = begin(
        f"trap 'echo x >> signals' INT; (sleep 1.2; touch over) & {WAIT.replace(':', '[ ! -e over ]')}; exit 3",
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(terminal, termios.TIOCSCTTY, 0),
    )
    os.close(terminal)
    wait_for(tmp_path / "began")
    os.write(controller, b"\x03")
    assert process.wait(20) == 3
    os.close(controller)
    assert (tmp_path / "signals").read_text() == "x\n"
    assert log_folders(uploader) == []


def test_sigterm_before_the_command_runs_is_as_for_an_upload(
    uploader: Uploader, begin: Begin, tmp_path: Path, layout: Layout
) -> None:
    """A cleaner is at work, so the upload waits: nothing is staged, and the command never runs."""
    body = pack({"deleting": encode_announcement(Announcement("run-1", frozenset({"assets/app-3f9c2ab1.js"})))})
    uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=layout.ledger, Body=body)
    process = begin("touch began")
    assert process.stderr is not None
    assert "waiting: the cleaner" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[1] == "uploader: terminated: no marker was written; run again to finish\n"
    assert process.returncode == 143
    assert uploader.keys() == [layout.ledger]
    assert not (tmp_path / "began").exists()


def test_every_command_of_the_pages_runs(
    uploader: Uploader, site_folder: Folder, tmp_path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In their order, with the ids that earlier commands printed; the build job's own lines too.

    Commands that need more than a bucket have their own tests: the Lambda's in `test_clean_command`, and `doctor`.
    """
    text = "".join((ROOT / page).read_text() for page in ("README.md", "docs/ci.md", "docs/releases.md"))
    commands = re.findall(r"^\$ (python (?:-P )?-m uploader .*)$", text, re.MULTILINE)
    commands += [f"python -m {each}" for each in re.findall(r"^ +- (uploader .*)$", text, re.MULTILINE)]
    commands = [each for each in dict.fromkeys(commands) if not re.search(r"uploader (plan|clean|doctor) ", each)]
    assert len(commands) == 22
    (configuration,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "uploader.toml").write_text(configuration)
    other = site_folder("other", {"index.html": "x", "app-4a1b2c3d.js": "x"})
    dist = site_folder("dist", {"index.html": "x", "app-3f9c2ab1.js": "x"})
    (tmp_path / "roll-out.sh").write_text("#!/bin/sh\necho rolling out $UPLOADER_RELEASE_ID\n")
    (tmp_path / "roll-out.sh").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    shown = ""
    for number, command in enumerate(commands):
        before, name = f"r{number:02}a", f"r{number:02}b"
        if " activate " in command or " drop " in command:
            shown = publish_here(uploader, dist, before, stage=True).id
        if " rollback " in command:
            publish_here(uploader, other, before)
        if " end --channel pr-12 " in command:
            publish_here(uploader, dist, before, channel="pr-12")
        if " end --site --prefix previews/pr-12/ " in command:
            publish_here(uploader, dist, before, prefix="previews/pr-12/")
        if {"pin", "rollback", "restore"} & set(command.split()):
            (shown, *_) = (layout.release_id(key) for key in uploader.keys() if key.startswith(layout.markers))
        line = command.replace("my-assets", uploader.bucket).replace("20261123T060500Z-3f9c2ab", shown)
        environ = uploader.aws.environment(PYTHONPATH=str(ROOT), UPLOADER_BUCKET=uploader.bucket, UPLOADER_RELEASE=name)
        if " run " in command:  # a shell's line with a command in it
            shell = ["sh", "-c", line]
            answer = subprocess.run(shell, env=environ, capture_output=True, text=True, check=False)
        else:
            answer = run_here(shlex.split(line.replace(" -P", ""))[3:], environ, short_sleep)
        assert (answer.returncode, answer.stderr) == (0, ""), command
