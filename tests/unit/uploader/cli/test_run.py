"""``run``: the release becomes current if the roll-out succeeds, else is dropped; with the command's exit code."""

from __future__ import annotations

import json
import re
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from release_log.marker import decode, encode
from tests.fake_uploader_s3 import LAYOUT, FakeBucket
from uploader.cli import entry
from uploader.cli.bodies import run as body
from uploader.cli.child_process import check_command, run_command
from uploader.errors import UploaderError, UsageError
from uploader.history.release import digest_of
from uploader.library.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., int]

ID = r"\d{8}T\d{6}Z-r1"
PYTHON = [sys.executable, "-c"]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> FakeBucket:
    """The in-memory bucket that the command line opens."""
    bucket = FakeBucket()

    monkeypatch.setattr(Site, "open", lambda _: bucket)
    monkeypatch.setattr(Site, "warm", lambda _: None)
    return bucket


@pytest.fixture
def run(bucket: FakeBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:  # noqa: ARG001 (opened by run)
    """``python -m uploader run dist --bucket my-assets … -- COMMAND``, in this process."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "app-3f9c2ab1.js").write_text("app")

    def call(*command: str, options: tuple[str, ...] = ()) -> int:
        words = ["run", str(tmp_path / "dist"), "--bucket", "my-assets", "--release", "r1", *options, "--", *command]
        monkeypatch.setattr(sys, "argv", ["uploader/__main__.py", *words])
        return entry.run()

    return call


@pytest.mark.parametrize(
    ("code", "expected"), [("pass", 0), ("exit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 128 + signal.SIGKILL)]
)
def test_the_exit_code_is_the_same_as_in_a_shell(code: str, expected: int) -> None:
    assert run_command([*PYTHON, code], {}) == expected


def test_the_signal_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    run_command([*PYTHON, "pass"], {})
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_signal_that_is_ignored_stays_so_for_the_command_too() -> None:
    """For example, under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        look = "import signal; exit(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
        assert run_command([*PYTHON, look], {}) == 1
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_command_that_the_system_refuses(tmp_path: Path) -> None:
    """The file is executable, but not a program."""
    script = tmp_path / "roll-out"
    script.write_bytes(b"\x00")
    script.chmod(0o755)
    check_command([str(script)])
    with pytest.raises(UploaderError, match=r"cannot be run .*check its first line"):
        run_command([str(script)], {})


@pytest.mark.parametrize(("name", "words"), [("no-such-program", "not found"), ("./roll-out.sh", "is not executable")])
def test_a_missing_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "roll-out.sh").write_text("#!/bin/sh\n")
    with pytest.raises(UsageError, match=f"command '{name}' {words}"):
        check_command([name])


