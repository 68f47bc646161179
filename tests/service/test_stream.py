"""DetectStream: documents whole and in pieces, several open at once, and faults that cost one document only."""

from __future__ import annotations

import queue
import threading

import grpc
import pytest
from google.rpc import error_details_pb2
from stub_detector import StubDetector

from detect_icd.client import appended, cancelled, closed, opened, whole
from detect_icd.model import DetectRequest
from detect_icd.v1 import detection_pb2 as pb
from detect_icd.v1 import detection_pb2_grpc

STREAM = "/detect_icd.v1.IcdDetectionService/DetectStream"


def kinds(answers) -> list[tuple[str, str]]:
    return [(answer.document_id, answer.WhichOneof("response")) for answer in answers]


def reason(answer: pb.DetectStreamResponse) -> str:
    info = error_details_pb2.ErrorInfo()
    assert answer.error.details[0].Unpack(info)
    return info.reason


def document(text: str, name: str = "d") -> DetectRequest:
    return DetectRequest(text, document_id=name)


@pytest.fixture
def ask(stub):
    return lambda *messages: list(stub.DetectStream(iter(messages), timeout=20))


@pytest.fixture
def ask_raw(channel):
    """Messages or bytes, sent as they are."""

    def call(*messages):
        raw = [m if isinstance(m, bytes) else m.SerializeToString() for m in messages]
        method = channel.stream_stream(STREAM, response_deserializer=pb.DetectStreamResponse.FromString)
        return list(method(iter(raw), timeout=20))

    return call


def test_whole_documents_are_answered_in_order(ask):
    answers = ask(whole(document("pain", "a")), whole(document("no", "b")), whole(document("pain pain", "c")))
    assert kinds(answers) == [("a", "result"), ("b", "result"), ("c", "result")]
    assert [len(answer.result.mentions) for answer in answers] == [1, 0, 2]


def test_pieces_settle_and_give_the_unary_answer(ask, stub):
    answers = ask(opened(document("")), appended("d", "pa"), appended("d", "in\n"), appended("d", "pain"), closed("d"))
    assert kinds(answers) == [("d", "settled"), ("d", "result")]
    assert [m.text for m in answers[0].settled.mentions] == ["pain"]
    assert answers[0].settled.final_until == 5
    assert answers[1].result == stub.Detect(pb.DetectRequest(document_id="d", text="pain\npain"))


def test_several_documents_are_open_at_once(ask):
    answers = ask(
        opened(document("", "a")),
        opened(document("", "b")),
        appended("a", "pain"),
        appended("b", "pain pain"),
        closed("b"),
        whole(document("x", "c")),
        closed("a"),
    )
    assert [(a.document_id, len(a.result.mentions)) for a in answers] == [("b", 2), ("c", 0), ("a", 1)]


def test_a_settled_answer_comes_before_the_next_piece_is_sent(stub):
    """Dictation: the client waits for what it has said."""
    to_send: queue.Queue[pb.DetectStreamRequest | None] = queue.Queue()
    answers = stub.DetectStream(iter(to_send.get, None), timeout=20)
    to_send.put(opened(document("")))
    to_send.put(appended("d", "pain\n"))
    assert next(answers).WhichOneof("response") == "settled"
    to_send.put(closed("d"))
    assert next(answers).WhichOneof("response") == "result"
    to_send.put(None)
    assert list(answers) == []


def test_a_cancelled_document_can_be_opened_again(ask):
    answers = ask(
        opened(document("")),
        appended("d", "pain pain"),
        cancelled("d"),
        opened(document("")),
        appended("d", "pain"),
        closed("d"),
    )
    assert kinds(answers) == [("d", "result")]
    assert len(answers[0].result.mentions) == 1


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (whole(DetectRequest(" ", document_id="bad")), "TEXT_EMPTY"),
        (pb.DetectStreamRequest(document=pb.DetectRequest(document_id="bad", text="a\0b")), "TEXT_NUL"),
        (
            pb.DetectStreamRequest(document=pb.DetectRequest(document_id="bad", text="a", setting=9)),
            "UNKNOWN_ENUM_VALUE",
        ),
        (whole(DetectRequest("crash", document_id="bad")), "INTERNAL"),
        (closed("bad"), "NOT_FOUND"),
        (appended("bad", "x"), "NOT_FOUND"),
        (pb.DetectStreamRequest(open=pb.DetectRequest(document_id="bad", text="pain")), "TEXT_NOT_EXPECTED"),
        (pb.DetectStreamRequest(open=pb.DetectRequest(document_id="bad", date_of_service="x")), "INVALID_DATE"),
    ],
)
def test_a_bad_document_costs_itself_only(ask, bad, expected):
    answers = ask(opened(document("", "good")), appended("good", "pain"), bad, closed("good"))
    assert kinds(answers) == [("bad", "error"), ("good", "result")]
    assert reason(answers[0]) == expected


def test_a_message_that_says_nothing_is_an_error_and_no_more(ask):
    answers = ask(pb.DetectStreamRequest(), whole(document("pain")))
    assert kinds(answers) == [("", "error"), ("d", "result")]


