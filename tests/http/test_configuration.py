"""A project with a configuration: the build step is one line without an option."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader


@pytest.fixture
def project(
    uploader: Uploader, site_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A project with its settings in a file: a bucket that does not exist, and in production one that does."""
    site_folder("dist", {"app-3f9c2ab1.js": "app", "index.html": "home"})
    (tmp_path / "uploader.toml").write_text(
        'directory = "dist"\nbucket = "nobodys"\nprefix = "web/"\nrelease = "r1"\n'
        f'[environments.production]\nbucket = "{uploader.bucket}"\nchannel = "production"\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("project")
def test_without_an_argument_it_is_the_whole_build_step(uploader: Uploader) -> None:
    done = uploader.run(UPLOADER_ENV="production")
    assert done.returncode == 0, done.stderr
    keys = uploader.keys()
    assert {"web/app-3f9c2ab1.js", "web/index.html"} < set(keys)
    (marker,) = [key for key in keys if key.startswith("web/.releases/markers/")]
    body = uploader.aws.client("s3").get_object(Bucket=uploader.bucket, Key=marker)["Body"].read()
    assert json.loads(body)["channel"] == "production"


@pytest.mark.usefixtures("project")
def test_the_next_command_that_is_shown_names_the_same_site(uploader: Uploader) -> None:
    """Also where the file has another prefix: the pasted command still means the same site."""
    done = uploader.run("upload", "--stage", "--prefix", "assets/", "--env", "production")
    assert done.returncode == 0, done.stderr
    shown = done.stdout.rpartition("python -m uploader ")[2].split()
    activated = uploader.run(*shown)
    assert activated.returncode == 0, activated.stderr
    assert any(key.startswith("assets/.releases/markers/") for key in uploader.keys())


def test_print_config_asks_aws_nothing(uploader: Uploader, project: Path) -> None:
    """It needs neither the bucket's place nor our identity: here are no credentials, and no server."""
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    (project / "dist" / "app-3f9c2ab1.js").unlink()
    printed = uploader.run("--print-config", "--json", **nowhere)
    assert printed.returncode == 0, printed.stderr
    assert json.loads(printed.stdout)["settings"]["bucket"]["value"] == "nobodys"
    assert uploader.keys() == []


@pytest.mark.scenario("T19a")
@pytest.mark.usefixtures("project")
def test_the_environment_beats_the_file_and_a_flag_beats_both(uploader: Uploader) -> None:
    done = uploader.run("--channel", "flag", "--json", UPLOADER_BUCKET=uploader.bucket, UPLOADER_CHANNEL="variable")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["bucket"], document["channel"], document["prefix"]) == (uploader.bucket, "flag", "web/")


@pytest.mark.scenario("T15")
@pytest.mark.parametrize(
    ("toml", "words", "said"),
    [
        ("bucket = my-assets", [], "uploader.toml"),
        ('bukcet = "my-assets"', [], "unknown key 'bukcet' (its value is 'my-assets'): did you mean 'bucket'?"),
        ('[[rules]]\nmatch = "*.js"\ncache_contro = "no-cache"', [], "did you mean 'cache_control'?"),
        ("", ["--config", "missing.toml"], "missing.toml: no such file: check --config"),
    ],
    ids=["no TOML", "unknown key", "unknown setting of a rule", "missing"],
)
def test_a_configuration_that_is_missing_or_not_valid_is_one_line_and_nothing_is_written(
    uploader: Uploader, project: Path, toml: str, words: list[str], said: str
) -> None:
    (project / "uploader.toml").write_text(toml)
    done = uploader.run("dist", "--bucket", uploader.bucket, *words)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert said in done.stderr
    assert uploader.keys() == []
