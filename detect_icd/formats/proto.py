"""Between the model and the protobuf messages of detect_icd.v1, both ways.

Messages have the model's fields under the model's names (a contract test holds this), so the walk of
`formats.records` does the work; only requests need words of their own, since what is zero there means the default.
"""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import Message

from detect_icd import validation
from detect_icd.formats.json import request_from_plain
from detect_icd.formats.records import decoder, encoder
from detect_icd.model import Detection, DetectRequest, Mention, Settled
from detect_icd.v1 import detection_pb2 as pb

_Message = TypeVar("_Message", bound=Message)
_Record = TypeVar("_Record")


def to_message(record: Any, kind: type[_Message]) -> _Message:
    """A frozen record as a message with the same field names."""
    return kind(**encoder(type(record), numbered_enums=True)(record))


def from_message(message: Message, kind: type[_Record]) -> _Record:
    """A message as the frozen record with the same field names."""
    record: _Record = decoder(kind, _read)(message)
    return record


def detection_to_proto(detection: Detection) -> pb.DetectResponse:
    """The answer for one document."""
    return to_message(detection, pb.DetectResponse)


def detection_from_proto(message: pb.DetectResponse) -> Detection:
    """The way back."""
    return from_message(message, Detection)


def settled_to_proto(settled: Settled) -> pb.DetectStreamResponse:
    """A stream's answer that carries settled mentions."""
    plain = encoder(Settled, numbered_enums=True)(settled)
    return pb.DetectStreamResponse(document_id=plain.pop("document_id"), settled=plain)


def settled_from_proto(message: pb.DetectStreamResponse) -> Settled:
    """The way back."""
    mentions: tuple[Mention, ...] = decoder(tuple[Mention, ...], _read)(message.settled.mentions)
    return Settled(message.document_id, mentions, message.settled.final_until)


def request_to_proto(request: DetectRequest) -> pb.DetectRequest:
    """For sending; the request is checked first as far as a message needs it (characters, ranges)."""
    validation.check_settings(request)
    validation.check_piece(request.text)
    return to_message(request, pb.DetectRequest)


def request_from_proto(message: pb.DetectRequest) -> DetectRequest:
    """What is zero in the message takes its default; raises InvalidRequestError for values without a meaning."""
    plain: dict[str, Any] = {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}
    patient = message.patient
    plain["patient"] = {
        "sex": patient.sex,
        "birth_date": patient.birth_date,
        "age_years": patient.age_years if patient.HasField("age_years") else None,
    }
    return request_from_plain(plain)


def _read(message: Any, name: str) -> Any:
    return getattr(message, name)
