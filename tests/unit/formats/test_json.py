from __future__ import annotations

from datetime import date

import pytest

from detect_icd.errors import InvalidRequestError
from detect_icd.formats import json as plain
from detect_icd.model import DetectRequest, OffsetUnit, Patient, Setting, Sex


def test_every_field_is_read():
    request = plain.request_from_plain(
        {
            "document_id": "d",
            "text": "pain",
            "date_of_service": "2026-03-31",
            "setting": "INPATIENT",
            "reason_for_visit": "pain",
            "patient": {"sex": "SEX_FEMALE", "birth_date": "1950-01-02", "age_years": 0},
            "offset_unit": "UTF16_CODE_UNIT",
            "max_candidates": 25,
            "min_score": 0.5,
        }
    )
    assert request == DetectRequest(
        "pain",
        document_id="d",
        date_of_service=date(2026, 3, 31),
        setting=Setting.INPATIENT,
        reason_for_visit="pain",
        patient=Patient(Sex.FEMALE, date(1950, 1, 2), 0),
        offset_unit=OffsetUnit.UTF16_CODE_UNIT,
        max_candidates=25,
        min_score=0.5,
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"id": "a"}, "a"),
        ({"document_id": "b"}, "b"),
        ({"id": "a", "document_id": "b"}, "b"),
        ({"id": 17}, "17"),
        ({}, ""),
    ],
)
def test_id_is_read_as_document_id(fields, expected):
    assert plain.request_from_plain({"text": "x", **fields}).document_id == expected


def test_what_is_zero_or_missing_comes_from_the_defaults():
    defaults = DetectRequest("", setting=Setting.INPATIENT, date_of_service=date(2026, 1, 1), max_candidates=7)
    given = {"text": "x", "setting": "UNSPECIFIED", "date_of_service": "", "max_candidates": 0, "patient": None}
    assert plain.request_from_plain(given, defaults) == DetectRequest(
        "x", setting=Setting.INPATIENT, date_of_service=date(2026, 1, 1), max_candidates=7
    )


def test_other_fields_of_a_corpus_are_left_alone():
    assert plain.request_from_plain({"text": "x", "codes": [{"code": "E11.9"}], "section": 3}) == DetectRequest("x")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "text"),
        ({"text": 5}, "text"),
        ({"text": "x", "id": ["a"]}, "id"),
        ({"text": "x", "setting": "HOSPICE"}, "setting"),
        ({"text": "x", "patient": "old"}, "patient"),
        ({"text": "x", "patient": {"age_years": "old"}}, "patient.age_years"),
        ({"text": "x", "patient": {"birth_date": "1950"}}, "patient.birth_date"),
        ({"text": "x", "max_candidates": 2.5}, "max_candidates"),
        ({"text": "x", "min_score": "high"}, "min_score"),
    ],
)
def test_wrong_values_name_their_field(fields, field):
    with pytest.raises(InvalidRequestError) as caught:
        plain.request_from_plain(fields)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "INVALID_JSON"),
        (b"{", "INVALID_JSON"),
        (b'{"text": "x"} x', "INVALID_JSON"),
        (b'{"min_score": NaN}', "INVALID_JSON"),
        (b"[" * 100_000, "INVALID_JSON"),
        (b'{"n": ' + b"1" * 10_000 + b"}", "INVALID_JSON"),
        (b"[1]", "WRONG_TYPE"),
        (b'"x"', "WRONG_TYPE"),
        (b"null", "WRONG_TYPE"),
        (b'{"text": "\xff"}', "INVALID_UNICODE"),
    ],
)
def test_lines_that_are_no_object(line, reason):
    with pytest.raises(InvalidRequestError) as caught:
        plain.parse_object(line)
    assert caught.value.reason == reason


def test_a_byte_order_mark_is_passed_over():
    assert plain.parse_object(b'\xef\xbb\xbf{"text": "x"}\r\n') == {"text": "x"}


def test_scores_have_four_decimals_and_empty_fields_are_printed():
    from stub_detector import VERSIONS, mentions

    from detect_icd.model import Assignment, Detection

    assignment = Assignment(1, "M79.2", "", "", "", ("m1",), 0.123456)
    printed = plain.to_plain(Detection("", mentions("pain"), (assignment,), (), (), VERSIONS))
    assert printed["assignments"][0]["score"] == 0.1235
    assert printed["document_id"] == ""
    assert printed["alerts"] == []
    assert printed["mentions"][0]["not_reportable_reason"] == "UNSPECIFIED"
    assert printed["versions"]["code_set_effective_from"] == "2025-10-01"
    assert list(printed) == [
        "document_id",
        "mentions",
        "assignments",
        "removed",
        "alerts",
        "versions",
        "assumptions",
    ]
