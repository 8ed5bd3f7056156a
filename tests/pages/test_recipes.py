"""``docs/recipes.md``: each recipe is run twice, with a build and with the next one, and then the cleaner comes."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pytest

from asset_cleaner_cdk.settings.stack import settings_from
from examples.installation import wait
from release_log.layout import Layout
from tests.builds.listing import listed, rebuild
from tests.http.in_process import no_sleep, run_here
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Cleaner = Callable[..., dict[str, Any]]
    Build = Callable[[str, Path], set[str]]

PAGE = (ROOT / "docs" / "recipes.md").read_text()
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
PROPSHAFT = ROOT / "tests" / "builds" / "handwritten" / "propshaft"
MANIFEST = ".sprockets-manifest-*.json"
BUILD_TOOLS = ("npm", "npx", "bin/rails", "python manage.py")
AT_ONCE = {"grace": 0, "version_limit": 0, "version_ttl": 0, "removed_ttl": 0, "max_delete_fraction": 1}


def commands(recipe: str) -> list[str]:
    """The commands of a recipe, in their order."""
    return re.findall(r"^ *\$ (.+)$", SECTIONS[recipe], re.MULTILINE)


class Job:
    """A recipe in a folder of its own, as a build job runs it."""

    def __init__(self, recipe: str, folder: Path, uploader: Uploader) -> None:
        self.folder, self.uploader = folder, uploader
        (stack,) = (line for line in commands(recipe) if line.startswith("cdk "))
        given = dict(word.split("=", 1) for word in shlex.split(stack) if "=" in word)
        (site,) = settings_from(given).sites
        self.prefix = site.prefix
        self.lines = [line for line in commands(recipe) if not line.startswith("cdk ")]
        (folder / "roll-out.sh").write_text('#!/bin/sh\necho "$UPLOADER_RELEASE_ID" >>rolled-out\n')
        (folder / "roll-out.sh").chmod(0o755)

    def run(self, *lines: str, version: str = "v1", sleep: Callable[[float], None] | None = None) -> None:
        """Run some commands of the uploader, each of which must succeed; ``sleep`` as in `run_here`."""
        for line in lines:
            words = shlex.split(line)[3:]
            words = [self.uploader.bucket if word == "my-assets" else word for word in words]
            answer = run_here(words, self.uploader.aws.environment(UPLOADER_RELEASE=version), sleep)
            assert answer.returncode == 0, (line, answer.stderr)

    def keys(self) -> set[str]:
        """The assets in the bucket."""
        return {key for key in self.uploader.keys() if "/.releases/" not in f"/{key}"}

    def clean(self, cleaner: Cleaner, patch: pytest.MonkeyPatch, **payload: object) -> None:
        """Let the cleaner come, until nothing is due."""
        sites = [{"bucket": self.uploader.bucket, "prefix": self.prefix, "policy": AT_ONCE}]
        patch.setenv("SITES", json.dumps(sites))
        wait(lambda: cleaner(**payload), lambda done: not (done["stopped_by"] or done["next_due"]), "not done", 60)


def of_tool(tool: str, part: str = "") -> Build:
    """The real output of a tool, or a folder of it, in a folder that was emptied before."""

    def build(version: str, out: Path) -> set[str]:
        shutil.rmtree(out, ignore_errors=True)
        whole = rebuild(tool, version, out.with_name(f"{tool}-{version}"))
        shutil.copytree(whole / part, out)
        return {name.removeprefix(part) for name in listed(tool, version) if name.startswith(part)}

    return build


def django(version: str, out: Path) -> set[str]:
    """Django's output, over that of the last build."""
    rebuild("django", version, out)
    return set(listed("django", version))


def sprockets(version: str, out: Path) -> set[str]:
    """Sprockets' output, over that of the last build, whose manifest it updates."""
    before = [path.name for path in out.glob(MANIFEST)]
    rebuild("sprockets", version, out)
    files = set(listed("sprockets", version))
    if before:
        (new,) = (name for name in files if PurePath(name).match(MANIFEST))
        (out / new).replace(out / before[0])
        files = files - {new} | set(before)
    return files


def propshaft(version: str, out: Path) -> set[str]:
    """Propshaft's output: in the second one, a script has changed."""
    old, new = "app-1b2c3d4e.js", "app-9f8e7d6c.js"
    shutil.copytree(PROPSHAFT, out, dirs_exist_ok=True)
    if version == "v2":
        shutil.copy(out / old, out / new)
        (out / ".manifest.json").write_text((out / ".manifest.json").read_text().replace(old, new))
    files = {path.relative_to(PROPSHAFT).as_posix() for path in PROPSHAFT.rglob("*.*")}
    return files - {old} | {new} if version == "v2" else files


