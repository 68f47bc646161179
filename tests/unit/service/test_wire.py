"""What is said of bytes that protobuf refuses, and how long it takes to find out."""

from __future__ import annotations

import time

import pytest

from detect_icd.service.wire import Undecodable, decode
from detect_icd.v1 import detection_pb2 as pb


@pytest.mark.parametrize("data", [b"\0" * 4_000_000, b"\xf8\x01\x01" * 1_000_000 + b"\xff"], ids=["zeros", "varints"])
def test_a_large_malformed_message_is_refused_quickly(data):
    began = time.process_time()
    refused = decode(data, pb.DetectRequest)
    assert isinstance(refused, Undecodable)
    assert refused.error.reason == "MALFORMED_MESSAGE"
    assert time.process_time() - began < 1