def test_invalid_utf8_costs_the_document_named_beside_it(ask_raw):
    bad = whole(document("pain", "bad")).SerializeToString().replace(b"pain", b"p\xffin")
    answers = ask_raw(opened(document("", "good")), bad, appended("good", "pain"), closed("good"))
    assert kinds(answers) == [("bad", "error"), ("good", "result")]
    assert reason(answers[0]) == "INVALID_UNICODE"


def test_an_undecodable_piece_drops_its_open_document_with_one_error(ask_raw):
    bad = appended("d", "pain").SerializeToString().replace(b"pain", b"p\xffin")
    answers = ask_raw(
        opened(document("")), appended("d", "x"), bad, appended("d", "y"), closed("d"), whole(document("z"))
    )
    assert kinds(answers) == [("d", "error"), ("d", "result")]


def test_bytes_that_are_no_message_leave_the_stream_alive(ask_raw):
    answers = ask_raw(b"\xff\xff\xff", whole(document("pain")))
    assert kinds(answers) == [("", "error"), ("d", "result")]
    assert reason(answers[0]) == "MALFORMED_MESSAGE"


def test_the_text_limit_holds_for_the_pieces_together(ask):
    half = "x" * 600_000
    answers = ask(opened(document("")), appended("d", half), appended("d", half), closed("d"), whole(document("pain")))
    assert kinds(answers) == [("d", "error"), ("d", "result")]
    assert reason(answers[0]) == "TEXT_TOO_LONG"


def test_opening_an_open_document_drops_both(ask):
    """Whose text would the next piece be? Two patients' notes must never run together."""
    answers = ask(opened(document("")), appended("d", "pain"), opened(document("")), appended("d", "pain"), closed("d"))
    assert kinds(answers) == [("d", "error")]
    assert reason(answers[0]) == "DOCUMENT_ALREADY_OPEN"


def test_too_many_open_documents_are_refused(ask):
    answers = ask(*(opened(document("", f"d{n}")) for n in range(4)), *(appended(f"d{n}", "pain") for n in range(4)),
                  *(closed(f"d{n}") for n in range(4)))  # fmt: skip
    assert kinds(answers) == [("d3", "error"), ("d0", "result"), ("d1", "result"), ("d2", "result")]


def test_too_many_streams_are_refused(stub):
    held = [queue.Queue() for _ in range(4)]
    streams = [stub.DetectStream(iter(q.get, None), timeout=20) for q in held]
    for q, stream in zip(held, streams, strict=True):
        q.put(whole(document("pain")))
        next(stream)
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.DetectStream(iter([whole(document("pain"))]), timeout=20))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    for q, stream in zip(held, streams, strict=True):
        q.put(None)
        assert list(stream) == []


def test_a_stream_that_ends_with_open_documents_ends_quietly(ask):
    assert ask(opened(document("")), appended("d", "pain")) == []


def test_the_stream_stops_at_its_deadline(stub, stub_detector):
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.DetectStream(iter([whole(document("wait 30"))]), timeout=0.3))
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_open_documents_of_all_streams_are_bounded_together(start):
    with start(StubDetector(), max_open_bytes=10) as address, grpc.insecure_channel(address) as channel:
        stub = detection_pb2_grpc.IcdDetectionServiceStub(channel)
        to_send: queue.Queue = queue.Queue()
        other = stub.DetectStream(iter(to_send.get, None), timeout=20)
        for message in (opened(document("", "o")), appended("o", "pain\n")):
            to_send.put(message)
        assert next(other).WhichOneof("response") == "settled"
        messages = [opened(document("")), appended("d", "pain"), appended("d", "pain"), closed("d")]
        [refused] = stub.DetectStream(iter(messages), timeout=20)
        assert reason(refused) == "OVERLOADED"
        to_send.put(cancelled("o"))
        to_send.put(None)
        assert list(other) == []
        assert kinds(stub.DetectStream(iter(messages), timeout=20)) == [("d", "result")]  # what was open is given back
        again = [opened(document("")), appended("d", "pain" * 2)]  # left open: given back with its stream
        assert list(stub.DetectStream(iter(again), timeout=20)) == []
        assert kinds(stub.DetectStream(iter(messages), timeout=20)) == [("d", "result")]


def test_a_message_that_never_comes_is_not_waited_for(start):
    go_on = threading.Event()

    def never():
        go_on.wait(20)
        yield b""

    with start(StubDetector(), stream_idle_seconds=0.3) as address, grpc.insecure_channel(address) as channel:
        for method in ("Detect", "Unknown"):
            with pytest.raises(grpc.RpcError) as caught:
                channel.stream_unary(f"/detect_icd.v1.IcdDetectionService/{method}")(never(), timeout=10)
            assert caught.value.code() in {grpc.StatusCode.ABORTED, grpc.StatusCode.UNIMPLEMENTED}
        with pytest.raises(grpc.RpcError) as caught:
            channel.stream_unary("/detect_icd.v1.IcdDetectionService/Detect")(iter(()), timeout=10)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    go_on.set()
