"""`--include` and `--exclude`: which files are left out, in whatever order the globs are given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploader.treatment.selection import EVERY_FILE, Selection

NAMES = ["app.js", "app.js.map", "index.html", "drafts/a.html", "js/lib.js", "js/vendor/x.js"]


@pytest.mark.parametrize(
    ("include", "exclude", "published"),
    [
        ([], [], NAMES),
        ([], ["*.map", "drafts/"], ["app.js", "index.html", "js/lib.js", "js/vendor/x.js"]),
        (["*.js"], [], ["app.js", "js/lib.js", "js/vendor/x.js"]),
        (["*.js", "*.html"], ["**/vendor/*", "/drafts/**"], ["app.js", "index.html", "js/lib.js"]),
        (["*.js"], ["*"], []),
    ],
)
def test_an_exclude_goes_before_every_include(include: list[str], exclude: list[str], published: list[str]) -> None:
    selection = Selection(include, exclude)
    assert [name for name in NAMES if not selection.leaves_out(name)] == published


GLOBS = st.lists(st.sampled_from(["*.js", "*.map", "js/", "/app.*", "**", "drafts/*"]), max_size=4)


@given(include=GLOBS, exclude=GLOBS, data=st.data())
def test_the_order_does_not_matter(include: list[str], exclude: list[str], data: st.DataObject) -> None:
    shuffled = Selection(data.draw(st.permutations(include)), data.draw(st.permutations(exclude)))
    selection = Selection(include, exclude)
    assert [selection.leaves_out(name) for name in NAMES] == [shuffled.leaves_out(name) for name in NAMES]


@given(include=GLOBS, exclude=GLOBS, ignored=st.sets(st.sampled_from(NAMES)))
def test_each_of_them_can_leave_a_file_out_and_none_brings_it_back(
    include: list[str], exclude: list[str], ignored: set[str]
) -> None:
    all_of_them = Selection(include, exclude, ignored.__contains__)
    for name in NAMES:
        apart = [Selection(include=include), Selection(exclude=exclude), Selection(ignored=ignored.__contains__)]
        assert all_of_them.leaves_out(name) == any(each.leaves_out(name) for each in apart)


def test_a_glob_that_matches_no_file_is_named() -> None:
    assert Selection(["*.js", "*.jsx"], ["*.mpa", "drafts/"]).unused(NAMES) == [
        "--include '*.jsx' matches no file",
        "--exclude '*.mpa' matches no file",
    ]
    assert EVERY_FILE.unused(NAMES) == []
