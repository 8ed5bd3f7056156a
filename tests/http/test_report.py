"""``report`` on a real server, after real uploads and real runs of the cleaner."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.unit.uploader.cli.test_report import data

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

ONE = {"app-3f9c2ab1.js": "one", "logo-5d6e7f80.svg": "<svg/>"}
TWO = {"app-4a1b2c3d.js": "two!"}


def test_the_page_the_markdown_and_the_document_say_what_was_published_and_what_goes(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, tmp_path: Path
) -> None:
    first = uploader.upload(site_folder("a", ONE), "--release", "one")["release"]
    cleaner()
    second = uploader.upload(site_folder("b", TWO), "--release", "two")["release"]
    cleaner()
    file = tmp_path / "site.html"
    answer = uploader.run("report", "--bucket", uploader.bucket, "--html", file, "--json")
    assert (answer.returncode, answer.stderr) == (0, "")
    document = json.loads(answer.stdout)

    newest, oldest = document["releases"]
    assert (newest["release"], newest["standing"]) == (second, "current")
    assert newest["whole"] == newest["new"] == {"objects": 1, "bytes": 4}
    assert newest["retired"] == oldest["new"] == {"objects": 2, "bytes": 9}
    assert (oldest["release"], oldest["standing"]) == (first, "earlier")
    assert document["retiring"]["whole"] == {"objects": 1, "bytes": 6}, "the policy here keeps no superseded version"
    assert [step["objects"] for step in document["retiring"]["steps"]] == [1, 0]
    assert document["ages"][0]["current"] == {"objects": 1, "bytes": 4}
    assert document["ages"][0]["retired"] == {"objects": 1, "bytes": 6}
    assert [each["whole"]["bytes"] for each in document["largest"]] == [6, 4]
    assert document["cleaner"]["last_run"]["counts"]["delete"] == 1
    newest_run, oldest_run = document["cleaner"]["runs"]
    assert (newest_run["deleted"], newest_run["bytes_deleted"], newest_run["stopped_by"]) == (1, 3, [])
    assert (oldest_run["deleted"], oldest_run["stopped_by"]) == (0, ["rebuilt"])
    assert newest_run["run"] == document["cleaner"]["last_run"]["run"] != oldest_run["run"]
    assert document["problems"] == []

    shown = data(file.read_text())
    assert shown["releases"] == document["releases"]
    answer = uploader.run("report", "--bucket", uploader.bucket, "--markdown", "--newest", "1")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert f"| `default` | `{second}` |" in answer.stdout
    assert f"`{first}` (not read)" in answer.stdout
    assert f"| `{newest_run['at']}` | " in answer.stdout


def test_a_problem_is_in_the_page_and_in_the_exit_code(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, tmp_path: Path
) -> None:
    uploader.upload(site_folder("a", ONE))
    cleaner()
    key = "assets/.releases/markers/20261123T060500Z-<b>broken.json"
    uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key=key, Body=b"{")
    file = tmp_path / "site.html"
    answer = uploader.run("report", "--bucket", uploader.bucket, "--html", file)
    assert answer.returncode == 1
    assert answer.stdout.startswith(f"{file}: 2 releases, ")
    assert f"{key} is not valid" in answer.stdout
    (problem,) = data(file.read_text())["problems"]
    assert key in problem
    assert "<b>" not in file.read_text()
