"""Rules of the user's own for headers and bodies: the first that matches a file wins, and what it leaves open stays."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from uploader.treatment.encodings import decoded_ending, ending_of, stored_coding
from uploader.treatment.globs import translate
from uploader.treatment.headers import IMMUTABLE, NO_CACHE, Headers
from uploader.treatment.media_types import is_compressed, media_type

IDENTITY = "identity"
"""The ``content_encoding`` of what is no compressed form of something else, whatever it is called."""

WISH = "encode"
"""The metadata that records that a rule asked for compression, also where it did not save anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is to be otherwise for some files. One that says nothing more makes an exception from the rules behind it.

    Attributes:
        match: Globs, see `uploader.treatment.globs`; a file that one of them names is meant.
        skip: Do not publish it.
        compress: ``gzip`` or ``br``: compress it, if that saves.

    The rest as in `Headers`; None leaves it as it is without a rule.
    """

    match: tuple[str, ...]
    cache_control: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    content_disposition: str | None = None
    content_language: str | None = None
    storage_class: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    skip: bool = False
    compress: str | None = None


class Treatment(NamedTuple):
    """How a file is stored.

    Attributes:
        headers: If it is stored as it is.
        encoding: ``gzip`` or ``br``: compress it, if that saves.
    """

    headers: Headers
    encoding: str | None = None

    @property
    def encoded(self) -> Headers:
        """Its headers if it is stored compressed."""
        return replace(self.headers, content_encoding=self.encoding)


@dataclass(frozen=True, slots=True)
class Rules:
    """All the rules of a site, in their order."""

    rules: tuple[Rule, ...]
    _expression: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _made: dict[tuple[int | None, str, bool], Treatment | None] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        """Compile the globs."""
        # One expression for all rules, a group for each: the number of the group that matched is the rule's.
        groups = ["|".join(map(translate, rule.match)) for rule in self.rules]
        object.__setattr__(self, "_expression", re.compile("|".join(f"({group})" for group in groups), re.DOTALL))

    def treat(self, name: str, *, fingerprinted: bool) -> Treatment | None:
        """How a file of the build is stored, by its path below the site's prefix; None if it is not published."""
        found = self._expression.fullmatch(name) if self.rules else None
        number = found and found.lastindex
        ending = ending_of(name)
        # A build has many files, and few that differ in these.
        case = (number, ending, fingerprinted)
        if case not in self._made:
            rule = self.rules[number - 1] if number else _NO_RULE
            self._made[case] = _treat(rule, ending, fingerprinted=fingerprinted)
        return self._made[case]


NO_RULES = Rules(())
_NO_RULE = Rule(match=())


def _treat(rule: Rule, ending: str, *, fingerprinted: bool) -> Treatment | None:
    if rule.skip:
        return None
    coding = rule.content_encoding or stored_coding(ending)
    if coding == IDENTITY:
        coding = None
    content_type = rule.content_type or media_type(decoded_ending(ending, coding))
    wanted = None if coding or is_compressed(content_type) else rule.compress
    headers = Headers(
        content_type=content_type,
        cache_control=rule.cache_control or (IMMUTABLE if fingerprinted else NO_CACHE),
        content_encoding=coding,
        content_disposition=rule.content_disposition,
        content_language=rule.content_language,
        storage_class=rule.storage_class,
        metadata=tuple(sorted((*rule.metadata, (WISH, wanted)))) if wanted else rule.metadata,
    )
    return Treatment(headers, wanted)
