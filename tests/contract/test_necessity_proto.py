"""necessity.proto and the model of necessity say the same: names, order, enum values."""

from __future__ import annotations

import dataclasses
from enum import StrEnum

import pytest

from detect_icd.necessity import model
from detect_icd.v1 import necessity_pb2
from detect_icd.validation import enum_prefix

FILE = necessity_pb2.DESCRIPTOR
NAMES = {
    "NecessityRequest": "CheckMedicalNecessityRequest",
    "NecessityVerdict": "CheckMedicalNecessityResponse",
    "ProcedureRecord": "GetProcedureResponse",
    "SupportedProcedures": "ListSupportedProceduresResponse",
    "SupportingDiagnoses": "ListSupportingDiagnosesResponse",
}
RECORDS = [k for k in vars(model).values() if dataclasses.is_dataclass(k) and k.__module__ == model.__name__]
ENUMS = [k for k in vars(model).values() if isinstance(k, type) and issubclass(k, StrEnum) and k is not StrEnum]


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_fields_have_the_models_names_and_order(kind):
    message = FILE.message_types_by_name[NAMES.get(kind.__name__, kind.__name__)]
    assert [field.name for field in message.fields] == [field.name for field in dataclasses.fields(kind)]


@pytest.mark.parametrize("kind", ENUMS, ids=lambda kind: kind.__name__)
def test_enum_values_have_the_numbers_of_their_order(kind):
    prefix = enum_prefix(kind)
    expected = {f"{prefix}UNSPECIFIED": 0} | {prefix + member: n for n, member in enumerate(kind, 1)}
    assert {value.name: value.number for value in FILE.enum_types_by_name[kind.__name__].values} == expected


def test_the_contracts_calls():
    [service] = FILE.services_by_name.values()
    assert (service.name, [method.name for method in service.methods]) == (
        "MedicalNecessityService",
        ["CheckMedicalNecessity", "GetProcedure", "ListSupportedProcedures", "ListSupportingDiagnoses"],
    )
