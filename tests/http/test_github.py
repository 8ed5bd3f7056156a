"""What a job of GitHub Actions gets, in the environment that its runner sets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from uploader.errors import UploaderError
from uploader.publishing import retiring

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader


class Job:
    """The files that the runner gives a step, and reads when it has ended."""

    def __init__(self, folder: Path) -> None:
        self._files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in self._files.values():
            path.write_text("earlier=step\n")
        self.environ = {"GITHUB_ACTIONS": "true", **{name: str(path) for name, path in self._files.items()}}

    def outputs(self) -> dict[str, str]:
        lines = self._files["GITHUB_OUTPUT"].read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if line != "earlier=step")

    def summary(self) -> str:
        return self._files["GITHUB_STEP_SUMMARY"].read_text().removeprefix("earlier=step\n")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_an_upload_tells_the_job_what_it_published(
    uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path], job: Job
) -> None:
    files = {f"app{n}-3f9c2ab{n:x}.js": "1" for n in range(10)} | {"a|`<b>`-3f9c2ab1.js": "2"}
    files |= {f"page{n}.html": "3" for n in range(12)}
    done = uploader.run(site_folder("one", files), "--bucket", uploader.bucket, "--release", "v1", **job.environ)
    assert (done.returncode, done.stderr) == (0, "")
    outputs = job.outputs()
    assert re.fullmatch(r"\d{8}T\d{6}Z-v1", outputs["release"])
    assert outputs["marker"] == f"assets/.releases/markers/{outputs['release']}.json"
    assert (outputs["staged"], outputs["uploaded"]) == ("", "23")
    lines = job.summary().splitlines()
    assert lines[0] == f"### Released `{outputs['release']}`"
    assert f"| where | `s3://{uploader.bucket}/assets/` |" in lines
    assert "| uploaded | 23 files, 23 B |" in lines
    assert "- `` assets/a\\|`<b>`-3f9c2ab1.js ``" in lines, "a name is no Markdown and no HTML"
    assert "- and 3 more files" in lines


@pytest.mark.parametrize(("command", "title"), [("true", "Released"), ("false", "Not released:")])
def test_a_roll_out_tells_the_job_how_it_ended(
    uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path], job: Job, command: str, title: str
) -> None:
    folder = site_folder("one", {"app-3f9c2ab1.js": "1"})
    uploader.run("run", folder, "--bucket", uploader.bucket, "--", command, **job.environ)
    assert job.summary().startswith(f"### {title} `{job.outputs()['release']}`")
    assert bool(job.outputs()["marker"]) == (command == "true")


def test_a_dry_run_of_a_roll_out_shows_what_it_would_publish_and_retire(
    uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path], job: Job
) -> None:
    uploader.upload(site_folder("one", {"app-3f9c2ab1.js": "1"}))
    folder = site_folder("two", {"page.html": "2"})
    uploader.run("run", folder, "--bucket", uploader.bucket, "--dry-run", "--", "false", **job.environ)
    assert job.summary().startswith(f"### Dry run of `{job.outputs()['release']}`")
    assert (job.outputs()["marker"], job.outputs()["uploaded"]) == ("", "1")
    assert "| would retire | 1 file |" in job.summary()


def test_a_staged_release_hands_on_its_digest(
    uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path], job: Job
) -> None:
    folder = site_folder("one", {"app-3f9c2ab1.js": "1"})
    uploader.run(folder, "--bucket", uploader.bucket, "--stage", **job.environ)
    outputs = job.outputs()
    assert job.summary().startswith(f"### Staged `{outputs['release']}`")
    assert outputs["marker"] == ""
    made = uploader.run("activate", outputs["release"], "--digest", outputs["digest"], "--bucket", uploader.bucket)
    assert made.returncode == 0, made.stderr


def test_a_staged_release_would_retire_files_and_a_summary_names_the_first_ones(
    uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path], job: Job
) -> None:
    uploader.upload(site_folder("one", {f"app{n:02}-3f9c2ab{n:x}.js": "1" for n in range(22)}))
    uploader.run(site_folder("two", {"page.html": "2"}), "--bucket", uploader.bucket, "--stage", **job.environ)
    lines = job.summary().splitlines()
    assert "| would retire | 22 files |" in lines
    assert any(line.startswith("| `assets/app19-3f9c2ab13.js` | removed | at least until ") for line in lines)
    assert "| and 2 more files | | |" in lines


def test_an_upload_does_not_fail_for_its_summary(
    uploader: Uploader,
    site_folder: Callable[[str, dict[str, str]], Path],
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object) -> None:
        msg = "access denied"
        raise UploaderError(msg)

    monkeypatch.setattr(retiring, "find_retiring", refused)
    folder = site_folder("one", {"app-3f9c2ab1.js": "1"})
    done = uploader.run(folder, "--bucket", uploader.bucket, **job.environ)
    assert done.returncode == 0
    assert done.stderr == "uploader: the summary lacks what this release retires: access denied\n"
    assert "retire" not in job.summary()


def test_a_failed_upload_is_one_annotation_and_no_word_of_the_summary_that_it_lacks(
    uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path], job: Job
) -> None:
    done = uploader.run(site_folder("one", {"app-3f9c2ab1.js": "1"}), "--bucket", "no-such-bucket", **job.environ)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("::error title=uploader::bucket 'no-such-bucket' does not exist")


def test_an_error_is_an_annotation(uploader: Uploader, job: Job) -> None:
    done = uploader.run("no-such%folder", "--bucket", uploader.bucket, **job.environ)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("::error title=uploader::")
    assert "no-such%25folder" in line
    assert job.outputs() == {}


def test_a_file_of_the_runner_that_cannot_be_written_is_named_and_stops_nothing(
    uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path], job: Job, tmp_path: Path
) -> None:
    environ = job.environ | {"GITHUB_STEP_SUMMARY": str(tmp_path / "gone" / "summary")}
    done = uploader.run(site_folder("one", {"app-3f9c2ab1.js": "1"}), "--bucket", uploader.bucket, **environ)
    assert done.returncode == 0
    assert re.fullmatch(r"uploader: GITHUB_STEP_SUMMARY is not told of this release: .*No such file.*\n", done.stderr)
    assert job.outputs()["uploaded"] == "1"
