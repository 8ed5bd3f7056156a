"""The objects that ``python -m uploader`` leaves in the bucket."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import pytest

from release_log.marker import decode
from uploader.s3.pages import Pages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release_log.layout import Layout
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]

BUILD = {"app-3f9c2ab1.js": "one", "img/logo-dark.png": "png", "index.html": "<html>"}


@pytest.mark.scenario("T14", "L21")
def test_the_marker_lists_every_file_and_the_intent_is_gone(
    uploader: Uploader, site_folder: Folder, layout: Layout
) -> None:
    """After an upload: the assets, one marker that validates, and nothing else."""
    document = uploader.upload(site_folder("a", BUILD), "--release", "r1", "--channel", "staging")
    assert uploader.keys() == sorted([f"assets/{name}" for name in BUILD] + [document["marker"]])
    body = uploader.aws.client("s3").get_object(Bucket=uploader.bucket, Key=document["marker"])["Body"].read()
    release = decode(body, "assets/")
    assert (release.release, release.channel) == ("r1", "staging")
    assert document["marker"] == layout.marker_key(document["release"])
    assert {logical: asset.key for logical, asset in release.assets.items()} == {
        "assets/app.js": "assets/app-3f9c2ab1.js",
        "assets/img/logo-dark.png": "assets/img/logo-dark.png",
        "assets/index.html": "assets/index.html",
    }


@pytest.mark.scenario("T12")
@pytest.mark.parametrize(
    ("name", "content_type", "cache"),
    [
        ("app-3f9c2ab1.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("app-3f9c2ab1.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
        ("index.html", "text/html; charset=utf-8", "no-cache"),
        ("logo-dark.png", "image/png", "no-cache"),
        ("font-3f9c2ab1.woff2", "font/woff2", "public, max-age=31536000, immutable"),
        ("app-3f9c2ab1.js.map", "application/json", "public, max-age=31536000, immutable"),
        ("unknown.zzz", "application/octet-stream", "no-cache"),
    ],
)
def test_headers(uploader: Uploader, site_folder: Folder, name: str, content_type: str, cache: str) -> None:
    """Types with a charset for text; a year for fingerprinted files, and ``no-cache`` for the rest."""
    uploader.upload(site_folder("a", {name: "x"}))
    head = uploader.aws.client("s3").head_object(Bucket=uploader.bucket, Key=f"assets/{name}", ChecksumMode="ENABLED")
    assert (head["ContentType"], head["CacheControl"]) == (content_type, cache)
    assert head["ChecksumCRC64NVME"], "each body goes with a checksum that S3 verifies"


@pytest.mark.scenario("A4")
def test_pages_and_fingerprinted_files_have_headers_of_their_own_in_one_run(
    uploader: Uploader, site_folder: Folder, tmp_path: Path
) -> None:
    """Without a rule; and with a rule, for the pages that it matches."""
    rules = tmp_path / "uploader.toml"
    rules.write_text('[[rules]]\nmatch = "/account/**"\ncache_control = "private, no-store"\n')
    folder = site_folder("a", {"app-3f9c2ab1.js": "x", "index.html": "x", "account/index.html": "x"})
    uploader.upload(folder, "--config", rules)
    s3 = uploader.aws.client("s3")
    assert {
        key: s3.head_object(Bucket=uploader.bucket, Key=f"assets/{key}")["CacheControl"]
        for key in ("app-3f9c2ab1.js", "index.html", "account/index.html")
    } == {
        "app-3f9c2ab1.js": "public, max-age=31536000, immutable",
        "index.html": "no-cache",
        "account/index.html": "private, no-store",
    }


@pytest.mark.scenario("T1", "T21", "L32")
def test_only_what_changed_is_sent_each_with_its_reason(uploader: Uploader, site_folder: Folder) -> None:
    """Unchanged files stay; a page with other content of the same size is noticed; a second run sends nothing."""
    uploader.upload(site_folder("a", BUILD))
    again = uploader.upload(site_folder("a", BUILD))
    assert again["counts"] == {"uploaded": 0, "unchanged": 3}
    changed = {"app-4a1b2c3d.js": "two", "img/logo-dark.png": "longer", "index.html": "<HTML>"}
    document = uploader.upload(site_folder("b", changed))
    assert {entry["key"]: entry["reason"] for entry in document["uploaded"]} == {
        "assets/app-4a1b2c3d.js": "new",
        "assets/img/logo-dark.png": "size_differs",
        "assets/index.html": "content_differs",
    }


@pytest.mark.scenario("L29")
def test_an_object_with_other_headers_is_sent_again(uploader: Uploader, site_folder: Folder) -> None:
    """The upload corrects a page that somebody stored by hand with other headers."""
    uploader.upload(site_folder("a", {"index.html": "x"}))
    s3 = uploader.aws.client("s3")
    head = s3.head_object(Bucket=uploader.bucket, Key="assets/index.html")
    s3.put_object(
        Bucket=uploader.bucket, Key="assets/index.html", Body=b"x", Metadata={**head["Metadata"], "headers": "other"}
    )
    again = uploader.upload(site_folder("a", {"index.html": "x"}))
    assert (again["uploaded"], [page["reason"] for page in again["placed"]]) == ([], ["headers_differ"])


@pytest.mark.scenario("T19c", "L17")
def test_a_dry_run_says_what_it_would_send_and_writes_nothing(uploader: Uploader, site_folder: Folder) -> None:
    """It does not even write an intent."""
    document = uploader.upload(site_folder("a", BUILD), "--dry-run")
    assert document["dry_run"] is True
    assert document["counts"] == {"uploaded": 3, "unchanged": 0}
    assert uploader.keys() == []


def test_names_that_urls_and_shells_find_hard_arrive_as_they_are(uploader: Uploader, site_folder: Folder) -> None:
    """Next.js's brackets, spaces, percent signs, and letters of every script."""
    names = ["[slug]-3f9c2ab1.js", "a b.txt", "100%25.txt", "ä/日本.txt", "x#y?z.txt", "runtime~main.js", "+plus&.txt"]
    uploader.upload(site_folder("a", dict.fromkeys(names, "x")))
    assert [key for key in uploader.keys() if ".releases" not in key] == sorted(f"assets/{name}" for name in names)


