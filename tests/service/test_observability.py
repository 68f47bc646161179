"""Metrics, the log and spans: true, bounded, and without a word of a text."""

from __future__ import annotations

import json
import logging
import re
import socket
import subprocess
import sys
import time
import urllib.request

import grpc
import pytest
from stub_detector import StubDetector

from detect_icd.client import Client, ServerError, appended, closed, opened, whole
from detect_icd.model import DetectRequest
from detect_icd.service import logs
from detect_icd.service.calls import Calls
from detect_icd.service.frames import Report
from detect_icd.v1 import detection_pb2 as pb
from detect_icd.v1 import detection_pb2_grpc

MARK = "ZZMARKEDPATIENTZZ"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


def value(metrics: str, name: str) -> float:
    [line] = [line for line in metrics.splitlines() if line.startswith(name + " ")]
    return float(line.rpartition(" ")[2])


def test_metrics_count_what_was_done(start):
    port = free_port()
    with start(StubDetector(), metrics_address=f"127.0.0.1:{port}") as address, Client(address, timeout=10) as client:
        client.detect("back pain")
        with pytest.raises(ServerError):
            client.detect(" ")
        list(client.detect_stream([whole(DetectRequest("pain")), whole(DetectRequest("pain"))]))
        with pytest.raises(grpc.RpcError), grpc.insecure_channel(address) as channel:
            channel.unary_unary(f"/detect_icd.v1.IcdDetectionService/{MARK}")(b"")
        metrics = scrape(port)
    method = 'method="IcdDetectionService/Detect"'
    assert value(metrics, f'detect_icd_calls_total{{code="OK",{method}}}') == 1
    assert value(metrics, f'detect_icd_calls_total{{code="INVALID_ARGUMENT",{method}}}') == 1
    assert value(metrics, 'detect_icd_messages_total{method="IcdDetectionService/DetectStream"}') == 2
    assert value(metrics, "detect_icd_characters_total") == len("back pain") + 2 * len("pain")
    assert value(metrics, "detect_icd_mentions_total") == 3
    assert value(metrics, "detect_icd_queue_length") == 0
    assert MARK not in metrics


def test_the_metrics_address_can_be_refused(start):
    from detect_icd.service.settings import SetUpError

    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SetUpError, match="metrics"), start(StubDetector(), metrics_address=address):
            pass


@pytest.fixture
def lines(caplog):
    def parsed():
        return [json.loads(logs.JsonLines().format(record)) for record in caplog.records]

    caplog.set_level(logging.INFO, logger="detect_icd")
    return parsed


def test_a_call_is_one_line_with_its_request_id(start, lines):
    with start(StubDetector()) as address, grpc.insecure_channel(address) as channel:
        stub = detection_pb2_grpc.IcdDetectionServiceStub(channel)
        request = pb.DetectRequest(text="back pain", document_id=MARK)
        stub.Detect(request, metadata=(("x-request-id", "0123456789abcdef"),))
    [line] = [line for line in lines() if "method" in line]
    assert line["request_id"] == "0123456789abcdef"
    assert (line["method"], line["code"], line["characters"]) == ("IcdDetectionService/Detect", "OK", 9)
    assert MARK not in str(lines())


def test_a_call_that_ran_out_of_time_is_told_as_such(start, lines):
    with start(StubDetector()) as address, grpc.insecure_channel(address) as channel:
        stub = detection_pb2_grpc.IcdDetectionServiceStub(channel)
        with pytest.raises(grpc.RpcError):
            stub.Detect(pb.DetectRequest(text="wait 20"), timeout=0.2)
        left = stub.Detect.future(pb.DetectRequest(text="wait 20"), timeout=20)
        time.sleep(0.2)
        left.cancel()
    assert [line["code"] for line in lines() if "method" in line] == ["DEADLINE_EXCEEDED", "CANCELLED"]


@pytest.mark.parametrize("asked", [MARK, "1980-01-31", "19800131", "4471-2236", "000123456789"])
def test_a_request_id_that_might_name_somebody_is_not_taken_over(start, lines, asked):
    with start(StubDetector()) as address, grpc.insecure_channel(address) as channel:
        stub = detection_pb2_grpc.IcdDetectionServiceStub(channel)
        stub.Detect(pb.DetectRequest(text="pain"), metadata=(("x-request-id", asked),))
    [line] = [line for line in lines() if "method" in line]
    assert re.fullmatch(r"[0-9a-f]{16}", line["request_id"])


def test_a_refused_call_tells_its_request_id(start):
    with start(StubDetector()) as address, grpc.insecure_channel(address) as channel:
        stub = detection_pb2_grpc.IcdDetectionServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Detect(pb.DetectRequest(), metadata=(("x-request-id", "abcdef0123456789"),))
    assert dict(caught.value.trailing_metadata())["x-request-id"] == "abcdef0123456789"


