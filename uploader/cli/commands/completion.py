"""``completion``: a shell function ``uploader``, and the completion of its arguments."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from uploader import about
from uploader.cli.console import write
from uploader.errors import EXIT_STATUS

# Click has scripts of its own, but those start a program by its name, and ours is `python -m uploader`. Click answers
# _UPLOADER_COMPLETE in the same way.
SCRIPTS = {
    "bash": """\
uploader() {
    PYTHONPATH=%(root)s${PYTHONPATH:+:$PYTHONPATH} %(python)s -P -m uploader "$@"
}
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
uploader() {
    PYTHONPATH=%(root)s${PYTHONPATH:+:$PYTHONPATH} %(python)s -P -m uploader "$@"
}
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
function uploader
    env PYTHONPATH=(string join : %(root)s $PYTHONPATH) %(python)s -P -m uploader $argv
end
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


@click.command(epilog=EXIT_STATUS)
@click.argument("shell", type=click.Choice(list(SCRIPTS)), envvar="UPLOADER_SHELL")
def completion(shell: str) -> None:
    """Print a script for SHELL that defines `uploader`, with completion, as short for `python -m uploader`.

    \b
    Examples:
      python -m uploader completion bash >> ~/.bashrc
      python -m uploader completion zsh >> ~/.zshrc
      python -m uploader completion fish > ~/.config/fish/conf.d/uploader.fish
    """
    root = Path(about.__file__).resolve().parents[1]
    names = {"root": shlex.quote(str(root)), "python": shlex.quote(sys.executable)}
    write(SCRIPTS[shell].rstrip() % names, done="nothing was done")
