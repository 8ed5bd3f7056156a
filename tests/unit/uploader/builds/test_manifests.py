"""Logical paths from build manifests. `tests/builds` has whole outputs of real tools."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploader.builds.manifests import read_manifests
from uploader.builds.manifests.bundlers import webpack
from uploader.builds.manifests.file_paths import resolve
from uploader.builds.manifests.frameworks import framework_paths
from uploader.builds.manifests.naming import find_token, manifest_paths
from uploader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

MD5 = "5d41402abc4b2a76b9719d911017c592"


def read(folder: Path, manifest: str, content: object, *files: str, named: Path | None = None) -> Mapping[str, str]:
    """Write a manifest into a build with these files, and read it."""
    (folder / manifest).parent.mkdir(parents=True, exist_ok=True)
    (folder / manifest).write_text(content if isinstance(content, str) else json.dumps(content))
    return read_manifests(folder, [manifest, *files], named).paths


def refused(folder: Path, manifest: str, content: object, *files: str, named: bool = False) -> str:
    """The one-line message of the refusal; it names the manifest."""
    with pytest.raises(UsageError) as caught:
        read(folder, manifest, content, *files, named=folder / manifest if named else None)
    message = str(caught.value)
    assert repr(str(folder / manifest)) in message
    assert "\n" not in message
    return message


# -- which file is a build manifest --


@pytest.mark.parametrize(
    "content",
    [
        {"name": "Teas", "short_name": "Teas", "start_url": "/index.html", "icons": [{"src": "icon.png"}]},
        {"name": "Teas", "start_url": "index.html"},
        {"manifest_version": 3, "name": "Teas", "background": {"service_worker": "worker.js"}},
        {"song": {"file": "song.mp3", "title": "Song"}},
        {"version": 1, "files": ["a.js"]},
        {},
        [],
        "app.js",
        None,
    ],
)
def test_another_kind_of_manifest_with_the_same_name_is_ignored(tmp_path: Path, content: object) -> None:
    """Above all the manifest of a web app."""
    assert read(tmp_path, "manifest.json", json.dumps(content), "icon.png") == {}


def test_a_manifest_in_a_folder_maps_the_files_of_that_folder(tmp_path: Path) -> None:
    """Rails' `public/packs`, Laravel's `public/build`."""
    mapped = read(tmp_path, "packs/manifest.json", {"app.js": "/packs/app-deadbeef.js"}, "packs/app-deadbeef.js")
    assert mapped == {"packs/app-deadbeef.js": "packs/app.js"}


def test_a_manifest_may_lie_in_a_folder_of_its_own(tmp_path: Path) -> None:
    mapped = read(tmp_path, "meta/manifest.json", {"app.js": "js/app-deadbeef.js"}, "js/app-deadbeef.js")
    assert mapped == {"js/app-deadbeef.js": "js/app.js"}


def test_several_manifests_are_all_read(tmp_path: Path) -> None:
    read(tmp_path, "packs/manifest.json", {"app.js": "app-deadbeef.js"}, "packs/app-deadbeef.js")
    files = ["packs/manifest.json", "packs/app-deadbeef.js", "assets/tea-cafebabe.css"]
    mapped = read(tmp_path, "assets/.manifest.json", {"tea.css": "tea-cafebabe.css"}, *files)
    assert mapped == {"packs/app-deadbeef.js": "packs/app.js", "assets/tea-cafebabe.css": "assets/tea.css"}


def test_a_named_manifest_may_lie_anywhere_and_have_any_name(tmp_path: Path) -> None:
    named = tmp_path / "rails" / "config" / "assets.json"
    named.parent.mkdir(parents=True)
    named.write_text(json.dumps({"files": {}, "assets": {"app.js": f"app-{MD5}.js"}}))
    build = tmp_path / "public"
    assert read_manifests(build, [f"app-{MD5}.js"], named).paths == {f"app-{MD5}.js": "app.js"}
    other = named.rename(named.with_name("manifest.json"))
    assert read_manifests(build, [f"app-{MD5}.js"], other).paths == {f"app-{MD5}.js": "app.js"}


def test_a_named_manifest_is_the_only_one_that_is_read(tmp_path: Path) -> None:
    named = tmp_path / "assets-manifest.json"
    named.write_text(json.dumps({"app.js": "app-deadbeef.js"}))
    files = ["app-deadbeef.js", "_nuxt/B096mfoQ.js"]
    mapped = read(tmp_path, "staticfiles.json", "broken", *files, named=named)
    assert mapped == {"app-deadbeef.js": "app.js", "_nuxt/B096mfoQ.js": "_nuxt/*.js"}


# -- what is not understood, and refused manifests --


def plain(caplog: pytest.LogCaptureFixture, folder: Path, manifest: str, content: object, *files: str) -> str:
    """The one line that says why a file is no manifest; nothing is said of a file that is not published."""
    caplog.clear()
    assert read(folder, manifest, content, *files) == {}
    (line,) = caplog.messages
    assert repr(str(folder / manifest)) in line
    assert "--manifest none" in line
    assert read_manifests(folder, [manifest, *files], skipped=manifest.__eq__).paths == {}
    assert read_manifests(folder, [manifest, *files], Path("none")).paths == {}
    assert caplog.messages == [line]
    return line


@pytest.mark.scenario("T30")
@pytest.mark.parametrize(
    "manifest",
    [
        ".sprockets-manifest-57dc1ad21dd3b52b11131155473be346.json",
        "manifest-57dc1ad21dd3b52b11131155473be346.json",
        ".manifest.json",
        "manifest.json",
        ".vite/manifest.json",
        "assets-manifest.json",
        "asset-manifest.json",
        "staticfiles.json",
        "mix-manifest.json",
        "cache_manifest.json",
        "parcel-manifest.json",
    ],
)
def test_a_file_that_is_cut_short_is_a_plain_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, manifest: str
) -> None:
    assert "is not JSON" in plain(caplog, tmp_path, manifest, '{"app.js": "app-3f9')
    assert "is not JSON" in refused(tmp_path, manifest, '{"app.js": "app-3f9', named=True)


@pytest.mark.parametrize(
    ("manifest", "content", "words"),
    [
        ("staticfiles.json", {"paths": [], "version": "1.1"}, "'paths'"),
        ("staticfiles.json", {"paths": {"app.js": None}, "version": "1.1"}, "'app.js'"),
        ("staticfiles.json", {"version": "9"}, "has a format that no build tool writes"),
        ("cache_manifest.json", [1], "has a format that no build tool writes"),
        ("assets-manifest.json", ["a.js"], "has a format that no build tool writes"),
        ("asset-manifest.json", {"bundles": []}, "has a format that no build tool writes"),
        (".manifest.json", {"a.js": {"digested_path": "a-1b2c3d4e.js"}, "b.js": 5}, "'b.js'"),
        (".vite/manifest.json", {"a.js": {"src": "a.js", "file": "a.js"}, "b.js": {}}, "'b.js'"),
        (".vite/manifest.json", {"a.js": {"src": "a.js", "file": "a.js", "css": "a.css"}}, "'css'"),
        (".vite/manifest.json", {"a.js": {"src": 1, "file": "a.js"}}, "'a.js'"),
        ("manifest.json", {"a.js": "a-3f9c2ab1.js", "b.js": 5}, "'b.js'"),
        ("meta.json", {"inputs": {}, "outputs": {"a.js": 1}}, "'a.js'"),
    ],
)
def test_what_is_not_understood_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, manifest: str, content: object, words: str
) -> None:
    """A file that only has a manifest's name stops nothing; one that the user names has to be right."""
    files = ("a.js", "a-1b2c3d4e.js", "a-3f9c2ab1.js")
    assert words in plain(caplog, tmp_path, manifest, content, *files)
    assert words in refused(tmp_path, manifest, content, *files, named=True)