def test_a_large_file_goes_by_multipart_and_arrives_whole(uploader: Uploader, tmp_path: Path) -> None:
    """More than one part, same bytes."""
    (tmp_path / "big").mkdir()
    body = bytes(range(256)) * 80_000
    (tmp_path / "big" / "movie-3f9c2ab1.mp4").write_bytes(body)
    uploader.upload(tmp_path / "big")
    s3 = uploader.aws.client("s3")
    answer = s3.get_object(Bucket=uploader.bucket, Key="assets/movie-3f9c2ab1.mp4")
    assert answer["Body"].read() == body
    assert "-" in answer["ETag"], "it went in parts"


@pytest.mark.scenario("T19a")
def test_every_option_is_an_environment_variable_too(uploader: Uploader, site_folder: Folder) -> None:
    """A build job sets them once; the command line beats them."""
    folder = site_folder("a", {"app.abc": "x"})
    answer = uploader.run(
        UPLOADER_DIRECTORY=str(folder),
        UPLOADER_BUCKET=uploader.bucket,
        UPLOADER_PREFIX="web/",
        UPLOADER_CHANNEL="blue",
        UPLOADER_RELEASE="from-environment",
        UPLOADER_FINGERPRINT_PATTERN=r"\.(?P<fingerprint>abc)$",
        UPLOADER_JSON="true",
        UPLOADER_CONCURRENCY="3",
    )
    assert answer.returncode == 0, answer.stderr
    document = json.loads(answer.stdout)
    assert (document["prefix"], document["channel"]) == ("web/", "blue")
    assert document["release"].endswith("-from-environment")
    assert document["uploaded"][0]["fingerprinted"] is True


def test_the_release_is_named_by_the_ci_system(uploader: Uploader, site_folder: Folder) -> None:
    """GitHub's commit, shortened as git shortens it."""
    answer = uploader.run(site_folder("a", BUILD), "--bucket", uploader.bucket, GITHUB_SHA="3f9c2ab1" * 5)
    assert answer.returncode == 0, answer.stderr
    assert "-3f9c2ab to s3://" in answer.stdout


def test_json_is_one_document_and_logs_go_to_standard_error(uploader: Uploader, site_folder: Folder) -> None:
    """``--json -v`` can be piped."""
    answer = uploader.run("upload", site_folder("a", BUILD), "--bucket", uploader.bucket, "--json", "-v")
    assert len(answer.stdout.splitlines()) == 1
    assert json.loads(answer.stdout)["counts"]["uploaded"] == len(BUILD)
    assert "new: assets/index.html" in answer.stderr
    quiet = uploader.run("upload", site_folder("a", BUILD), "--bucket", uploader.bucket, "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


@pytest.mark.scenario("T6")
def test_two_chunks_with_one_name_stand_each_for_itself(uploader: Uploader, site_folder: Folder) -> None:
    """Vite names every ``index.js`` alike: neither is the other's next version."""
    document = uploader.upload(site_folder("a", {"index-3f9c2ab1.js": "1", "index-4a1b2c3d.js": "2"}))
    assert {entry["logical"] for entry in document["uploaded"]} == {
        "assets/index-3f9c2ab1.js",
        "assets/index-4a1b2c3d.js",
    }
    assert all(entry["fingerprinted"] for entry in document["uploaded"])


def test_an_upload_that_starts_in_the_second_of_another_gets_an_id_of_its_own(
    uploader: Uploader, site_folder: Folder
) -> None:
    """Two build jobs for one commit: both are published, under two ids or with one body."""
    folders = [site_folder(str(number), {"index.html": f"page {number}"}) for number in range(3)]
    arguments = ["--bucket", uploader.bucket, "--release", "same"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "uploader", str(folder), *arguments],
            env=uploader.aws.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder in folders
    ]
    for process in processes:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    markers = [key for key in uploader.keys() if "/markers/" in key]
    assert len(markers) == 3
    assert not [key for key in uploader.keys() if "/pending/" in key]


