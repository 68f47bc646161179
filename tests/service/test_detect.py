"""Detect over a real socket: answers, faults and their details, deadlines, load, health."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from detect_icd.v1 import common_pb2, detection_pb2, detection_pb2_grpc

DETECT = "/detect_icd.v1.IcdDetectionService/Detect"


def details(error: grpc.RpcError) -> dict[str, object]:
    """The details of an error, by type."""
    found = {}
    for packed in rpc_status.from_call(error).details:
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo):
            message = kind()
            if packed.Unpack(message):
                found[kind.__name__] = message
    return found


def failure(call, *arguments, **options) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **options)
    return caught.value


def test_answers_with_the_documents_id(stub):
    answer = stub.Detect(detection_pb2.DetectRequest(document_id="d1", text="back pain"))
    assert answer.document_id == "d1"
    assert [(m.span.start, m.span.end, m.text) for m in answer.mentions] == [(5, 9, "pain")]


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"text": ""}, "text", "TEXT_EMPTY"),
        ({"text": " \n\t\u200b"}, "text", "TEXT_EMPTY"),
        ({"text": "a\0b"}, "text", "TEXT_NUL"),
        ({"text": "x" * 1_048_577}, "text", "TEXT_TOO_LONG"),
        ({"text": "a", "date_of_service": "31.12.2025"}, "date_of_service", "INVALID_DATE"),
        ({"text": "a", "date_of_service": "2026-02-30"}, "date_of_service", "INVALID_DATE"),
        ({"text": "a", "setting": 9}, "setting", "UNKNOWN_ENUM_VALUE"),
        ({"text": "a", "offset_unit": 7}, "offset_unit", "UNKNOWN_ENUM_VALUE"),
        ({"text": "a", "max_candidates": 26}, "max_candidates", "OUT_OF_RANGE"),
        ({"text": "a", "max_candidates": -1}, "max_candidates", "OUT_OF_RANGE"),
        ({"text": "a", "min_score": 1.5}, "min_score", "OUT_OF_RANGE"),
        ({"text": "a", "patient": common_pb2.Patient(sex=5)}, "patient.sex", "UNKNOWN_ENUM_VALUE"),
        ({"text": "a", "patient": common_pb2.Patient(age_years=-1)}, "patient.age_years", "OUT_OF_RANGE"),
        ({"text": "a", "patient": common_pb2.Patient(birth_date="x")}, "patient.birth_date", "INVALID_DATE"),
    ],
)
def test_bad_input_names_its_field(stub, fields, field, reason):
    error = failure(stub.Detect, detection_pb2.DetectRequest(**fields))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    found = details(error)
    assert found["ErrorInfo"].reason == reason
    assert [v.field for v in found["BadRequest"].field_violations] == [field]


def test_the_limit_is_named(stub):
    error = failure(stub.Detect, detection_pb2.DetectRequest(text="é" * 600_000))
    assert "1,048,576" in error.details()


def test_invalid_utf8_is_bad_input(channel):
    raw = detection_pb2.DetectRequest(document_id="d", text="pain").SerializeToString().replace(b"pain", b"pa\xffn")
    error = failure(channel.unary_unary(DETECT), raw)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details(error)["ErrorInfo"].reason == "INVALID_UNICODE"
    assert details(error)["BadRequest"].field_violations[0].field == "text"


def test_bytes_that_are_no_message_are_bad_input(channel):
    error = failure(channel.unary_unary(DETECT), b"\x0a\xff\xff")
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details(error)["ErrorInfo"].reason == "MALFORMED_MESSAGE"


def test_an_unknown_method_has_details_too(channel):
    error = failure(channel.unary_unary("/detect_icd.v1.IcdDetectionService/Guess"), b"")
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert details(error)["ErrorInfo"].reason == "METHOD_UNKNOWN"


def test_an_unexpected_fault_tells_nothing_of_the_text(stub, caplog):
    with caplog.at_level(logging.ERROR):
        error = failure(stub.Detect, detection_pb2.DetectRequest(text="crash"))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert details(error)["ErrorInfo"].reason == "INTERNAL"
    assert "SECRET" not in error.details() + caplog.text
    assert "KeyError" in caplog.text


def test_a_damaged_lexicon_is_said(stub):
    error = failure(stub.Detect, detection_pb2.DetectRequest(text="damaged"))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert details(error)["ErrorInfo"].reason == "LEXICON_INVALID"


def test_work_stops_at_the_deadline(stub, stub_detector):
    stub.Detect(detection_pb2.DetectRequest(text="pain"))  # so that connecting takes none of the time
    error = failure(stub.Detect, detection_pb2.DetectRequest(text="wait 30"), timeout=1)
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_for(lambda: stub_detector.stopped == 1)


def test_work_stops_when_the_client_is_gone(stub, stub_detector):
    call = stub.Detect.future(detection_pb2.DetectRequest(text="wait 30"))
    time.sleep(0.2)
    call.cancel()
    wait_for(lambda: stub_detector.stopped == 1)


def test_load_beyond_the_queue_is_shed_and_health_answers(stub, channel):
    calls = [stub.Detect.future(detection_pb2.DetectRequest(text="wait 2")) for _ in range(4)]
    time.sleep(0.3)
    error = failure(stub.Detect, detection_pb2.DetectRequest(text="pain"))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details(error)["ErrorInfo"].reason == "OVERLOADED"
    assert details(error)["RetryInfo"].retry_delay.ToMilliseconds() > 0
    began = time.monotonic()
    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert time.monotonic() - began < 1
    for call in calls:
        call.cancel()


def test_places_come_back_after_load(stub):
    calls = [stub.Detect.future(detection_pb2.DetectRequest(text="wait 0.2")) for _ in range(4)]
    for call in calls:
        call.result(timeout=10)
    assert stub.Detect(detection_pb2.DetectRequest(text="pain")).mentions


@pytest.mark.parametrize("service", ["", "detect_icd.v1.IcdDetectionService"])
def test_health_is_told_by_service(channel, service):
    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
    assert health.status == health_pb2.HealthCheckResponse.SERVING


def reflected(address: str) -> list[str]:
    with grpc.insecure_channel(address) as channel:
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        for answer in reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]), timeout=5):
            return [service.name for service in answer.list_services_response.service]
    return []


def test_reflection_lists_the_service(stub_address):
    assert "detect_icd.v1.IcdDetectionService" in reflected(stub_address)


def test_reflection_can_be_switched_off(stub_detector, start):
    with start(stub_detector, reflection=False) as address:
        error = failure(reflected, address)
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_call_under_way_is_finished_when_the_server_stops(stub_detector, start):
    with ExitStack() as channels:
        with start(stub_detector, grace_seconds=5) as address:
            channel = channels.enter_context(grpc.insecure_channel(address))
            call = detection_pb2_grpc.IcdDetectionServiceStub(channel).Detect.future(
                detection_pb2.DetectRequest(document_id="last", text="wait 0.5")
            )
            time.sleep(0.2)
        assert call.result(timeout=10).document_id == "last"


def wait_for(condition, seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