@pytest.mark.parametrize(
    ("manifest", "content"),
    [
        ("manifest.json", {"app.js": "/packs/app-3f9c2ab1.js", "b.js": "/packs/b-3f9c2ab2.js"}),
        ("manifest.json", {"a": {"file": "app-3f9c2ab1.js", "src": "app.js"}}),
        ("manifest.json", {"a": {"file": "b-3f9c2ab2.js", "src": "b.js", "css": ["app-3f9c2ab1.js"]}}),
        ("staticfiles.json", {"paths": {"app.js": "app-3f9c2ab1.js"}, "version": "1.1"}),
        ("cache_manifest.json", {"latest": {"app.js": "app-3f9c2ab1.js"}, "digests": {}}),
        (".manifest.json", {"app.js": {"digested_path": "app-3f9c2ab1.js"}}),
        ("meta.json", {"inputs": {}, "outputs": {"out/app-3f9c2ab1.js": {}}}),
    ],
)
def test_a_manifest_that_names_a_missing_file_is_refused(tmp_path: Path, manifest: str, content: object) -> None:
    """The manifest is old, or belongs to another build."""
    message = refused(tmp_path, manifest, content, "b-3f9c2ab2.js")
    assert "app-3f9c2ab1.js'" in message
    assert f"which is not in {str(tmp_path)!r}" in message
    assert "--manifest" in message


