"""Completion in the shell."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT
from uploader.cli.commands.completion import SCRIPTS
from uploader.cli.group import COMMANDS, load

if TYPE_CHECKING:
    from pathlib import Path

BASH = shutil.which("bash") or ""
ENVIRON = {"PATH": os.environ["PATH"]}


def script(shell: str) -> str:
    """The output of ``completion``."""
    words = [sys.executable, "-m", "uploader", "completion", shell]
    return subprocess.run(words, cwd=ROOT, env=ENVIRON, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def bash() -> str:
    """The script for bash: every machine that runs `make` has bash."""
    assert BASH
    return script("bash")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory outside this project, with a configuration."""
    (tmp_path / "uploader.toml").write_text("[environments.production]\n[environments.staging]\n")
    return tmp_path


def complete(script: str, directory: Path, *words: str) -> list[str]:
    """The completions that bash offers for the last of these words when the user presses TAB."""
    said = shlex.join(words)
    # `complete -p` names the function that bash would call.
    program = f"""{script}
        COMP_WORDS=({said}); COMP_CWORD={len(words) - 1}
        compopt() {{ COMPREPLY+=("$1 $2"); }}
        [[ $(complete -p uploader) =~ -F\\ ([^ ]+) ]] && "${{BASH_REMATCH[1]}}" uploader
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    answer = subprocess.run(
        [BASH, "--norc", "-c", program], cwd=directory, env=ENVIRON, capture_output=True, text=True, check=True
    )
    assert not answer.stderr
    return answer.stdout.split("\n")[:-1]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["act"], ["activate"]),
        (["--pri"], ["--print-config"]),
        (["--vers"], ["--version"]),
        (["dist", "--chan"], ["--channel"]),
        (["run", "dist", "--stag"], []),
        (["upload", "dist", "--stag"], ["--stage"]),
        (["run", "--bucket", "b", "--fing"], ["--fingerprint-pattern"]),
        (["--env", "p"], ["production"]),
        (["drop", "--env", ""], ["production", "staging"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["di"], ["-o dirnames"]),
        (["upload", ""], ["-o default"]),
    ],
    ids=" ".join,
)
def test_bash_completes(bash: str, project: Path, words: list[str], offered: list[str]) -> None:
    assert [each for each in complete(bash, project, "uploader", *words) if each] == offered


def test_bash_offers_every_command_first(bash: str, project: Path) -> None:
    assert complete(bash, project, "uploader", "") == list(COMMANDS)


def test_a_broken_configuration_does_not_disturb_completion(bash: str, project: Path) -> None:
    (project / "uploader.toml").write_text("broken")
    assert complete(bash, project, "uploader", "--env", "") == [""]
    assert complete(bash, project, "uploader", "act") == ["activate"]


def test_the_function_runs_the_uploader_from_any_directory(bash: str, project: Path) -> None:
    program = f"{bash}\nuploader nowhere --bucket b"
    answer = subprocess.run(
        [BASH, "--norc", "-c", program], cwd=project, env=ENVIRON, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 2
    assert "nowhere" in answer.stderr


def install(home: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The answer of ``completion --install`` for the user of this home directory."""
    command = [sys.executable, "-m", "uploader", "completion", "--install", *words]
    environ = ENVIRON | {"HOME": str(home), "SHELL": "/bin/bash", **environ}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def test_it_installs_itself_for_the_users_shell_and_keeps_what_the_file_had(bash: str, tmp_path: Path) -> None:
    file = tmp_path / "dotfiles"
    file.write_text("alias a=b\n")
    file.chmod(0o600)
    (tmp_path / ".bashrc").symlink_to(file)
    assert install(tmp_path).stdout == f"{tmp_path}/.bashrc has the completion; a new shell reads it\n"
    once = file.read_text()
    assert once.startswith("alias a=b\n")
    assert bash in once
    assert install(tmp_path).stdout == f"{tmp_path}/.bashrc has the completion already; a new shell reads it\n"
    assert file.read_text() == once
    file.write_text(once.replace("local IFS", "local OLD") + "alias c=d\n")
    install(tmp_path)
    assert file.read_text() == once + "alias c=d\n", "an earlier script is replaced, at its place"
    assert (file.stat().st_mode & 0o777, (tmp_path / ".bashrc").is_symlink()) == (0o600, True)


def test_where_other_shells_read_it(tmp_path: Path) -> None:
    assert install(tmp_path, "zsh", ZDOTDIR=str(tmp_path / "z")).returncode == 0
    assert "compdef _uploader_completion uploader" in (tmp_path / "z" / ".zshrc").read_text()
    assert install(tmp_path, SHELL="/usr/bin/fish").returncode == 0
    assert (tmp_path / ".config" / "fish" / "conf.d" / "uploader.fish").read_text() == script("fish")


@pytest.mark.parametrize(
    ("words", "environ", "status", "why"),
    [
        ([], {"SHELL": "/bin/tcsh"}, 2, "the variable SHELL names none of bash, zsh, fish"),
        (["zsh"], {"ZDOTDIR": "/dev/null"}, 1, "cannot write '/dev/null/.zshrc'"),
    ],
)
def test_why_it_cannot_be_installed_is_one_line(
    tmp_path: Path, words: list[str], environ: dict[str, str], status: int, why: str
) -> None:
    answer = install(tmp_path, *words, **environ)
    assert (answer.returncode, answer.stderr.count("\n")) == (status, 1)
    assert why in answer.stderr


def test_an_installed_program_needs_no_function(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/local/bin/uploader"])
    load("completion").main(["bash"], standalone_mode=False)
    assert "uploader() {" not in capsys.readouterr().out


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_shell_can_read_the_script(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not on this machine")
    file = tmp_path / "script"
    file.write_text(script(shell))
    subprocess.run([shell, "-n", str(file)], check=True)
