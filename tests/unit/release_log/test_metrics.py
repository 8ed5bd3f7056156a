"""A site's dimension: CloudWatch accepts it for any prefix, and each site has its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release_log.errors import LayoutError
from release_log.layout import check_prefix
from release_log.metrics import WHOLE_BUCKET, dimensions, site_dimension


def allowed(prefix: str) -> bool:
    """Whether a site may have this prefix."""
    try:
        check_prefix(prefix)
    except LayoutError:
        return False
    return True


PREFIXES = st.text(st.characters(max_codepoint=0xFF), max_size=20).map(lambda name: f"{name}/").filter(allowed)


@pytest.mark.parametrize(
    ("prefix", "value"),
    [
        ("", WHOLE_BUCKET),
        ("assets/", "assets/"),
        ("a b/c+d=e&f/", "a b/c+d=e&f/"),
        ("säulen/", "s%C3%A4ulen/"),
        ("s%C3%A4ulen/", "s%25C3%25A4ulen/"),
    ],
)
def test_it_is_the_prefix_with_all_but_ascii_encoded(prefix: str, value: str) -> None:
    assert site_dimension(prefix) == value
    assert dimensions("b", prefix) == {"service": "asset-cleaner", "site": value, "bucket": "b"}


@given(PREFIXES)
def test_cloudwatch_takes_it(prefix: str) -> None:
    """Printable ASCII that is not only spaces, which Powertools leaves as it is."""
    value = site_dimension(prefix)
    assert value.isascii()
    assert value.isprintable()
    assert value.strip()


@given(PREFIXES, PREFIXES)
def test_two_sites_have_two(one: str, other: str) -> None:
    assert (site_dimension(one) == site_dimension(other)) == (one == other)


def test_long_ones_are_cut_and_stay_different() -> None:
    values = [site_dimension(check_prefix("ü" * 254 + end)) for end in ("a/", "b/")]
    assert [len(value) for value in values] == [255, 255]
    assert len(set(values)) == 2