def test_a_file_elsewhere_is_not_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A library on a CDN, beside the build's own files or alone."""
    jquery = {"jquery.js": "https://cdn.jsdelivr.net/npm/jquery@3.7.1/dist/jquery.min.js"}
    content = {**jquery, "app.js": "https://cdn.example.com/packs/app-deadbeef.js"}
    assert read(tmp_path, "manifest.json", content, "app-deadbeef.js") == {"app-deadbeef.js": "app.js"}
    assert caplog.messages == []
    assert "names files elsewhere alone" in plain(caplog, tmp_path, "manifest.json", jquery, "app-deadbeef.js")


def test_a_manifest_that_is_not_published_is_read_and_never_a_problem(tmp_path: Path) -> None:
    files = ["manifest.json", "app-deadbeef.js"]
    read(tmp_path, "manifest.json", {"app.js": "app-deadbeef.js"}, *files)
    assert read_manifests(tmp_path, files, skipped=bool).paths == {"app-deadbeef.js": "app.js"}
    assert read_manifests(tmp_path, files[:1], skipped=bool).paths == {}


# -- what earlier builds left behind --


def test_what_earlier_builds_left_behind_is_not_of_this_one(tmp_path: Path) -> None:
    """Rails compiles into one folder again and again; the manifest names what is current."""
    digests = [four * 16 for four in ("a1b2", "b1c2", "c1d2", "d1e2", "e1f2")]
    files = [f"app-{digest}.{kind}" for digest in digests for kind in ("js", "js.gz", "css")]
    new = "a1b2" * 16
    current = {f"app-{new}.js", f"app-{new}.js.gz", f"app-{new}.css"}
    others = {"robots.txt", "app-legacy.js", "app-3f9c2ab1.js", f"cart-{new}.js"}
    content = {"files": {}, "assets": {"app.js": f"app-{new}.js", "app.css": f"app-{new}.css"}}
    manifest = f".sprockets-manifest-{MD5}.json"
    (tmp_path / manifest).write_text(json.dumps(content))
    said = read_manifests(tmp_path, [manifest, *files, *others])
    assert said.paths.keys() == current
    assert said.older == {*files} - current


