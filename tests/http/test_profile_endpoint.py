"""The S3 server that an AWS profile names, as boto3 finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from uploader.aws.find_access import find_access
from uploader.s3.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]

KEYS = "aws_access_key_id = test\naws_secret_access_key = test\nregion = us-east-1\n"
OTHER = "http://127.0.0.1:9"
CONFIGURATIONS = {
    "its own": "[profile p]\n{keys}endpoint_url = {url}\n",
    "its services": "[profile p]\n{keys}endpoint_url = {other}\nservices = local\n[services local]\ns3 =\n"
    "  endpoint_url = {url}\n",
}


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_a_profile_names_the_server(uploader: Uploader, site_folder: Folder, tmp_path: Path, kind: str) -> None:
    config = tmp_path / "config"
    config.write_text(CONFIGURATIONS[kind].format(keys=KEYS, url=uploader.aws.url, other=OTHER))
    environ = {"AWS_CONFIG_FILE": str(config), "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": ""}
    folder = site_folder("a", {"index.html": "x"})
    answer = uploader.run(folder, "--bucket", uploader.bucket, "--profile", "p", **environ)
    assert (answer.returncode, "assets/index.html" in uploader.keys()) == (0, True), answer.stderr
    answer = uploader.run(folder, "--bucket", uploader.bucket, "--profile", "p", "--endpoint-url", OTHER, **environ)
    assert (answer.returncode, OTHER in answer.stderr) == (1, True)


@pytest.mark.parametrize(
    ("line", "environ", "endpoint"),
    [
        ("endpoint_url = http://a:1", {}, "http://a:1"),
        ("endpoint_url = http://a:1", {"AWS_ENDPOINT_URL": "http://b:2"}, "http://b:2"),
        (
            "endpoint_url = http://a:1",
            {"AWS_ENDPOINT_URL": "http://b:2", "AWS_ENDPOINT_URL_S3": "http://c"},
            "http://c",
        ),
        ("endpoint_url = http://a:1", {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, None),
        ("endpoint_url = http://a\nignore_configured_endpoint_urls = true", {}, None),
        ("", {"AWS_ENDPOINT_URL": "http://b", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "TRUE"}, None),
        ("output = json", {}, None),
    ],
)
def test_the_environment_goes_before_the_default_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, environ: dict[str, str], endpoint: str | None
) -> None:
    """Also where the environment has the credentials, for which boto3 is not asked."""
    config = tmp_path / "config"
    config.write_text(f"[default]\n{line}\n")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "eu-west-1"}
    for name, value in {**keys, "AWS_CONFIG_FILE": str(config), **environ}.items():
        monkeypatch.setenv(name, value)
    found = find_access("site", region=None, profile=None, endpoint_url=None)
    assert (found.endpoint, found.region) == (endpoint, "eu-west-1")


def test_a_profiles_server_is_checked_as_any_other(uploader: Uploader, site_folder: Folder, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(f"[profile p]\n{KEYS}endpoint_url = http://me:sec-ret@h\n")
    environ = {"AWS_CONFIG_FILE": str(config), "AWS_ENDPOINT_URL": ""}
    answer = uploader.run(site_folder("a", {"x": "x"}), "--bucket", uploader.bucket, "--profile", "p", **environ)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    assert "the endpoint_url of the AWS profile 'p'" in answer.stderr
    assert "sec-ret" not in answer.stderr


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"])
def test_the_option_goes_before_the_environment(uploader: Uploader, site_folder: Folder, variable: str) -> None:
    """obstore would take a server from the environment by itself."""
    words = [site_folder("a", {"x": "x"}), "--bucket", uploader.bucket, "--endpoint-url", uploader.aws.url]
    answer = uploader.run(*words, **{variable: OTHER})
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("value", ["", OTHER])
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"])
def test_a_variable_that_is_empty_or_ignored_names_no_server(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    access = find_access("site", region="eu-west-3", profile=None, endpoint_url=None)
    assert access.endpoint is None
    assert dict(connect(access).store.config)["endpoint_url_s3"] == "https://site.s3.eu-west-3.amazonaws.com"
