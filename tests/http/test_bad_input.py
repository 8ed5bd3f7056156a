"""Bad input gets one clear line that names the thing, the value and the remedy.

It also gets the right exit code, and nothing is written.
"""

from __future__ import annotations

import sys
import unicodedata
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from examples.embedded_aws import REGION
from tests.http.fault_proxy import anything
from tests.http.in_process import run_here
from uploader.aws.find_access import find_access
from uploader.builds.collect import collect
from uploader.errors import UploaderError
from uploader.publishing.build import Build
from uploader.publishing.publish import publish
from uploader.s3.open import connect, open_connected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader
    from tests.http.fault_proxy import FaultProxy

    Folder = Callable[[str, dict[str, str]], Path]


def refused(uploader: Uploader, code: int, words: str, *arguments: object, **environ: str) -> None:
    """Run the command; assert one line, the exit code, and an untouched bucket."""
    answer = uploader.run(*arguments, "--bucket", uploader.bucket, **environ)
    assert answer.returncode == code, answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1, answer.stderr
    assert words in answer.stderr
    assert answer.stdout == ""
    assert uploader.keys() == []


@pytest.mark.scenario("T16")
def test_no_such_directory(uploader: Uploader, tmp_path: Path) -> None:
    """The build did not run, or the folder is another one."""
    refused(uploader, 2, f"no such directory: '{tmp_path / 'dist'}'", tmp_path / "dist")


def test_a_file_instead_of_a_directory(uploader: Uploader, tmp_path: Path) -> None:
    """Only whole builds are published."""
    (tmp_path / "app.js").touch()
    refused(uploader, 2, "is not a directory", tmp_path / "app.js")


@pytest.mark.scenario("L8")
def test_empty_directory(uploader: Uploader, tmp_path: Path) -> None:
    """An empty release would retire the whole site."""
    refused(uploader, 2, "is empty", tmp_path)


@pytest.mark.scenario("T16")
@pytest.mark.parametrize(("directory", "words"), [("/", "root directory"), ("~", "home directory")])
def test_the_root_and_the_home_directory(uploader: Uploader, tmp_path: Path, directory: str, words: str) -> None:
    """They are certainly not a build."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret").touch()
    refused(uploader, 2, words, home if directory == "~" else directory, HOME=str(home))


@pytest.mark.scenario("T22b")
def test_unreadable_file(uploader: Uploader, site_folder: Folder) -> None:
    """It is found before any write; here it is a dangling link, which root cannot read either."""
    folder = site_folder("a", {"index.html": "x"})
    (folder / "broken.js").symlink_to(folder / "missing.js")
    words = f"'{folder / 'broken.js'}' is a link to '{folder / 'missing.js'}', which does not exist: remove the link"
    refused(uploader, 1, words, folder)


@pytest.mark.scenario("T22b")
def test_a_link_that_leads_into_itself(uploader: Uploader, site_folder: Folder) -> None:
    """Following it would never end."""
    folder = site_folder("a", {"index.html": "x"})
    (folder / "loop").symlink_to(folder)
    refused(uploader, 1, "is a link to a directory that contains the link", folder)


@pytest.mark.scenario("T6")
def test_two_files_with_one_key(uploader: Uploader, site_folder: Folder) -> None:
    """Two spellings of one name in Unicode: browsers and CDNs do not distinguish them."""
    name = "caf\u00e9.txt"
    folder = site_folder("a", {name: "1", unicodedata.normalize("NFD", name): "2"})
    refused(uploader, 1, "two files have the same key", folder)


@pytest.mark.scenario("T14", "L11")
@pytest.mark.parametrize(
    ("prefix", "words"),
    [("a/../b/", "'..'"), ("a//b/", "'//'"), ("assets", "must end with a slash"), ("/assets/", "begin with a slash")],
)
def test_bad_prefix(uploader: Uploader, site_folder: Folder, prefix: str, words: str) -> None:
    """URLs, S3 and IAM would read such a prefix differently."""
    refused(uploader, 2, words, site_folder("a", {"x": "x"}), "--prefix", prefix)


@pytest.mark.scenario("T15")
@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--fingerprint-pattern", "(", "is not a regular expression"),
        ("--fingerprint-pattern", "abc", "does not say which part"),
        ("--release", "feature/x", "'feature/x'"),
        ("--channel", "", "letters, digits"),
        ("--concurrency", "0", "1<=x<=512"),
        ("--endpoint-url", "localhost:1", "not a URL"),
        ("--profile", "nobody", "nobody"),
    ],
)
def test_bad_option(uploader: Uploader, site_folder: Folder, option: str, value: str, words: str) -> None:
    """Each message names the value."""
    refused(uploader, 2, words, site_folder("a", {"x": "x"}), option, value)


@pytest.mark.scenario("T16")
def test_no_bucket_named(uploader: Uploader, site_folder: Folder) -> None:
    """It is the one option without a default."""
    answer = uploader.run(site_folder("a", {"x": "x"}))
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    assert "--bucket" in answer.stderr


@pytest.mark.scenario("T22a")
def test_bucket_that_does_not_exist(uploader: Uploader, site_folder: Folder) -> None:
    """The answer is not a traceback about a missing key."""
    answer = uploader.run(site_folder("a", {"x": "x"}), "--bucket", "no-such-bucket")
    assert (answer.returncode, len(answer.stderr.splitlines())) == (1, 1)
    assert "bucket 'no-such-bucket' does not exist" in answer.stderr


def test_a_bucket_in_another_region(uploader: Uploader, site_folder: Folder) -> None:
    """S3's redirect has no Location, and obstore hides its header: so S3 is asked for the region."""
    remedy = f"bucket '{uploader.bucket}' is not in region eu-west-3: name its region: --region {REGION}"
    folder = site_folder("a", {"x": "x"})
    for command in (folder, "status"):
        refused(uploader, 1, remedy, command, "--region", "eu-west-3")


