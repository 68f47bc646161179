"""CodeService over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from detect_icd.v1 import code_pb2 as pb
from detect_icd.v1 import code_pb2_grpc, common_pb2


@pytest.fixture
def codes(stub_address: str) -> Iterator[code_pb2_grpc.CodeServiceStub]:
    with grpc.insecure_channel(stub_address) as channel:
        yield code_pb2_grpc.CodeServiceStub(channel)


def test_get_code(codes: code_pb2_grpc.CodeServiceStub) -> None:
    answer = codes.GetCode(pb.GetCodeRequest(code="e1142", date_of_service="2026-01-15"))
    assert (answer.code, answer.status, answer.billable) == ("E11.42", pb.CODE_STATUS_VALID, True)
    assert [parent.code for parent in answer.parents] == ["E11.4", "E11"]
    assert answer.chapter.id == "4"
    assert answer.code_set.name == "FY2026"
    assert any(note.kind == pb.NOTE_KIND_EXCLUDES1 and note.at == "E11" for note in answer.notes)


def test_search_codes(codes: code_pb2_grpc.CodeServiceStub) -> None:
    request = pb.SearchCodesRequest(query="left knee pain", date_of_service="2026-01-15", page_size=3)
    answer = codes.SearchCodes(request)
    assert answer.results[0].code == "M25.562"
    assert 0 < answer.results[0].score <= 1
    request.page_token = answer.next_page_token
    assert codes.SearchCodes(request).results[0].code not in {result.code for result in answer.results}


def test_validate_codes(codes: code_pb2_grpc.CodeServiceStub) -> None:
    answer = codes.ValidateCodes(
        pb.ValidateCodesRequest(
            codes=["G35", "O80"],
            date_of_service="2025-10-01",
            setting=common_pb2.SETTING_INPATIENT,
            patient=common_pb2.Patient(sex=common_pb2.SEX_MALE, age_years=0),
        )
    )
    assert [code.status for code in answer.codes] == [pb.CODE_STATUS_NOT_BILLABLE, pb.CODE_STATUS_VALID]
    assert answer.codes[0].problem == pb.CODE_PROBLEM_MORE_CHARACTERS_NEEDED
    assert answer.codes[0].suggestions[0].code == "G35.A"
    assert [alert.kind for alert in answer.alerts] == ["AGE_CONFLICT", "SEX_CONFLICT"]


@pytest.mark.parametrize(
    ("method", "request_", "code", "field"),
    [
        ("GetCode", pb.GetCodeRequest(), grpc.StatusCode.INVALID_ARGUMENT, "code"),
        ("GetCode", pb.GetCodeRequest(code="ZZZ"), grpc.StatusCode.NOT_FOUND, ""),
        (
            "GetCode",
            pb.GetCodeRequest(code="I10", date_of_service="1999-01-01"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "date_of_service",
        ),
        (
            "GetCode",
            pb.GetCodeRequest(code="I10", date_of_service="soon"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "date_of_service",
        ),
        ("SearchCodes", pb.SearchCodesRequest(), grpc.StatusCode.INVALID_ARGUMENT, "query"),
        (
            "SearchCodes",
            pb.SearchCodesRequest(query="x", page_token="y"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "page_token",
        ),
        (
            "SearchCodes",
            pb.SearchCodesRequest(query="x", page_size=1000),
            grpc.StatusCode.INVALID_ARGUMENT,
            "page_size",
        ),
        ("ValidateCodes", pb.ValidateCodesRequest(), grpc.StatusCode.INVALID_ARGUMENT, "codes"),
        (
            "ValidateCodes",
            pb.ValidateCodesRequest(codes=["I10"], setting=9),
            grpc.StatusCode.INVALID_ARGUMENT,
            "setting",
        ),
    ],
)
def test_bad_requests_name_their_field(
    codes: code_pb2_grpc.CodeServiceStub, method: str, request_: object, code: grpc.StatusCode, field: str
) -> None:
    with pytest.raises(grpc.RpcError) as error:
        getattr(codes, method)(request_)
    assert error.value.code() is code
    details = dict(error.value.trailing_metadata())["grpc-status-details-bin"]
    found = {detail.TypeName(): detail for detail in status_pb2.Status.FromString(details).details}
    assert "google.rpc.ErrorInfo" in found
    if field:
        bad = error_details_pb2.BadRequest()
        found["google.rpc.BadRequest"].Unpack(bad)
        assert bad.field_violations[0].field == field


def test_an_endless_code_is_not_found_like_any_other(address):
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as caught:
        code_pb2_grpc.CodeServiceStub(channel).GetCode(pb.GetCodeRequest(code="\U0001f600" * 100_000), timeout=10)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert rpc_status.from_call(caught.value).details