def read_all(controller: int) -> str:
    """What was shown on a terminal whose other end is closed; one read may return a part of it."""
    shown = b""
    with suppress(OSError):  # Linux says so at the end
        while part := os.read(controller, 65536):
            shown += part
    return shown.decode()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_progress_bar_is_shown_on_a_terminal_only(uploader: Uploader, site_folder: Folder, *, terminal: bool) -> None:
    """On standard error; standard output has the one summary line, and no control codes, either way."""
    controller, terminal_end = pty.openpty()
    with open(terminal_end, "wb") as shown:  # noqa: PTH123 (a descriptor, not a path)
        answer = subprocess.run(
            [sys.executable, "-m", "uploader", str(site_folder("a", BUILD)), "--bucket", uploader.bucket],
            env=uploader.aws.environment(TERM="xterm-256color"),
            stdout=subprocess.PIPE,
            stderr=shown if terminal else subprocess.PIPE,
            text=True,
            check=True,
        )
    said = read_all(controller) if terminal else answer.stderr
    os.close(controller)
    assert ("3/3 files" in said) == terminal
    assert answer.stdout.startswith("released ")
    assert len(answer.stdout.splitlines()) == 1
    assert "\x1b" not in answer.stdout


SAME_NAME = [
    "theme-2196f3.css",
    "js/precache-manifest.3f9c2ab14d5e6f70.js",
    ".sprockets-manifest-3f9c2ab14d5e6f70.json",
]


@pytest.mark.parametrize("changed", SAME_NAME)
def test_a_fingerprinted_file_that_changed_under_its_name_is_sent(
    uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path], changed: str
) -> None:
    """Both builds lie there from the beginning, so no time of a file tells; later the same build sends nothing."""
    files = dict.fromkeys([*SAME_NAME, "app-3f9c2ab1.js"], '{"a": "one"}')
    first, second = site_folder("one", files), site_folder("two", {**files, changed: '{"a": "two"}'})
    uploader.upload(first)
    sent = uploader.upload(second)
    assert [(each["key"], each["reason"]) for each in sent["uploaded"]] == [(f"assets/{changed}", "content_differs")]
    stored = uploader.aws.client("s3").get_object(Bucket=uploader.bucket, Key=f"assets/{changed}")
    assert stored["Body"].read() == b'{"a": "two"}'
    assert uploader.upload(second)["uploaded"] == []


def test_a_name_that_an_earlier_uploader_took_for_fingerprinted_is_stored_as_plain_once(
    uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path]
) -> None:
    """The pattern stands for that uploader's rule. The key stays the same, and browsers ask again from then on."""
    build = site_folder("one", {"theme-2196f3.css": "blue", "app-3f9c2ab1.js": "app"})
    uploader.upload(build, "--fingerprint-pattern", "-(?P<fingerprint>[0-9a-f]{6,8})[.]")
    key = "assets/theme-2196f3.css"
    sent = uploader.upload(build)
    assert [(each["key"], each["reason"]) for each in sent["uploaded"]] == [(key, "headers_differ")]
    assert uploader.aws.client("s3").head_object(Bucket=uploader.bucket, Key=key)["CacheControl"] == "no-cache"
    assert uploader.upload(build)["uploaded"] == []


@pytest.mark.parametrize(
    "names",
    [[".vite/manifest.js", "assets/app-3f9c2ab1.js"], ["assets/app-3f9c2ab1.js", "index.html"], ["a/b/c.js"], ["a"]],
)
def test_a_build_of_any_shape_is_listed_without_boto3(
    uploader: Uploader, site_folder: Folder, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    """Which takes a quarter of a second to load, and is there for keys that obstore cannot hold."""

    def refuse(*_: object) -> NoReturn:
        pytest.fail("boto3 was asked for a page")

    monkeypatch.setattr(Pages, "_raw", refuse)
    folder = site_folder("a", dict.fromkeys(names, "1"))
    for unchanged in (0, len(names)):
        assert uploader.upload(folder)["counts"]["unchanged"] == unchanged
