"""The policy's settings: names, defaults and bounds.

The table of ``docs/policy.md``, the stack's context and the Lambda's payload use them. Durations are whole seconds.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from release_log.bounds import shown
from release_log.errors import SettingError
from release_log.fingerprints import PatternError, compile_pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping


class Orphans(StrEnum):
    """Which orphans are retired: assets that no release ever named."""

    FINGERPRINTED = "fingerprinted"
    ALL = "all"
    REPORT = "report"


HALF_PENDING_TTL = 10_800
"""The greatest age of an intent, in seconds, when its uploader writes the marker: half of the least ``pending_ttl``."""

YEARS_100 = 100 * 366 * 86_400
"""The bound of every duration and count, so that no instant leaves the calendar."""


PATTERN_LENGTH = 500
"""The settings of all sites have to fit into the 4 KB of a function's environment."""


def _setting(default: object, doc: str, *, low: float = 0, high: float = YEARS_100, least: int = 0) -> Any:  # noqa: ANN401 (any field)
    return dataclasses.field(default=default, metadata={"doc": doc, "low": low, "high": high, "least": least})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When assets are deleted.

    Each field's metadata has ``doc``, ``low`` and ``high``, and ``least`` for any value but 0; see also `SETTINGS`.
    """

    version_limit: int = _setting(2, "older versions kept per logical path")
    version_ttl: int = _setting(3600, "seconds that every superseded version is kept")
    removed_ttl: int = _setting(172_800, "seconds that a removed asset is kept")
    grace: int = _setting(900, "seconds that cover a roll-out; `version_ttl` and `removed_ttl` count as at least this")
    keep_releases: int = _setting(
        0, "previous releases per channel whose assets are all kept, whatever their age", high=100
    )
    pending_ttl: int = _setting(
        2 * HALF_PENDING_TTL, "seconds that an intent protects its keys", low=2 * HALF_PENDING_TTL
    )
    staged_ttl: int = _setting(172_800, "seconds that a staged release protects its keys", low=3600)
    site_ttl: int = _setting(
        0,
        "seconds without a new release after which a site ends by itself: 0 (never), or at least 21600",
        least=2 * HALF_PENDING_TTL,
    )
    orphans: Orphans = _setting(  # noqa: RUF009 (it is dataclasses.field, and an enum's member never changes)
        Orphans.FINGERPRINTED,
        "which assets that no known release names are retired: `fingerprinted`, `all` or `report` (none); "
        "with an empty prefix always `report`",
    )
    orphans_pattern: str = _setting(
        "",
        "the uploads' `--fingerprint-pattern`, so that it holds for those assets too; empty: the built-in recognition",
    )
    orphan_tags: int = _setting(
        10_000, "up to so many retired orphans each has a tag that says since when; of more, none gets one"
    )
    max_delete_fraction: float = _setting(
        0.5, "a run that would delete a larger share of the assets, and more than 100, deletes nothing", high=1
    )

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """`orphans_pattern`, compiled; None for the built-in recognition."""
        return compile_pattern(self.orphans_pattern) if self.orphans_pattern else None


SETTINGS = {field.name: field for field in dataclasses.fields(Policy)}


def values_of(policy: Policy) -> dict[str, Any]:
    """Setting name -> value, ready for JSON."""
    return {name: getattr(policy, name) for name in SETTINGS}


def policy_from(values: Mapping[str, object], base: Policy | None = None) -> Policy:
    """A policy with some settings replaced.

    Args:
        values: Setting name -> value, as JSON has it: whole numbers, a number for ``max_delete_fraction``, strings.
        base: The policy with the other settings; None for the defaults.

    Raises:
        SettingError: A name is unknown, or a value has the wrong type or is out of bounds.
    """
    checked: dict[str, Any] = {name: check_setting(name, value) for name, value in values.items()}
    return dataclasses.replace(base or Policy(), **checked)


def check_setting(name: str, value: object) -> int | float | str:
    """One setting's value, checked.

    Raises:
        SettingError: As in `policy_from`.
    """
    field = SETTINGS.get(name)
    if field is None:
        msg = f"unknown setting {name!r}: use one of {', '.join(SETTINGS)}"
        raise SettingError(msg)
    if name == "orphans":
        if not isinstance(value, str) or value not in set(Orphans):
            msg = f"orphans: {value!r} is not one of {', '.join(Orphans)}"
            raise SettingError(msg)
        return Orphans(str(value))
    if name == "orphans_pattern":
        return _check_pattern(value)
    fraction = isinstance(field.default, float)
    low, high = field.metadata["low"], field.metadata["high"]
    kind = "a number" if fraction else "a whole number"
    if isinstance(value, bool) or not isinstance(value, (int, float) if fraction else int):
        msg = f"{name}: {value!r} is not {kind}"
        raise SettingError(msg)
    least = field.metadata["least"]
    if not low <= value <= high or 0 < value < least:
        bounds = f"neither 0 nor between {least} and {high}" if least else f"not between {low} and {high}"
        msg = f"{name}: {value!r} is {bounds}"
        raise SettingError(msg)
    return value


def _check_pattern(value: object) -> str:
    if not isinstance(value, str) or len(value) > PATTERN_LENGTH:
        msg = f"orphans_pattern: {shown(value)} is not a text of up to {PATTERN_LENGTH} characters"
        raise SettingError(msg)
    try:
        if value:
            compile_pattern(value)
    except PatternError as error:
        msg = f"orphans_pattern: {error}"
        raise SettingError(msg) from error
    return value


def parse_setting(name: str, text: str) -> int | float | str:
    """One setting's value from text, as on a command line or in the CDK's context.

    Raises:
        SettingError: As in `policy_from`.
    """
    value: object = text
    is_text = name in SETTINGS and isinstance(SETTINGS[name].default, str)
    for convert in () if is_text else (int, float):
        try:
            value = convert(text)
            break
        except ValueError:
            continue
    return check_setting(name, value)
