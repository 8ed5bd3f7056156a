"""Spans of OpenTelemetry: the real SDK, and a collector over HTTP."""

from __future__ import annotations

import subprocess
import sys
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.http.webhook_server import PATIENT, Webhook, answer
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Publish = Callable[..., CompletedProcess[str]]

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
JOB = {"TRACEPARENT": f"00-{TRACE}-{PARENT}-01", "GITHUB_SHA": "3f9c2ab1" * 5, "GITHUB_REF_NAME": "main"}


@pytest.fixture
def publish(uploader: Uploader, site_folder: Folder) -> Publish:
    """Publishes a build in a process of its own: a process has one provider of tracers."""
    folder = site_folder("one", {"app-3f9c2ab1.js": "1", "index.html": "1"})

    def run(
        *words: str, command: str = "upload", start: tuple[str, ...] = ("-c", PATIENT), **environ: str
    ) -> CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *start, command, str(folder), "--bucket", uploader.bucket, *words],
            cwd=ROOT,
            env=uploader.aws.environment(**environ),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def spans_of(collector: Webhook) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Name -> span, of all that was collected, and the attributes of the service."""
    spans: dict[str, Any] = {}
    service: dict[str, str] = {}
    for body in collector.bodies:
        for each in ExportTraceServiceRequest.FromString(body).resource_spans:
            service |= {one.key: one.value.string_value for one in each.resource.attributes}
            spans |= {span.name: span for scope in each.scope_spans for span in scope.spans}
    return spans, service


def attributes_of(span: Any) -> dict[str, object]:  # noqa: ANN401 (protobuf's)
    """A span's attributes."""
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_an_upload_is_a_part_of_the_jobs_trace(publish: Publish, uploader: Uploader) -> None:
    with Webhook() as collector:
        done = publish("--release", "v1", OTEL_EXPORTER_OTLP_ENDPOINT=collector.origin, **JOB)
    assert (done.returncode, done.stderr) == (0, "")
    assert collector.paths == ["/v1/traces"]
    spans, service = spans_of(collector)
    assert spans.keys() == {"upload", "collect", "list", "compare", "send", "marker", "place"}
    root = spans["upload"]
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    assert root.parent_span_id.hex() == PARENT
    assert {span.parent_span_id for name, span in spans.items() if name != "upload"} == {root.span_id}
    order = sorted(spans, key=lambda name: spans[name].start_time_unix_nano)
    assert order == ["upload", "collect", "list", "compare", "send", "marker", "place"]
    said = attributes_of(root)
    assert str(said.pop("asset_cleaner.release")).endswith("-v1")
    assert said == {
        "aws.s3.bucket": uploader.bucket,
        "asset_cleaner.site": "assets/",
        "asset_cleaner.channel": "default",
        "asset_cleaner.files.uploaded": 2,
        "asset_cleaner.files.unchanged": 0,
        "asset_cleaner.bytes.uploaded": 2,
        "vcs.ref.head.revision": "3f9c2ab1" * 5,
        "vcs.ref.head.name": "main",
    }
    marker = str(attributes_of(spans["marker"])["aws.s3.key"])
    assert marker.startswith("assets/.releases/markers/")
    assert marker.endswith("-v1.json")
    assert attributes_of(spans["send"]) == {"asset_cleaner.files": 2}
    assert service["service.name"] == "asset-cleaner"


def test_a_roll_out_continues_the_trace_and_its_error_is_the_spans(publish: Publish) -> None:
    with Webhook() as collector:
        done = publish(
            *("--", "sh", "-c", 'echo "$TRACEPARENT"; exit 7'),
            command="run",
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.origin}/spans",
            OTEL_SERVICE_NAME="shop",
            **JOB,
        )
    assert done.returncode == 7
    assert collector.paths == ["/spans"]
    spans, service = spans_of(collector)
    assert spans.keys() == {"run", "upload", "collect", "list", "compare", "send", "marker", "roll-out"}
    assert f"00-{TRACE}-{spans['roll-out'].span_id.hex()}-01" in done.stdout.splitlines()
    assert spans["roll-out"].parent_span_id == spans["run"].span_id
    assert service["service.name"] == "shop"


def test_a_failure_is_the_status_of_its_spans(publish: Publish) -> None:
    with Webhook() as collector:
        done = publish("--bucket", "no-such-bucket-here", OTEL_EXPORTER_OTLP_ENDPOINT=collector.origin)
    assert done.returncode == 1
    spans, _ = spans_of(collector)
    assert attributes_of(spans["upload"])["error.type"]
    assert f"uploader: {spans['upload'].status.message}\n" == done.stderr
    assert spans["upload"].status.code == spans["upload"].status.STATUS_CODE_ERROR
    assert spans["collect"].status.code == 0


PROGRAM = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from uploader import Site, publish
spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)
publish(sys.argv[1], Site(bucket=sys.argv[2]))
print(*sorted(span.name for span in spans.get_finished_spans()))
"""


def test_a_program_with_a_provider_of_its_own_has_the_spans_in_it(uploader: Uploader, site_folder: Folder) -> None:
    words = [str(site_folder("one", {"app-3f9c2ab1.js": "1", "index.html": "1"})), uploader.bucket]
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=ROOT,
        env=uploader.aws.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "collect compare list marker place send upload\n"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "{}"},
    ],
    ids=["not configured", "disabled"],
)
def test_otherwise_nothing_of_opentelemetry_is_loaded(publish: Publish, environ: dict[str, str]) -> None:
    with Webhook() as collector:
        set_to = {name: value.format(collector.origin) for name, value in environ.items()}
        done = publish(start=("-m", "uploader"), PYTHONPROFILEIMPORTTIME="1", **set_to)
    assert done.returncode == 0
    assert "uploader.tracing" in done.stderr
    assert "opentelemetry" not in done.stderr
    assert "uploader.cli.telemetry" not in done.stderr
    assert collector.bodies == []


def test_a_collector_that_takes_nothing_changes_nothing_and_is_one_line(publish: Publish) -> None:
    with Webhook(lambda request: answer(request, 400, b"no")) as collector:
        done = publish(OTEL_EXPORTER_OTLP_ENDPOINT=collector.origin)
    assert (done.returncode, collector.paths) == (0, ["/v1/traces"])
    assert done.stderr == "uploader: OpenTelemetry: not all spans were sent: an error\n"
    done = publish(OTEL_TRACES_EXPORTER="console", OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT="many")
    assert done.returncode == 0
    assert done.stderr.startswith("uploader: OpenTelemetry: no spans are sent: OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT ")
    assert done.stderr.count("\n") == 1
    done = publish(OTEL_TRACES_EXPORTER="no-such")
    assert done.returncode == 0
    said = "no spans are sent by the exporter 'no-such' (unknown): is its package installed?"
    assert done.stderr == f"uploader: {said}\n"
