"""``completion``: a script for the shell, and its place."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path, PurePath

import click

from uploader import about
from uploader.cli.console import say, write
from uploader.cli.group import WithHelp
from uploader.cli.next_command import program
from uploader.errors import EXIT_STATUS, UploaderError, UsageError

_POSIX = """\
uploader() {
    PYTHONPATH=%(root)s${PYTHONPATH:+:$PYTHONPATH} %(python)s -P -m uploader "$@"
}
"""
_FISH = """\
function uploader
    env PYTHONPATH=(string join : %(root)s $PYTHONPATH) %(python)s -P -m uploader $argv
end
"""
FUNCTIONS = {"bash": _POSIX, "zsh": _POSIX, "fish": _FISH}
"""Shell -> the function `uploader`, for who has no program of that name."""

# Click has scripts of its own, but those complete a program's first word as a command only, which ours need not be.
# Click answers _UPLOADER_COMPLETE in the same way.
SCRIPTS = {
    "bash": """\
_uploader_completion() {
    local IFS=$'\\n' line
    COMPREPLY=()
    for line in $(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _UPLOADER_COMPLETE=bash_complete uploader); do
        case $line in
            plain,*) COMPREPLY+=("${line#*,}") ;;
            dir,*) compopt -o dirnames 2>/dev/null ;;
            file,*) compopt -o default 2>/dev/null ;;
        esac
    done
}
complete -o nosort -F _uploader_completion uploader 2>/dev/null || complete -F _uploader_completion uploader
""",
    "zsh": """\
_uploader_completion() {
    local kind value help
    local -a response values described
    response=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) _UPLOADER_COMPLETE=zsh_complete uploader)}")
    for kind value help in "${response[@]}"; do
        case $kind in
            plain) [[ $help == _ ]] && values+=("$value") || described+=("$value:$help") ;;
            dir) _path_files -/ ;;
            file) _path_files -f ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#values )) && compadd -U -V unsorted -a values
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _uploader_completion uploader
""",
    "fish": """\
function _uploader_completion
    set -lx _UPLOADER_COMPLETE fish_complete
    set -lx COMP_WORDS (commandline -cp)
    set -lx COMP_CWORD (commandline -t)
    for line in (uploader)
        set -l parts (string split -m 1 , -- $line)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain
                echo $parts[2]
        end
    end
end
complete --no-files --command uploader --arguments '(_uploader_completion)'
""",
}


PLACES = {
    "bash": ("", "~/.bashrc"),
    "zsh": ("ZDOTDIR", "~/.zshrc"),
    "fish": ("XDG_CONFIG_HOME", "~/.config/fish/conf.d/uploader.fish"),
}
"""Shell -> the variable that names another folder, and the file that the shell reads at its start without it."""

BEGIN, END = "# >>> uploader completion >>>", "# <<< uploader completion <<<"
"""The lines around a script in a file that has other lines too."""


def _own_shell() -> str | None:
    """The user's shell, if there is a script for it."""
    name = PurePath(os.environ.get("SHELL", "")).name
    return name if name in SCRIPTS else None


@click.command(cls=WithHelp, epilog=EXIT_STATUS)
@click.argument("shell", type=click.Choice(list(SCRIPTS)), envvar="UPLOADER_SHELL", default=_own_shell)
@click.option("--install", is_flag=True, help="Write the script into the file that SHELL reads at its start.")
def completion(shell: str | None, *, install: bool) -> None:
    """Print a script for SHELL that completes the arguments of `uploader`; without SHELL, for the user's own.

    It completes commands, options, environments, and, if the bucket answers within two seconds, ids of releases and
    channels. Run as `python -m uploader`, the script also defines `uploader` as short for that.

    \b
    Examples:
      python -m uploader completion --install
      python -m uploader completion bash >> ~/.bashrc
      python -m uploader completion fish > ~/.config/fish/conf.d/uploader.fish
    """
    if shell is None:
        msg = f"which shell? the variable SHELL names none of {', '.join(SCRIPTS)}: write one of them after completion"
        raise UsageError(msg)
    script = _script(shell)
    if not install:
        write(script, done="nothing was done")
        return
    file = _place(shell)
    try:
        changed = _install(script, file, alone=shell == "fish")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot write {str(file)!r}: {error}; print the script instead: completion {shell}"
        raise UploaderError(msg) from error
    said = f"{file} has the completion{'' if changed else ' already'}"
    say(f"{said}; a new shell reads it", done=said)


def _script(shell: str) -> str:
    root = Path(about.__file__).resolve().parents[1]
    names = {"root": shlex.quote(str(root)), "python": shlex.quote(sys.executable)}
    function = "" if program() == ["uploader"] else FUNCTIONS[shell] % names
    return (function + SCRIPTS[shell]).rstrip()


def _place(shell: str) -> Path:
    variable, usual = PLACES[shell]
    other = os.environ.get(variable)
    if not other:
        return Path(usual).expanduser()
    return Path(other, *Path(usual).parts[1 if shell == "zsh" else 2 :])


def _install(script: str, file: Path, *, alone: bool) -> bool:
    """Write the script, in place of an earlier one; returns whether that changed anything.

    Args:
        script: The script.
        file: The file.
        alone: The file is the script's own.
    """
    before = file.read_text() if file.exists() else ""
    block = f"{script}\n" if alone else f"{BEGIN}\n{script}\n{END}\n"
    head, begin, rest = ("", "", "") if alone else before.partition(f"{BEGIN}\n")
    _, end, tail = rest.partition(f"{END}\n")
    if begin and not end:
        msg = f"it has the line {BEGIN!r}, but not {END!r} after it"
        raise OSError(msg)
    if not (begin or alone):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as lines:
            lines.write(f"\n{block}")
        return True
    after = head + block + tail
    if after == before:
        return False
    target = file.resolve()  # a user's file may be a link into a repository of theirs
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}.uploader")
    beside.write_text(after)
    if target.exists():
        shutil.copymode(target, beside)
    beside.replace(target)  # at once, so that no failure leaves half of it
    return True
