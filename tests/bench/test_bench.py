"""The benchmark's builds, rounds, checks and arithmetic."""

from __future__ import annotations

import json
import shutil
import sys
import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.build import AGE_SECONDS, Build, LargeFileBuild
from bench.errors import BenchError
from bench.jobs import JOBS, Job
from bench.measure import Run, run_program
from bench.network import Network
from bench.peers import OURS, YARDSTICK, Peer, all_peers, peer_environment
from bench.report import Report, import_rows, import_times, markdown_table, ratio, ratios
from bench.rounds import JobResult, check_bucket
from release_log.fingerprints import split

if TYPE_CHECKING:
    from pathlib import Path


def seconds(*each: float) -> list[Run]:
    """Runs with these durations."""
    return [Run(took, took / 2, 50_000_000, 0.1, 0.1) for took in each]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A build of 100 files."""
    return Build(tmp_path / "site", 100, 100_000)


def on_disk(build: Build) -> dict[str, int]:
    """The files on the disk with their sizes."""
    paths = (path for path in build.folder.rglob("*") if path.is_file())
    return {path.relative_to(build.folder).as_posix(): path.stat().st_size for path in paths}


def test_a_build_has_its_files_and_is_the_same_every_time(build: Build, tmp_path: Path) -> None:
    again = Build(tmp_path / "again", 100, 100_000)
    assert build.files == again.files == on_disk(build) == on_disk(again)
    assert len(build.files) == 100
    assert sum(build.files.values()) == pytest.approx(100_000, rel=0.01)


def test_every_asset_is_recognised_as_fingerprinted_and_no_page_is(tmp_path: Path) -> None:
    build = Build(tmp_path / "site", 3000, 30_000)
    assert {name for name in build.files if split(name).fingerprint is None} == set(build.pages())
    assert len(build.pages()) == 20


def test_a_build_is_older_than_its_upload_but_for_what_changes(build: Build) -> None:
    before = dict(build.files)
    build.change(15)
    young = {name for name in build.files if (build.folder / name).stat().st_mtime > time.time() - AGE_SECONDS / 2}
    assert len(young) == 15
    assert set(build.pages()) < young
    assert young - before.keys() == young - set(build.pages())
    assert build.files == on_disk(build)
    assert len(build.files) == 100


def test_each_change_is_another_one(build: Build) -> None:
    seen = {frozenset(build.files)}
    for _ in range(3):
        build.change(15)
        seen.add(frozenset(build.files))
    assert len(seen) == 4


def test_a_large_file_is_as_long_as_said(tmp_path: Path) -> None:
    assert on_disk(LargeFileBuild(tmp_path / "site", 5_000_000)) == {"video-3f9c2ab14d5e6f70.mp4": 5_000_000}


def test_a_run_that_did_its_job_passes(build: Build, tmp_path: Path) -> None:
    since = time.time_ns() - 10**9
    shutil.copytree(build.folder, tmp_path / "stored")
    check_bucket(build, tmp_path / "stored", "peer", 100, since)
    check_bucket(build, tmp_path / "stored", "peer", 0, time.time_ns() + 10**9)


@pytest.mark.parametrize("wrong", ["missing", "short", "old page", "sent too much"])
def test_a_run_that_did_not_is_found_out(wrong: str, build: Build, tmp_path: Path) -> None:
    stored = tmp_path / "stored"
    shutil.copytree(build.folder, stored)
    victim = stored / (build.pages()[0] if wrong == "old page" else max(build.files))
    if wrong == "missing":
        victim.unlink()
    elif wrong == "short":
        victim.write_bytes(b"")
    elif wrong == "old page":
        victim.write_bytes(bytes(victim.stat().st_size))
    with pytest.raises(BenchError, match=r"peer (did not upload|sent 100 files, not 99)"):
        check_bucket(build, stored, "peer", 99 if wrong == "sent too much" else 100, time.time_ns() - 10**10)


def test_who_would_take_minutes_takes_part_once_or_not_at_all() -> None:
    slow = Peer("loop", lambda *_: [], [], one_by_one=True)
    quick = Peer("quick", lambda *_: [], [])
    assert list(JOBS["new"].rounds_of(quick, 5)) == [0, 1, 2, 3, 4, 5]
    assert list(JOBS["new"].rounds_of(slow, 5)) == [1]
    assert list(JOBS["same"].rounds_of(slow, 5)) == [-1, 0, 1, 2, 3, 4, 5]
    assert list(JOBS["memory"].rounds_of(quick, 5)) == [1]
    assert not JOBS["memory"].rounds_of(slow, 5)
    assert list(JOBS["large"].rounds_of(slow, 5)) == [1]


def test_a_ratio_is_of_medians_so_that_one_slow_round_moves_nothing() -> None:
    assert ratio(seconds(1, 1.2, 30), seconds(2, 2.4, 2.5)) == 0.5
    assert ratios(seconds(1, 3), seconds(2, 2)) == [0.5, 1.5]


def test_everybody_has_the_same_credentials_and_endpoint_and_nothing_of_the_users(tmp_path: Path) -> None:
    found = peer_environment("http://127.0.0.1:1", tmp_path)
    assert {value for name, value in found.items() if "ENDPOINT" in name} == {"http://127.0.0.1:1"}
    assert found["HOME"] == str(tmp_path)


def test_everybody_uploads_the_folder_into_the_bucket_under_the_prefix(tmp_path: Path) -> None:
    for peer in all_peers().values():
        command = " ".join(peer.command(tmp_path, "bucket-1", "release"))
        assert str(tmp_path) in command
        assert "bucket-1" in command
        assert "assets/" in command


def test_a_run_is_measured(tmp_path: Path) -> None:
    nowhere = Network("http://127.0.0.1:1", 0, 0)
    program = "import sys; data = b'x' * 80_000_000; print(len(data))"
    took = run_program([sys.executable, "-c", program], {}, tmp_path, nowhere)
    assert (tmp_path / "output").read_text() == "80000000\n"
    assert took.seconds > 0
    assert took.cpu > 0
    assert took.peak > 80_000_000
    assert took.server_cpu == 0


def test_the_peak_of_a_run_is_its_own_and_not_the_benchmarks(tmp_path: Path) -> None:
    ballast = b"x" * 100_000_000
    took = run_program([sys.executable, "-I", "-S", "-c", ""], {}, tmp_path, Network("http://127.0.0.1:1", 0, 0))
    assert took.peak < len(ballast)


def test_a_run_that_fails_is_no_measurement(tmp_path: Path) -> None:
    nowhere = Network("http://127.0.0.1:1", 0, 0)
    with pytest.raises(BenchError, match=r"exit 3 of .*: no bucket"):
        run_program([sys.executable, "-c", "print('no bucket'); raise SystemExit(3)"], {}, tmp_path, nowhere)


IMPORTTIME = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |   zipimport
uploaded
import time:      2500 |       4000 |     botocore.session
import time:       500 |       6000 | botocore
"""