def test_django_keeps_the_originals_beside_each_version(tmp_path: Path) -> None:
    files = ["staticfiles.json", "app.css", "app.27e20196a850.css", "app.55e7cbb9ba48.css"]
    content = {"paths": {"app.css": "app.27e20196a850.css"}, "version": "1.1"}
    (tmp_path / files[0]).write_text(json.dumps(content))
    said = read_manifests(tmp_path, files)
    assert said.paths == {"app.27e20196a850.css": "app.*.css"}
    assert said.older == {"app.55e7cbb9ba48.css"}


def test_a_bundlers_manifest_leaves_nothing_out(tmp_path: Path) -> None:
    """It need not name every file: a worker, or the second of two builds, may have a name like another chunk's."""
    files = ["manifest.json", "app-3f9c2ab1.js", "app-4a1b2c3d.js"]
    (tmp_path / files[0]).write_text(json.dumps({"app.js": "app-3f9c2ab1.js"}))
    assert read_manifests(tmp_path, files).older == frozenset()


def test_a_source_map_may_have_been_removed(tmp_path: Path) -> None:
    """Many build jobs do not publish them."""
    content = {"app.js": "app-deadbeef.js", "app.js.map": "app-deadbeef.js.map"}
    assert read(tmp_path, "manifest.json", content, "app-deadbeef.js") == {"app-deadbeef.js": "app.js"}


def test_a_path_that_leads_out_of_the_build_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.js").touch()
    assert "'../secret.js'" in refused(
        tmp_path / "dist", "manifest.json", {"a.js": "../secret.js", "b.js": "b.js"}, "b.js"
    )


@pytest.mark.parametrize("content", [{}, {"name": "Teas"}, []])
def test_a_named_file_that_is_not_a_manifest_is_refused(tmp_path: Path, content: object) -> None:
    named = tmp_path / "manifest.json"
    with pytest.raises(UsageError, match="has a format that no build tool writes"):
        read(tmp_path, "manifest.json", content, named=named)


@pytest.mark.scenario("T30")
def test_a_missing_named_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read build manifest .*nowhere.json.*No such file"):
        read_manifests(tmp_path, ["app.js"], tmp_path / "nowhere.json")


@given(
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["a.js", "/x/a-3f9c2ab1.js"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["a.js", "file", "src", "files", "assets", "paths", "version", "latest", "digests"])
                | st.sampled_from(["inputs", "outputs", "cssBundle", "name", "css", "entryPoint", "digested_path"]),
                inner,
                max_size=4,
            )
        ),
    ),
    manifest=st.sampled_from(
        ["manifest.json", ".vite/manifest.json", "meta.json", "staticfiles.json", ".manifest.json"]
    ),
)
def test_any_content_of_a_manifest_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: object, manifest: str
) -> None:
    """Never a traceback; and only files of the build are mapped."""
    folder = tmp_path_factory.mktemp("build")
    files = ["a.js", "a-3f9c2ab1.js"]
    try:
        mapped = read(folder, manifest, json.dumps(content), *files)
    except UsageError:
        return
    assert mapped.keys() <= set(files)
    assert all(mapped.values())


# -- which part of a name is the fingerprint --


@pytest.mark.parametrize(
    ("base", "plain", "token"),
    [
        ("app-3f9c2ab1.js", "app.js", "3f9c2ab1"),
        ("app.3f9c2ab1.js", "app.js", "3f9c2ab1"),
        ("app.min-3f9c2ab1.js", "app.min.js", "3f9c2ab1"),
        ("app-3f9c2ab1.min.js", "app.min.js", "3f9c2ab1"),
        ("3f9c2ab1-app.js", "app.js", "3f9c2ab1"),
        ("app.js-3f9c2ab1.map", "app.js.map", "3f9c2ab1"),
        ("LICENSE-3f9c2ab1", "LICENSE", "3f9c2ab1"),
        ("my-3f9c2ab1-app.js", "my-app.js", None),
        ("app.js", "app.js", None),
        ("app-.js", "app.js", None),
        ("application.js", "app.js", None),
        ("other-3f9c2ab1.js", "app.js", None),
        ("app-3f9c2ab1.css", "app.js", None),
    ],
)
def test_the_token_in_a_base_name(base: str, plain: str, token: str | None) -> None:
    span = find_token(base, plain)
    assert (span.token if span else None) == token


