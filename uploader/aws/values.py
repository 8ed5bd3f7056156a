"""Whether a value can be a bucket's name, a region, an endpoint or a credential at all. Pure.

Whoever signs or sends a request with another value fails in some way of its own: obstore's libraries even panic. So
each value is checked where it comes in, and the caller names its variable.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from uploader.aws.bucket_names import NAME, not_a_name
from uploader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

_ENDPOINT = re.compile(
    r"https?://(?P<user>.*@)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?(?:/[^?#]*)?", re.DOTALL
)
MAX_PORT = 65535

_NAMED = {" ": "a space", "\t": "a tab", "\n": "a line break", "\r": "a line break"}


class ValueProblemError(ValueError):
    """A value that cannot be used; the text goes on from the value's name: "holds a line break"."""


def checked(name: str, value: str, check: Callable[[str], object]) -> str:
    """The value, if it can be used.

    Args:
        name: Where it comes from, for the message.
        value: The value.
        check: One of the checks below.

    Raises:
        UsageError: It cannot be used.
    """
    try:
        check(value)
    except ValueProblemError as error:
        msg = f"{name} {error}"
        raise UsageError(msg) from error
    return value


def check_credential(value: str) -> None:
    """Check a part of a credential; the error does not show it.

    Raises:
        ValueProblemError: It cannot be sent in a header.
    """
    problem = odd_character(value)
    if problem is not None:
        raise ValueProblemError(problem)


def check_bucket(value: str) -> None:
    """Check a bucket's name.

    Raises:
        ValueProblemError: No bucket can have it.
    """
    problem = odd_character(value, "name a bucket; is the variable with its name set?") or not_a_name(value)
    if problem is not None:
        msg = f"{value!a} {problem}"
        raise ValueProblemError(msg)


def check_region(value: str) -> None:
    """Check a region.

    Raises:
        ValueProblemError: No region can be called so.
    """
    problem = odd_character(value)
    if problem is None and not NAME.fullmatch(value):
        problem = "cannot be used: it is not a region such as eu-central-1"
    if problem is not None:
        msg = f"{value!a} {problem}"
        raise ValueProblemError(msg)


def check_profile(value: str) -> None:
    """Check the name of an AWS profile.

    Raises:
        ValueProblemError: It is empty, or no line of a configuration can hold it.
    """
    if not value.strip() or value != value.strip() or not value.isprintable():
        msg = f"{value!a} is not the name of a profile"
        raise ValueProblemError(msg)


def check_endpoint(value: str) -> None:
    """Check the URL of an S3 server; the error shows neither its user nor its password.

    Raises:
        ValueProblemError: It is not a URL of a server.
    """
    shown = without_user(value)
    problem = odd_character(value)
    found = _ENDPOINT.fullmatch(value)
    if problem is not None:
        msg = f"{shown!a} {problem}"
    elif "@" in value:
        msg = f"{shown!a} holds a user or a password: leave them out, requests are signed with the AWS credentials"
    elif found is None:
        msg = f"{shown!a} is not a URL of a server: begin it with https:// (or http:// for a local server)"
    elif int(found["port"] or 0) > MAX_PORT:
        msg = f"{shown!a} has a port beyond {MAX_PORT}"
    else:
        return
    raise ValueProblemError(msg)


def without_user(url: str) -> str:
    """A URL, or what should be one, without its user and password."""
    before, found, rest = url.rpartition("@")
    scheme = re.match(r"\w+://", before)
    return f"{scheme[0] if scheme else ''}***@{rest}" if found else url


def odd_character(value: str, empty: str = "give it a value, or leave it out") -> str | None:
    """What is wrong with a value that is empty, or that no URL and no header can hold: all but visible ASCII."""
    if not value:
        return f"is empty: {empty}"
    odd = next((character for character in value if not "!" <= character <= "~"), None)
    if odd is None:
        return None
    kind = "a control character" if not odd.isprintable() else "a character that is not ASCII"
    return f"holds {_NAMED.get(odd) or f'{kind} ({odd!a})'}: set it again without"
