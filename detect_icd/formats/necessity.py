"""A necessity request from its JSON object or its protobuf message; answers go through `formats.json` and `formats.proto`.

The JSON also takes a bare string for a diagnosis, a payer or a document, and `age_years` and `sex` beside `patient`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from detect_icd import validation
from detect_icd.errors import InvalidRequestError
from detect_icd.formats.json import patient_from_plain, request_from_plain
from detect_icd.model import DetectRequest, Setting
from detect_icd.necessity.model import ClaimLine, ClaimType, Diagnosis, NecessityRequest, Payer

_Item = TypeVar("_Item")


def necessity_from_plain(plain: Mapping[str, Any]) -> NecessityRequest:
    """The request; InvalidRequestError for a value of a wrong kind. What it means is checked by the checker."""
    patient = dict(validation.record(plain.get("patient"), "patient"))
    for name, also in (("age_years", "age_years"), ("age_years", "age"), ("sex", "sex"), ("birth_date", "birth_date")):
        if plain.get(also) is not None:
            patient.setdefault(name, plain[also])
    return NecessityRequest(
        date_of_service=validation.optional_date(plain.get("date_of_service"), "date_of_service"),
        claim_type=validation.optional_enum(ClaimType, plain.get("claim_type"), "claim_type") or ClaimType.PROFESSIONAL,
        state=validation.string(plain.get("state"), "state"),
        payer=_payer(plain.get("payer")),
        contractor=_contractor(plain.get("contractor")),
        diagnoses=_each(plain, "diagnoses", _diagnosis),
        lines=_each(plain, "lines", _line),
        document=document_from_plain(plain.get("document"), plain.get("setting")),
        patient=patient_from_plain(patient),
        other_lines=_each(plain, "other_lines", _line),
        abn_on_file=_flag(plain.get("abn_on_file"), "abn_on_file"),
    )


def necessity_from_proto(message: Message) -> NecessityRequest:
    """The request of a message; what is zero in it takes its default."""
    return necessity_from_plain(plain_of(message))


def plain_of(message: Message) -> dict[str, Any]:
    """The fields that are set, under their own names, enum values as numbers."""
    return MessageToDict(message, preserving_proto_field_name=True, use_integers_for_enums=True)


def document_from_plain(value: object, setting: object = None) -> DetectRequest | None:
    """A document: a DetectRequest's object or its bare text; None where there is none."""
    if value is None or value == "":
        return None
    plain = {"text": value} if isinstance(value, str) else validation.record(value, "document")
    document = request_from_plain(plain)
    chosen = validation.optional_enum(Setting, setting, "setting")
    if chosen is not None and not plain.get("setting"):
        return DetectRequest(document.text, setting=chosen)
    return document


def _payer(value: object) -> Payer:
    if isinstance(value, str):
        return Payer(name=value)
    plain = validation.record(value, "payer")
    return Payer(
        id=validation.string(plain.get("id"), "payer.id"),
        name=validation.string(plain.get("name"), "payer.name"),
        line_of_business=validation.string(plain.get("line_of_business"), "payer.line_of_business"),
    )


def _contractor(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get("name") or value.get("id")
    return validation.string(value, "contractor")


def _each(plain: Mapping[str, Any], name: str, read: Callable[[Any, str], _Item]) -> tuple[_Item, ...]:
    values = plain.get(name)
    if values is None:
        return ()
    if not isinstance(values, list | tuple):
        raise InvalidRequestError(f"{name} must be a list", field=name, reason="WRONG_TYPE")
    return tuple(read(value, f"{name}[{n}]") for n, value in enumerate(values))


def _diagnosis(value: object, field: str) -> Diagnosis:
    if isinstance(value, str):
        return Diagnosis(value)
    code = validation.string(validation.record(value, field).get("code"), f"{field}.code")
    if not code.strip():
        raise InvalidRequestError("a diagnosis has a code, as in G57.92", field=f"{field}.code", reason="CODE_EMPTY")
    return Diagnosis(code)


def _line(value: object, field: str) -> ClaimLine:
    plain = validation.record(value, field)
    procedure = plain.get("procedure")
    day: date | None = validation.optional_date(plain.get("date_of_service"), f"{field}.date_of_service")
    return ClaimLine(
        line_number=validation.integer(plain.get("line_number"), f"{field}.line_number"),
        procedure=validation.string(str(procedure) if isinstance(procedure, int) else procedure, f"{field}.procedure"),
        modifiers=_each(plain, "modifiers", lambda v, at: validation.string(str(v) if isinstance(v, int) else v, at)),
        units=validation.integer(plain.get("units"), f"{field}.units") or 1,
        pointers=_each(plain, "pointers", validation.integer),
        date_of_service=day,
        place_of_service=validation.string(str(plain.get("place_of_service") or ""), f"{field}.place_of_service"),
    )


def _flag(value: object, field: str) -> bool:
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    raise InvalidRequestError(f"{field} must be true or false", field=field, reason="WRONG_TYPE")
