"""Text from elsewhere, as people may see it: a bucket, a build, a server or a variable may hold any character.

Everything that goes to a terminal goes through `printable`, once, at the edge: `uploader.cli.console`, the log and the
errors of the command line.
"""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0000-\U000e0fff]"
)
"""Characters that Python calls printable although nobody sees them: fillers, and selectors of variants."""

_COMMAND = re.compile(r"(?:\A\s*:(?=:)|##(?=\w*\[))")
"""What a CI system takes for a command in a line of a job's log: GitHub's runner ``::stop-commands::`` and
``##[error]``; Azure's agent ``##vso[task.prependpath]``, and TeamCity's ``##teamcity[``, anywhere in the line.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands
"""

_CONCEALED: set[str] = set()

_PASSWORD = re.compile(r"(?<=://)[^\s/@'\"]*:[^\s/'\"]*@")


def printable(text: str) -> str:
    r"""A text in one line in which nothing is hidden, and which moves no cursor and sets no title.

    Control characters, line breaks, and characters that change the direction or are not visible are escaped as in
    Python (``\x1b``, ``\u202e``). A password in a URL is left out, and so is a URL that is a secret itself. What a CI
    system takes for a command is escaped too.
    """
    if "::" in text or "##" in text:
        text = _COMMAND.sub(lambda found: f"{found[0][:-1]}\\x{ord(found[0][-1]):02x}", text)
    if "://" in text:
        text = without_passwords(text)
    if text.isprintable() and (text.isascii() or not _UNSEEN.search(text)):
        return text
    return "".join(each if each.isprintable() and not _UNSEEN.match(each) else ascii(each)[1:-1] for each in text)


def without_passwords(text: str) -> str:
    """A text whose URLs have no user and password: ``http://***@host``; one that was concealed is ``***``."""
    for url in _CONCEALED:
        text = text.replace(url, "***")
    return _PASSWORD.sub("***@", text)


def conceal(url: str) -> None:
    """Leave a URL that is a secret out of every text from now on."""
    _CONCEALED.add(url)