def named(*pairs: tuple[str, str]) -> dict[str, str]:
    """The logical paths from a webpack manifest with these entries."""
    manifest = webpack(dict(pairs))
    assert manifest is not None
    return manifest_paths([(entry.file, entry) for entry in manifest.entries], manifest.scheme)


@pytest.mark.parametrize("token", ["deadbeef", "facade", "a1b2c3", "x7Kq2M9z", "x7kq2m", "12345678901234567890"])
def test_a_token_that_could_be_a_word_is_a_fingerprint_after_its_sources_name(token: str) -> None:
    assert named(("app.js", f"js/app-{token}.js")) == {f"js/app-{token}.js": "js/app.js"}


@pytest.mark.parametrize(
    "word",
    [
        "bundle",
        "min",
        "legacy",
        "prod",
        "es2015",
        "es5",
        "v2",
        "2024",
        "SemiBold",
        "i18n",
        "e2e",
        "iOS17",
        "s01e02",
        "mp4v2x264",
    ],
)
def test_a_word_of_the_template_is_not_a_fingerprint(word: str) -> None:
    """`[name].bundle.js` keeps its name when its content changes: cached for a year, the change would not arrive."""
    name = f"app.{word}.js"
    assert named(("app.js", name)) == {name: name}


def test_a_token_that_looks_random_but_stands_in_many_names_is_a_word() -> None:
    names = [f"{each}.c4a7f.js" for each in ("app", "shop", "tea")]
    assert named(*((name.replace(".c4a7f", ""), name) for name in names)) == {name: name for name in names}


def test_a_word_among_fingerprints_stays_a_word() -> None:
    """One word stands in many names; another has a length of its own."""
    assert named(("tea.js", "tea.2103a895.js"), ("a.js", "a.20240107.js"), ("b.js", "b.20240107.js")) == {
        "tea.2103a895.js": "tea.js",
        "a.20240107.js": "a.20240107.js",
        "b.20240107.js": "b.20240107.js",
    }
    assert named(("tea.js", "tea.2103a895.js"), ("a.js", "a.2024.js"))["a.2024.js"] == "a.2024.js"


def test_a_digest_of_the_whole_build_is_a_fingerprint_if_it_looks_like_one() -> None:
    names = [f"{each}.3f9c2ab1d4e5.js" for each in ("app", "shop")]
    assert named(*((name.replace(".3f9c2ab1d4e5", ""), name) for name in names)) == {
        "app.3f9c2ab1d4e5.js": "app.js",
        "shop.3f9c2ab1d4e5.js": "shop.js",
    }


def test_a_fingerprint_of_digits_alone_is_recognised_beside_others() -> None:
    """One in fifty of webpack's eight hex digits has no letter."""
    pairs = [("search.js", "search.26369184.js"), ("tea.js", "tea.2103a895.js")]
    assert named(*pairs) == {"search.26369184.js": "search.js", "tea.2103a895.js": "tea.js"}
    assert named(pairs[0]) == {"search.26369184.js": "search.26369184.js"}


def test_a_fingerprint_that_spells_a_word_is_recognised_beside_others() -> None:
    """esbuild's base32 has no lower case: SEARCHES could be a name."""
    pairs = [("search.js", "search-AOOSEXN4.js"), ("tea.js", "tea-GM47N6GK.js")]
    assert named(*pairs) == {"search-AOOSEXN4.js": "search.js", "tea-GM47N6GK.js": "tea.js"}


def test_the_fingerprint_may_be_a_part_of_the_token() -> None:
    assert named(("main.js", "main-legacy.3f9c2ab1.js")) == {"main-legacy.3f9c2ab1.js": "main-legacy.js"}


