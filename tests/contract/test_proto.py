"""The proto files and the model say the same: names, order, enum values."""

from __future__ import annotations

import dataclasses
import typing
from enum import StrEnum

import pytest

from detect_icd import model
from detect_icd.formats.records import encoder
from detect_icd.spans import Span
from detect_icd.v1 import common_pb2, detection_pb2
from detect_icd.validation import enum_prefix

FILES = (common_pb2.DESCRIPTOR, detection_pb2.DESCRIPTOR)
ENUMS = {name: enum for file in FILES for name, enum in file.enum_types_by_name.items()}
MESSAGES = {name: message for file in FILES for name, message in file.message_types_by_name.items()}
RECORDS = {
    "DetectRequest": model.DetectRequest,
    "DetectResponse": model.Detection,
    "Span": Span,
    **{
        kind.__name__: kind
        for kind in vars(model).values()
        if dataclasses.is_dataclass(kind) and kind.__module__ == model.__name__ and kind.__name__ in MESSAGES
    },
}
MODEL_ENUMS = [
    kind for kind in vars(model).values() if isinstance(kind, type) and issubclass(kind, StrEnum) and list(kind)
]


@pytest.mark.parametrize("kind", MODEL_ENUMS, ids=lambda kind: kind.__name__)
def test_enum_values_have_the_numbers_of_their_order(kind):
    prefix = enum_prefix(kind)
    expected = {f"{prefix}UNSPECIFIED": 0} | {prefix + member: n for n, member in enumerate(kind, 1)}
    assert {value.name: value.number for value in ENUMS[kind.__name__].values} == expected


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_fields_have_the_models_names_and_order(name):
    named = [field.name for field in dataclasses.fields(RECORDS[name])]
    if name == "DetectRequest":  # Python callers give the text first; nobody prints a request
        named.insert(1, named.pop(0))
    assert [field.name for field in MESSAGES[name].fields] == named


def test_every_record_of_the_model_has_a_message():
    kinds = [
        kind for kind in vars(model).values() if dataclasses.is_dataclass(kind) and kind.__module__ == model.__name__
    ]
    told = {*RECORDS.values(), model.Settled}
    assert [kind.__name__ for kind in kinds if kind not in told] == []


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_numbers_are_int32_and_scores_double(name):
    hints = typing.get_type_hints(RECORDS[name])
    for field in MESSAGES[name].fields:
        if hints[field.name] in (int, int | None):
            assert field.type == field.TYPE_INT32, field.full_name
        if hints[field.name] is float:
            assert field.type == field.TYPE_DOUBLE, field.full_name


def test_the_contracts_calls():
    methods = detection_pb2.DESCRIPTOR.services_by_name["IcdDetectionService"].methods
    assert [(m.name, m.client_streaming, m.server_streaming) for m in methods] == [
        ("Detect", False, False),
        ("DetectStream", True, True),
    ]


def test_the_streams_messages():
    def choices(message):
        return [field.name for field in MESSAGES[message].oneofs[0].fields]

    assert choices("DetectStreamRequest") == ["document", "open", "append", "close", "cancel"]
    assert choices("DetectStreamResponse") == ["settled", "result", "error"]
    assert MESSAGES["DetectStreamResponse"].fields_by_name["error"].message_type.full_name == "google.rpc.Status"


def test_zero_of_an_optional_enum_prints_as_unspecified():
    assert encoder(model.Patient)(model.Patient()) == {"sex": "UNSPECIFIED", "birth_date": "", "age_years": None}
