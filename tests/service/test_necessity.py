"""MedicalNecessityService over a real socket."""

from __future__ import annotations

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from detect_icd.v1 import common_pb2, detection_pb2
from detect_icd.v1 import necessity_pb2 as pb
from detect_icd.v1.necessity_pb2_grpc import MedicalNecessityServiceStub

NOTE = "\U0001f600 Mononeuropathy of the left lower limb."


@pytest.fixture(scope="module")
def stub(address):
    with grpc.insecure_channel(address) as channel:
        yield MedicalNecessityServiceStub(channel)


def test_a_claim(stub):
    request = pb.CheckMedicalNecessityRequest(
        date_of_service="2026-11-02",
        state="OH",
        diagnoses=[pb.Diagnosis(code="G57.91")],
        lines=[pb.ClaimLine(procedure="0441T", modifiers=["RT"], pointers=[1])],
    )
    [line] = stub.CheckMedicalNecessity(request).lines
    assert (line.line_number, line.determination) == (1, pb.DETERMINATION_MANUAL_REVIEW)
    assert line.findings[0].provenance == pb.PROVENANCE_CURATED


def test_quotes_count_the_documents_unit(stub):
    document = detection_pb2.DetectRequest(text=NOTE, offset_unit=common_pb2.OFFSET_UNIT_UTF16_CODE_UNIT)
    request = pb.CheckMedicalNecessityRequest(
        date_of_service="2026-11-02", document=document, lines=[pb.ClaimLine(procedure="0441T")]
    )
    [line] = stub.CheckMedicalNecessity(request).lines
    [quote] = line.indication.supported_by[0].quotes
    assert NOTE.encode("utf-16-le")[quote.span.start * 2 : quote.span.end * 2].decode("utf-16-le") == quote.text


def test_a_procedure(stub):
    record = stub.GetProcedure(pb.GetProcedureRequest(procedure="0441t", date_of_service="2026-11-02"))
    facts = {fact.name: fact.value for fact in record.facts}
    assert (record.procedure, facts["status"], facts["global_days"], facts["added"]) == (
        "0441T",
        "C",
        "YYY",
        "2016-07-01",
    )
    assert {m.modifier for m in record.modifiers if m.allowed} >= {"RT", "LT", "51", "59", "76", "AQ", "GC", "X4"}
    assert list(record.related) == ["0440T", "0442T"]


def test_the_lists(stub):
    found = stub.ListSupportedProcedures(pb.ListSupportedProceduresRequest(diagnoses=["G57.92"]))
    assert "0441T" in [item.procedure for item in found.procedures]
    page = stub.ListSupportingDiagnoses(pb.ListSupportingDiagnosesRequest(procedure="90867", page_size=3))
    rest = stub.ListSupportingDiagnoses(
        pb.ListSupportingDiagnosesRequest(procedure="90867", page_size=3, page_token=page.next_page_token)
    )
    assert [(d.code, d.layer) for d in [*page.diagnoses, *rest.diagnoses]] == [
        ("F32.2", "INDICATION"), ("F33.2", "INDICATION"), ("F32.2", "POLICY"), ("F33.2", "POLICY"),
    ]  # fmt: skip
    assert rest.next_page_token == ""


@pytest.mark.parametrize(
    ("method", "request_", "code"),
    [
        ("GetProcedure", pb.GetProcedureRequest(procedure="ZZZZZ"), "NOT_FOUND"),
        ("GetProcedure", pb.GetProcedureRequest(), "INVALID_ARGUMENT"),
        ("ListSupportedProcedures", pb.ListSupportedProceduresRequest(), "INVALID_ARGUMENT"),
        (
            "ListSupportingDiagnoses",
            pb.ListSupportingDiagnosesRequest(procedure="90867", page_size=5000),
            "INVALID_ARGUMENT",
        ),
        ("CheckMedicalNecessity", pb.CheckMedicalNecessityRequest(), "INVALID_ARGUMENT"),
    ],
)
def test_errors(stub, method, request_, code):
    with pytest.raises(grpc.RpcError) as caught:
        getattr(stub, method)(request_)
    assert caught.value.code().name == code


def test_it_has_its_own_health(address):
    with grpc.insecure_channel(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(health_pb2.HealthCheckRequest(service="detect_icd.v1.MedicalNecessityService"))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
