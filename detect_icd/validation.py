"""What a request must be, checked in one place: the detector calls it, and so does every adapter that reads one.

Each fault is an InvalidRequestError whose `field` is the path in the request, whose `reason` is stable, and whose
words say what to do. No message quotes the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar

from detect_icd.errors import InvalidRequestError
from detect_icd.model import MAX_TEXT_BYTES, DetectRequest, OffsetUnit, Patient, Setting, Sex

MAX_CANDIDATES = 25
MAX_AGE_YEARS = 150

_Value = TypeVar("_Value", bound=StrEnum)

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Everything that shows nothing: white space, zero-width characters, marks of byte order and direction.
_INVISIBLE = re.compile(r"[\s\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]*")


def check_request(request: DetectRequest, *, max_text_bytes: int = MAX_TEXT_BYTES) -> None:
    """Everything that can be said without a code set; raises InvalidRequestError at the first fault."""
    check_settings(request)
    check_piece(request.text)
    check_size(utf8_length(request.text), max_text_bytes)
    check_visible(request.text)


def check_settings(request: DetectRequest) -> None:
    """All fields but the text."""
    check_encodable(request.document_id, "document_id")
    check_encodable(request.reason_for_visit, "reason_for_visit")
    enum_value(Setting, request.setting, "setting")
    enum_value(OffsetUnit, request.offset_unit, "offset_unit")
    if not 1 <= request.max_candidates <= MAX_CANDIDATES:
        raise InvalidRequestError(
            f"max_candidates must be 1 to {MAX_CANDIDATES}; leave it out for the default",
            field="max_candidates",
            reason="OUT_OF_RANGE",
        )
    if not 0.0 <= request.min_score <= 1.0:
        raise InvalidRequestError("min_score must be 0 to 1", field="min_score", reason="OUT_OF_RANGE")
    _check_patient(request.patient, request.date_of_service)


def _check_patient(patient: Patient, date_of_service: date | None) -> None:
    if patient.sex is not None:
        enum_value(Sex, patient.sex, "patient.sex")
    if patient.age_years is not None and not 0 <= patient.age_years <= MAX_AGE_YEARS:
        raise InvalidRequestError(
            f"age_years must be 0 to {MAX_AGE_YEARS}; leave it out where it is not known",
            field="patient.age_years",
            reason="OUT_OF_RANGE",
        )
    if patient.birth_date is not None and date_of_service is not None and date_of_service < patient.birth_date:
        raise InvalidRequestError(
            "birth_date is after date_of_service: one of the two is wrong",
            field="patient.birth_date",
            reason="OUT_OF_RANGE",
        )


def check_piece(text: str, field: str = "text") -> None:
    """What holds for every piece of a text, a chunk of a dictation included: real characters, no NUL."""
    check_encodable(text, field)
    nul = text.find("\0")
    if nul >= 0:
        raise InvalidRequestError(
            f"{field} holds a NUL character (position {nul}): it is probably binary data; send plain text",
            field=field,
            reason="TEXT_NUL",
        )


def check_size(size: int, max_text_bytes: int = MAX_TEXT_BYTES) -> None:
    """`size` in bytes of UTF-8, of the whole text so far."""
    if size > max_text_bytes:
        raise InvalidRequestError(
            f"text is longer than the limit of {max_text_bytes:,} bytes of UTF-8: send it in parts",
            field="text",
            reason="TEXT_TOO_LONG",
        )


def check_visible(text: str) -> None:
    """A whole text must show something."""
    if not text:
        raise InvalidRequestError("text is empty: send the clinical text to read", field="text", reason="TEXT_EMPTY")
    if _INVISIBLE.fullmatch(text):
        raise InvalidRequestError(
            "text is blank, it holds white space only: send the clinical text to read",
            field="text",
            reason="TEXT_EMPTY",
        )


def check_encodable(value: str, field: str) -> None:
    """Half of a surrogate pair is no character: it has no UTF-8 form and no offset."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            f"{field} holds half of a UTF-16 surrogate pair (position {error.start}): decode it again from its source",
            field=field,
            reason="INVALID_UNICODE",
        ) from None


def utf8_length(text: str) -> int:
    """Bytes of the UTF-8 form."""
    return len(text) if text.isascii() else len(text.encode("utf-8"))


def enum_value(kind: type[_Value], value: object, field: str) -> _Value:
    """`value` as a member of `kind`, with the type's prefix or without; raises naming the values there are."""
    name = str(value).upper() if isinstance(value, str) else ""
    try:
        return kind(name.removeprefix(enum_prefix(kind)))
    except ValueError:
        raise InvalidRequestError(
            f"{field} must be one of {', '.join(kind)}", field=field, reason="UNKNOWN_ENUM_VALUE"
        ) from None


def enum_prefix(kind: type[StrEnum]) -> str:
    """What the proto puts before the values of `kind`: OffsetUnit -> "OFFSET_UNIT_"."""
    return _CAMEL.sub("_", kind.__name__).upper() + "_"


def optional_enum(kind: type[_Value], value: object, field: str) -> _Value | None:
    """As `enum_value`; None for what stands for "not given": null, "", 0 and UNSPECIFIED. Numbers are the proto's."""
    if value is None or value in ("", 0) or str(value).upper().removeprefix(enum_prefix(kind)) == "UNSPECIFIED":
        return None
    members = list(kind)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= len(members):
        return members[value - 1]
    return enum_value(kind, value, field)


def optional_date(value: object, field: str) -> date | None:
    """An ISO date; None for null and ""; raises InvalidRequestError otherwise."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and _ISO_DATE.fullmatch(value) and value.isascii():
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise InvalidRequestError(
        f"{field} must be a calendar date written YYYY-MM-DD, as in 2026-03-31", field=field, reason="INVALID_DATE"
    )


def string(value: object, field: str) -> str:
    """Text; "" for null."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise InvalidRequestError(f"{field} must be a string", field=field, reason="WRONG_TYPE")


def integer(value: object, field: str) -> int:
    """A whole number (also written 5.0 or "5", as proto3 JSON allows); 0 for null."""
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,10}", value):
        return int(value)
    raise InvalidRequestError(f"{field} must be a whole number", field=field, reason="WRONG_TYPE")


def number(value: object, field: str) -> float:
    """A number; 0.0 for null."""
    if value is None:
        return 0.0
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise InvalidRequestError(f"{field} must be a number", field=field, reason="WRONG_TYPE")


def record(value: object, field: str) -> Mapping[str, object]:
    """A JSON object; empty for null."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return value
    raise InvalidRequestError(f"{field or 'the request'} must be a JSON object", field=field, reason="WRONG_TYPE")
