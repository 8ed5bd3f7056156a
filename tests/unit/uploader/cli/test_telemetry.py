"""What becomes of spans changes nothing about a command."""

from __future__ import annotations

import sys
import threading

import pytest

from uploader import tracing
from uploader.cli import telemetry


def test_a_command_runs_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with telemetry.spans_sent({"OTEL_TRACES_EXPORTER": "console"}):
        ran = True
    assert ran


def test_nobody_waits_long_for_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "SECONDS", 0.01)
    hangs = threading.Event()
    assert not telemetry._ended(hangs.wait)  # noqa: SLF001
    hangs.set()


@pytest.mark.parametrize(
    ("environ", "configured"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://localhost:4318/v1/metrics"}, False),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, False),
        ({"OTEL_TRACES_EXPORTER": "", "OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
    ],
)
def test_the_environment_says_whether_there_are_spans(environ: dict[str, str], configured: bool) -> None:  # noqa: FBT001
    assert tracing.is_configured(environ) is configured
