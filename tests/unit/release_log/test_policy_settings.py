"""The policy's settings: defaults, bounds and types, from JSON and from text."""

from __future__ import annotations

from typing import Any

import pytest

from release_log.errors import SettingError
from release_log.policy_settings import SETTINGS, YEARS_100, Orphans, Policy, check_setting, parse_setting, policy_from

BOUNDS = {
    # name: (lowest, highest, default)
    "version_limit": (0, YEARS_100, 2),
    "version_ttl": (0, YEARS_100, 3600),
    "removed_ttl": (0, YEARS_100, 172_800),
    "grace": (0, YEARS_100, 900),
    "keep_releases": (0, 100, 0),
    "pending_ttl": (21_600, YEARS_100, 21_600),
    "staged_ttl": (3600, YEARS_100, 172_800),
    "orphan_tags": (0, YEARS_100, 10_000),
    "max_delete_fraction": (0, 1, 0.5),
}
WHOLE = sorted(BOUNDS.keys() - {"max_delete_fraction"})


@pytest.mark.scenario("L19")
def test_defaults_are_those_of_the_documents() -> None:
    """As in ``docs/policy.md``."""
    assert {name: getattr(Policy(), name) for name in BOUNDS} == {name: each[2] for name, each in BOUNDS.items()}
    assert Policy().orphans is Orphans.FINGERPRINTED
    assert set(SETTINGS) == {*BOUNDS, "site_ttl", "orphans", "orphans_pattern"}
    assert Policy().site_ttl == 0
    assert (Policy().orphans_pattern, Policy().pattern) == ("", None)


def test_every_setting_says_what_it_is() -> None:
    """The table of ``docs/policy.md`` and the stack's help are made of it."""
    assert all(field.metadata["doc"] for field in SETTINGS.values())


@pytest.mark.scenario("T32a", "A2")
@pytest.mark.parametrize(("name", "bounds"), [(name, each[:2]) for name, each in BOUNDS.items()])
def test_bounds_are_allowed_and_what_is_beyond_is_not(name: str, bounds: tuple[int, int]) -> None:
    """The error names the setting, the value and the bounds."""
    low, high = bounds
    assert check_setting(name, low) == low
    assert check_setting(name, high) == high
    for value in (low - 1, high + 1, -(10**30), 10**30):
        with pytest.raises(SettingError, match=f"{name}: {value} is not between {low} and {high}"):
            check_setting(name, value)


@pytest.mark.parametrize(("value", "allowed"), [(0, True), (1, False), (21_599, False), (21_600, True), (-1, False)])
def test_a_site_that_ends_by_itself_lives_longer_than_a_roll_out_may_take(*, value: int, allowed: bool) -> None:
    """The least that `pending_ttl` can be; 0: it never ends."""
    if allowed:
        assert check_setting("site_ttl", value) == value
    else:
        with pytest.raises(SettingError, match=f"site_ttl: {value} is neither 0 nor between 21600 and {YEARS_100}"):
            check_setting("site_ttl", value)


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("value", [True, False, None, "3600", "", [], {}, [3600], 3600 + 0j])
def test_other_types_are_refused(name: str, value: object) -> None:
    """A bool is not a number, nor is a text."""
    with pytest.raises(SettingError, match=f"{name}: .* is not a (whole )?number"):
        check_setting(name, value)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", [86_400.0, 86_400.5, float("nan"), float("inf")])
def test_fractions_of_seconds_and_counts_are_refused(name: str, value: float) -> None:
    """Whole seconds."""
    with pytest.raises(SettingError, match=f"{name}: .* is not a whole number"):
        check_setting(name, value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1.0001, -0.0001])
def test_fraction_that_is_none_is_refused(value: float) -> None:
    """Any comparison with NaN is false, so the brake would depend on how it is written."""
    with pytest.raises(SettingError, match=r"max_delete_fraction: .* is not between 0 and 1"):
        check_setting("max_delete_fraction", value)
    with pytest.raises(SettingError, match=r"max_delete_fraction: .* is not between 0 and 1"):
        parse_setting("max_delete_fraction", str(value))


