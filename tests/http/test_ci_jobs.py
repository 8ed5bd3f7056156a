"""The GitHub Action and the GitLab component: their own shell steps, in the environment that the runner sets."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.http.ci_jobs import ACTION, COMPONENT, ActionRun, gitlab_job
from tests.paths import ROOT
from uploader.about import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

FIRST, SECOND = {"app-3f9c2ab1.js": "1", "old-3f9c2ab1.js": "1"}, {"app-5e6f7a8b.js": "2"}


@pytest.fixture
def job(uploader: Uploader, tmp_path: Path) -> ActionRun:
    """A job of GitHub Actions, with the variables of the runner that programs go by."""
    environ = uploader.aws.environment(
        CI="true",
        GITHUB_ACTIONS="true",
        GITHUB_SHA="3f9c2ab14d5e6f703f9c2ab14d5e6f703f9c2ab1",
        GITHUB_REF_NAME="main",
        GITHUB_WORKSPACE=str(tmp_path),
        UPLOADER_BUCKET=uploader.bucket,
    )
    return ActionRun(tmp_path, environ, sys.executable)


def test_the_action_publishes_and_its_summary_says_what_is_new_and_what_retires_and_when(
    job: ActionRun, uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path]
) -> None:
    site_folder("one", FIRST)
    site_folder("two", SECOND)
    status, outputs = job.run(directory="one", release="v1")
    assert status == 0, job.output
    assert outputs["release"].endswith("-v1")
    assert (outputs["marker"] in uploader.keys(), outputs["uploaded"]) == (True, "2")
    status, outputs = job.run(directory="two", roll_out='echo "rolls out $UPLOADER_RELEASE_ID"\nfalse || exit 0\n')
    assert status == 0, job.output
    assert outputs["release"].endswith("-3f9c2ab"), "the commit of the run"
    assert f"rolls out {outputs['release']}\n" in job.output
    lines = job.summary.splitlines()
    assert f"### Released `{outputs['release']}`" in lines
    assert "- `assets/app-5e6f7a8b.js`" in lines
    assert "| retires | 2 files |" in lines
    # Two versions stay whatever their age; a removed file goes by its time alone.
    assert "| `assets/app-3f9c2ab1.js` | superseded | kept: within_version_limit |" in lines
    assert any(line.startswith("| `assets/old-3f9c2ab1.js` | removed | at least until 20") for line in lines)


def test_a_roll_out_that_fails_fails_the_step_and_nothing_retires(
    job: ActionRun, uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path]
) -> None:
    uploader.upload(site_folder("one", FIRST))
    site_folder("two", SECOND)
    status, outputs = job.run(directory="two", roll_out="sh -c 'exit 7'\necho never\n")
    assert (status, outputs["marker"], outputs["uploaded"]) == (7, "", "1")
    assert "never" not in job.output.splitlines()
    assert "::error title=uploader::bash failed (exit status 7): " in job.output
    assert "retire" not in job.summary


@pytest.mark.parametrize(
    ("inputs", "status", "said"),
    [
        ({"directory": "one", "stage": "true", "roll_out": "true"}, 2, "stage and roll-out exclude each other"),
        ({"directory": "nowhere"}, 2, "no such directory: 'nowhere'"),
        (
            {"directory": "one", "notify_url": "hooks.example/secret"},
            2,
            "UPLOADER_NOTIFY_URL: the value, which is a secret",
        ),
        ({"directory": "$(touch hacked)`touch hacked`; touch hacked"}, 2, "no such directory"),
    ],
)
def test_an_error_is_an_annotation_and_an_input_is_never_a_part_of_a_script(
    job: ActionRun, inputs: dict[str, str], status: int, said: str, tmp_path: Path
) -> None:
    assert job.run(**inputs)[0] == status
    (line,) = job.output.splitlines()
    assert line.startswith("::error title=uploader::")
    assert said in line
    assert not (tmp_path / "hacked").exists()


def test_the_component_publishes_and_hands_on_the_release(
    uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path], tmp_path: Path
) -> None:
    site_folder("one", FIRST)
    job = gitlab_job(directory="one", bucket=uploader.bucket, role="arn:aws:iam::123456789012:role/r", stage="true")
    make, install, *rest = job["script"]
    folder = make.removeprefix("python3 -m venv ")
    assert install.startswith(f"{folder}/bin/pip install ")
    assert install.endswith(f' "asset-cleaner=={VERSION}"')
    installed = tmp_path / "installed"
    (installed / "bin").mkdir(parents=True)
    (installed / "bin" / "uploader").write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m uploader "$@"\n')
    (installed / "bin" / "uploader").chmod(0o755)
    environ = uploader.aws.environment(GITLAB_CI="true", PYTHONPATH=str(ROOT), ASSET_CLEANER_TOKEN="a.b.c")
    script = "\n".join(rest).replace(folder, str(installed))
    done = subprocess.run(
        ["sh", "-e", "-c", script],  # noqa: S607 (as GitLab's runner)
        cwd=tmp_path,
        env=environ | {**job["variables"], "ROLL_OUT": job["variables"]["ROLL_OUT"]["value"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert (installed / "token").read_text() == "a.b.c"
    variables = dict(line.split("=", 1) for line in (tmp_path / "uploader.env").read_text().splitlines())
    assert variables["UPLOADER_STAGED"] in uploader.keys()
    assert variables["UPLOADER_UPLOADED"] == "2"
    assert (tmp_path / "uploader.md").read_text().startswith(f"### Staged `{variables['UPLOADER_RELEASE_ID']}`")
    assert job["artifacts"]["reports"]["dotenv"] == job["variables"]["UPLOADER_DOTENV"]
    made = uploader.run(
        "activate", "--bucket", uploader.bucket, "--digest", variables.pop("UPLOADER_DIGEST"), **variables
    )
    assert made.returncode == 0, made.stderr


def test_the_component_passes_its_inputs_on() -> None:
    job = gitlab_job(exclude="*.map *.txt", roll_out="./roll-out.sh", job_name="assets", version="1.2.3")
    assert job["variables"]["UPLOADER_EXCLUDE"] == "*.map *.txt"
    assert job["variables"]["ROLL_OUT"] == {"value": "./roll-out.sh", "expand": False}
    assert '"asset-cleaner==1.2.3"' in job["script"][1]
    assert COMPONENT.count("\n---\n") == 1


def test_every_input_says_what_it_is_for() -> None:
    assert all(one["description"] for one in ACTION["inputs"].values())
    assert json.dumps(ACTION["outputs"]).count("steps.publish.outputs.") == len(ACTION["outputs"])
