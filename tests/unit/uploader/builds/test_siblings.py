"""What the names of a folder tell together; and a table of real names, alone and beside each other."""

from __future__ import annotations

import time
from collections import defaultdict

import pytest

from release_log.fingerprints import Name, split
from tests.paths import ROOT
from uploader.builds.logical_paths import paths_of
from uploader.builds.siblings import names_by_siblings

TABLE = [line.split("\t") for line in (ROOT / "tests" / "unit" / "release_log" / "names.tsv").read_text().splitlines()]
"""Tool, ``hash`` or ``plain``, name: from builds of the tools, their documentation, packages and what people write."""
MISSED_ALONE, MISSED = 30, 12
"""Of about 350 names of tools. A missed one costs some caching."""
SECONDS = 3


def test_no_plain_name_is_taken_for_fingerprinted_and_few_fingerprints_are_missed() -> None:
    """Of real names: each alone, as the cleaner sees an orphan, and with the others, as the uploader sees a build."""
    assert len(TABLE) > 400
    builds: defaultdict[str, dict[str, bool]] = defaultdict(dict)
    for tool, kind, name in TABLE:
        builds[tool][name] = kind == "hash"
    mistaken, missed_alone, missed = [], [], []
    for names in builds.values():
        together = paths_of(names, None)
        for name, hashed in names.items():
            alone, beside = split(name).fingerprint, together[name][1]
            mistaken += [name] if (alone or beside) and not hashed else []
            missed_alone += [name] if hashed and not alone else []
            missed += [name] if hashed and not beside else []
    assert mistaken == []
    assert len(missed_alone) <= MISSED_ALONE, missed_alone
    assert len(missed) <= MISSED, missed


def by_siblings(*names: str) -> dict[str, str]:
    """Name -> logical path, of the fingerprints that only the siblings show."""
    return {name: parts.logical for name, (parts, _) in names_by_siblings({n: split(n) for n in names}).items()}


@pytest.mark.parametrize(
    "names",
    [
        ["app.c8d38f.js", "cart.9748f0.js", "tea.2b9e83.css"],
        ["mySprite-dfs3e1.png", "hero-aw3dsf.png", "coin-Zk9f2Q@0.5x.png", "bg-skt5sQ.png"],
        ["app.06631e8.min.js", "cart.39d002b.min.js", "tea.2ba83fc.min.js", "home.c06f1e8.min.js", "index.html"],
    ],
    ids=["webpack [hash:6]", "AssetPack", "seven characters"],
)
def test_short_fingerprints_are_recognised_beside_each_other(names: list[str]) -> None:
    """Alone each of them might be a colour, a model or a year."""
    assert not any(split(name).fingerprint for name in names)
    assert len(by_siblings(*names)) == sum(not name.endswith(".html") for name in names)


def test_a_fingerprint_that_reads_like_words_is_recognised_in_code_beside_others() -> None:
    """But never in a picture or a font, which may lie there under its own name."""
    others = [f"assets/{name}.js" for name in ("app-D4k_x7Qz", "cart-BxY_1z9Q", "tea-CHdo91hT", "home-Cq3VwXa7")]
    assert by_siblings(*others, "assets/index-DiwrgTda.css") == {"assets/index-DiwrgTda.css": "assets/index.css"}
    assert by_siblings(*others, "assets/logo-DarkMode.svg", "assets/Inter-SemiBold.woff2") == {}
    assert by_siblings(*others, "assets/form-Settings.js", "assets/form-settings.js") == {}


@pytest.mark.parametrize(
    "names",
    [
        ["theme-2196f3.css", "theme-ff5722.css", "theme-4caf50.css", "theme-9c27b0.css"],
        ["maths-fa2023.pdf", "physics-fa2023.pdf", "art-fa2023.pdf", "law-sp2024.pdf"],
        ["chair-ab1234.jpg", "table-cd5678.jpg", "lamp-ef9012.jpg", "sofa-ab7711.jpg"],
        ["a-20240115.jpg", "b-20240116.jpg", "c-20240117.jpg"],
        ["Inter-SemiBold.woff2", "Lato-DemiBold.woff2", "Roboto-MediumIt.woff2", "Univers-BlkCnObl.woff2"],
        ["ikona-WyszukajK.svg", "menu-ZamknijOk.svg", "pole-DodajNowe.svg"],
        ["noble-ed25519.js", "noble-secp256k1.js", "noble-bls12381.js"],
        ["app.3f9c2a.js", "cart.12bcd3.js"],
        ["app.3f9c2a.js", "cart.12bcd3.js", "tea.a98b7c.js", "a.html", "b.html", "c.html"],
    ],
    ids=[
        "one name",
        "one token",
        "letters and digits in one order",
        "dates",
        "fonts",
        "words",
        "other lengths",
        "two files",
        "not the most",
    ],
)
def test_what_people_call_their_files_is_plain_beside_its_like(names: list[str]) -> None:
    assert by_siblings(*names) == {}


def test_the_convention_says_how_many_files_follow_it() -> None:
    names = {name: split(name) for name in ("js/app.c8d38f.js", "js/cart.9748f0.js", "js/tea.2b9e83.js", "js/a.js")}
    _, convention = names_by_siblings(names)["js/app.c8d38f.js"]
    assert str(convention) == "3 of 4 files in 'js/' have 6 such characters after '.'"


def test_a_large_folder_takes_a_moment() -> None:
    names = {f"img/photo-of-some-thing-{number}.jpg": Name("", None) for number in range(30_000)}
    began = time.process_time()
    assert names_by_siblings(names) == {}
    assert time.process_time() - began < SECONDS
