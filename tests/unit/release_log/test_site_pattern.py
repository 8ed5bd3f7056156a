"""Patterns of sites: which prefix matches, and which text is no pattern."""

from __future__ import annotations

import re

import pytest

from release_log.errors import LayoutError
from release_log.site_pattern import SitePattern, check_site, is_pattern


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        ("previews/*/", "previews/pr-12/"),
        ("previews/*/", "previews/.x y+%20é/"),
        ("previews/pr-*/", "previews/pr-12/"),
        ("previews/*-pr/assets/", "previews/12-pr/assets/"),
        ("*/", "shop/"),
        ("*/assets/", "shop/assets/"),
        ("a.b/[x]/*/", "a.b/[x]/y/"),
    ],
)
def test_a_prefix_matches(pattern: str, prefix: str) -> None:
    assert SitePattern(check_site(pattern)).matches(prefix)


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        ("previews/*/", "previews/"),
        ("previews/*/", "previews//"),
        ("previews/*/", "previews/a/b/"),
        ("previews/*/", "previews/a"),
        ("previews/*/", "other/a/"),
        ("previews/*/", "x/previews/a/"),
        ("previews/*/", ""),
        ("previews/*/", "previews/*/"),
        ("previews/*/", "previews/a?/"),
        ("previews/*/", "previews/${x}/"),
        ("previews/*/", "previews/../"),
        ("previews/*/", "previews/.releases/"),
        ("previews/*/", "previews/a\n/"),
        ("previews/*/", "previews/a/\n"),
        ("previews/*/", "previews/\ud800/"),
        ("previews/*/", f"previews/{'x' * 600}/"),
        ("previews/pr-*/", "previews/pr-/"),
        ("previews/*/assets/", "previews/assets/"),
        ("previews/*/assets/", "previews/a/b/assets/"),
        ("a.b/*/", "axb/y/"),
    ],
)
def test_a_prefix_does_not_match(pattern: str, prefix: str) -> None:
    """It may come from an event, so it may be anything; what no site may have as its prefix is none by a pattern."""
    assert not SitePattern(check_site(pattern)).matches(prefix)


@pytest.mark.parametrize(
    ("pattern", "fixed", "folder", "site"),
    [
        ("previews/*/", "previews/", "previews/pr-1/", "previews/pr-1/"),
        ("previews/*/assets/", "previews/", "previews/pr-1/", "previews/pr-1/assets/"),
        ("previews/pr-*/", "previews/pr-", "previews/pr-1/", "previews/pr-1/"),
        ("previews/pr-*-x/", "previews/pr-", "previews/pr-1/", None),
        ("*/", "", "shop/", "shop/"),
        ("*/", "", ".releases/", None),
        ("previews/*/", "previews/", "previews/.releases/", None),
        ("previews/*/", "previews/", "previews/a?/", None),
    ],
)
def test_the_folders_of_a_listing_that_can_be_sites(pattern: str, fixed: str, folder: str, site: str | None) -> None:
    assert SitePattern(pattern).fixed == fixed
    assert SitePattern(pattern).site_in(folder) == site


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("previews/*", "pattern 'previews/*': prefix 'previews/x' must end with a slash"),
        ("previews/*/*/", "pattern 'previews/*/*/' must not have more than one '*'"),
        ("previews/**/", "must not have more than one '*'"),
        ("/previews/*/", "must not begin with a slash"),
        ("previews//*/", "must not hold '//'"),
        ("previews/*/.releases/", "must not lie inside a release log"),
        ("previews/?/*/", "must not hold control characters"),
        ("previews/", None),
        ("", None),
        ("previews", "prefix 'previews' must end with a slash"),
    ],
)
def test_a_configured_site_is_a_prefix_or_a_pattern(text: str, words: str | None) -> None:
    if words is None:
        assert check_site(text) == text
        assert not is_pattern(text)
        return
    with pytest.raises(LayoutError, match=re.escape(words)):
        check_site(text)
