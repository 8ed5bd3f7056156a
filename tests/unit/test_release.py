"""What `make release` refuses and tags, and what publishes the tag."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.paths import ROOT
from uploader.about import VERSION

if TYPE_CHECKING:
    from pathlib import Path

CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [0.7.1] - 2026-11-29\n\n### Added\n\n- A thing.\n"
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
OURS = f"acme/asset-cleaner@COMMIT # v{VERSION}"
WITH_ACTIONS = [
    ROOT / "action.yml",
    ROOT / "README.md",
    ROOT / "docs" / "ci.md",
    *(ROOT / ".github" / "workflows").glob("*.yml"),
]


class Repository:
    """A repository with the script, a version and a changelog."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".ci").mkdir()
        shutil.copy(ROOT / ".ci" / "release", folder / ".ci")
        self.write("uploader/about.py", 'WRITER = "asset-cleaner"\n\nVERSION = "0.7.1"\n')
        self.write("CHANGELOG.md", CHANGELOG)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit()

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text)

    def commit(self) -> None:
        self.git("add", ".")
        self.git("-c", "user.name=A", "-c", "user.email=a@example.invalid", "commit", "--quiet", "-m", "A")

    def git(self, *words: str) -> str:
        command = ["git", "-C", str(self.folder), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def release(self, step: str) -> subprocess.CompletedProcess[str]:
        identity = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", **identity}
        words = [str(self.folder / ".ci" / "release"), step]
        return subprocess.run(words, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository that can be released."""
    return Repository(tmp_path)


def test_a_release_is_an_annotated_tag_of_the_version_and_the_next_command_is_shown(repository: Repository) -> None:
    done = repository.release("tag")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("git push origin main v0.7.1\n")
    assert repository.git("cat-file", "-t", "v0.7.1") == "tag\n"
    assert repository.release("version").stdout == "v0.7.1\n"


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda it: it.git("switch", "--quiet", "-c", "topic"), "this is 'topic', and a release is made from main"),
        (lambda it: it.write("new.py", ""), "some changes are not committed"),
        (lambda it: it.git("tag", "v0.7.1"), "v0.7.1 exists: raise VERSION in uploader/about.py"),
        (lambda it: (it.write("CHANGELOG.md", CHANGELOG.replace("0.7.1", "0.7.0")), it.commit()), "lacks the line"),
        (
            lambda it: (it.write("CHANGELOG.md", CHANGELOG.replace("ased]\n", "ased]\n\n- New.\n")), it.commit()),
            "has lines under [Unreleased]: move them to [0.7.1]",
        ),
    ],
    ids=["branch", "uncommitted", "tagged", "no heading", "unreleased"],
)
def test_what_must_not_be_released_is_refused_in_one_line(repository: Repository, spoil: object, why: str) -> None:
    assert callable(spoil)
    spoil(repository)
    before = repository.git("tag")
    done = repository.release("tag")
    assert done.returncode == 1
    assert done.stderr.startswith("release: ")
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert repository.git("tag") == before


def test_the_changelogs_newest_version_is_the_codes() -> None:
    (newest, *_) = re.findall(r"^## \[(\d.*)\] - ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest == VERSION


@pytest.mark.parametrize("path", WITH_ACTIONS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit_and_named_by_its_version(path: Path) -> None:
    used = re.findall(r"^[ -]*uses: (.*)$", path.read_text(), re.MULTILINE)
    assert used
    assert [each for each in used if each != OURS and not PINNED.fullmatch(each)] == []


def test_an_action_has_one_commit_in_all_files() -> None:
    used = {each for path in WITH_ACTIONS for each in re.findall(r"uses: (.*@.*)$", path.read_text(), re.MULTILINE)}
    assert len(used) == len({each.partition("@")[0] for each in used})


def test_the_component_shown_is_of_the_newest_version() -> None:
    assert re.findall(r"/publish@(\S+)", (ROOT / "docs" / "ci.md").read_text()) == [f"v{VERSION}"], (
        "as `make release` tags it"
    )


def test_the_archives_shown_are_of_the_newest_version() -> None:
    page = (ROOT / "docs" / "standalone.md").read_text()
    assert set(re.findall(r"/download/(\S+?)/", page)) == {f"v{VERSION}"}


def test_the_release_has_the_archives_and_the_checksums_that_it_has_compared() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "publish.yml").read_text())["jobs"]
    made, attached = jobs["archives"]["steps"], jobs["release"]["steps"]
    assert "make bundle" in [step.get("run") for step in made]
    (kept,) = [step["with"] for step in made if "upload-artifact" in step.get("uses", "")]
    assert kept["path"] == "dist/uploader-linux*"
    loaded = [step["with"] for step in attached if "download-artifact" in step.get("uses", "")]
    assert {"name": kept["name"], "path": "dist"} in loaded
    commands = [step["run"] for step in attached if "run" in step]
    assert commands[0] == "cd dist && sha256sum --check --strict uploader-linux.sha256"
    assert commands[1].startswith('gh release create "$GITHUB_REF_NAME" dist/* ')


def test_only_the_job_that_publishes_can_ask_for_an_identity_and_no_step_has_a_secret() -> None:
    text = (ROOT / ".github" / "workflows" / "publish.yml").read_text()
    assert text.count("id-token: write") == 1
    assert "id-token" in text.partition("\n  publish:\n")[2].partition("\n  release:\n")[0]
    assert "secrets." not in text
    assert "\npermissions: {}\n" in text
