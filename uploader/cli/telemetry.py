"""Sends the spans of a command where OpenTelemetry's environment variables say.

It takes the extra ``[otel]``, and is loaded only if a variable says where to: `uploader.tracing.is_configured`.
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from importlib.metadata import entry_points
from threading import Thread
from typing import TYPE_CHECKING, Any

from uploader.about import VERSION, WRITER
from uploader.aws.access import first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SECONDS = 3.0
"""How long a command that has ended waits until its spans are sent, at most."""

log = logging.getLogger("uploader")


@contextmanager
def spans_sent(environ: Mapping[str, str]) -> Iterator[None]:
    """Collect the spans of what is done within, as a part of the trace that ``TRACEPARENT`` names, and send them.

    Whatever becomes of them, no command fails for them; one line says it.
    """
    problems = _Problems()
    end = None
    try:
        end = _begin(environ)
    except ImportError as error:
        log.debug("no spans are sent: pip install 'asset-cleaner[otel]' (%s)", error)
    except Exception as error:  # noqa: BLE001 (a variable that cannot be read, mostly)
        log.warning("OpenTelemetry: no spans are sent: %s", first_line(error))
    try:
        yield
    finally:
        if end is not None:
            problems.tell(in_time=_ended(end))


def _begin(environ: Mapping[str, str]) -> Callable[[], object]:
    """Begin to collect spans; returns what sends them.

    Raises:
        ImportError: The extra is not installed.
    """
    from opentelemetry import context, trace  # noqa: PLC0415 (an extra, which few have)
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    headers = {name: environ[name.upper()] for name in ("traceparent", "tracestate") if environ.get(name.upper())}
    context.attach(TraceContextTextMapPropagator().extract(headers))
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):  # it is one where `opentelemetry-instrument` started this program
        said = OTELResourceDetector().detect().attributes
        own = {"service.name": WRITER, "service.version": VERSION}
        resource = Resource.create({name: value for name, value in own.items() if name not in said})
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        for exporter in _exporters(environ):
            provider.add_span_processor(BatchSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
    return provider.shutdown


def _exporters(environ: Mapping[str, str]) -> Iterator[Any]:
    """The exporters that the environment names, as their packages offer them."""
    known = {each.name: each for each in entry_points(group="opentelemetry_traces_exporter")}
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    otlp = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    for name in (environ.get("OTEL_TRACES_EXPORTER") or "otlp").split(","):
        wanted = otlp if name.strip() == "otlp" else name.strip()
        try:
            yield known[wanted].load()()
        except Exception as error:  # noqa: BLE001 (no command fails for its spans)
            log.warning("no spans are sent by the exporter %r (%s): is its package installed?", wanted, _kind(error))


def _ended(end: Callable[[], object]) -> bool:
    """Have the spans sent; returns whether that has ended in time."""
    # A daemon: the process can end before it does.
    thread = Thread(target=end, daemon=True)
    try:
        thread.start()
        thread.join(SECONDS)
    except (KeyboardInterrupt, RuntimeError):  # the command has ended already, in its own way
        return False
    return not thread.is_alive()


class _Problems(logging.Handler):
    """Keeps what OpenTelemetry's own log would print, with a traceback, into the command's."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._seen: list[str] = []
        theirs = logging.getLogger("opentelemetry")
        theirs.handlers, theirs.propagate = [self], False

    def emit(self, record: logging.LogRecord) -> None:
        """See logging."""
        self._seen.append(record.getMessage())

    def tell(self, *, in_time: bool) -> None:
        """Say in one line that spans are lost, if they are."""
        if self._seen or not in_time:
            log.warning("OpenTelemetry: not all spans were sent: %s", "an error" if in_time else "no answer in time")
        for line in self._seen:
            log.debug("OpenTelemetry: %s", line)


def _kind(error: Exception) -> str:
    return "unknown" if isinstance(error, KeyError) else type(error).__name__
