"""The client: values in and out, errors of the domain, repetition."""

from __future__ import annotations

import threading
import time

import pytest
from stub_detector import mentions

from detect_icd.client import Client, ServerError, StreamError, UnreachableError, appended, closed, opened, whole
from detect_icd.errors import InvalidRequestError
from detect_icd.model import Detection, DetectRequest, Settled


@pytest.fixture
def client(stub_address):
    with Client(stub_address, timeout=10) as client:
        yield client


def test_an_answer_is_a_detection(client):
    detection = client.detect("back pain")
    assert isinstance(detection, Detection)
    assert detection.mentions == mentions("back pain")


def test_what_the_server_refuses_has_code_reason_and_field(client):
    with pytest.raises(ServerError) as caught:
        client.detect(" ")
    error = caught.value
    assert (error.code, error.reason, error.field) == ("INVALID_ARGUMENT", "TEXT_EMPTY", "text")
    assert not isinstance(error, UnreachableError)


def test_what_cannot_be_sent_is_said_before(client):
    with pytest.raises(InvalidRequestError, match="surrogate"):
        client.detect("a\ud800")


def test_no_server_is_unreachable():
    with Client("127.0.0.1:1", timeout=5) as client, pytest.raises(UnreachableError) as caught:
        client.detect("x")
    assert caught.value.code == "UNAVAILABLE"


def test_a_deadline_of_one_call(client):
    with pytest.raises(ServerError) as caught:
        client.detect("wait 20", timeout=0.2)
    assert caught.value.code == "DEADLINE_EXCEEDED"


def test_shed_load_is_tried_again(client, stub_address):
    with Client(stub_address) as other:
        load = [threading.Thread(target=other.detect, args=("wait 0.6",)) for _ in range(4)]
        for thread in load:
            thread.start()
        time.sleep(0.2)
        assert client.detect("pain").mentions
        for thread in load:
            thread.join()


def test_a_stream_gives_values(client):
    messages = [
        opened(DetectRequest("", document_id="a")),
        appended("a", "pain\n"),
        closed("a"),
        whole(DetectRequest(" ", document_id="b")),
        whole(DetectRequest("pain", document_id="c")),
    ]
    answers = list(client.detect_stream(messages, timeout=10))
    assert [type(answer) for answer in answers] == [Settled, Detection, StreamError, Detection]
    assert [answer.document_id for answer in answers] == ["a", "a", "b", "c"]
    assert answers[2].error.reason == "TEXT_EMPTY"


def test_a_stream_can_be_left(client):
    for answer in client.detect_stream(whole(DetectRequest("pain", document_id=str(n))) for n in range(10_000)):
        assert answer.document_id == "0"
        break
    assert client.detect("pain").mentions
