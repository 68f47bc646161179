"""The client: values in and out, errors of the domain, repetition."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from stub_detector import StubDetector, mentions

from detect_icd.client import (
    AsyncClient,
    Client,
    ServerError,
    StreamError,
    UnreachableError,
    _target,
    appended,
    closed,
    opened,
    whole,
)
from detect_icd.codes.model import Claim
from detect_icd.errors import InvalidRequestError
from detect_icd.model import Detection, DetectRequest, Settled
from detect_icd.necessity.model import ClaimLine, Diagnosis, NecessityRequest


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


def test_several_addresses_share_the_calls_and_stand_in_for_each_other(start):
    first, second = StubDetector(), StubDetector()
    with start(first) as one:
        with start(second) as two:
            client = Client(f"{one},{two}", timeout=10)
            assert all(client.detect("pain").mentions for _ in range(4))
        with client:  # the second is gone
            assert all(client.detect("pain").mentions for _ in range(4))
    assert first.asked >= 5
    assert second.asked >= 1


def test_the_asyncio_client_gives_the_same(stub_address, client):
    async def ask():
        async with AsyncClient(stub_address, timeout=10) as waiting:
            together = await asyncio.gather(*(waiting.detect("back pain") for _ in range(2)))
            with pytest.raises(ServerError) as caught:
                await waiting.detect(" ")
            assert caught.value.reason == "TEXT_EMPTY"

            async def messages():
                yield opened(DetectRequest("", document_id="a"))
                yield appended("a", "pain\n")
                yield closed("a")

            return together, [answer async for answer in waiting.detect_stream(messages(), timeout=10)]

    together, answers = asyncio.run(ask())
    assert together == [client.detect("back pain")] * 2
    assert [type(answer) for answer in answers] == [Settled, Detection]


def test_the_asyncio_client_without_a_server():
    async def ask():
        async with AsyncClient("127.0.0.1:1", timeout=5) as waiting:
            await waiting.detect("x")

    with pytest.raises(UnreachableError):
        asyncio.run(ask())


def test_the_asyncio_client_asks_all_that_the_other_does(address):
    claim = Claim(("E11.9", "I10"))
    question = NecessityRequest(diagnoses=(Diagnosis("G57.92"),), lines=(ClaimLine(1, "0441T"),))

    async def ask():
        async with AsyncClient(address, timeout=20) as client:
            return (
                await client.get_code("I10"),
                await client.search_codes("knee pain", page_size=3),
                await client.validate_codes(claim),
                await client.check_necessity(question),
            )

    with Client(address, timeout=20) as client:
        assert asyncio.run(ask()) == (
            client.get_code("I10"),
            client.search_codes("knee pain", page_size=3),
            client.validate_codes(claim),
            client.check_necessity(question),
        )


def test_every_question_of_one_client_is_one_of_the_other():
    public = {name for name in vars(Client) if not name.startswith("_")}
    assert public == {name for name in vars(AsyncClient) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ("localhost:1", "localhost:1"),
        ("10.0.0.1:1,10.0.0.2:1", "ipv4:10.0.0.1:1,10.0.0.2:1"),
        ("[::1]:1,[::2]:1", "ipv6:[::1]:1,[::2]:1"),
        ("dns:///detect:1", "dns:///detect:1"),
    ],
)
def test_addresses_as_grpc_wants_them(given, target):
    assert _target(given) == target


@pytest.mark.parametrize(
    ("code", "attempts"),
    [
        (grpc.StatusCode.UNAVAILABLE, 4),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 4),
        (grpc.StatusCode.INTERNAL, 1),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 1),
        (grpc.StatusCode.INVALID_ARGUMENT, 1),
    ],
)
def test_which_refusals_are_tried_again(code, attempts):
    asked = []

    def refuse(_, context):
        asked.append(1)
        context.abort(code, "no")

    handler = grpc.unary_unary_rpc_method_handler(refuse)
    with answering(handler) as address, Client(address, timeout=20) as client, pytest.raises(ServerError):
        client.detect("pain")
    assert len(asked) == attempts


def test_a_stream_is_never_tried_again():
    asked = []

    def refuse(messages, context):
        asked.append(1)
        next(messages)
        context.abort(grpc.StatusCode.UNAVAILABLE, "no")

    handler = grpc.stream_stream_rpc_method_handler(refuse)
    with answering(handler) as address, Client(address) as client, pytest.raises(ServerError):
        list(client.detect_stream([whole(DetectRequest("pain"))], timeout=10))
    assert len(asked) == 1


@contextmanager
def answering(handler):
    """The address of a server with one handler for every method."""

    class Every(grpc.GenericRpcHandler):
        def service(self, _):
            return handler

    server = grpc.server(ThreadPoolExecutor(4), handlers=(Every(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
