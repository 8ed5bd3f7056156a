"""Spans of OpenTelemetry, where somebody collects them; else nothing, and at no cost.

The package `opentelemetry` is never imported for it here. `uploader.cli.telemetry` hands over a tracer where the
environment configures one; in a program that has loaded OpenTelemetry's SDK itself, its own is used.
"""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from uploader.about import VERSION, WRITER
from uploader.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WHERE = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""The variables that say where spans go to. Without them nobody collects any: the standard's default, a collector on
this machine, would cost every build job a refused connection."""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def is_configured(environ: Mapping[str, str]) -> bool:
    """Whether the environment says where spans go to."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(environ.get(name) for name in WHERE)


def traced(name: str) -> Callable[[Callable[Arguments, Answer]], Callable[Arguments, Answer]]:
    """Let a function's calls be spans of this name. An error is the span's status."""

    def decorate(function: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
        @wraps(function)
        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
            api = _api()
            if api is None:
                return function(*args, **kwargs)
            tracer = api.get_tracer(WRITER, VERSION)
            with tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
                try:
                    return function(*args, **kwargs)
                except BaseException as error:
                    span.set_attribute("error.type", type(error).__qualname__)
                    span.set_status(api.StatusCode.ERROR, printable(str(error)))
                    raise

        return call

    return decorate


def annotate(**attributes: str | float | None) -> None:
    """Give the present span attributes; in their names, two underscores stand for a dot. None: it has none."""
    api = _api()
    if api is not None:
        known = {name.replace("__", "."): value for name, value in attributes.items() if value is not None}
        api.get_current_span().set_attributes(known)


def variables() -> dict[str, str]:
    """The environment variables by which a program that is started continues the present trace."""
    if _api() is None:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return {name.upper(): value for name, value in carrier.items()}


def _api() -> Any:  # noqa: ANN401 (a module that may not be installed)
    """OpenTelemetry's module `trace`, if somebody has loaded its SDK, without which there is no span to be seen."""
    return sys.modules.get("opentelemetry.trace") if "opentelemetry.sdk.trace" in sys.modules else None