@pytest.fixture
def job(tmp_path: Path, uploader: Uploader, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Job]:
    monkeypatch.chdir(tmp_path)
    return lambda recipe: Job(recipe, tmp_path, uploader)


def test_every_recipe_is_run() -> None:
    assert [*SECTIONS] == [
        "A preview for each pull request",
        "Rails",
        "A Vite app with its pages in the bucket",
        "Next.js, standalone",
        "Django",
        "A monorepo with ten sites",
    ]


@pytest.mark.parametrize(
    ("recipe", "out", "build"),
    [
        pytest.param("Rails", "public/assets", sprockets, id="sprockets"),
        pytest.param("Rails", "public/assets", propshaft, id="propshaft"),
        pytest.param("Next.js, standalone", ".next/static", of_tool("nextjs", "_next/static/"), id="nextjs"),
        pytest.param("Django", "staticfiles", django, id="django"),
    ],
)
def test_servers_are_rolled_out_and_then_only_the_new_assets_stay(
    recipe: str,
    out: str,
    build: Build,
    job: Callable[[str], Job],
    cleaner: Cleaner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = job(recipe)
    tool, publish = here.lines
    assert tool.startswith(BUILD_TOOLS)
    old = build("v1", here.folder / out)
    here.run(publish, sleep=no_sleep)
    assert here.keys() == {here.prefix + name for name in old}
    new = build("v2", here.folder / out)
    here.run(publish, version="v2", sleep=no_sleep)
    assert here.keys() == {here.prefix + name for name in old | new}, "while pages of both versions are open"
    assert len((here.folder / "rolled-out").read_text().splitlines()) == 2
    here.clean(cleaner, monkeypatch)
    assert here.keys() == {here.prefix + name for name in new}


def test_a_vite_app_comes_back_with_its_pages(
    job: Callable[[str], Job], cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = job("A Vite app with its pages in the bucket")
    tool, publish, back = here.lines
    assert tool.startswith(BUILD_TOOLS)
    assert here.prefix == ""
    s3 = here.uploader.aws.client("s3")

    def page() -> str:
        body = s3.get_object(Bucket=here.uploader.bucket, Key="index.html")["Body"].read()
        return str(body.decode())

    for version in ("v1", "v2"):
        files = of_tool("vite")(version, here.folder / "dist")
        (here.folder / "dist" / "index.html").write_text(version)
        here.run(publish, version=version)
        assert files <= here.keys()
        assert page() == version
    here.run(back)
    assert page() == "v1"
    here.clean(cleaner, monkeypatch)
    assert here.keys() == set(listed("vite", "v1"))


def test_a_preview_comes_and_goes_and_the_others_stay(
    job: Callable[[str], Job], cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = job("A preview for each pull request")
    tool, publish, end, sites = here.lines
    assert tool.startswith(BUILD_TOOLS)
    files = of_tool("vite")("v1", here.folder / "dist")
    for number in ("12", "13"):
        here.run(publish.replace("12", number))
        here.clean(cleaner, monkeypatch, site=f"previews/pr-{number}/")
    here.run(sites)
    here.run(end)

    def left() -> set[str]:
        cleaner(site="previews/pr-12/")
        return {key for key in here.uploader.every_key() if key.startswith("previews/pr-12/")}

    wait(left, lambda keys: keys == {Layout("previews/pr-12/").ledger}, "more is left than the ledger", 60)
    assert here.keys() == {f"previews/pr-13/{name}" for name in files}


def test_ten_sites_of_a_monorepo_are_published_and_each_rolls_back_alone(
    job: Callable[[str], Job], cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = job("A monorepo with ten sites")
    tool, publish, back, sites = here.lines
    assert tool.startswith(BUILD_TOOLS)
    apps = ["shop", *(f"app-{letter}" for letter in "bcdefghij")]
    for app in apps:
        (here.folder / "apps" / app / "dist").mkdir(parents=True)
        (here.folder / "apps" / app / "dist" / "app-3f9c2ab1.js").write_text(app)
    (each,) = re.findall(r"^for app in apps/\*; do (python .*) \|\| exit 1; done$", publish)
    here.run(*(each.replace("$app", f"apps/{app}") for app in apps))
    shop = here.folder / "apps" / "shop" / "dist"
    (shop / "app-3f9c2ab1.js").rename(shop / "app-4a1b2c3d.js")
    here.run(each.replace("$app", "apps/shop"), version="v2")
    here.run(back, sites)
    for app in apps[:2]:
        here.clean(cleaner, monkeypatch, site=f"apps/{app}/")
    assert here.keys() == {f"apps/{app}/app-3f9c2ab1.js" for app in apps}
