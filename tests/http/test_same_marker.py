"""The same build gives the same marker, byte for byte, apart from its id and times, and from what the bucket lacked."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from release_log.layout import is_stored_page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

BUILD = {f"js/chunk{number}-3f9c2ab{number}.js": "var a = 1;\n" * 200 for number in range(9)} | {
    "é-1a2b3c4d.css": "a{}" * 500,
    "index.html": "<html>" * 300,
    "logo.png": "x",
    "a.b/z.txt": "z",
}
RULES = """
[[rules]]
match = "**/*.js"
gzip = true

[[rules]]
match = "*.css"
brotli = true
cache_control = "no-cache"
"""


def write(folder: Path, names: list[str], at: int) -> Path:
    """Write the build in an order of its own, at a time of its own."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(BUILD[name])
        os.utime(path, (at, at))
    return folder


@pytest.mark.parametrize("rules", ["", RULES], ids=["as it is", "compressed"])
def test_the_same_build_gives_the_same_marker(
    uploader: Uploader, tmp_path: Path, rules: str, monkeypatch: pytest.MonkeyPatch, write_rules: Callable[[str], Path]
) -> None:
    """By another machine, at another time, into a bucket with all of its files, some, or none."""
    monkeypatch.chdir(write_rules(rules))
    first = write(tmp_path / "first", sorted(BUILD), 1_600_000_000)
    second = write(tmp_path / "elsewhere" / "second", sorted(BUILD, reverse=True), 1_700_000_000)
    s3 = uploader.aws.client("s3")
    sent: list[int] = []
    said: list[bytes] = []

    def publish(folder: Path) -> None:
        document = uploader.upload(folder, "--release", f"r{len(sent)}")
        sent.append(document["counts"]["uploaded"])
        body = s3.get_object(Bucket=uploader.bucket, Key=document["marker"])["Body"].read()
        # The one is of a file on this machine's disk, the other of the bucket.
        body = re.sub(rb',"stamp":"[0-9a-f]*"|"new":true,', b"", body)
        said.append(re.sub(rb'("created_at"|"release"):"[^"]*"', rb'\1:""', body))

    publish(first)
    publish(second)
    publish(write(tmp_path / "other", ["index.html"], 1_650_000_000))
    assert uploader.run("rollback", "--previous", "--bucket", uploader.bucket).returncode == 0
    publish(first)
    for key in uploader.every_key():
        if "/.releases/" not in key or is_stored_page(key):
            s3.delete_object(Bucket=uploader.bucket, Key=key)
    publish(second)
    assert sent == [len(BUILD), 0, 0, 0, len(BUILD)]
    assert said[0] == said[1] == said[3] == said[4]
    assert said[2] != said[0]
    assert all(marker.count(b'"release":""') == 1 for marker in said), "no more than these is left out"


@pytest.fixture
def write_rules(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a folder with an ``uploader.toml``, to run in."""

    def write(text: str) -> Path:
        (tmp_path / "here").mkdir()
        (tmp_path / "here" / "uploader.toml").write_text(text)
        return tmp_path / "here"

    return write
