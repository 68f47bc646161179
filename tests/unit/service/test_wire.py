"""What is said of bytes that protobuf refuses, and how long it takes to find out."""

from __future__ import annotations

import time

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.internal.encoder import _VarintBytes
from google.protobuf.message_factory import GetMessageClass

from detect_icd.service.services import SERVICES
from detect_icd.service.wire import Undecodable, decode
from detect_icd.v1 import detection_pb2 as pb


@pytest.mark.parametrize("data", [b"\0" * 4_000_000, b"\xf8\x01\x01" * 1_000_000 + b"\xff"], ids=["zeros", "varints"])
def test_a_large_malformed_message_is_refused_quickly(data):
    began = time.process_time()
    refused = decode(data, pb.DetectRequest)
    assert isinstance(refused, Undecodable)
    assert refused.error.reason == "MALFORMED_MESSAGE"
    assert time.process_time() - began < 1


def string_fields(descriptor, path: str = "", tags: tuple[int, ...] = ()) -> list[tuple[str, tuple[int, ...]]]:
    """Path and tag numbers of every string in a message."""
    found = []
    for field in descriptor.fields:
        place = (f"{path}{field.name}", (*tags, field.number))
        if field.type == FieldDescriptor.TYPE_STRING:
            found.append(place)
        elif field.message_type is not None:
            found += string_fields(field.message_type, f"{place[0]}.", place[1])
    return found


REQUESTS = {method.input_type for service in SERVICES for method in service.methods}


@pytest.mark.parametrize(
    ("descriptor", "path", "tags"),
    [
        pytest.param(request, *place, id=f"{request.name}.{place[0]}")
        for request in sorted(REQUESTS, key=lambda request: request.name)
        for place in string_fields(request)
    ],
)
def test_the_string_that_is_not_utf8_is_named(descriptor, path, tags):
    data = b"\xff"
    for tag in reversed(tags):
        data = _VarintBytes(tag << 3 | 2) + _VarintBytes(len(data)) + data
    refused = decode(data, GetMessageClass(descriptor))
    assert isinstance(refused, Undecodable)
    assert (refused.error.reason, refused.error.field) == ("INVALID_UNICODE", path)