def test_imports_are_read_from_what_python_says() -> None:
    assert import_times(IMPORTTIME) == {"zipimport": 100, "botocore.session": 2500, "botocore": 500}
    assert import_rows(import_times(IMPORTTIME)) == [["botocore", "2", "3.0"], ["zipimport", "1", "0.1"]]


def test_a_table_is_markdown() -> None:
    assert markdown_table(("job", ""), [["new", "s5cmd"]]) == "| job |       |\n| --- | ----- |\n| new | s5cmd |"


@pytest.fixture
def report() -> Report:
    """Of one job with time as its goal, and one with memory."""
    first = {OURS: seconds(1, 1.1, 1.2), YARDSTICK: seconds(2, 2, 2.2), "boto3": seconds(60)}
    second = {OURS: seconds(90), YARDSTICK: seconds(180), "boto3": []}
    return Report(
        {"rounds": "3"},
        {YARDSTICK: "v2"},
        [JobResult(JOBS["same"], first, IMPORTTIME), JobResult(JOBS["memory"], second, "")],
    )


def test_the_report_says_ratios_first_and_goals_beside_ours(report: Report) -> None:
    text = report.text()
    first, figures, imports, about = text.split("\n\n")
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in first.splitlines()[2:]]
    assert rows == [
        ["2,000 files, nothing changed", OURS, "0.55", "0.50 to 0.55", "0.75"],
        ["2,000 files, nothing changed", "boto3", "30.00", "30.00 to 30.00"],
    ]
    assert "150 MB" in figures
    assert "botocore" in imports
    assert about == "rounds: 3\ns5cmd: v2"


def test_the_document_holds_every_run(report: Report) -> None:
    document = json.loads(json.dumps(report.document()))
    assert [run["seconds"] for run in document["jobs"]["same"]["runs"][OURS]] == [1, 1.1, 1.2]
    assert document["jobs"]["same"]["import_microseconds"]["botocore"] == 500


def test_the_goals_are_the_issues() -> None:
    goals: dict[str, object] = {job.name: job.goal or job.peak_goal for job in JOBS.values()}
    assert goals == {"new": 0.45, "same": 0.75, "changed": 0.25, "memory": 150_000_000, "large": 150_000_000}
    assert JOBS["changed"].peak_goal == 100_000_000
    assert Job("tiny", "", 20, 20).sent == 20
    assert JOBS["changed"].sent == 200


def test_an_unknown_job_is_named() -> None:
    answer = CliRunner().invoke(main, ["--jobs", "new,nex"])
    assert answer.exit_code == 2
    assert "'nex' is unknown; use some of new, same, changed, memory, large" in answer.output
