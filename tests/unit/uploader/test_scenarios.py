"""Scenarios of `tests/SCENARIOS.md` that concern the uploader and no other test module."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from release_log.fingerprints import Name, split
from tests.fake_uploader_s3 import Clock, FakeBucket
from uploader.aws.find_access import find_access
from uploader.builds.collect import collect
from uploader.errors import UsageError
from uploader.publishing.build import Build
from uploader.publishing.compare import Reason
from uploader.publishing.publish import Published, publish
from uploader.treatment.headers import IMMUTABLE, NO_CACHE

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, files: dict[str, str]) -> Path:
    """A build with these files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def upload(bucket: FakeBucket, folder: Path) -> Published:
    """Publish what the folder holds now, a second after whatever was before."""
    bucket.clock.sleep(1)
    build = Build(assets=collect(folder, "assets/"), prefix="assets/", channel="default", release="r")
    return publish(bucket, build, clocks=bucket.clock.clocks())


FILES = {"app-3f9c2ab1.js": "app", "about.html": "about", "index.html": "index"}


@pytest.mark.scenario("T1", "T18", "L32")
def test_one_changed_file_is_sent_alone_with_its_reason(tmp_path: Path) -> None:
    bucket = FakeBucket(clock=Clock())
    folder = write(tmp_path, FILES)
    assert {each.reason for each in upload(bucket, folder).uploads} == {Reason.NEW}
    write(folder, {"about.html": "other"})
    published = upload(bucket, folder)
    assert [(each.asset.key, each.reason) for each in published.uploads] == [
        ("assets/about.html", Reason.CONTENT_DIFFERS)
    ]
    assert [asset.key for asset in published.unchanged] == ["assets/app-3f9c2ab1.js", "assets/index.html"]
    assert sum(request.startswith("put ") for request in bucket.requests) == len(FILES) + 1


@pytest.mark.scenario("L31")
def test_a_checkout_that_changes_every_files_time_sends_nothing(tmp_path: Path) -> None:
    """A build job checks out anew each time: what counts is the content."""
    bucket = FakeBucket(clock=Clock())
    folder = write(tmp_path, FILES)
    upload(bucket, folder)
    for name in FILES:
        os.utime(folder / name, (1, 1))
    published = upload(bucket, folder)
    assert published.uploads == ()
    assert len(published.unchanged) == len(FILES)


@pytest.mark.scenario("T22b")
def test_links_are_followed(tmp_path: Path) -> None:
    """A linked file, and the files of a linked folder, are part of the build like any other."""
    folder = write(tmp_path / "dist", {"index.html": "x", "shared/fonts/a.woff2": "font", "shared/logo.png": "png"})
    (folder / "fonts").symlink_to("shared/fonts")
    (folder / "logo.png").symlink_to(folder / "shared" / "logo.png")
    bucket = FakeBucket(clock=Clock())
    upload(bucket, folder)
    assert (bucket.objects["assets/fonts/a.woff2"], bucket.objects["assets/logo.png"]) == (b"font", b"png")


@pytest.mark.scenario("T7", "T11")
@pytest.mark.parametrize(
    ("name", "logical", "cache_control"),
    [
        ("0-815a195fa3db3d6ae17a.chunk.js", "0.chunk.js", IMMUTABLE),
        ("a-b-c-d-815a195fa3db3d6ae17a.js", "a-b-c-d.js", IMMUTABLE),
        ("runtime~x-815a195fa3db3d6ae17a.js.map", "runtime~x.js.map", IMMUTABLE),
        (f"icon-{'4ea5b1c7' * 8}.svg", "icon.svg", IMMUTABLE),
        ("app.zabcde.js", "app.zabcde.js", NO_CACHE),
        ("app.zabcde", "app.zabcde", NO_CACHE),
        ("app-3f9c2.js", "app-3f9c2.js", NO_CACHE),
    ],
)
def test_only_a_fingerprinted_name_is_cached_for_long(
    tmp_path: Path, name: str, logical: str, cache_control: str
) -> None:
    """A near miss, too short or with a letter that is not a hexadecimal digit, is asked for again each time."""
    (asset,) = collect(write(tmp_path, {name: "x"}), "assets/")
    assert (asset.logical, asset.treatment.headers.cache_control) == (f"assets/{logical}", cache_control)


@pytest.mark.scenario("L1")
def test_two_names_that_end_in_different_words_are_two_assets(tmp_path: Path) -> None:
    """Neither ``dark`` nor ``light`` is a fingerprint: the one logo is not an older version of the other."""
    names = ["logo-dark.png", "logo-light.png"]
    assert [split(name) for name in names] == [Name(name, None) for name in names]
    assets = collect(write(tmp_path, dict.fromkeys(names, "x")), "assets/")
    assert [asset.logical for asset in assets] == [f"assets/{name}" for name in names]


@pytest.mark.scenario("T19b")
def test_half_a_key_pair_is_wrong_usage_and_says_which_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not silently somebody else's credentials."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "half")
    with pytest.raises(UsageError, match="missing: AWS_SECRET_ACCESS_KEY") as refused:
        find_access("bucket", region="eu-west-1", profile=None, endpoint_url=None)
    assert "\n" not in str(refused.value)