def test_a_file_that_keeps_its_sources_name_has_no_fingerprint(tmp_path: Path) -> None:
    """Although its name looks as if it had one."""
    content = {"paths": {"img/logo-3f9c2ab1.png": "img/logo-3f9c2ab1.png"}, "version": "1.1"}
    mapped = read(tmp_path, "staticfiles.json", content, "img/logo-3f9c2ab1.png")
    assert mapped == {"img/logo-3f9c2ab1.png": "img/logo-3f9c2ab1.png"}


def test_the_neighbours_of_an_unnamed_webpack_chunk_tell_its_fingerprint(tmp_path: Path) -> None:
    """webpack lists unnamed chunks under their own name, so the manifest does not tell."""
    chunks = ["js/692.20832029.chunk.js", "js/262.3994cafe.chunk.js"]
    mapped = read(tmp_path, "asset-manifest.json", {name: f"/{name}" for name in chunks}, *chunks)
    assert mapped == {"js/692.20832029.chunk.js": "js/692.chunk.js"}
    assert read(tmp_path, "asset-manifest.json", {chunks[0]: chunks[0]}, chunks[0]) == {}
    words = ["js/692.overview.chunk.js", "js/262.x7Kq2M9z.chunk.js"]
    assert read(tmp_path, "asset-manifest.json", {name: f"/{name}" for name in words}, *words) == {}


def test_a_file_whose_name_is_only_a_fingerprint_gets_its_sources_name() -> None:
    """webpack's default, `[hash][ext]`. The key in the file's folder is the source."""
    found = named(("app.svg", f"media/{MD5}.svg"), ("media/logo.svg", f"media/{MD5}.svg"))
    assert found == {f"media/{MD5}.svg": "media/logo.svg"}


def test_two_modules_with_the_same_name_get_their_sources_folders(tmp_path: Path) -> None:
    """Neither supersedes the other."""
    chunks = {
        f"src/{page}/index.js": {"file": f"assets/index-{token}.js", "name": "index", "src": f"src/{page}/index.js"}
        for page, token in (("cart", "BxY_1z9Q"), ("tea", "D-h3kQ2x"))
    }
    mapped = read(tmp_path, ".vite/manifest.json", chunks, *(chunk["file"] for chunk in chunks.values()))
    assert mapped == {
        "assets/index-BxY_1z9Q.js": "assets/src/cart/index.js",
        "assets/index-D-h3kQ2x.js": "assets/src/tea/index.js",
    }


def test_a_style_sheet_is_named_for_the_chunk_that_loads_it(tmp_path: Path) -> None:
    """Vite lists it under the chunk, esbuild as the chunk's `cssBundle`. Neither name looks fingerprinted."""
    chunk = {"file": "index-Bjj8IU35.js", "name": "index", "src": "index.html", "css": ["index-BBBE-n9o.css"]}
    mapped = read(tmp_path, ".vite/manifest.json", {"index.html": chunk}, "index-Bjj8IU35.js", "index-BBBE-n9o.css")
    assert mapped["index-BBBE-n9o.css"] == "index.css"
    outputs = {
        "out/main-C7FL7PMJ.js": {"entryPoint": "src/main.ts", "cssBundle": "out/main-AOOSEXN4.css"},
        "out/main-AOOSEXN4.css": {"inputs": {"src/a.css": {}, "src/b.css": {}}},
    }
    build = tmp_path / "esbuild"
    files = ["main-C7FL7PMJ.js", "main-AOOSEXN4.css"]
    assert read(build, "meta.json", {"inputs": {}, "outputs": outputs}, *files)["main-AOOSEXN4.css"] == "main.css"


