"""The uploader as a library, as a program outside of it uses it."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import pytest

import uploader as library
from examples.embedded_aws import REGION
from tests.paths import ROOT
from uploader import (
    BuildOptions,
    File,
    Site,
    UploaderError,
    UsageError,
    activate,
    diagnose,
    drop,
    pin,
    publish,
    releases,
    rollback,
    run,
    status,
    unpin,
    verify,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]

BUILD = {"app-3f9c2ab1.js": "let a = 1;\n" * 50, "app-3f9c2ab1.js.map": "{}", "index.html": "x"}


@pytest.fixture
def site(uploader: Uploader, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return Site(bucket=uploader.bucket, region=REGION, endpoint_url=uploader.aws.url)


def test_the_example_of_the_documentation_runs(
    uploader: Uploader, site: Site, site_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "library.md").read_text(), re.DOTALL)
    monkeypatch.chdir(site_folder("dist", BUILD).parent)
    monkeypatch.setenv("AWS_ENDPOINT_URL", uploader.aws.url)
    names: dict[str, object] = {}
    exec(code.replace("my-assets", uploader.bucket).replace("eu-west-1", REGION), names)  # noqa: S102 (our own page)
    found = [key for key in uploader.keys() if not key.startswith("web/.releases/")]
    assert found == ["web/app-3f9c2ab1.js", "web/index.html"]
    head = uploader.aws.client("s3").head_object(Bucket=site.bucket, Key="web/app-3f9c2ab1.js")
    assert head["ContentEncoding"] == "gzip"


def test_it_says_what_was_done(site: Site, site_folder: Folder) -> None:
    folder = site_folder("dist", BUILD)
    first = publish(folder, site, release="r1")
    assert first.key == f"assets/.releases/markers/{first.id}.json"
    assert {each.asset.key: each.reason for each in first.uploads} == {f"assets/{name}": "new" for name in BUILD}
    again = publish(str(folder), site, release="r2")
    assert (again.uploads, len(again.unchanged), again.bytes_uploaded) == ((), 3, 0)


def test_a_release_is_staged_and_then_made_current_or_dropped(
    uploader: Uploader, site: Site, site_folder: Folder
) -> None:
    staged = publish(site_folder("dist", BUILD), site, stage=True, release="r1")
    assert staged.key in uploader.keys()
    activate(staged.id, site)
    assert f"assets/.releases/markers/{staged.id}.json" in uploader.keys()
    other = publish(site_folder("dist", BUILD), site, stage=True, release="r2")
    drop(other.id, site)
    assert other.key not in uploader.keys()


def roll_out_that(outcome: object) -> Callable[[object], bool]:
    """A roll-out that succeeds, fails, or raises."""

    def roll_out(_: object) -> bool:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome == "succeeds"

    return roll_out


def test_a_roll_out_that_succeeds_makes_its_release_current(
    uploader: Uploader, site: Site, site_folder: Folder
) -> None:
    done = run(BuildOptions(directory=site_folder("dist", BUILD), release="r1"), site, roll_out_that("succeeds"))
    assert done.marker == f"assets/.releases/markers/{done.published.id}.json"
    assert done.marker in uploader.keys()


@pytest.mark.parametrize("outcome", ["fails", OSError("no web server"), KeyboardInterrupt()])
def test_a_roll_out_that_fails_drops_its_release(
    uploader: Uploader, site: Site, site_folder: Folder, outcome: object
) -> None:
    build = BuildOptions(directory=site_folder("dist", BUILD), release="r1")
    if isinstance(outcome, BaseException):
        with pytest.raises(type(outcome)):
            run(build, site, roll_out_that(outcome))
    else:
        done = run(build, site, roll_out_that(outcome))
        assert (done.marker, done.dropped) == (None, True)
    assert [key for key in uploader.keys() if "/staged/" in key or "/markers/" in key] == []


def test_what_a_person_can_look_at_a_program_can_too(site: Site, site_folder: Folder) -> None:
    first = publish(site_folder("dist", BUILD), site, release="r1")
    second = publish(site_folder("next", {**BUILD, "app-1b2c3d4e.js": "2"}), site, release="r2")
    assert [(each.id, each.standing) for each in releases(site)] == [(second.id, "current"), (first.id, "earlier")]
    assert list(status(site).current.releases) == ["default"]
    assert verify(site).findings == ()
    assert {each.check for each in diagnose(site)} >= {"bucket", "list", "read"}


def test_a_release_is_pinned_and_rolled_back_to(uploader: Uploader, site: Site, site_folder: Folder) -> None:
    files = {"app-3f9c2ab1.js": "1"}
    first = publish(site_folder("dist", files), site, release="r1")
    publish(site_folder("next", {"app-1b2c3d4e.js": "2"}), site, release="r2")
    assert pin("r1", site).key in uploader.keys()
    assert rollback(None, site, previous=True, dry_run=True).release_id is None
    back = rollback("r1", site)
    assert (back.target.old.id, status(site).current.releases["default"].id) == (first.id, back.release_id)
    assert unpin("r1", site) == first.id


def test_a_roll_back_is_to_one_release(site: Site) -> None:
    with pytest.raises(UsageError, match="name either RELEASE"):
        rollback(None, site)
    with pytest.raises(UsageError, match="name either RELEASE"):
        rollback("r1", site, previous=True)


def test_a_site_finds_its_credentials_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    before = site.access
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    assert site.access is before
    assert dataclasses.replace(site).access.keys != before.keys


def test_a_dry_run_writes_nothing(uploader: Uploader, site: Site, site_folder: Folder) -> None:
    assert len(publish(site_folder("dist", BUILD), site, dry_run=True).uploads) == 3
    assert uploader.keys() == []


def test_a_collector_is_the_function_itself(uploader: Uploader, site: Site, site_folder: Folder) -> None:
    def one(directory: Path) -> Iterable[File]:
        return [File(path=str(directory / "index.html"), name="pages/start.html")]

    publish(site_folder("dist", BUILD), site, collector=one)
    assert [key for key in uploader.keys() if ".releases" not in key] == ["assets/pages/start.html"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channel": "no channel"}, "channel 'no channel': use up to 64 letters"),
        ({"release": "../r1"}, r"release '../r1': use up to 64 letters"),
        ({"fingerprint_pattern": "("}, "fingerprint pattern '\\(' is not a regular expression"),
        ({"rules": [{"match": "*.js", "cache_contro": "no"}]}, "cache_control"),
        ({"sse": "none"}, "sse"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    uploader: Uploader, site_folder: Folder, site: Site, options: dict[str, object], message: str
) -> None:
    where = Site(
        bucket=site.bucket, region=REGION, endpoint_url=site.endpoint_url, sse=str(options.pop("sse", "")) or None
    )
    with pytest.raises(UsageError, match=message):
        publish(site_folder("dist", BUILD), where, **options)  # type: ignore[arg-type]
    assert uploader.keys() == []


def test_a_prefix_that_cannot_be_is_refused(site: Site, site_folder: Folder) -> None:
    with pytest.raises(UsageError, match="must end with a slash"):
        publish(site_folder("dist", BUILD), Site(bucket=site.bucket, prefix="web"))


def test_a_failure_is_one_line(site: Site, site_folder: Folder) -> None:
    with pytest.raises(UploaderError, match="bucket 'not-there' does not exist"):
        publish(site_folder("dist", BUILD), Site(bucket="not-there", region=REGION, endpoint_url=site.endpoint_url))


def test_it_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'upload_everything'"):
        library.upload_everything  # noqa: B018
