from __future__ import annotations

import grpc
import pytest
from stub_detector import StubDetector

from detect_icd.v1 import detection_pb2_grpc


@pytest.fixture
def stub_detector():
    return StubDetector()


@pytest.fixture
def stub_address(stub_detector, start):
    with start(stub_detector, workers=2, queue=2, max_open_documents=3, max_streams=4, grace_seconds=0.5) as address:
        yield address


@pytest.fixture
def channel(stub_address):
    with grpc.insecure_channel(stub_address) as channel:
        yield channel


@pytest.fixture
def stub(channel):
    return detection_pb2_grpc.IcdDetectionServiceStub(channel)
