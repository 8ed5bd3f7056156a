"""The URL of a webhook. Whoever knows it can write into the chat, so it is a secret, and no message shows it."""

from __future__ import annotations

import re

from uploader.aws.values import MAX_PORT, ValueProblemError, odd_character
from uploader.printable import conceal

# Compiled when it is needed: few uploads have one.
_URL = r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?(?:[/?][^#]*)?"


def check_webhook(value: str) -> None:
    """Check the URL of a webhook, and have `uploader.printable` leave it out of all that is printed.

    Raises:
        ValueProblemError: It is not one; the error does not show the value.
    """
    problem, found = odd_character(value), re.fullmatch(_URL, value, re.IGNORECASE)
    if problem is None and "@" in value.partition("//")[2].partition("/")[0]:
        problem = "holds a user or a password: leave them out"
    elif problem is None and found is None:
        problem = "is not the URL of a webhook: begin it with https://"
    elif problem is None and found is not None and int(found["port"] or 0) > MAX_PORT:
        problem = f"has a port beyond {MAX_PORT}"
    if problem is not None:
        msg = f"the value, which is a secret and not shown, {problem}"
        raise ValueProblemError(msg)
    conceal(value)
