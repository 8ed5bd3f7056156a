"""Text from elsewhere, as people may see it: a bucket, a build, a server or a variable may hold any character.

Everything that goes to a terminal goes through `printable`, once, at the edge: `uploader.cli.console`, the log and the
errors of the command line.
"""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(?<=://)[^\s/@'\"]*:[^\s/'\"]*@")


def printable(text: str) -> str:
    r"""A text in one line in which nothing is hidden, and which moves no cursor and sets no title.

    Control characters, line breaks, and characters that change the direction or are not visible are escaped as in
    Python (``\x1b``, ``\u202e``). A password in a URL is left out.
    """
    if "://" in text:
        text = without_passwords(text)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def without_passwords(text: str) -> str:
    """A text whose URLs have no user and password: ``http://***@host``."""
    return _PASSWORD.sub("***@", text)
