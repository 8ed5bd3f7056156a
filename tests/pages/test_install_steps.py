"""``docs/install.md`` and ``docs/migrate.md``, step by step on a bucket that another tool has filled."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from examples.embedded_aws import EmbeddedAws
from examples.installation import Installation
from tests.e2e.cloudformation import deploy
from tests.http.in_process import run_here
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "my-assets"
LIVE, LEFT, BY_HAND = "assets/app-3f9c2ab1.js", "assets/app-1b2c3d4e.js", "assets/favicon.ico"


@pytest.fixture(scope="module")
def site() -> Iterator[Installation]:
    """An adopted bucket, as both pages begin."""
    with EmbeddedAws() as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        for key in (LIVE, LEFT, BY_HAND):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"1", CacheControl="public, max-age=31536000")
        outputs = deploy(aws, {"bucket": BUCKET, "prefix": "assets/", "orphans": "report"}).outputs
        yield Installation(aws, BUCKET, outputs["CleanerFunctionName"])


def test_before_the_first_release_doctor_has_nothing_to_mend(site: Installation) -> None:
    answer = run_here(["doctor"], site.aws.environment(UPLOADER_BUCKET=BUCKET, UPLOADER_FUNCTION=site.function))
    assert answer.returncode == 0, answer.stdout
    assert re.findall(r"^(\w+) +unknown ", answer.stdout, re.MULTILINE) == ["ledger", "cleaner"]


def test_a_dry_run_of_what_is_live_names_no_file_as_new(site: Installation, tmp_path: Path) -> None:
    """Step 5 of moving over: only the other tool's headers differ."""
    (tmp_path / "app-3f9c2ab1.js").write_text("1")
    answer = run_here([tmp_path, "--dry-run", "--json"], site.aws.environment(UPLOADER_BUCKET=BUCKET))
    assert [(each["key"], each["reason"]) for each in json.loads(answer.stdout)["uploaded"]] == [
        (LIVE, "headers_differ")
    ]


@pytest.mark.parametrize(("page", "count"), [("migrate", 10), ("install", 11)])
def test_every_command_of_the_page_runs_in_its_order(
    site: Installation, page: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No command fails, and the bucket still has its objects in the end."""
    for folder in ("dist", "public/assets", "public/packs"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / LIVE.rpartition("/")[2]).write_text("1")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / f"{page}.md").read_text()
    lines = re.findall(r"^ *\$ python -m uploader (.*)$", text, re.MULTILINE)
    assert len(lines) == count
    environ = site.aws.environment(UPLOADER_BUCKET=BUCKET, UPLOADER_FUNCTION=site.function)
    for number, line in enumerate(lines):
        (tmp_path / "dist" / "index.html").write_text(str(number))
        words = [site.function if word == "CLEANER" else word for word in shlex.split(line)]
        answer = run_here(words, environ | {"UPLOADER_RELEASE": f"{page}{number}"})
        assert answer.returncode == 0, (line, answer.stdout, answer.stderr)
    listing = site.aws.client("s3").list_objects_v2(Bucket=BUCKET)
    assert {LIVE, LEFT, BY_HAND} <= {entry["Key"] for entry in listing["Contents"]}
