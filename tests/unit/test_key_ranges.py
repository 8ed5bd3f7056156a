"""The parts of a site that are listed side by side hold every key of ours once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from uploader.key_ranges import KeyRange, key_ranges

NAMES = st.lists(st.sampled_from(["a", "b", "ab", "é", "z-1", "a.b"]), min_size=1, max_size=4).map("/".join)


@given(keys=st.frozensets(NAMES.map("assets/{}".format), max_size=60), size=st.integers(1, 9))
def test_every_key_is_in_one_range_and_no_range_holds_too_many(keys: frozenset[str], size: int) -> None:
    ranges = key_ranges(keys, size)
    inside = [[key for key in keys if key.startswith(each.folder) and each.after < key <= each.last] for each in ranges]
    assert sorted(key for some in inside for key in some) == sorted(keys)
    assert all(0 < len(some) <= size for some in inside)
    assert all(each.folder == "" or each.folder.endswith("/") for each in ranges)


def test_a_range_ends_where_a_folder_does_if_it_is_half_full_by_then() -> None:
    keys = [
        f"assets/{folder}/{number}.js" for folder, count in (("a", 3), ("b", 4), ("c", 1)) for number in range(count)
    ]
    assert key_ranges(keys, 4) == [
        KeyRange("assets/a/", "assets/a/0.j", "assets/a/2.js"),
        KeyRange("assets/b/", "assets/a/2.js", "assets/b/3.js"),
        KeyRange("assets/c/", "assets/b/3.js", "assets/c/0.js"),
    ]
    assert [each.last for each in key_ranges(keys, 7)] == ["assets/b/3.js", "assets/c/0.js"]
    assert [each.folder for each in key_ranges(keys, 7)] == ["assets/", "assets/c/"]


def test_folders_of_few_files_are_listed_together() -> None:
    keys = [f"assets/{number:03}/app.js" for number in range(100)]
    assert [(each.folder, each.last) for each in key_ranges(keys, 50)] == [
        ("assets/", "assets/049/app.js"),
        ("assets/", "assets/099/app.js"),
    ]


def test_no_keys_no_ranges() -> None:
    assert key_ranges([]) == []
