"""The files that a glob names, and the texts that are not globs."""

from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploader.treatment.globs import GlobError, translate


def names(glob: str, name: str) -> bool:
    return re.fullmatch(translate(glob), name, re.DOTALL) is not None


@pytest.mark.parametrize(
    ("glob", "named", "not_named"),
    [
        ("*.html", ["index.html", "a/b/index.html", ".html"], ["index.htm", "a.html/b", "index.html.gz"]),
        ("index.html", ["index.html", "de/index.html"], ["my-index.html", "index.html/x"]),
        ("/index.html", ["index.html"], ["de/index.html"]),
        ("js/*.js", ["js/app.js"], ["app.js", "js/a/app.js", "x/js/app.js"]),
        ("js/**", ["js/app.js", "js/a/b.css"], ["js", "x/js/app.js"]),
        ("**", ["a", "a/b/c"], []),
        ("*", ["a", "a/b/c"], []),
        ("/*", ["a"], ["a/b"]),
        ("**/*.map", ["app.js.map", "js/a/app.js.map"], ["app.map.js"]),
        ("**/js/*.js", ["js/app.js", "a/b/js/app.js"], ["app.js", "js/a/app.js", "xjs/app.js"]),
        ("a/**/b.js", ["a/b.js", "a/x/y/b.js"], ["ab.js", "a/xb.js", "x/a/b.js"]),
        ("vendor/", ["vendor/a.js", "a/vendor/b/c.js"], ["vendor", "vendors/a.js"]),
        ("/vendor/", ["vendor/a.js"], ["a/vendor/b.js"]),
        ("a/b/", ["a/b/c", "a/b/c/d"], ["x/a/b/c", "a/b"]),
        ("*.{js,css}", ["a.js", "b/a.css"], ["a.jsx", "a.{js,css}"]),
        ("*.js{,.br,.gz}", ["a.js", "a.js.br", "a.js.gz"], ["a.js.map"]),
        ("{js,css}/**/*.{map,txt}", ["js/a.map", "css/x/a.txt"], ["a.map"]),
        ("{a{1,2},b}.js", ["a1.js", "a2.js", "b.js"], ["a.js"]),
        ("a,b.js", ["a,b.js"], ["a"]),
        ("page-?.html", ["page-1.html"], ["page-10.html", "page-/.html"]),
        ("[a-c]*.js", ["b1.js"], ["d1.js", "B1.js"]),
        ("[!a-c].js", ["d.js", "x/d.js"], ["b.js", "/.js"]),
        ("[*].js", ["*.js"], ["a.js"]),
        ("[[]x].js", ["[x].js"], ["x.js"]),
        ("a.js", ["a.js"], ["abjs", "A.js"]),
        ("(1+1)^$|.js", ["(1+1)^$|.js"], ["11.js"]),
    ],
)
def test_glob_names_some_files_and_not_others(glob: str, named: list[str], not_named: list[str]) -> None:
    assert [name for name in named if not names(glob, name)] == []
    assert [name for name in not_named if names(glob, name)] == []


@pytest.mark.parametrize(
    ("glob", "problem"),
    [
        ("", "names no file"),
        ("/", "names no file"),
        ("!*.js", "first rule that matches wins"),
        ("js\\*.js", "backslash"),
        ("js//a.js", "empty"),
        ("./js/a.js", "empty, '.' or '..'"),
        ("../a.js", "empty, '.' or '..'"),
        ("js**.js", "put it between slashes"),
        ("{**/a,b}", "put it between slashes"),
        ("[a.js", "without its ']'"),
        ("[]", "names no character"),
        ("[!]", "names no character"),
        ("[z-a].js", "has an invalid set of characters"),
        ("{a,b.js", "without its '}'"),
        ("a}.js", "without its '{'"),
    ],
)
def test_an_invalid_glob_is_refused_with_its_problem(glob: str, problem: str) -> None:
    with pytest.raises(GlobError, match=re.escape(problem)):
        translate(glob)


NAME = st.text(alphabet="ab.-1", min_size=1, max_size=6)
PATH = st.lists(NAME, min_size=1, max_size=4).map("/".join)
SIMPLE = st.lists(st.sampled_from(["a", "b", ".", "1", "*", "?", "[ab]", "[!b]", "-"]), min_size=1, max_size=6).map(
    "".join
)


@given(glob=SIMPLE, path=PATH)
def test_within_a_name_a_glob_matches_as_fnmatch_does(glob: str, path: str) -> None:
    if glob in {".", ".."} or "**" in glob:
        return
    assert names(glob, path) == fnmatch.fnmatchcase(path.rpartition("/")[2], glob)


@given(glob=SIMPLE, path=PATH)
def test_a_glob_with_a_slash_goes_name_by_name(glob: str, path: str) -> None:
    if glob in {".", ".."} or "**" in glob:
        return
    parts = path.split("/")
    assert names("/" + glob, path) == (len(parts) == 1 and names(glob, path))
    assert names("x/" + glob, "x/" + path) == (len(parts) == 1 and names(glob, path))
    assert names("**/" + glob, path) == names(glob, path)


@given(path=PATH)
def test_two_stars_name_every_file(path: str) -> None:
    assert names("**", path)
    assert names("x/**", "x/" + path)
    assert names("x/", "x/" + path)
