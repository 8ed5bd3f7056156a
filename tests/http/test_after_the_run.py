"""What comes after the deletions may fail, and the run is in the log, the metrics and the answer all the same."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse

from cleaner_lambda import afterwards, handler
from cleaner_lambda.errors import RequestError
from cleaner_lambda.so_far import BrokenOffError
from tests.http.in_process import publish_here
from tests.wake_ups import wake_ups

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release_log.layout import Layout
    from tests.http.conftest import Uploader
    from tests.http.fault_proxy import FaultProxy, Request

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

OLD = "assets/app-3f9c2ab1.js"


class Scheduler:
    """Answers the next requests to EventBridge Scheduler with an error."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.asked = 0

    def __call__(self, request: Any, **_: object) -> AWSResponse | None:  # noqa: ANN401 (botocore's)
        """Answer in the server's place, if an error is left."""
        self.asked += 1
        if not self.codes:
            return None
        code = self.codes.pop(0)
        body = json.dumps({"Message": f"{code} by the test"}).encode()
        status = {"AccessDeniedException": 403, "ConflictException": 409, "ResourceNotFoundException": 404}[code]
        headers: Any = {"x-amzn-ErrorType": code, "Content-Type": "application/json"}
        raw: Any = SimpleNamespace(stream=lambda **_: iter([body]), read=lambda *_: body)
        return AWSResponse(request.url, status, headers, raw)


@pytest.fixture
def scheduler(cleaner: Cleaner) -> Scheduler:  # noqa: ARG001 (the environment of the client)
    """EventBridge Scheduler, whose next answers a test may replace."""
    made = Scheduler()
    afterwards.scheduler().meta.events.register("before-send.scheduler", made)
    return made


@pytest.fixture
def due(uploader: Uploader, site_folder: Folder, cleaner: Cleaner) -> None:
    """A site with an asset that is due, and one that falls due later."""
    publish_here(uploader, site_folder("a", {"app-3f9c2ab1.js": "1", "old-3f9c2ab1.css": "1"}), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", {"app-4a1b2c3d.js": "2"}), "r2")


def metrics_in(text: str, name: str) -> list[float]:
    """The values of a metric in what a run wrote."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [value for line in lines for value in line.get(name, ())]


@pytest.mark.parametrize(
    "codes",
    [
        ["AccessDeniedException"],
        ["ResourceNotFoundException"],
    ],
    ids=["refused", "the group is gone"],
)
@pytest.mark.usefixtures("due", "waits")
def test_run_that_cannot_set_its_wake_up_is_recorded(
    uploader: Uploader,
    cleaner: Cleaner,
    scheduler: Scheduler,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    codes: list[str],
) -> None:
    """The deletion is in the answer, the log and the metrics; the wake-up's error is too."""
    scheduler.codes = list(codes)
    capsys.readouterr()
    answer = cleaner()
    assert [entry["key"] for entry in answer["delete"]] == [OLD]
    assert OLD not in uploader.keys()
    assert codes[0] in answer["wake_up_error"]
    written = capsys.readouterr().out
    assert (metrics_in(written, "Deleted"), metrics_in(written, "WakeUpsNotSet")) == ([1.0], [1.0])
    messages = [record.getMessage() for record in caplog.records]
    assert messages.index("done") < next(i for i, each in enumerate(messages) if "wake-up was not set" in each)
    assert cleaner()["wake_up_error"] is None
    assert metrics_in(capsys.readouterr().out, "WakeUpsNotSet") == [0.0]


@pytest.mark.usefixtures("due")
def test_a_wake_up_that_another_run_has_set_is_left_alone(
    uploader: Uploader, cleaner: Cleaner, scheduler: Scheduler
) -> None:
    """A conflict counts as done, as with two runs at once; the second of two runs meets a real one."""
    first = cleaner()
    (found,) = wake_ups(uploader.aws, uploader.bucket)
    for codes in ([], ["ConflictException"]):
        scheduler.codes, scheduler.asked = codes, 0
        answer = cleaner()
        assert (answer["next_due"], answer["wake_up_error"], scheduler.asked) == (first["next_due"], None, 1)
        assert wake_ups(uploader.aws, uploader.bucket) == [found]


@pytest.mark.parametrize("qualifier", [":$LATEST", ":live", ":7"])
@pytest.mark.usefixtures("due")
def test_wake_up_invokes_the_function_itself(
    uploader: Uploader, cleaner: Cleaner, context: SimpleNamespace, qualifier: str
) -> None:
    """However this run was invoked: as a version, by an alias, as ``$LATEST``."""
    function = context.invoked_function_arn
    context.invoked_function_arn = function + qualifier
    cleaner()
    (found,) = wake_ups(uploader.aws, uploader.bucket)
    assert found["Target"]["Arn"] == function


@pytest.mark.usefixtures("due", "scheduler")
def test_wake_up_and_event_of_a_site_that_is_not_configured_any_more_are_no_failures(
    uploader: Uploader,
    cleaner: Cleaner,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They were on their way when the site left the configuration. A person who names such a site gets an error."""
    cleaner()
    (wake_up,) = wake_ups(uploader.aws, uploader.bucket)
    sent = json.loads(wake_up["Target"]["Input"])
    monkeypatch.setenv("SITES", json.dumps([{"bucket": uploader.bucket, "prefix": "other/", "policy": {}}]))
    capsys.readouterr()
    event = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": uploader.bucket},
            "object": {"key": "assets/.releases/markers/20261123T120000Z-r1.json"},
        },
    }
    for payload in (sent, event):
        assert "site 'assets/'" in cleaner(payload)["passed_over"]
    assert metrics_in(capsys.readouterr().out, "Refused") == []
    with pytest.raises(RequestError, match="is not configured here"):
        cleaner(site=sent["site"], bucket=sent["bucket"])


@pytest.mark.usefixtures("due", "waits")
def test_run_that_cannot_write_its_ledger_at_the_end_is_recorded_before_it_fails(  # noqa: PLR0913, PLR0917 (fixtures)
    uploader: Uploader,
    cleaner: Cleaner,
    layout: Layout,
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The deletions are done: log and metrics say so, and the error names the file."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    handler._s3.cache_clear()  # noqa: SLF001
    writes: list[object] = []

    def second_write(request: Request) -> bool:
        if request.method != "PUT" or not request.path.endswith(layout.ledger):
            return False
        writes.append(request)
        return len(writes) > 1

    proxy.deny(second_write)
    capsys.readouterr()
    with pytest.raises(BrokenOffError, match=layout.ledger):
        cleaner()
    assert OLD not in uploader.keys()
    written = capsys.readouterr().out
    assert (metrics_in(written, "Deleted"), metrics_in(written, "Runs")) == ([1.0], [0.0])
    (done,) = [vars(record)["report"] for record in caplog.records if record.getMessage() == "done"]
    assert done["counts"]["delete"] == 1
