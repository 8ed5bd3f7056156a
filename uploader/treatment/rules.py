"""The user's own rules for headers and compression: for each file, the first rule that matches wins."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from uploader.treatment.encodings import decoded_ending, ending_of, stored_coding
from uploader.treatment.globs import translate
from uploader.treatment.headers import IMMUTABLE, NO_CACHE, Headers
from uploader.treatment.media_types import is_compressed, media_type

if TYPE_CHECKING:
    from collections.abc import Collection

IDENTITY = "identity"
"""The ``content_encoding`` of a file that is not compressed, although its name (`.br`, `.gz`) suggests it."""

REQUESTED_ENCODING = "encode"
"""The metadata that records the compression that a rule asked for, also where compression saved nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How some files are stored differently. A rule with only a `match` exempts its files from the rules after it.

    Attributes:
        match: Globs, see `uploader.treatment.globs`; the rule applies to a file that one of them names.
        skip: Do not publish the file.
        compress: ``gzip`` or ``br``: compress the file, if that saves bytes.

    The other attributes are as in `Headers`; None: the header that the file has without a rule.
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
        headers: The headers if the file is stored as it is.
        encoding: ``gzip`` or ``br``: compress the file, if that saves bytes.
    """

    headers: Headers
    encoding: str | None = None

    @property
    def encoded(self) -> Headers:
        """The headers if the uploader compresses the file."""
        return replace(self.headers, content_encoding=self.encoding)


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a site, in their order."""

    rules: tuple[Rule, ...]
    _expression: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _made: dict[tuple[int | None, str, bool, bool], Treatment | None] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        """Compile the globs."""
        # One expression for all rules, a group for each rule: the number of the matching group is the rule's number.
        groups = ["|".join(map(translate, rule.match)) for rule in self.rules]
        object.__setattr__(self, "_expression", re.compile("|".join(f"({group})" for group in groups), re.DOTALL))

    def treat(self, name: str, *, fingerprinted: bool, beside_original: bool = False) -> Treatment | None:
        """How a file of the build is stored; None if the file is not published.

        Args:
            name: The path below the site's prefix.
            fingerprinted: Whether the name has a fingerprint.
            beside_original: Whether the file's name is that of another one and ``.br``, ``.gz`` or ``.zst``.
        """
        found = self._expression.fullmatch(name) if self.rules else None
        number = found and found.lastindex
        ending = ending_of(name)
        # Many files of a build have the same rule, ending and fingerprinting, and so the same treatment.
        case = (number, ending, fingerprinted, beside_original)
        try:
            return self._made[case]
        except KeyError:
            rule = self.rules[number - 1] if number else _NO_RULE
            made = _treat(rule, ending, fingerprinted=fingerprinted, beside_original=beside_original)
            return self._made.setdefault(case, made)

    def unused(self, names: Collection[str]) -> list[str]:
        """What to say of each rule that decides nothing of a build.

        Args:
            names: The names of all its files; `treat` has been asked about each.
        """
        used = {number for number, *_ in self._made}
        return [
            f"rule {number} (match = {_shown(rule.match)}) {_why_unused(rule, names)}"
            for number, rule in enumerate(self.rules, 1)
            if number not in used
        ]


def _shown(match: tuple[str, ...]) -> str:
    return repr(match[0] if len(match) == 1 else list(match))


def _why_unused(rule: Rule, names: Collection[str]) -> str:
    own = re.compile("|".join(map(translate, rule.match)), re.DOTALL)
    if any(own.fullmatch(name) for name in names):
        return "decides nothing: an earlier rule has each of its files"
    return "matches no file"


NO_RULES = Rules(())
_NO_RULE = Rule(match=())


def _treat(rule: Rule, ending: str, *, fingerprinted: bool, beside_original: bool) -> Treatment | None:
    if rule.skip:
        return None
    coding = rule.content_encoding or stored_coding(ending, beside_original=beside_original)
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
        metadata=tuple(sorted((*rule.metadata, (REQUESTED_ENCODING, wanted)))) if wanted else rule.metadata,
    )
    return Treatment(headers, wanted)
