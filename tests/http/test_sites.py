"""``sites``: all sites of a bucket at a glance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.http.in_process import publish_here
from tests.http.lambda_server import LambdaServer, Reply, function_error
from tests.pages.test_commands_page import undocumented

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

OLD, NEW = {"old-3f9c2ab1.js": "12", "index.html": "1"}, {"new-4a1b2c3d.js": "123", "index.html": "1"}


@pytest.fixture
def installed(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Three previews, one of which the cleaner has not seen, and a folder without a site. Returns the current ids."""
    sites = [{"bucket": uploader.bucket, "prefix": "previews/*/", "policy": {}}]
    monkeypatch.setenv("SITES", json.dumps(sites))
    ids = {}
    for name, builds in (("a", [OLD]), ("b", [OLD, NEW]), ("c", [NEW])):
        for number, build in enumerate(builds):
            folder = site_folder(f"{name}{number}", build)
            ids[name] = publish_here(uploader, folder, f"r{number}", prefix=f"previews/{name}/").id
            if name != "c":
                cleaner(site=f"previews/{name}/")
    uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key="previews/none/index.html", Body=b"")
    return ids


@pytest.fixture
def lambda_() -> Iterator[LambdaServer]:
    """AWS's Lambda, as far as the command needs it."""
    with LambdaServer() as server:
        yield server


def listed(uploader: Uploader, *arguments: str, code: int = 0, **environ: str) -> list[dict[str, Any]]:
    """The command's answer."""
    answer = uploader.run("sites", *arguments, "--bucket", uploader.bucket, "--json", **environ)
    assert answer.returncode == code, answer.stderr
    document = json.loads(answer.stdout)
    assert undocumented("sites", document) == set()
    return list(document["sites"])


def test_the_sites_of_a_pattern_with_what_is_current_their_size_and_the_last_run(
    uploader: Uploader, installed: dict[str, str]
) -> None:
    found = listed(uploader, "previews/*/")
    assert [each["prefix"] for each in found] == ["previews/a/", "previews/b/", "previews/c/"]
    assert {each["pattern"] for each in found} == {"previews/*/"}
    for each, name, size in zip(found, "abc", (3, 4, 4), strict=True):
        (current,) = each["current"]
        assert current == {"channel": "default", "id": installed[name], "assets": 2, "size": size}
        assert each["problems"] == []
    a, b, c = found
    assert (a["retired"], a["next_due"], b["retired"]) == (0, None, 1)
    assert b["next_due"] > b["last_run"] >= a["last_run"]
    assert (c["retired"], c["last_run"], c["next_due"]) == (0, None, None)


@pytest.mark.usefixtures("installed")
def test_the_table_for_people(uploader: Uploader) -> None:
    answer = uploader.run("sites", "previews/*/", "nothing/", "--bucket", uploader.bucket)
    lines = answer.stdout.splitlines()
    assert " ".join(lines[0].split()) == "site channel current assets size retired last run due next ends"
    assert lines[1].split() == ["nothing/", "none", "0"]
    assert lines[2].startswith("previews/a/  default")
    assert lines[-1] == "4 sites"
    assert (answer.returncode, answer.stderr) == (0, "")


def test_a_site_that_needs_somebody_is_named(uploader: Uploader, installed: dict[str, str]) -> None:
    s3 = uploader.aws.client("s3")
    s3.put_object(Bucket=uploader.bucket, Key="previews/a/.releases/ledger.json.gz", Body=b"broken")
    s3.delete_object(Bucket=uploader.bucket, Key=f"previews/b/.releases/markers/{installed['b']}.json")
    a, b, _ = listed(uploader, "previews/*/", code=1)
    assert a["problems"][0].startswith("previews/a/.releases/ledger.json.gz: ")
    assert a["current"][0]["id"] == installed["a"], "as its newest marker says"
    assert b["problems"] == [f"previews/b/.releases/markers/{installed['b']}.json is gone"]
    assert b["current"] == [{"channel": "default", "id": installed["b"], "assets": None, "size": None}]


@pytest.mark.usefixtures("installed")
def test_without_arguments_the_cleaner_says_which_sites_there_are(uploader: Uploader, lambda_: LambdaServer) -> None:
    """Those of other buckets are not listed."""
    sites = [("other", "assets/"), (uploader.bucket, "previews/*/"), (uploader.bucket, "previews/b/")]
    lambda_.replies = [Reply({"sites": [{"bucket": bucket, "prefix": prefix} for bucket, prefix in sites]})]
    found = listed(uploader, "--function", "cleaner", AWS_ENDPOINT_URL_LAMBDA=lambda_.url)
    assert [(each["prefix"], each["pattern"]) for each in found] == [
        ("previews/a/", "previews/*/"),
        ("previews/b/", None),
        ("previews/c/", "previews/*/"),
    ]
    assert lambda_.asked == [("cleaner", {"list_sites": True})]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "which sites? Name them, as in `sites 'previews/*/'`"),
        (["previews/*"], 2, "pattern 'previews/*': prefix 'previews/x' must end with a slash"),
        (["previews"], 2, "prefix 'previews' must end with a slash"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    uploader: Uploader, arguments: list[str], code: int, words: str
) -> None:
    answer = uploader.run("sites", *arguments, "--bucket", uploader.bucket)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert words in answer.stderr


def test_an_older_cleaner_is_told_with_one_line(uploader: Uploader, lambda_: LambdaServer) -> None:
    lambda_.replies = [function_error("RequestError", "unknown key 'list_sites': use dry_run", trace="cleaner_lambda")]
    arguments = ("--bucket", uploader.bucket, "--function", "cleaner")
    answer = uploader.run("sites", *arguments, AWS_ENDPOINT_URL_LAMBDA=lambda_.url)
    assert answer.returncode == 2
    (line,) = answer.stderr.splitlines()
    assert "unknown key 'list_sites'" in line