def test_a_clock_that_is_wrong(uploader: Uploader, site_folder: Folder, proxy: FaultProxy) -> None:
    """S3 says so by a 403, which is not a missing permission."""
    proxy.deny(anything, "RequestTimeTooSkewed")
    for command in (site_folder("a", {"x": "x"}), "status", "doctor"):
        refused(uploader, 1, "this machine's clock", command, AWS_ENDPOINT_URL=proxy.url)


def test_a_user_whom_the_machine_does_not_know(
    uploader: Uploader, site_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that runs as any number has no home directory."""
    environ = uploader.aws.environment()
    environ.pop("HOME", None)
    monkeypatch.setitem(sys.modules, "pwd", SimpleNamespace(getpwuid=_unknown))
    answer = run_here([site_folder("a", {"x": "x"}), "--bucket", uploader.bucket], environ)
    assert answer.returncode == 0, answer.stderr


def _unknown(uid: int) -> None:
    raise KeyError(uid)


def test_no_credentials(uploader: Uploader, site_folder: Folder, tmp_path: Path) -> None:
    """No source of boto3's chain has them."""
    refused(
        uploader,
        2,
        "no AWS credentials",
        site_folder("a", {"x": "x"}),
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
        HOME=str(tmp_path),
    )


def test_endpoint_down(uploader: Uploader, site_folder: Folder) -> None:
    """The network is down."""
    refused(
        uploader,
        1,
        "cannot reach http://127.0.0.1:9",
        site_folder("a", {"x": "x"}),
        "--endpoint-url",
        "http://127.0.0.1:9",
    )


@pytest.mark.scenario("T9")
def test_a_folder_named_as_the_release_log(uploader: Uploader, site_folder: Folder) -> None:
    """A build cannot write markers."""
    refused(uploader, 1, "release log", site_folder("a", {".releases/markers/x.json": "{}"}))


@pytest.mark.parametrize("change", ["written", "removed"])
def test_a_file_that_changes_or_vanishes_while_it_is_being_uploaded(
    uploader: Uploader, site_folder: Folder, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """There is neither a marker nor an intent: the live release is unchanged."""
    folder = site_folder("a", {"app-3f9c2ab1.js": "one", "index.html": "x"})
    for name, value in uploader.aws.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    bucket = open_connected(connect(find_access(uploader.bucket, region=None, profile=None, endpoint_url=None)), 4)
    build = Build(assets=collect(folder, "assets/"), prefix="assets/", channel="default", release="r")

    def meanwhile(_uploads: object) -> None:
        if change == "removed":
            (folder / "index.html").unlink()
        else:
            (folder / "index.html").write_text("y")

    with pytest.raises(UploaderError, match=r"index\.html.*let the build finish first.*upload again"):
        publish(bucket, build, started=meanwhile)
    assert not [key for key in uploader.keys() if ".releases" in key]
    assert "assets/index.html" not in uploader.keys()


@pytest.mark.parametrize("name", [".git/config", ".env.local", "certificates/server.pem", "out/logo.png"])
def test_private_files_are_refused_and_published_on_purpose(
    uploader: Uploader, site_folder: Folder, tmp_path: Path, name: str
) -> None:
    """By the option that the message names, or by the configuration."""
    folder = site_folder("a", {"index.html": "x", ".well-known/security.txt": "x", "a.js.map": "{}"})
    if name == "out/logo.png":
        (folder / "out").symlink_to(site_folder("b", {"logo.png": "x"}))
    else:
        site_folder("a", {name: "x"})
    refused(uploader, 2, "or publish them on purpose with --allow", folder)
    configuration = tmp_path / "uploader.toml"
    configuration.write_text(f'allow = ["/{name}"]')
    answer = uploader.run(folder, "--bucket", uploader.bucket, "--config", configuration)
    assert (answer.returncode, answer.stderr.count("source map")) == (0, 1)
    assert f"assets/{name}" in uploader.keys()
    assert "assets/.well-known/security.txt" in uploader.keys()


def test_a_bad_glob_for_private_files(uploader: Uploader, site_folder: Folder) -> None:
    """It is checked before anything is read."""
    refused(uploader, 2, "--allow: '!a' cannot begin with '!'", site_folder("a", {"x": "x"}), "--allow", "!a")
