"""The measurement of the Lambda's cold start: its Runtime API, its figures, its refusals."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench import cold_start
from bench.cold_start import FILES, Start, bundle_sizes, check_answer, report_text, start_runtime
from bench.errors import BenchError
from bench.runtime_api import VERSION, RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER = {"dry_run": True, "counts": {"keep": FILES}}

RUNTIME = """
import http.client, json, os, time
import handled
time.sleep(0.05)
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    event = api.getresponse()
    payload = json.loads(event.read())
    assert payload == {"dry_run": True} and json.loads(os.environ["SITES"])
    assert int(event.headers["Lambda-Runtime-Deadline-Ms"]) > time.time() * 1000
    request = event.headers["Lambda-Runtime-Aws-Request-Id"]
    api.request("POST", f"/2018-06-01/runtime/invocation/{request}/{handled.WHAT}", json.dumps(handled.ANSWER))
    api.getresponse().read()
"""
"""A runtime whose answer comes from the function's folder."""


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    """A Runtime API."""
    with RuntimeApi() as started:
        yield started


def call(api: RuntimeApi, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, bytes]:
    """One call of a runtime."""
    connection = HTTPConnection(api.address, timeout=10)
    connection.request(method, f"{VERSION}{path}", json.dumps(body))
    answer = connection.getresponse()
    return answer.status, answer.read()


def answering(api: RuntimeApi, path: str, body: dict[str, Any], seconds: float = 0) -> None:
    """A runtime that asks once, takes some time, and answers."""

    def live() -> None:
        call(api, "GET", "/invocation/next")
        time.sleep(seconds)
        call(api, "POST", path, body)

    threading.Thread(target=live, daemon=True).start()


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A function's folder with a runtime of our own in place of Lambda's."""
    monkeypatch.setattr(cold_start, "INTERPRETER", Path(sys.executable))
    (tmp_path / "awslambdaric.py").write_text(RUNTIME)
    (tmp_path / "handled.py").write_text(f"WHAT = 'response'\nANSWER = {ANSWER}\n")
    return tmp_path


def test_an_invocation_is_handed_out_and_its_answer_is_timed(api: RuntimeApi) -> None:
    answering(api, "/invocation/1/response", ANSWER, seconds=0.1)
    assert api.ready(10) <= time.perf_counter()
    seconds, answer = api.invoke({"dry_run": True}, 10)
    assert 0.1 <= seconds < 10
    assert answer == ANSWER


@pytest.mark.parametrize("path", ["/invocation/1/error", "/init/error"])
def test_a_function_that_fails_is_told_with_what_it_said(api: RuntimeApi, path: str) -> None:
    answering(api, path, {"errorMessage": "no module named app"})
    api.ready(10)
    with pytest.raises(BenchError, match="no module named app"):
        api.invoke({}, 10)


def test_a_function_that_cannot_be_loaded_is_never_ready(api: RuntimeApi) -> None:
    call(api, "POST", "/init/error", {"errorMessage": "no module named app"})
    with pytest.raises(BenchError, match=r"'init/error' instead of 'next': .*no module named app"):
        api.ready(10)


def test_nobody_is_waited_for_too_long(api: RuntimeApi) -> None:
    with pytest.raises(BenchError, match="did not call 'next'"):
        api.ready(0.01)


def test_what_the_api_does_not_have_is_not_found(api: RuntimeApi) -> None:
    assert call(api, "GET", "/invocation/previous")[0] == 404
    assert call(api, "POST", "/invocation/1/answer", {})[0] == 404


def test_a_start_has_two_invocations_and_begins_before_the_interpreter(function: Path) -> None:
    measured, _ = start_runtime(function, {"PATH": os.defpath})
    assert measured.init > 0.05
    assert 0 < measured.first < 10
    assert 0 < measured.second < 10
    assert measured.peak is None or measured.peak > 1_000_000


def test_no_byte_code_is_left_in_the_function(function: Path) -> None:
    """Lambda's folder is read-only: each cold start there compiles anew."""
    start_runtime(function, {})
    assert list(function.rglob("__pycache__")) == []


@pytest.mark.parametrize(
    ("what", "answer", "message"),
    [
        ("error", {"errorMessage": "no bucket"}, "no bucket"),
        ("response", {**ANSWER, "dry_run": False}, "not the answer of a dry run"),
        ("response", {**ANSWER, "counts": {"keep": FILES - 1}}, "not the answer of a dry run"),
    ],
)
def test_what_fails_or_does_something_else_is_not_measured(
    function: Path, what: str, answer: dict[str, Any], message: str
) -> None:
    (function / "handled.py").write_text(f"WHAT = {what!r}\nANSWER = {answer}\n")
    with pytest.raises(BenchError, match=message):
        start_runtime(function, {})


def test_the_answer_of_a_dry_run_on_the_whole_site_is_right() -> None:
    check_answer(ANSWER)


def test_sizes_are_of_all_files_in_all_folders(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.py").write_bytes(b"x" * 100_000)
    (tmp_path / "c.py").write_bytes(b"y" * 100_000)
    size = bundle_sizes(tmp_path)
    assert (size.files, size.unzipped) == (2, 200_000)
    assert 100 < size.zipped < 2_000


def test_the_report_has_medians_the_highest_peak_and_the_longest_imports() -> None:
    starts = [Start(0.2, 0.1, 0.05, 60_000_000), Start(0.3, 0.1, 0.05, 70_000_000), Start(0.9, 0.2, 0.07, None)]
    imports = "import time:      2000 |       2000 | boto3\nimport time:      9000 |      11000 | powertools.logging\n"
    said = report_text(starts, cold_start.Sizes(3, 4_000_000, 1_100_000), imports, {"rounds": "3"})
    rows = {line.split("|")[1].strip(): line.split("|")[2:] for line in said.splitlines() if line.startswith("|")}
    assert [cell.strip() for cell in rows["start to first `next`"][:2]] == ["300", "200 to 900"]
    assert rows["start to first answer"][0].strip() == "400"
    assert rows["peak memory, MB"][0].strip() == "70"
    assert rows["bundle zipped, kB"][0].strip() == "1100"
    assert said.index("powertools") < said.index("boto3")
    assert said.endswith("rounds: 3")
