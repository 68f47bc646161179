"""Says what is wrong with bytes that protobuf refuses, and which document they were about.

protobuf only says "error parsing message". Users should learn which field holds bytes that are not UTF-8, and on a
stream the fault must cost the right document. The format is that of the protobuf encoding guide: a varint tag
(field number << 3 | wire type), then the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TypeVar, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from detect_icd.errors import InvalidRequestError

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_MAX_DEPTH = 16
_MAX_FIELDS = 10_000
"""No message of ours has more; looking through millions would take as long as a long note."""

_M = TypeVar("_M", bound=Message)


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Stands in for a message that could not be decoded.

    `kind` is the first field of the message that holds text ("append" ...), `document_id` the document named in it;
    both are "" where they could not be read.
    """

    error: InvalidRequestError
    kind: str = ""
    document_id: str = ""


def decode(data: bytes, kind: type[_M]) -> _M | Undecodable:
    """The message, or what is wrong with it."""
    try:
        return kind.FromString(data)
    except DecodeError:
        return _explain(data, cast(Descriptor, kind.DESCRIPTOR))


def _explain(data: bytes, descriptor: Descriptor) -> Undecodable:
    kind, document_id, fault = "", "", ""
    try:
        for path, value in _strings(memoryview(data), descriptor, "", 0, count()):
            kind = kind or path.partition(".")[0]
            try:
                text = str(value, "utf-8")
            except UnicodeDecodeError:
                fault = fault or path
            else:
                if path.endswith("document_id"):
                    document_id = text
    except ValueError:
        fault = ""
    if fault:
        message = f"{fault} is not valid UTF-8: decode it from its source encoding before sending"
        return Undecodable(InvalidRequestError(message, field=fault, reason="INVALID_UNICODE"), kind, document_id)
    message = f"the message is not a {descriptor.full_name}: generate the client's stubs from the server's proto files"
    return Undecodable(InvalidRequestError(message, field="", reason="MALFORMED_MESSAGE"), kind, document_id)


def _strings(
    data: memoryview, descriptor: Descriptor, prefix: str, depth: int, fields: Iterator[int]
) -> Iterator[tuple[str, memoryview]]:
    """Path and bytes of every string field, in wire order; raises ValueError where the bytes are no message.

    `fields` counts the fields seen.
    """
    if depth > _MAX_DEPTH:
        raise ValueError
    position = 0
    while position < len(data):
        if next(fields) > _MAX_FIELDS:
            raise ValueError
        tag, position = _varint(data, position)
        wire_type, value = tag & 7, memoryview(b"")
        if wire_type == _VARINT:
            _, position = _varint(data, position)
        elif wire_type == _LENGTH:
            length, position = _varint(data, position)
            value, position = data[position : position + length], position + length
        elif wire_type in (_FIXED64, _FIXED32):
            position += 8 if wire_type == _FIXED64 else 4
        else:
            raise ValueError
        if position > len(data):
            raise ValueError
        field = descriptor.fields_by_number.get(tag >> 3)
        if field is None or wire_type != _LENGTH:
            continue
        path = f"{prefix}{field.name}"
        if field.type == FieldDescriptor.TYPE_STRING:
            yield path, value
        elif field.message_type is not None:
            yield from _strings(value, field.message_type, f"{path}.", depth + 1, fields)


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for n, byte in enumerate(data[position : position + 10]):
        value |= (byte & 0x7F) << (7 * n)
        if byte < 0x80:  # no continuation bit
            return value, position + n + 1
    raise ValueError