def test_the_release_becomes_current_after_the_command_and_not_before(
    run: Run, bucket: FakeBucket, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(*PYTHON, "import os; print('id', os.environ['UPLOADER_RELEASE_ID'])") == 0
    (marker,) = bucket.log(LAYOUT.log)
    release_id = LAYOUT.release_id(marker)
    assert marker == LAYOUT.marker_key(release_id)
    said = capfd.readouterr()
    assert said.err == ""
    assert re.fullmatch(
        rf"staged ({ID}) at s3://my-assets/assets/: 1 uploaded \(3 B\), 0 unchanged, \S+ s; running .*\n"
        r"id \1\nactivated \1 at s3://my-assets/assets/\n",
        said.out,
    )
    staged, marked = (bucket.requests.index(f"create {key}") for key in (LAYOUT.staged_key(release_id), marker))
    assert staged < marked


@pytest.mark.scenario("A8")
def test_the_release_of_a_failed_roll_out_is_dropped_and_nothing_retires(
    run: Run, bucket: FakeBucket, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(*PYTHON, "exit(7)") == 7
    assert bucket.log(LAYOUT.log) == []
    assert re.fullmatch(
        rf"uploader: \S+ failed \(exit status 7\): {ID} was dropped; the current release is unchanged; .* run again\n",
        capfd.readouterr().err,
    )


def test_a_release_that_cannot_be_dropped_expires_and_the_exit_code_is_the_commands(
    run: Run, bucket: FakeBucket, capfd: pytest.CaptureFixture[str]
) -> None:
    bucket.fail = f"delete {LAYOUT.staged}"
    assert run(*PYTHON, "exit(7)") == 7
    assert len(bucket.log(LAYOUT.staged)) == 1
    assert "expires by itself" in capfd.readouterr().err


@pytest.mark.parametrize("code", [0, 7])
def test_a_release_that_was_replaced_during_its_roll_out_is_neither_activated_nor_dropped(
    run: Run, bucket: FakeBucket, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Somebody with the build job's credentials deletes the staged release, and writes one of their own."""

    def replace_it(*_: object) -> int:
        (staged,) = bucket.log(LAYOUT.staged)
        release = decode(bucket.objects.pop(staged), LAYOUT.prefix)
        bucket.write(staged, encode(replace(release, metadata={"branch": "theirs"})))
        return code

    monkeypatch.setattr(body, "run_command", replace_it)
    assert run(*PYTHON, "pass") == (code or 1)
    assert len(bucket.log(LAYOUT.staged)) == len(bucket.log(LAYOUT.log)) == 1
    assert "was replaced since it was staged" in capfd.readouterr().err


@pytest.mark.parametrize(("error", "code"), [(None, 1), (KeyboardInterrupt(), 130)])
def test_if_activation_fails_after_the_roll_out_the_message_says_what_production_serves(
    run: Run, bucket: FakeBucket, capfd: pytest.CaptureFixture[str], error: BaseException | None, code: int
) -> None:
    """One line has the state, how long it lasts, and the command to repeat. The release stays staged."""
    bucket.fail, bucket.error = f"create {LAYOUT.markers}", error
    assert run(*PYTHON, "pass", options=("--region", "eu-west-1")) == code
    (staged,) = bucket.log(LAYOUT.staged)
    (line,) = capfd.readouterr().err.splitlines()
    release_id = LAYOUT.release_id(staged)
    assert f"succeeded, but {release_id} is not current yet (" in line
    assert "production serves it, and its assets are kept for staged_ttl (48 hours by default) only" in line
    digest = digest_of(decode(bucket.objects[staged], LAYOUT.prefix))
    repeat = f"python -m uploader activate {release_id} --bucket my-assets --digest {digest} --region eu-west-1"
    assert line.endswith(f"make it current: {repeat}")


@pytest.mark.parametrize(("error", "code"), [(None, 1), (KeyboardInterrupt(), 130)])
def test_a_release_whose_pages_are_not_in_place_is_not_said_to_wait(
    run: Run,
    bucket: FakeBucket,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    error: BaseException | None,
    code: int,
) -> None:
    """It is current: nothing of it expires."""
    (tmp_path / "dist" / "index.html").write_text("page")
    bucket.fail, bucket.error = "place assets/index.html", error
    assert run(*PYTHON, "pass") == code
    (marker,) = bucket.log(LAYOUT.markers)
    (line,) = capfd.readouterr().err.splitlines()
    assert f"{LAYOUT.release_id(marker)} is current, but not all of its pages are in place" in line
    assert "not current yet" not in line
    bucket.fail = ""
    assert run(*PYTHON, "pass") == 0
    assert bucket.objects["assets/index.html"] == b"page"


@pytest.mark.parametrize("folder", [LAYOUT.staged, LAYOUT.pending])
def test_ctrl_c_after_the_marker_is_written_says_what_is_left(
    run: Run, bucket: FakeBucket, capfd: pytest.CaptureFixture[str], folder: str
) -> None:
    """The staged release goes before the pages are put in place, the intent after that."""
    withdraw = bucket.withdraw

    def interrupted(key: str, etag: str | None = None) -> None:
        if bucket.log(LAYOUT.markers) and key.startswith(folder):
            raise KeyboardInterrupt
        withdraw(key, etag)

    bucket.withdraw = interrupted  # type: ignore[method-assign]
    assert run(*PYTHON, "pass") == 130
    (marker,) = bucket.log(LAYOUT.markers)
    left = f"{LAYOUT.release_id(marker)} is current, but not all of its pages are in place: run the same command again"
    line = capfd.readouterr().err
    if folder == LAYOUT.staged:
        assert line.startswith(f"uploader: interrupted: {left}")
    else:
        assert line == f"uploader: interrupted: too late: {marker} is written, and nothing is left to do\n"
    assert (LAYOUT.placed_key(LAYOUT.release_id(marker)) in bucket.objects) == (folder == LAYOUT.pending)


def test_a_command_that_the_system_refuses_drops_the_release(run: Run, bucket: FakeBucket, tmp_path: Path) -> None:
    script = tmp_path / "roll-out"
    script.write_bytes(b"\x00")
    script.chmod(0o755)
    assert run(str(script)) == 1
    assert bucket.log(LAYOUT.log) == []


def test_a_command_that_activates_by_itself_is_fine(run: Run, bucket: FakeBucket) -> None:
    """A roll-out script may do so."""
    withdraw = bucket.withdraw

    def also_activate(key: str, etag: str | None = None) -> None:
        # The uploader withdraws the intent after staging the release; the command runs next.
        if key.startswith(LAYOUT.pending):
            for staged in bucket.log(LAYOUT.staged):
                bucket.write(LAYOUT.marker_key(LAYOUT.release_id(staged)), bucket.objects.pop(staged))
        withdraw(key, etag)

    bucket.withdraw = also_activate  # type: ignore[method-assign]
    assert run(*PYTHON, "pass") == 0
    assert len(bucket.log(LAYOUT.markers)) == 1


def test_a_command_that_fails_after_it_has_activated_by_itself_changed_what_is_current(
    run: Run, bucket: FakeBucket, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def activate_and_fail(*_: object) -> int:
        (staged,) = bucket.log(LAYOUT.staged)
        bucket.write(LAYOUT.marker_key(LAYOUT.release_id(staged)), bucket.objects.pop(staged))
        return 7

    monkeypatch.setattr(body, "run_command", activate_and_fail)
    assert run(*PYTHON, "pass") == 7
    said = capfd.readouterr().err
    assert (
        f"failed (exit status 7): {LAYOUT.release_id(bucket.log(LAYOUT.markers)[0])} was not dropped; fix the" in said
    )
    assert "is unchanged" not in said


@pytest.mark.scenario("T19c")
def test_a_dry_run_runs_nothing(run: Run, bucket: FakeBucket, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(*PYTHON, "print('ran')", options=("--dry-run",)) == 0
    said = capfd.readouterr().out
    assert "would upload assets/app-3f9c2ab1.js (new)" in said
    assert said.endswith(f"nothing written; {sys.executable} not run\n")
    assert bucket.objects == {}


def test_nothing_is_uploaded_for_a_missing_command(
    run: Run, bucket: FakeBucket, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("no-such-program") == 2
    assert "wrong usage: command 'no-such-program' not found" in capfd.readouterr().err
    assert run() == 2
    assert "no command to run: put it last, after --" in capfd.readouterr().err
    assert bucket.requests == []


@pytest.mark.parametrize(("command", "code"), [("pass", 0), ("exit(3)", 3)])
def test_json_is_the_last_line_and_has_the_result(
    run: Run, bucket: FakeBucket, capfd: pytest.CaptureFixture[str], command: str, code: int
) -> None:
    assert run(*PYTHON, f"print('rolling out'); {command}", options=("--json",)) == code
    first, last = capfd.readouterr().out.splitlines()
    document = json.loads(last)
    assert first == "rolling out"
    assert (document["exit_status"], document["staged"]) == (code, None)
    assert ([document["marker"]] if document["marker"] else []) == bucket.log(LAYOUT.markers)
