"""Real outputs of real tools: every file gets a logical path, and keeps it in the next build."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from release_log.fingerprints import split
from tests.builds import listing
from tests.builds.listing import Listed, listed, rebuild, record
from tests.builds.make import TOOLS, VERSIONS
from tests.builds.table import logical_paths, table
from uploader.builds.manifests import read_manifests

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
HANDWRITTEN = ("laravel-vite", "phoenix", "propshaft")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Write a build of a tool into a folder, once: ``build("vite", "v1")``."""
    return cache(lambda tool, version: rebuild(tool, version, tmp_path_factory.mktemp(f"{tool}-{version}")))


@pytest.mark.scenario("L2", "L21")
@pytest.mark.parametrize("tool", TOOLS)
def test_every_file_of_a_real_build_has_the_logical_path_written_down(
    tool: str, build: Callable[[str, str], Path]
) -> None:
    assert table(build(tool, "v1")) == (HERE / "expected" / f"{tool}.txt").read_text()


@pytest.mark.parametrize("tool", TOOLS)
def test_no_file_of_a_real_build_is_taken_for_an_earlier_one_s(tool: str, build: Callable[[str, str], Path]) -> None:
    folder = build(tool, "v1")
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    said = read_manifests(folder, names)
    assert (said.older, said.maybe_older) == (frozenset(), frozenset())


@pytest.mark.parametrize("tool", HANDWRITTEN)
def test_every_file_of_a_documented_format_has_the_logical_path_written_down(tool: str) -> None:
    assert table(HERE / "handwritten" / tool) == (HERE / "expected" / f"{tool}.txt").read_text()


@pytest.mark.parametrize("tool", TOOLS)
def test_the_next_build_has_the_same_logical_paths(tool: str, build: Callable[[str, str], Path]) -> None:
    """So that each changed file supersedes its own old version, and nothing counts as removed."""
    old, new = (
        # A tool writes a compressed file only if compression saves something.
        Counter(path for path in logical_paths(build(tool, version)).values() if not path.endswith((".gz", ".br")))
        for version in VERSIONS
    )
    assert old == new


@pytest.mark.parametrize("tool", TOOLS)
def test_a_changed_file_has_a_new_key_and_an_unchanged_file_keeps_its_key(
    tool: str, build: Callable[[str, str], Path]
) -> None:
    """For each logical path with a single file: `chunks/*.js` has many."""
    old, new = ({path: name for name, path in _single(build(tool, version)).items()} for version in VERSIONS)
    files = [listed(tool, version) for version in VERSIONS]
    changed = 0
    for path in old.keys() & new.keys():
        name = old[path]
        digests = [known[each].digest for known, each in zip(files, (name, new[path]), strict=True)]
        if path != name and not path.startswith("_next/static/*/") and all(digests):
            # Next.js names that folder for the build. A source map has its script's name, which may stay when the map
            # changes.
            assert (digests[0] == digests[1]) == (name == new[path]) or ".map" in name, path
        changed += name != new[path]
    # Mix puts its digests into the query string; Nuxt's chunks have no plain name.
    assert changed or tool in {"laravel-mix", "nuxt"}


def _single(directory: Path) -> dict[str, str]:
    paths = logical_paths(directory)
    counts = Counter(paths.values())
    return {name: path for name, path in paths.items() if counts[path] == 1}


@pytest.mark.scenario("L2")
@pytest.mark.parametrize(
    ("tool", "name"),
    [
        ("astro", "_astro/leaf.BBBE-n9o.svg"),
        ("esbuild", "media/logo-HTSOYUNG.svg"),
        ("nextjs", "_next/static/chunks/0blvdytml86_w.js"),
        ("nuxt", "_nuxt/leaf.BBBE-n9o.svg"),
        ("parcel", "search.26369184.js"),
        ("sveltekit", "_app/immutable/chunks/DclECHGd.js"),
        ("vite", "assets/basket-paPdgLuu.js"),
        ("webpack-manifest-plugin", "static/js/692.20832029.chunk.js"),
    ],
)
def test_a_fingerprint_that_the_looks_of_the_name_do_not_show(
    tool: str, name: str, build: Callable[[str, str], Path]
) -> None:
    """Each of these names alone might be one that never changes."""
    assert split(name).fingerprint is None
    assert logical_paths(build(tool, "v1"))[name] != name


def test_a_recorded_build_can_be_rebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "OUTPUTS", tmp_path / "outputs")
    made = tmp_path / "made"
    (made / ".vite").mkdir(parents=True)
    (made / ".vite" / "manifest.json").write_text("{}")
    (made / "app.js").write_bytes(b"1" * 2000)
    (made / "vendor.js").write_bytes(b"1" * 2001)
    lines = record("vite", "v1", made)
    (tmp_path / "outputs" / "vite.tsv").write_text("".join(lines))
    files = listed("vite", "v1")
    assert files == {
        ".vite/manifest.json": Listed(2, "44136fa355b3678a"),
        "app.js": Listed(2000, files["app.js"].digest),
        "vendor.js": Listed(2001, ""),
    }
    again = rebuild("vite", "v1", tmp_path / "again")
    assert (again / ".vite" / "manifest.json").read_text() == "{}"
    assert {name: (again / name).stat().st_size for name in files} == {name: file.size for name, file in files.items()}


def test_the_outputs_are_small() -> None:
    assert sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file()) < 200_000
