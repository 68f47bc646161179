"""The contract's JSON: one encoder for the terminal, the batch and remote answers, so that all print the same bytes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from detect_icd import validation
from detect_icd.errors import InvalidRequestError
from detect_icd.formats.records import decoder, encoder
from detect_icd.model import Detection, DetectRequest, OffsetUnit, Patient, Setting, Sex


def to_plain(value: Any) -> dict[str, Any]:
    """A frozen record (a Detection, a Settled ...) as the dict its JSON shows: every field, in the contract's order."""
    plain: dict[str, Any] = encoder(type(value))(value)
    return plain


def detection_from_plain(plain: Mapping[str, Any]) -> Detection:
    """The way back from `to_plain(detection)`; missing fields are empty."""
    detection: Detection = decoder(Detection, _read)(plain)
    return detection


def dump_line(plain: Mapping[str, Any]) -> str:
    """One JSON line, without its line end; what no UTF-8 can carry is replaced."""
    return _encodable(json.dumps(plain, ensure_ascii=False, separators=(", ", ": ")))


def dump_page(plain: Mapping[str, Any]) -> str:
    """The same for people: indented."""
    return _encodable(json.dumps(plain, ensure_ascii=False, indent=2))


def parse_object(line: bytes | str) -> Mapping[str, Any]:
    """A JSON object from UTF-8 bytes, with or without a byte-order mark; raises InvalidRequestError."""
    try:
        text = line.decode("utf-8-sig") if isinstance(line, bytes) else line
    except UnicodeDecodeError as error:
        raise InvalidRequestError(
            f"not UTF-8 (byte {error.start} of the line): convert the file to UTF-8", field="", reason="INVALID_UNICODE"
        ) from None
    try:
        plain = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        at = f" (column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidRequestError(
            f'not a JSON object{at}: each line must be one, as {{"id": "1", "text": "..."}}',
            field="",
            reason="INVALID_JSON",
        ) from None
    return validation.record(plain if plain is not None else [], "")


def request_from_plain(plain: Mapping[str, Any], defaults: DetectRequest | None = None) -> DetectRequest:
    """A DetectRequest from its JSON object; `id` is read as `document_id`, fields of other names are left alone.

    What is missing, zero or unspecified comes from `defaults`. Raises InvalidRequestError for a value of a wrong kind;
    ranges and the text itself are checked by the detector (validation.check_request).
    """
    base = defaults or DetectRequest(text="")
    if "text" not in plain:
        raise InvalidRequestError(
            'the field "text" is missing: send the clinical text to read', field="text", reason="TEXT_EMPTY"
        )
    return dataclasses.replace(
        base,
        text=validation.string(plain["text"], "text"),
        document_id=document_id(plain) or base.document_id,
        date_of_service=validation.optional_date(plain.get("date_of_service"), "date_of_service")
        or base.date_of_service,
        setting=validation.optional_enum(Setting, plain.get("setting"), "setting") or base.setting,
        reason_for_visit=validation.string(plain.get("reason_for_visit"), "reason_for_visit") or base.reason_for_visit,
        patient=patient_from_plain(plain["patient"]) if plain.get("patient") is not None else base.patient,
        offset_unit=validation.optional_enum(OffsetUnit, plain.get("offset_unit"), "offset_unit") or base.offset_unit,
        max_candidates=validation.integer(plain.get("max_candidates"), "max_candidates") or base.max_candidates,
        min_score=validation.number(plain.get("min_score"), "min_score") or base.min_score,
    )


def patient_from_plain(value: object) -> Patient:
    """A Patient from its JSON object."""
    plain = validation.record(value, "patient")
    age = plain.get("age_years")
    birth_date: date | None = validation.optional_date(plain.get("birth_date"), "patient.birth_date")
    return Patient(
        sex=validation.optional_enum(Sex, plain.get("sex"), "patient.sex"),
        birth_date=birth_date,
        age_years=None if age is None else validation.integer(age, "patient.age_years"),
    )


def document_id(plain: Mapping[str, Any]) -> str:
    """The document's name; a whole number is taken as its digits, as corpora number their texts."""
    for name in ("document_id", "id"):
        value = plain.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is not None and value != "":
            return validation.string(value, name)
    return ""


def _read(plain: Any, name: str) -> Any:
    return plain.get(name)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
