"""`plan` and `clean` over HTTP, against a Lambda that answers what was recorded."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

import uploader.aws.cleaner_function as uploader_cleaner
from cleaner_lambda.request import parse
from release_log.policy_settings import SETTINGS
from tests.http.in_process import run_here
from tests.http.lambda_server import LambdaServer, Reply, function_error, refusal
from tests.paths import ROOT
from uploader.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from subprocess import CompletedProcess

    Command = Callable[..., CompletedProcess[str]]

ANSWER: dict[str, Any] = {
    "dry_run": False,
    "site": "assets/",
    "at": "2026-11-23T06:05:38Z",
    "current": {"default": "20261123T060500Z-3f9c2ab"},
    "tag": [],
    "untag": [],
    "delete": [],
    "failed": [],
    "set_aside": [],
    "counts": {"tag": 0, "untag": 0, "delete": 0, "keep": 40, "failed": 0, "set_aside": 0},
    "bytes_deleted": 0,
    "missing": [],
    "upcoming": [],
    "orphans": None,
    "stopped_by": [],
    "pruned": 0,
    "unfinished": False,
    "next_due": None,
    "wake_up_error": None,
    "truncated": False,
}
FAILED = {
    "failed": [{"key": "a.js", "state": None, "since": None, "reason": "current", "error": "AccessDenied"}],
    "counts": {**ANSWER["counts"], "failed": 1},
}
BUSY = refusal(429, "TooManyRequestsException", "Rate Exceeded.")
SITE = {"bucket": "my-assets", "site": "assets/"}


@pytest.fixture
def server() -> Iterator[LambdaServer]:
    """Lambda; it answers with `ANSWER` unless a test gives other replies."""
    with LambdaServer() as listening:
        listening.replies = [Reply(ANSWER)]
        yield listening


@pytest.fixture
def command(server: LambdaServer, monkeypatch: pytest.MonkeyPatch) -> Command:
    """``python -m uploader plan`` or ``clean`` on a site and its function, with no time between two tries."""
    monkeypatch.setattr(uploader_cleaner, "PAUSES", (0, 0, 0))
    environ = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}

    def run(name: str, *options: str, **more: str) -> CompletedProcess[str]:
        site = [name, "--bucket", "my-assets", *options]
        return run_here(site, {"UPLOADER_FUNCTION": "cleaner", "AWS_ENDPOINT_URL": server.url, **environ, **more})

    return run


@pytest.mark.parametrize(
    ("words", "payload"),
    [
        (["plan"], {"dry_run": True}),
        (["clean", "--dry-run"], {"dry_run": True}),
        (["clean"], {}),
        (["clean", "--full", "--force"], {"full": True, "force": True}),
        (["plan", "--full", "--force"], {"dry_run": True, "full": True, "force": True}),
        (["clean", "--adopt"], {"adopt": True}),
        (["plan", "--adopt", "--orphan-tags", "5"], {"dry_run": True, "adopt": True, "orphan_tags": 5}),
        (
            ["plan", "--version-limit", "0", "--max-delete-fraction", "0.25", "--orphans", "report"],
            {"dry_run": True, "version_limit": 0, "max_delete_fraction": 0.25, "orphans": "report"},
        ),
    ],
)
def test_what_is_asked_for(
    server: LambdaServer, command: Command, words: list[str], payload: dict[str, object]
) -> None:
    """The payload has exactly these values, and the cleaner accepts it."""
    answer = command(*words)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert server.asked == [("cleaner", {**SITE, **payload})]
    assert parse(server.asked[0][1]).dry_run is ("dry_run" in payload)


def test_every_policy_setting_is_an_option_of_plan_and_none_of_clean(server: LambdaServer, command: Command) -> None:
    """All come from the one table; a typing error never turns a question into a run."""
    for name, field in SETTINGS.items():
        words = [f"--{name.replace('_', '-')}", str(field.default)]
        assert command("plan", *words).returncode == 0
        assert server.asked.pop()[1] == {**SITE, "dry_run": True, name: field.default}
        assert command("clean", *words).returncode == 2
    assert server.asked == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "--version-ttl", "-1"], "version_ttl: -1 is not between 0"),
        (["plan", "--version-ttl", "1h"], "version_ttl: '1h' is not a whole number"),
        (["plan", "--orphans", "some"], "orphans: 'some' is not one of"),
        (["plan", "--function", ""], "which function is the cleaner? Name the stack's output CleanerFunctionName"),
        (["clean", "--function", ""], "with --function or UPLOADER_FUNCTION"),
        (["plan", "--prefix", "assets"], "must end with a slash"),
    ],
)
def test_wrong_usage_asks_nobody(server: LambdaServer, command: Command, words: list[str], said: str) -> None:
    answer = command(*words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert len(answer.stderr.splitlines()) == 1
    assert said in answer.stderr
    assert server.asked == []


def test_the_answer_as_it_came(server: LambdaServer, command: Command) -> None:
    server.replies = [Reply({**ANSWER, "truncated": True})]
    assert json.loads(command("plan", "--json").stdout) == {**ANSWER, "truncated": True}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (FAILED, "1 failed"),
        ({"missing": ["a.js"]}, "1 asset of current releases is missing"),
        ({"stopped_by": [{"reason": "brake", "message": "m"}]}, "stopped by brake"),
        ({"stopped_by": [{"reason": "something_new", "message": "m"}]}, "stopped by something_new"),
        ({"stopped_by": [{"reason": "rebuilt", "message": "m"}, {"reason": "deleting", "message": "m"}]}, None),
        ({"unfinished": True}, None),
    ],
)
@pytest.mark.parametrize("name", ["plan", "clean"])
def test_it_fails_if_somebody_has_to_act(
    server: LambdaServer, command: Command, more: dict[str, Any], said: str | None, name: str
) -> None:
    """Problems that the cleaner solves by itself are not failures; the answer is printed in any case."""
    server.replies = [Reply({**ANSWER, **more})]
    answer = command(name, "--json")
    assert json.loads(answer.stdout) == {**ANSWER, **more}
    expected = f"uploader: the cleaner needs your attention: {said}\n" if said else ""
    assert (answer.returncode, answer.stderr) == (1 if said else 0, expected)


def test_a_busy_function_is_asked_again(server: LambdaServer, command: Command) -> None:
    """Another run is under way; one line says so."""
    server.replies = [BUSY, BUSY, Reply(ANSWER)]
    answer = command("clean")
    assert answer.returncode == 0
    assert answer.stderr.startswith("uploader: another run of the cleaner is in progress; trying again for ")
    assert len(answer.stderr.splitlines()) == 1
    assert len(server.asked) == 3


def test_a_function_that_stays_busy(server: LambdaServer, command: Command) -> None:
    server.replies = [BUSY]
    answer = command("clean", "--quiet")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "function 'cleaner' is still busy after 0 seconds: a run can last 15 minutes" in answer.stderr
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("reply", "code", "said"),
    [
        (refusal(404, "ResourceNotFoundException"), 1, "there is no function 'cleaner' here: name the stack's output"),
        (refusal(403, "AccessDeniedException"), 1, "allow the operator's role lambda:InvokeFunction on function"),
        (refusal(403, "ExpiredTokenException"), 1, "AWS does not accept these credentials (ExpiredTokenException)"),
        (refusal(400, "ValidationException", "bad name"), 2, "cannot be invoked (bad name): name the stack's output"),
        (
            refusal(500, "ServiceException", "oops"),
            1,
            "failed (ServiceException: oops): if the run has begun, it continues",
        ),
        (Reply(cut=True), 1, "if the run has begun, it continues by itself; see what is left with `plan`"),
        (
            function_error("RequestError", "site 'assets/' in bucket 'my-assets' is not configured here"),
            2,
            "is not configured here; nothing was done: check --bucket, --prefix and --function",
        ),
        (function_error("CleanerError", "gave up after 10 attempts; invoke again"), 1, "gave up after 10 attempts"),
        (
            function_error("Sandbox.Timedout", "Task timed out after 900.00 seconds"),
            1,
            "run again; it resumes where it stopped",
        ),
        (function_error("ClientError", "a\nb"), 1, "the cleaner failed (ClientError: a): its log says more"),
        (
            function_error("ClientError", "a", stackTrace=['  File "/var/task/cleaner_lambda/handler.py", line 9']),
            1,
            "the cleaner failed (ClientError: a): its log says more",
        ),
        (
            function_error("KeyError", "'Records'", stackTrace=['  File "/var/task/lambda_function.py", line 4']),
            1,
            "function 'cleaner' is not the cleaner, and failed (KeyError: 'Records'): name the stack's output",
        ),
        (
            function_error("TypeError", "no", trace=["TypeError: no", "    at Runtime.handler (/var/task/index.js:2)"]),
            1,
            "function 'cleaner' is not the cleaner, and failed (TypeError: no): name the stack's output",
        ),
        (
            Reply("Hello from Lambda!"),
            1,
            "function 'cleaner' did not answer as the cleaner does: name the stack's output",
        ),
        (Reply({"statusCode": 200}), 1, "did not answer as the cleaner does"),
        (Reply(b"<html>"), 1, "did not answer as the cleaner does"),
        (Reply(b"?", headers={"X-Amz-Function-Error": "Unhandled"}), 1, "the cleaner failed (no message)"),
    ],
)
def test_no_answer_is_one_line_and_never_a_second_run(
    server: LambdaServer, command: Command, reply: Reply, code: int, said: str
) -> None:
    """A request that is sent twice starts a second run, so it is sent once, whatever happens."""
    server.replies = [reply]
    answer = command("clean", "--json")
    assert (answer.returncode, answer.stdout) == (code, "")
    assert len(answer.stderr.splitlines()) == 1, answer.stderr
    assert said in answer.stderr
    assert len(server.asked) == 1


@pytest.mark.parametrize("reply", [Reply(cut=True), function_error("Sandbox.Timedout", "Task timed out after 900 s")])
def test_a_plan_without_an_answer_has_changed_nothing(server: LambdaServer, command: Command, reply: Reply) -> None:
    server.replies = [reply]
    assert "nothing was changed; run again" in command("plan").stderr


@pytest.mark.parametrize(
    ("payload", "said"), [({"dry_run": True}, "nothing was changed"), ({}, "if the run has begun, it continues")]
)
def test_ctrl_c_says_what_becomes_of_the_run(payload: dict[str, Any], said: str) -> None:
    """It does not end the run in Lambda."""

    class Interrupted:
        def invoke(self, **_request: object) -> dict[str, Any]:
            raise KeyboardInterrupt

    with pytest.raises(StoppedError, match=said):
        uploader_cleaner.invoke(Interrupted(), "cleaner", payload)


def test_nobody_there(command: Command) -> None:
    answer = command("clean", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert answer.returncode == 1
    assert answer.stderr.startswith("uploader: cannot reach Lambda (")


def test_another_s3_server_is_not_asked_for_the_function(server: LambdaServer, command: Command) -> None:
    """Lambda has its own endpoint variable, as S3 has."""
    environ = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_LAMBDA": server.url}
    assert command("plan", **environ).returncode == 0
    assert len(server.asked) == 1


def test_every_such_command_of_the_page_runs(command: Command) -> None:
    page = (ROOT / "docs" / "releases.md").read_text()
    lines = re.findall(r"^\$ python -m uploader ((?:plan|clean) .*)$", page, re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        answer = command(*line.split())
        assert (answer.returncode, answer.stderr) == (0, ""), line