@pytest.mark.parametrize("formatter", [logs.JsonLines(), logs.PlainLines()])
def test_the_words_of_an_exception_are_not_logged(formatter):
    error = ValueError(MARK)
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", None, (ValueError, error, None))
    line = formatter.format(record)
    assert "ValueError" in line
    assert MARK not in line


def test_spans_of_a_call_and_its_stages():
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from detect_icd.service.traces import Traces

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    class Context:
        def invocation_metadata(self):
            return (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),)

        def time_remaining(self):
            return None

    call = Calls([Traces(provider.get_tracer("test"))]).begin("/detect_icd.v1.IcdDetectionService/Detect", Context())
    call.add(Report(9, 1, (("mentions", 0.001, 0.002), ("context", 0.003, 0.004))), 10, 20)
    call.end("OK")
    spans = {span.name: span for span in exporter.get_finished_spans()}
    parent = spans["IcdDetectionService/Detect"]
    assert f"{parent.context.trace_id:x}" == "af7651916cd43dd8448eb211c80319c"
    assert {spans[name].parent.span_id for name in ("mentions", "context")} == {parent.context.span_id}
    taken = {name: (spans[name].end_time - spans[name].start_time) / 1e9 for name in ("mentions", "context")}
    assert taken == {"mentions": pytest.approx(0.002, abs=1e-4), "context": pytest.approx(0.004, abs=1e-4)}
    assert spans["mentions"].start_time < spans["context"].start_time


def test_nothing_the_server_writes_holds_a_word_of_a_text(tmp_path):
    """Marked texts through every failure path of the real server; then all it wrote is searched."""
    port = free_port()
    home = tmp_path / "home"
    home.mkdir()
    out, err = tmp_path / "out", tmp_path / "err"
    arguments = ["--log-format", "json", "--log-level", "debug", "--metrics-address", f"127.0.0.1:{port}"]
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "detect_icd.cli", "serve", "--address", "127.0.0.1:0", *arguments],
            stdout=stdout,
            stderr=stderr,
            cwd=home,
            env={**__import__("os").environ, "TMPDIR": str(home), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        try:
            while not out.read_text():
                assert process.poll() is None, err.read_text()
            address = out.read_text().split()[-1]
            told = _marked_failures(address)
            metrics = scrape(port)
        finally:
            process.terminate()
            assert process.wait(30) == 0
    written = out.read_text() + err.read_text() + metrics + "".join(told)
    assert len(told) >= 10
    assert '"level": "info"' in written
    assert MARK not in written
    left = [path for path in home.rglob("*") if path.is_file()]
    assert [path for path in left if MARK.encode() in path.read_bytes()] == []


def _marked_failures(address: str) -> list[str]:
    """What the clients were told."""
    long = f"{MARK} has diabetes. " * 20_000
    told = []
    requests = [
        pb.DetectRequest(document_id=MARK, text=f"{MARK}\0"),
        pb.DetectRequest(text=MARK, date_of_service=MARK),
        pb.DetectRequest(text=MARK, max_candidates=99),
        pb.DetectRequest(text=MARK * 100_000),
        pb.DetectRequest(text=MARK, reason_for_visit=MARK * 100_000, setting=9),
    ]
    with grpc.insecure_channel(address) as channel:
        stub = detection_pb2_grpc.IcdDetectionServiceStub(channel)
        raw = channel.unary_unary("/detect_icd.v1.IcdDetectionService/Detect")
        calls = [lambda r=r: stub.Detect(r) for r in requests]
        calls += [
            lambda: stub.Detect(pb.DetectRequest(text=long), timeout=0.2),
            lambda: raw(pb.DetectRequest(text=MARK).SerializeToString().replace(b"PATIENT", b"P\xffTIENT")),
            lambda: raw(MARK.encode() * 3),
            lambda: channel.unary_unary(f"/detect_icd.v1.IcdDetectionService/{MARK}")(b""),
        ]
        for call in calls:
            with pytest.raises(grpc.RpcError) as caught:
                call()
            metadata = [v if isinstance(v, bytes) else v.encode() for _, v in caught.value.trailing_metadata() or ()]
            told.append(caught.value.details() + b"".join(metadata).decode("utf-8", "replace"))
    with Client(address, timeout=30) as client:
        messages = [opened(DetectRequest("", document_id="a")), appended("a", f"{MARK}\0"), closed("a")]
        told += [str(answer.error) for answer in client.detect_stream(messages)]
        answers = client.detect_stream(iter([whole(DetectRequest(long))]))
        answers.close()
    return told
