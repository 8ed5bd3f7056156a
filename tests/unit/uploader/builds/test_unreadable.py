"""What of a build cannot be read is found before anything is sent, with a remedy that fits, and rules may skip it."""

from __future__ import annotations

import errno
import logging
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from uploader.builds import parts
from uploader.builds.collect import collect
from uploader.builds.unreadable import unreadable
from uploader.errors import UploaderError
from uploader.treatment.rule_tables import parse_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uploader.treatment.rules import Rules

NOBODY = 65534


def rules(*globs: str) -> Rules:
    """Rules that skip these files."""
    return parse_rules([{"match": list(globs), "skip": True}], "rules")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Read files as another user, as root reads every file; a user without rights is one already."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def build() -> Iterator[Path]:
    """A build that another user may look into."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "index.html").write_text("x")
        yield folder


@pytest.mark.parametrize("name", ["app-3f9c2ab1.js", "about.html"])
def test_a_file_without_permission_is_found_although_only_its_name_is_needed(build: Path, name: str) -> None:
    (build / name).write_text("x")
    (build / name).chmod(0o200)
    with as_nobody(), pytest.raises(UploaderError) as raised:
        collect(build, "assets/")
    assert str(raised.value) == (
        f"cannot read '{build / name}' (Permission denied): change its permissions, or skip it with a rule"
    )


def test_a_folder_without_permission_may_be_skipped_as_a_whole(build: Path) -> None:
    (build / "private").mkdir()
    (build / "private").chmod(0)
    try:
        with as_nobody():
            for glob in ("private/", "private/**"):
                assert [asset.key for asset in collect(build, "", rules=rules(glob))] == ["index.html"]
            with pytest.raises(UploaderError, match=r"private'.*change its permissions, or skip it with a rule"):
                collect(build, "", rules=rules("/private"))
    finally:
        (build / "private").chmod(0o755)


def test_a_rule_for_some_files_of_a_folder_does_not_skip_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A loop could hold any file: here as a folder would that cannot be read."""
    (tmp_path / "index.html").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    for globs in (["*.map"], ["loop/*.js"], ["loop/*"]):
        with pytest.raises(UploaderError, match="contains the link: remove the link, or skip it with a rule"):
            collect(tmp_path, "", rules=rules(*globs))
    caplog.set_level(logging.INFO)
    for globs in (["loop/"], ["loop/**"]):
        assert [asset.key for asset in collect(tmp_path, "", rules=rules(*globs))] == ["index.html"]
    assert caplog.records == []  # no rule is said to match nothing


def test_a_broken_link_is_named_with_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    for name in ("broken-3f9c2ab1.js", "self.js"):
        (tmp_path / name).symlink_to(name if name == "self.js" else "missing.js")
        with pytest.raises(UploaderError, match="remove the link, or skip it with a rule") as raised:
            collect(tmp_path, "")
        assert "permissions" not in str(raised.value)
        assert [asset.key for asset in collect(tmp_path, "", rules=rules(name))] == ["index.html"]
        (tmp_path / name).unlink()


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EMFILE, "raise the limit (ulimit -n), or lower --concurrency"),
        (errno.ENFILE, "raise the limit (ulimit -n), or lower --concurrency"),
        (errno.ENOENT, "let the build finish first, then upload again"),
        (errno.EIO, "check the disk, then build again"),
        (errno.EPERM, "change its permissions, or skip it with a rule"),
        (errno.EINVAL, "build again"),
    ],
)
def test_each_error_has_its_remedy(number: int, remedy: str) -> None:
    error = unreadable("a.js", OSError(number, os.strerror(number)))
    assert str(error) == f"cannot read 'a.js' ({os.strerror(number)}): {remedy}"


def test_a_file_beyond_the_largest_object_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file takes no room on the disk; reading it would take long."""
    assert parts.OBJECT_BYTES == 53_687_091_200_000  # 48.8 TiB
    assert parts.part_bytes(parts.OBJECT_BYTES) == parts.MAX_PART_BYTES
    most = 2**43
    monkeypatch.setattr(parts, "OBJECT_BYTES", most)
    for name in ("film-3f9c2ab1.mp4", "film.mp4"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(most + 1)
        with pytest.raises(UploaderError, match=r"film.*has 8,796,093,022,209 bytes.*split it, or skip it with a rule"):
            collect(tmp_path, "")
        (tmp_path / name).unlink()
