"""code.proto and the records of `codes.model` say the same: names, order, enum values; both ways without loss."""

from __future__ import annotations

import dataclasses
from datetime import date
from enum import StrEnum

import pytest

from detect_icd.codes import model
from detect_icd.codes.catalog import Catalog
from detect_icd.formats.proto import from_message, to_message
from detect_icd.lexicon import Lexicon
from detect_icd.v1 import code_pb2
from detect_icd.validation import enum_prefix

MESSAGES = code_pb2.DESCRIPTOR.message_types_by_name
ANSWERS = {
    "GetCodeResponse": model.CodeRecord,
    "SearchCodesResponse": model.SearchPage,
    "ValidateCodesResponse": model.CheckedClaim,
    "ValidateCodesRequest": model.Claim,
}
RECORDS = ANSWERS | {
    kind.__name__: kind
    for kind in vars(model).values()
    if dataclasses.is_dataclass(kind) and kind.__module__ == model.__name__ and kind not in ANSWERS.values()
}
ENUMS = [
    kind
    for kind in vars(model).values()
    if isinstance(kind, type) and issubclass(kind, StrEnum) and kind.__module__ == model.__name__
]
CATALOG = Catalog(Lexicon.default(), today=lambda: date(2026, 11, 1))


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_fields_have_the_models_names_and_order(name: str) -> None:
    assert [field.name for field in MESSAGES[name].fields] == [
        field.name for field in dataclasses.fields(RECORDS[name])
    ]


@pytest.mark.parametrize("kind", ENUMS, ids=lambda kind: kind.__name__)
def test_enum_values_have_the_numbers_of_their_order(kind: type[StrEnum]) -> None:
    prefix = enum_prefix(kind)
    expected = {f"{prefix}UNSPECIFIED": 0} | {prefix + member: n for n, member in enumerate(kind, 1)}
    assert {v.name: v.number for v in code_pb2.DESCRIPTOR.enum_types_by_name[kind.__name__].values} == expected


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (CATALOG.get("S52.511"), code_pb2.GetCodeResponse),
        (CATALOG.get("G35", date(2025, 10, 1)), code_pb2.GetCodeResponse),
        (CATALOG.get("O80"), code_pb2.GetCodeResponse),
        (CATALOG.validate(model.Claim(("F02.80", "G30.9", "ZZZ", "E11.9", "E10.9"))), code_pb2.ValidateCodesResponse),
    ],
    ids=["header", "retired", "flags", "claim"],
)
def test_answers_come_back_as_they_were(record: object, message: type) -> None:
    assert from_message(to_message(record, message), type(record)) == record
