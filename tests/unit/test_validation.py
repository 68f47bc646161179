from __future__ import annotations

from datetime import date

import pytest

from detect_icd import validation
from detect_icd.errors import InvalidRequestError
from detect_icd.model import DetectRequest, OffsetUnit, Patient, Setting, Sex


def fault(call, *arguments, **options) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        call(*arguments, **options)
    return caught.value


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        (DetectRequest(""), "text", "TEXT_EMPTY"),
        (DetectRequest(" \r\n\t\u00a0\u2003\u200b\ufeff"), "text", "TEXT_EMPTY"),
        (DetectRequest("a\0"), "text", "TEXT_NUL"),
        (DetectRequest("a\ud800b"), "text", "INVALID_UNICODE"),
        (DetectRequest("a", document_id="\udfff"), "document_id", "INVALID_UNICODE"),
        (DetectRequest("a", reason_for_visit="\udfff"), "reason_for_visit", "INVALID_UNICODE"),
        (DetectRequest("a", max_candidates=0), "max_candidates", "OUT_OF_RANGE"),
        (DetectRequest("a", max_candidates=26), "max_candidates", "OUT_OF_RANGE"),
        (DetectRequest("a", min_score=-0.1), "min_score", "OUT_OF_RANGE"),
        (DetectRequest("a", min_score=float("nan")), "min_score", "OUT_OF_RANGE"),
        (DetectRequest("a", setting="HOSPICE"), "setting", "UNKNOWN_ENUM_VALUE"),
        (DetectRequest("a", offset_unit="BIT"), "offset_unit", "UNKNOWN_ENUM_VALUE"),
        (DetectRequest("a", patient=Patient(sex="X")), "patient.sex", "UNKNOWN_ENUM_VALUE"),
        (DetectRequest("a", patient=Patient(age_years=151)), "patient.age_years", "OUT_OF_RANGE"),
        (
            DetectRequest("a", date_of_service=date(2026, 1, 1), patient=Patient(birth_date=date(2026, 1, 2))),
            "patient.birth_date",
            "OUT_OF_RANGE",
        ),
    ],
)
def test_faults_name_field_and_reason(request_, field, reason):
    error = fault(validation.check_request, request_)
    assert (error.field, error.reason) == (field, reason)


@pytest.mark.parametrize(
    "request_",
    [
        DetectRequest("a"),
        DetectRequest("\ufeffPain.\r\n"),
        DetectRequest("a", max_candidates=25, min_score=1.0, patient=Patient(Sex.FEMALE, date(1950, 2, 3), 0)),
        DetectRequest("😀"),
    ],
)
def test_good_requests_pass(request_):
    validation.check_request(request_)


@pytest.mark.parametrize(("text", "good"), [("é" * 5, True), ("é" * 5 + "x", False)])
def test_the_limit_counts_bytes_of_utf8(text, good):
    if good:
        validation.check_request(DetectRequest(text), max_text_bytes=10)
    else:
        error = fault(validation.check_request, DetectRequest(text), max_text_bytes=10)
        assert error.reason == "TEXT_TOO_LONG"
        assert "10 bytes" in error.message


def test_no_message_quotes_the_text():
    for text in ("Smith\0", "Smith\ud800", "Smith" * 300_000):
        assert "Smith" not in fault(validation.check_request, DetectRequest(text)).message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("INPATIENT", Setting.INPATIENT),
        ("SETTING_INPATIENT", Setting.INPATIENT),
        ("inpatient", Setting.INPATIENT),
        (2, Setting.INPATIENT),
        (0, None),
        ("", None),
        (None, None),
        ("UNSPECIFIED", None),
        ("SETTING_UNSPECIFIED", None),
    ],
)
def test_enum_values_come_with_prefix_or_without(value, expected):
    assert validation.optional_enum(Setting, value, "setting") is expected


@pytest.mark.parametrize("value", ["HOSPITAL", 3, -1, True, 1.5, [], "SETTING_", "OFFSET_UNIT_INPATIENT"])
def test_unknown_enum_values_are_refused(value):
    error = fault(validation.optional_enum, Setting, value, "setting")
    assert "OUTPATIENT, INPATIENT" in error.message


def test_prefixes_are_those_of_the_proto():
    assert validation.enum_prefix(OffsetUnit) == "OFFSET_UNIT_"


@pytest.mark.parametrize(("value", "expected"), [("2026-03-31", date(2026, 3, 31)), ("", None), (None, None)])
def test_dates(value, expected):
    assert validation.optional_date(value, "date_of_service") == expected


@pytest.mark.parametrize(
    "value", ["2026-3-31", "20260331", "2026-02-30", "2026-W01-1", "٢٠٢٦-٠٣-٣١", " 2026-03-31", 2026, True]
)
def test_other_dates_are_refused(value):
    assert fault(validation.optional_date, value, "date_of_service").reason == "INVALID_DATE"


@pytest.mark.parametrize(("value", "expected"), [(5, 5), (5.0, 5), ("5", 5), (None, 0)])
def test_whole_numbers(value, expected):
    assert validation.integer(value, "max_candidates") == expected


@pytest.mark.parametrize("value", [5.5, "five", True, [5], float("inf")])
def test_other_numbers_are_refused(value):
    assert fault(validation.integer, value, "max_candidates").reason == "WRONG_TYPE"