def test_source_maps_and_compressed_files_follow_their_file(tmp_path: Path) -> None:
    siblings = [f"app-deadbeef.js{end}" for end in ("", ".map", ".gz", ".br", ".map.br", ".LICENSE.txt")]
    mapped = read(tmp_path, "manifest.json", {"app.js": "app-deadbeef.js"}, *siblings, "app-deadbeef.json")
    assert mapped == {name: name.replace("-deadbeef", "") for name in siblings}


def test_a_file_beside_its_original_does_not_take_the_originals_path(tmp_path: Path) -> None:
    """Django keeps both files: neither replaces the other."""
    content = {"paths": {"css/app.css": "css/app.27e20196a850.css"}, "version": "1.1"}
    mapped = read(tmp_path, "staticfiles.json", content, "css/app.css", "css/app.27e20196a850.css")
    assert mapped == {"css/app.27e20196a850.css": "css/app.*.css"}


def test_the_files_of_earlier_builds_may_be_gone(tmp_path: Path) -> None:
    """Sprockets lists them under `files`; only `assets` is this build."""
    content = {
        "files": {f"app-{MD5[::-1]}.js": {"logical_path": "app.js"}, f"app-{MD5}.js": {"logical_path": "app.js"}},
        "assets": {"app.js": f"app-{MD5}.js"},
    }
    assert read(tmp_path, f".sprockets-manifest-{MD5}.json", content, f"app-{MD5}.js") == {f"app-{MD5}.js": "app.js"}


@given(st.permutations([("app.svg", "m/a-3f9c2ab1.svg"), ("m/a.svg", "m/a-3f9c2ab1.svg"), ("b.js", "b-12345678.js")]))
def test_the_order_of_the_entries_does_not_matter(pairs: list[tuple[str, str]]) -> None:
    assert named(*pairs) == {"m/a-3f9c2ab1.svg": "m/a.svg", "b-12345678.js": "b.js"}


# -- which file a path or URL means --


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("js/app.js", "js/app.js"),
        ("./js/app.js", "js/app.js"),
        ("/js/app.js", "js/app.js"),
        ("/packs/js/app.js", "js/app.js"),
        ("https://cdn.example.com/js/app.js", "js/app.js"),
        ("https://cdn.example.com/v1/packs/js/app.js?x=1#y", "js/app.js"),
        ("//cdn.example.com/js/app.js", "js/app.js"),
        ("../out/js/app.js", "js/app.js"),
        ("/js/a%20b.js", "js/a b.js"),
    ],
)
def test_public_paths_and_urls(spelled: str, name: str) -> None:
    assert resolve([spelled], "", {"js/app.js", "js/a b.js"}) == {spelled: name}


def test_the_public_path_is_the_same_for_all_files() -> None:
    """A file with the same name in another folder does not stand in for a missing file."""
    files = ["/packs/app.js", "/packs/js/app.js", "/packs/js/tea.js"]
    assert resolve(files, "", {"app.js", "js/tea.js"}) == {"/packs/app.js": "app.js", "/packs/js/tea.js": "js/tea.js"}


def test_no_more_folders_are_left_out_than_needed() -> None:
    files = ["js/a.js", "js/b.js"]
    assert resolve(files, "", {"js/a.js", "js/b.js", "a.js"}) == {name: name for name in files}


# -- frameworks --


@pytest.mark.parametrize("folder", ["_nuxt", "_astro", "_app/immutable/chunks"])
def test_a_frameworks_folder_tells_a_fingerprint_from_a_word(folder: str) -> None:
    """`DclECHGd` could be a word; beside the other names it is not."""
    found = framework_paths(
        {f"{folder}/DclECHGd.js", f"{folder}/B096mfoQ.js", f"{folder}/entry.overview.css", "DclECHGd.js"}
    )
    assert found == {
        f"{folder}/DclECHGd.js": f"{folder}/*.js",
        f"{folder}/B096mfoQ.js": f"{folder}/*.js",
        f"{folder}/entry.overview.css": f"{folder}/entry.css",
    }


