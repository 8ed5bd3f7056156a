"""``docs/commands.md`` names every field that a command answers with, in that command's section."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.http.in_process import publish_here
from tests.http.test_clean_command import ANSWER
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]

PAGE = (ROOT / "docs" / "commands.md").read_text()
OLD, NEW = {"app-3f9c2ab1.js": "1", "index.html": "1"}, {"app-4a1b2c3d.js": "2", "index.html": "2"}


def undocumented(command: str, document: dict[str, Any]) -> set[str]:
    """The fields of a document that the section of a command does not name."""
    (section,) = re.findall(rf"^## `{command}`\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    if command == "run":
        (shared,) = re.findall(r"^## `upload`\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
        section += shared
    return {name for name in fields(document) if not re.search(rf"`{name}(\[\])?`", section)} - {"bucket", "prefix"}


def fields(value: object) -> set[str]:
    """The names of all fields; those of ``current`` are the channels'."""
    if isinstance(value, dict):
        return set(value) | {name for key, each in value.items() if key != "current" for name in fields(each)}
    return {name for each in value for name in fields(each)} if isinstance(value, list) else set()


def test_every_field_of_what_changes_something(uploader: Uploader, site_folder: Folder) -> None:
    def asked(command: str, *arguments: object, code: int = 0) -> None:
        end = arguments.index("--") if "--" in arguments else len(arguments)
        words = (*arguments[:end], "--bucket", uploader.bucket, "--json", *arguments[end:])
        answer = uploader.run(command, *words)
        assert answer.returncode == code, answer.stderr
        assert undocumented(command, json.loads(answer.stdout)) == set()

    old, new = site_folder("old", OLD), site_folder("new", NEW)
    asked("upload", old, "--invalidate", "E2QWRUHAPOMQZL", "--dry-run")
    asked("upload", old, "--release", "r1")
    asked("run", new, "--release", "r2", "--", "true")
    asked("activate", publish_here(uploader, old, "r3", stage=True).id)
    asked("drop", publish_here(uploader, old, "r4", stage=True).id)
    asked("rollback", "r2")
    asked("pin", "r1")
    asked("unpin", "r1")
    first = publish_here(uploader, old, "r5").id
    uploader.aws.client("s3").put_bucket_versioning(
        Bucket=uploader.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    uploader.aws.client("s3").delete_object(Bucket=uploader.bucket, Key="assets/app-3f9c2ab1.js")
    asked("pin", first, code=1)
    asked("restore", "--release", first)
    asked("doctor", code=1)


def test_every_field_of_the_cleaners_answer() -> None:
    assert undocumented("plan", ANSWER) == set()
