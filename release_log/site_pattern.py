"""Sites by pattern: ``previews/*/`` stands for every prefix that matches and has a release log."""

from __future__ import annotations

import re
from typing import NamedTuple

from release_log.errors import LayoutError
from release_log.layout import check_prefix

STAR = "*"
"""Stands for the name of one folder, or for a part of it. No prefix of a site contains it."""


class SitePattern(NamedTuple):
    """A pattern of prefixes.

    Attributes:
        text: The pattern; see `check_site`.
    """

    text: str

    @property
    def fixed(self) -> str:
        """What every prefix that matches begins with: all of them are in the listing of its folders."""
        return self.text.partition(STAR)[0]

    def matches(self, prefix: str) -> bool:
        """Whether a text is the prefix of a site, and matches. It may come from an event, so it may be anything."""
        before, _, after = self.text.partition(STAR)
        if not re.fullmatch(f"{re.escape(before)}[^/]+{re.escape(after)}", prefix):
            return False
        try:
            check_prefix(prefix)
        except LayoutError:
            return False
        return True

    def site_in(self, folder: str) -> str | None:
        """The prefix of the site in a folder that a listing of `fixed` names; None if there can be none.

        Args:
            folder: Begins with `fixed`, and ends with the next slash.
        """
        prefix = folder + self.text.partition(STAR)[2].partition("/")[2]
        return prefix if self.matches(prefix) else None


def is_pattern(text: str) -> bool:
    """Whether a configured site is a pattern, and not one prefix."""
    return STAR in text


def check_site(text: str) -> str:
    """A configured site as given: one prefix, or a pattern.

    Raises:
        LayoutError: It is neither.
    """
    if not is_pattern(text):
        return check_prefix(text)
    if text.count(STAR) > 1:
        msg = f"pattern {text!r} must not have more than one '*'"
        raise LayoutError(msg)
    one = text.replace(STAR, "x")
    try:
        check_prefix(one)
    except LayoutError as error:
        msg = f"pattern {text!r}: {error}"
        raise LayoutError(msg) from error
    return text