@pytest.mark.parametrize("names", [{"overview.js", "SemiBold.js"}, {"B096mfoQ.js", "DclECHGd.js", "app.js"}])
def test_a_folder_where_the_user_chose_other_names_is_left_alone(names: set[str]) -> None:
    assert framework_paths({f"_nuxt/{name}" for name in names}) == {}


def test_the_frameworks_folder_may_be_the_build_directory() -> None:
    names = {"B096mfoQ.js", "DclECHGd.js"}
    assert framework_paths(names, "/home/me/.output/public/_nuxt") == dict.fromkeys(names, "*.js")
    assert framework_paths(names, "/home/me/public") == {}


def test_next_js_names_a_folder_for_the_build() -> None:
    """In whichever folder `static` lies. A name that the user chose for the build may never change."""
    build = "-yNWphn18TYeFZ9VQle2J"
    found = framework_paths({f"{build}/_buildManifest.js", f"{build}/_ssgManifest.js", "chunks/0w5rxjzb_rh74.js"})
    assert found == {
        f"{build}/_buildManifest.js": "*/_buildManifest.js",
        f"{build}/_ssgManifest.js": "*/_ssgManifest.js",
        "chunks/0w5rxjzb_rh74.js": "chunks/*.js",
    }
    commit = "64eb7a3c2d5d3a1f0e9b8c7d6e5f4a3b2c1d0e9f"
    assert framework_paths({f"{commit}/_buildManifest.js"}) == {f"{commit}/_buildManifest.js": "*/_buildManifest.js"}
    for name in ("production", "production-release-v1"):
        assert framework_paths({f"{name}/_buildManifest.js", f"{name}/_ssgManifest.js"}) == {}


def test_the_hex_names_of_older_next_js_are_left_to_their_looks() -> None:
    names = {"b/_buildManifest.js", "chunks/main-0123456789abcdef.js", "chunks/pages/_app-3f9c2ab1d4e5f607.js"}
    assert framework_paths(names) == {}


@pytest.mark.parametrize("top", ["", "docs/"])
def test_vitepress_keeps_its_files_beside_the_list_of_its_pages(top: str) -> None:
    """Files that people put there themselves are left to their looks, and so is a folder that another tool made."""
    chunks = {f"{top}assets/chunks/framework.Djojjwlh.js", f"{top}assets/chunks/theme.CPIN79s4.js"}
    ours = {f"{top}assets/app.D7dhDEOv.js", f"{top}assets/banner-download.svg"}
    found = framework_paths({f"{top}hashmap.json", *chunks, *ours})
    assert found == {name: f"{name[:-12]}.js" for name in chunks}
    assert framework_paths({*chunks, *ours}) == {}


def test_with_a_users_own_pattern_no_framework_is_recognised(tmp_path: Path) -> None:
    names = ["_nuxt/B096mfoQ.js"]
    assert read_manifests(tmp_path, names).paths == {"_nuxt/B096mfoQ.js": "_nuxt/*.js"}
    assert read_manifests(tmp_path, names, frameworks_too=False).paths == {}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_manifest_and_the_file_system_may_spell_a_name_in_two_forms(
    tmp_path: Path, form: Literal["NFC", "NFD"]
) -> None:
    """As on macOS: the build tool writes one form, and the file system has the other."""
    folder, name = tmp_path / "cafe\u0301", "cafe\u0301-3f9c2ab1.js"
    folder.mkdir()
    (folder / name).write_text("x")
    entry = {"cafe\u0301/cafe\u0301.js": f"cafe\u0301/{name}"}
    text = unicodedata.normalize(form, json.dumps(entry, ensure_ascii=False))
    (tmp_path / "manifest.json").write_text(text)
    found = read_manifests(tmp_path, ["manifest.json", f"cafe\u0301/{name}"])
    assert found.paths == {f"cafe\u0301/{name}": "caf\u00e9/caf\u00e9.js"}
    assert not found.older
