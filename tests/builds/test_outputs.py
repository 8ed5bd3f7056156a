"""What real tools really wrote: every file gets a logical path, and keeps it in the next build."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from release_log.fingerprints import split
from tests.builds.make import CUT, TOOLS
from tests.builds.table import logical_paths, table

HERE = Path(__file__).parent
OUTPUTS = HERE / "outputs"
HANDWRITTEN = ("laravel-vite", "phoenix", "propshaft")


@pytest.mark.parametrize("tool", TOOLS)
def test_every_file_of_a_real_build_has_the_logical_path_written_down(tool: str) -> None:
    assert table(OUTPUTS / tool / "v1") == (HERE / "expected" / f"{tool}.txt").read_text()


@pytest.mark.parametrize("tool", HANDWRITTEN)
def test_every_file_of_a_documented_format_has_the_logical_path_written_down(tool: str) -> None:
    assert table(HERE / "handwritten" / tool) == (HERE / "expected" / f"{tool}.txt").read_text()


@pytest.mark.parametrize("tool", TOOLS)
def test_the_next_build_has_the_same_logical_paths(tool: str) -> None:
    """So that each changed file supersedes its own old version, and nothing counts as removed."""
    old, new = (
        # A compressed sibling is only written if it saves something.
        Counter(path for path in logical_paths(OUTPUTS / tool / version).values() if not path.endswith((".gz", ".br")))
        for version in ("v1", "v2")
    )
    assert old == new


@pytest.mark.parametrize("tool", TOOLS)
def test_what_changed_has_a_new_key_and_what_did_not_keeps_its_own(tool: str) -> None:
    """Where a logical path is one file's: `chunks/*.js` says only that there are some."""
    builds = [OUTPUTS / tool / version for version in ("v1", "v2")]
    old, new = ({path: name for name, path in _single(build).items()} for build in builds)
    changed = 0
    for path in old.keys() & new.keys():
        name = old[path]
        contents = [(build / each).read_bytes() for build, each in zip(builds, (name, new[path]), strict=True)]
        if path != name and not path.startswith("_next/static/*/") and not any(CUT in content for content in contents):
            # Next.js names that folder for the build. A map bears its script's name, which may stay when it changes.
            assert (contents[0] == contents[1]) == (name == new[path]) or ".map" in name, path
        changed += name != new[path]
    # Mix has its digests in a query; Nuxt's chunks have no name of their own.
    assert changed or tool in {"laravel-mix", "nuxt"}


def _single(build: Path) -> dict[str, str]:
    paths = logical_paths(build)
    counts = Counter(paths.values())
    return {name: path for name, path in paths.items() if counts[path] == 1}


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        ("astro", "_astro/leaf.BBBE-n9o.svg"),
        ("esbuild", "chunks/search-AOOSEXN4.js"),
        ("nextjs", "_next/static/chunks/0blvdytml86_w.js"),
        ("nuxt", "_nuxt/leaf.BBBE-n9o.svg"),
        ("parcel", "search.26369184.js"),
        ("sveltekit", "_app/immutable/chunks/DclECHGd.js"),
        ("vite", "assets/index-Bd_otbPA.js"),
        ("webpack-manifest-plugin", "static/js/692.20832029.chunk.js"),
    ],
)
def test_more_is_known_than_a_name_shows(tool: str, name: str) -> None:
    """By its looks each of these might be a name that stays."""
    assert split(name).fingerprint is None
    assert logical_paths(OUTPUTS / tool / "v1")[name] != name


def test_the_outputs_are_small() -> None:
    assert sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file()) < 300_000