@pytest.mark.parametrize("value", [0, 1, 0.0, 0.25, 1.0])
def test_fraction_may_be_whole(value: float) -> None:
    """JSON's 1 and 1.0 are one number."""
    assert check_setting("max_delete_fraction", value) == value


@pytest.mark.parametrize("value", ["none", "ALL", "", None, 0, True, [], {}, ["all"]])
def test_other_orphans_are_refused(value: object) -> None:
    """The error names the three values."""
    with pytest.raises(SettingError, match=r"orphans: .* is not one of fingerprinted, all, report"):
        check_setting("orphans", value)


@pytest.mark.parametrize("name", ["", "ttl", "version-ttl", "VERSION_TTL", "dry_run"])
def test_unknown_settings_are_refused_with_the_known_ones(name: str) -> None:
    """A typo must not leave the default in force without notice."""
    with pytest.raises(SettingError, match=f"unknown setting '{name}': use one of version_limit, version_ttl"):
        check_setting(name, 1)
    with pytest.raises(SettingError, match="unknown setting"):
        policy_from({name: 1})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("version_ttl", "0", 0),
        ("version_ttl", "86400", 86_400),
        ("max_delete_fraction", "0", 0),
        ("max_delete_fraction", "0.25", 0.25),
        ("max_delete_fraction", "1", 1),
        ("orphans", "all", Orphans.ALL),
        ("orphans", "report", Orphans.REPORT),
        ("orphans_pattern", "", ""),
        ("orphans_pattern", "-([0-9a-f]{32})", "-([0-9a-f]{32})"),
        ("orphans_pattern", "(1)", "(1)"),
    ],
)
def test_settings_from_text(name: str, text: str, value: object) -> None:
    """As on a command line or in the CDK's context."""
    parsed = parse_setting(name, text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("version_ttl", ""),
        ("version_ttl", "1h"),
        ("version_ttl", "60.0"),
        ("version_ttl", "-1"),
        ("version_ttl", "true"),
        ("version_ttl", "inf"),
        ("version_ttl", "nan"),
        ("version_ttl", "9" * 5000),
        ("max_delete_fraction", "50%"),
        ("max_delete_fraction", "2"),
        ("orphans", "1"),
        ("orphans", "nan"),
        ("orphans", ""),
        ("orphans_pattern", "1"),
        ("orphans_pattern", "("),
        ("orphans_pattern", "(a+)+"),
        ("orphans_pattern", f"({'a' * 500})"),
    ],
)
def test_bad_text_is_refused(name: str, text: str) -> None:
    """The error names the setting."""
    with pytest.raises(SettingError, match=f"^{name}: "):
        parse_setting(name, text)


@pytest.mark.scenario("T33a")
def test_policy_takes_the_rest_from_its_base() -> None:
    """A "what if" is about the installed policy, not about the defaults."""
    base = Policy(version_limit=7, grace=1)
    values: dict[str, Any] = {"grace": 5, "orphans": "report"}
    assert policy_from(values, base) == Policy(version_limit=7, grace=5, orphans=Orphans.REPORT)
    assert policy_from({}) == Policy()
    assert base.grace == 1


@pytest.mark.parametrize("value", [None, 1, True, ["(a)"], "a" * 501])
def test_a_pattern_is_a_short_text(value: object) -> None:
    with pytest.raises(SettingError, match=r"^orphans_pattern: .* is not a text of up to 500 characters"):
        check_setting("orphans_pattern", value)


def test_a_policy_has_its_pattern_compiled() -> None:
    pattern = policy_from({"orphans_pattern": "-([0-9a-f]{6})"}).pattern
    assert pattern is not None
    assert pattern.pattern == "-([0-9a-f]{6})"
