"""OpenTelemetry spans: one for each call, and one for each stage of its detection. Off unless configured.

The workers send the stages' times with their answers, so that only the front process knows OpenTelemetry.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from detect_icd import __version__
from detect_icd.service.calls import Call
from detect_icd.service.frames import Report
from detect_icd.service.settings import ServerSettings, SetUpError


class TracesError(SetUpError):
    """Traces were asked for, and what makes them is not installed."""

    reason = "TRACES_UNAVAILABLE"


class Traces:
    """An observer of calls; `tracer` is OpenTelemetry's."""

    def __init__(self, tracer: Any) -> None:
        self._tracer = tracer

    def begun(self, call: Call) -> None:
        """A call has come; it continues the client's trace where the client sent one (W3C traceparent)."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract({"traceparent": call.trace_parent})
        call.span = self._tracer.start_span(call.name, context=parent, kind=SpanKind.SERVER)
        call.span.set_attribute("rpc.system", "grpc")
        call.span.set_attribute("detect_icd.request_id", call.request_id)

    def answered(self, call: Call, report: Report, received: int, sent: int) -> None:
        """Its stages, placed so that the last one ends now: clocks of processes are not compared."""
        from opentelemetry.trace import set_span_in_context

        del received, sent
        now = time.time_ns()
        length = max((begin + seconds for _, begin, seconds in report.stages), default=0.0)
        context = set_span_in_context(call.span)
        for stage, begin, seconds in report.stages:
            start = now - round((length - begin) * 1e9)
            span = self._tracer.start_span(stage, context=context, start_time=start)
            span.end(start + round(seconds * 1e9))

    def ended(self, call: Call) -> None:
        """It is over."""
        call.span.set_attribute("rpc.grpc.status_code", call.code)
        call.span.set_attribute("detect_icd.characters", call.characters)
        call.span.set_attribute("detect_icd.mentions", call.mentions)
        call.span.end()


def exported(settings: ServerSettings) -> tuple[Traces, Callable[[], None]]:
    """Spans sent to the settings' endpoint, and what ends that; raises TracesError."""
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError:
        raise TracesError("--traces-endpoint needs more: pip install 'detect-icd[traces]'") from None
    secret = settings.traces_headers.get_secret_value()
    headers = tuple(tuple(pair.split("=", 1)) for pair in secret.split(",") if "=" in pair)
    insecure = not settings.traces_endpoint.startswith("https://")
    exporter = OTLPSpanExporter(endpoint=settings.traces_endpoint, headers=headers, insecure=insecure)
    provider = TracerProvider(resource=Resource.create({"service.name": "detect-icd", "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Traces(provider.get_tracer("detect_icd")), provider.shutdown
