"""A user's pattern may not take for ever on a name that somebody else has given."""

from __future__ import annotations

import time

import pytest

from release_log.fingerprints import PatternError, compile_pattern, split
from release_log.pattern_cost import NAME_LENGTH, can_explode
from tests.paths import ROOT

GEM = r"^.*-(?P<fingerprint>[0-9A-Za-z]+)(?:\.[0-9A-Za-z]+)+$"
USUAL = (
    GEM,
    r"-(?P<fingerprint>[0-9a-f]{8})\.",
    r"(?P<fingerprint>[0-9a-f]{20})",
    r"^(?:[a-z]+-)+(?P<fingerprint>\w{8})$",
    r"(?:ab)+-(x)",
    r"(?:_v\d+)?-(\w+)",
    r"([a-f0-9]{4}){2}",
    r"(?<=-)([0-9a-f]{8,64})(?=\.)",
    r"([\w-]{8})\.(?:min\.)?js",
    r"(?i)-(?P<fingerprint>[A-F\d]{8})",
    r"(?:-[a-z]+){1,3}-(\w+)",
    r"(?:(?:foo|bar)-)+(\w{8})",
    r"(?:[^.]*\.)+([0-9a-f]{8})",
    r"(?P<v>v)?-(?P<fingerprint>(?(v)[0-9]{8}|[a-f]{8}))",
)
EXPLODING = (
    r"(a+)+$",
    r"(?:\w+-?)*-([0-9a-f]+)$",
    r"(.*)*x",
    r"(?:.+-)+(\w{8})$",
    r"(a|aa)+$",
    r"(?:a?){20}a{20}(x)",
    r"([a-z]+)*\.js",
    r"(?:[a-z]+[0-9]*)+-(x)",
    r"(?:(a+)+)-",
    r"(?:a+?)+?$",
    r"(?:x+x+)+(y)",
    r"(?=(a+)+$)b",
    r"(?:[a-z]+-[a-z]*)+(\.js)",
    r"(?:(?:ab|[a-c]b)-)+(\.js)",
    r"(?i)(?:[a-z]+A)+(\.js)",
    r"(?:x(?:[a-z]?[a-z]?)?-)+(\.js)",
)


@pytest.mark.parametrize("text", USUAL)
def test_a_usual_pattern_is_accepted_and_quick(text: str) -> None:
    pattern = compile_pattern(text)
    began = time.process_time()
    for name in ("a" * 255, "-" * 255, "a-" * 127, "a." * 127, "ab-" * 85, "0" * 254 + "!"):
        split(name, pattern)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("text", EXPLODING)
def test_a_pattern_that_may_take_for_ever_is_refused(text: str) -> None:
    assert can_explode(text)
    with pytest.raises(PatternError, match="may take for ever on a long name: write it without a repeat inside"):
        compile_pattern(f"{text}(?P<fingerprint>x)")


def test_a_name_longer_than_any_files_has_no_fingerprint_by_a_pattern() -> None:
    pattern = compile_pattern(r"-([0-9a-f]{8})")
    longest = "a" * (NAME_LENGTH - 9) + "-3f9c2ab1"
    assert split(f"folder/{longest}", pattern).fingerprint == "3f9c2ab1"
    assert split(f"folder/a{longest}", pattern).fingerprint is None


def test_the_gems_own_rule() -> None:
    """As `docs/migrate.md` offers it."""
    assert f"fingerprint_pattern = '{GEM}'" in (ROOT / "docs" / "migrate.md").read_text()
    pattern = compile_pattern(GEM)
    assert split("assets/app-3f9c2ab1.js", pattern) == ("assets/app.js", "3f9c2ab1")
    assert split("assets/my-app-3f9c2ab1.min.js.map", pattern) == ("assets/my-app.min.js.map", "3f9c2ab1")
    assert split("assets/logo-dark.png", pattern) == ("assets/logo.png", "dark")
    assert split("assets/logo.png", pattern).fingerprint is None
