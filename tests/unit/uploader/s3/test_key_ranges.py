"""The ranges of a listing hold each of our keys once."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from uploader.s3 import bucket
from uploader.s3.key_ranges import KeyRange, key_ranges
from uploader.s3.listing import AT_ONCE
from uploader.s3.pages import is_odd

NAMES = st.lists(st.sampled_from(["a", "b", "ab", "é", "z-1", "a.b"]), min_size=1, max_size=4).map("/".join)


@given(
    keys=st.frozensets(NAMES.map("assets/{}".format), max_size=60), size=st.integers(1, 9), at_once=st.integers(1, 9)
)
def test_every_key_is_in_one_range_and_no_range_holds_too_many(keys: frozenset[str], size: int, at_once: int) -> None:
    ranges = key_ranges(keys, at_once, size)
    inside = [[key for key in keys if key.startswith(each.folder) and each.after < key <= each.last] for each in ranges]
    assert sorted(key for some in inside for key in some) == sorted(keys)
    pages = max(1, math.ceil(len(keys) / at_once / size))
    assert all(0 < len(some) <= size * pages * 10 // 9 for some in inside)
    assert all(each.folder == "" or each.folder.endswith("/") for each in ranges)
    assert not any(is_odd(each.after) for each in ranges), "obstore lists from there on"


def keys_in(**counts: int) -> list[str]:
    return [f"assets/{folder}/{number:04}.js" for folder, count in counts.items() for number in range(count)]


def test_a_range_ends_with_a_folder_if_one_ends_near() -> None:
    assert key_ranges(keys_in(a=10, b=6, c=20), 24, 9) == [
        KeyRange("assets/a/", "assets/a/0000.j", "assets/a/0009.js"),
        KeyRange("assets/b/", "assets/a/0009.js", "assets/b/0005.js"),
        KeyRange("assets/c/", "assets/b/0005.js", "assets/c/0008.js"),
        KeyRange("assets/c/", "assets/c/0008.js", "assets/c/0017.js"),
        KeyRange("assets/c/", "assets/c/0017.js", "assets/c/0019.js"),
    ]
    assert key_ranges(keys_in(a=4, b=12), 24, 9)[0] == KeyRange("assets/", "assets/a/0000.j", "assets/b/0004.js")


def test_few_ranges_have_many_pages() -> None:
    assert [each.last[-7:-3] for each in key_ranges(keys_in(a=100), 4, 9)] == ["0026", "0053", "0080", "0099"]


def test_small_folders_are_listed_together() -> None:
    keys = [f"assets/{number:03}/app.js" for number in range(100)]
    assert [(each.folder, each.last) for each in key_ranges(keys, 24, 45)] == [
        ("assets/", "assets/049/app.js"),
        ("assets/", "assets/099/app.js"),
    ]


def test_no_keys_no_ranges() -> None:
    assert key_ranges([], 24) == []


def test_the_ranges_of_a_large_build_end_at_about_the_same_time() -> None:
    """What is listed side by side has to be busy to the end: with three pages a range, half of it was not."""
    keys = keys_in(**{f"part{number:02}": 2500 for number in range(20)})
    ends = [0, *(keys.index(each.last) + 1 for each in key_ranges(keys, bucket.RANGES))]
    pages = [math.ceil((end - begin) / 1000) for begin, end in pairwise(ends)]
    took = [0] * AT_ONCE
    for count in pages:
        took[took.index(min(took))] += count
    assert max(took) == math.ceil(sum(pages) / AT_ONCE)
