"""Workers that die, hang, crash or grow, over a stub detector in real processes: what the others and the caller see."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from detect_icd.client import Client, ServerError, whole
from detect_icd.model import DetectRequest
from detect_icd.service.probe import probe
from detect_icd.service.server import _log_unhandled
from detect_icd.v1 import detection_pb2 as pb
from detect_icd.v1 import detection_pb2_grpc

STREAM = "/detect_icd.v1.IcdDetectionService/DetectStream"


@pytest.fixture
def server(start_running, stub_processes):
    settings = {
        "workers": 2,
        "stuck_seconds": 0.5,
        "max_seconds": 3,
        "stream_idle_seconds": 1,
        "stream_write_seconds": 1,
        "keepalive_seconds": 1,
        "keepalive_timeout_seconds": 1,
        "worker_memory_mb": 200,
        "grace_seconds": 2,
    }
    with start_running(stub_processes, **settings) as server:
        yield server


@pytest.fixture
def stub(server):
    # One attempt a call: the faults themselves are to be seen.
    with grpc.insecure_channel(server.address, options=[("grpc.enable_retries", 0)]) as channel:
        yield detection_pb2_grpc.IcdDetectionServiceStub(channel)


def wait_for(condition, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def whole_again(server) -> bool:
    return len(server.pool.workers) == 2 and server.pool.busy == 0


def fault(stub, text: str, **options) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Detect(pb.DetectRequest(text=text), **options)
    return caught.value


@pytest.mark.parametrize("text", ["die", "segfault"])
def test_a_text_that_kills_its_worker_is_told_as_unavailable(server, stub, text):
    error = fault(stub, text)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in rpc_status.from_call(error).details:
        assert detail.Unpack(info) or detail.Unpack(retry)
    assert info.reason == "WORKER_LOST"
    assert retry.retry_delay.ToMilliseconds() > 0
    assert stub.Detect(pb.DetectRequest(text="pain")).mentions  # by the other worker
    wait_for(lambda: whole_again(server))


def test_deaths_in_a_row_slow_the_restarts_down_and_health_says_so(server, stub):
    codes = [fault(stub, "die").code() for _ in range(4)]
    assert set(codes) == {grpc.StatusCode.UNAVAILABLE}
    wait_for(lambda: server.pool._deaths >= 3)
    wait_for(lambda: whole_again(server) and probe(server.address) == "SERVING")
    assert stub.Detect(pb.DetectRequest(text="pain")).mentions


def test_a_server_without_workers_lives_and_does_not_serve(start_running, stub_processes):
    with start_running(stub_processes, workers=1) as server, grpc.insecure_channel(server.address) as channel:
        stub = detection_pb2_grpc.IcdDetectionServiceStub(channel)
        server.pool._deaths = 6
        fault(stub, "die")
        assert probe(server.address) == "NOT_SERVING"
        assert probe(server.address, "detect_icd.v1.CodeService") == "NOT_SERVING"
        assert probe(server.address, "live") == "SERVING"
        wait_for(lambda: probe(server.address) == "SERVING")


def test_a_hanging_detection_is_killed_and_the_caller_told_at_the_deadline(server, stub):
    began = time.monotonic()
    assert fault(stub, "hang", timeout=0.5).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - began < 5
    wait_for(lambda: server.pool.counts.stuck == 1)
    wait_for(lambda: whole_again(server))


def test_work_without_a_deadline_has_the_servers(server, stub):
    error = fault(stub, "wait 60")
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_for(lambda: server.pool.busy == 0)
    assert server.pool.counts.stuck == 0  # it stopped by itself


@pytest.mark.parametrize("text", ["raise SECRET", "recurse", "exhaust"])
def test_an_unexpected_fault_costs_its_call_and_no_worker(server, stub, text, capfd):
    workers = server.pool.workers
    error = fault(stub, text)
    assert error.code() is grpc.StatusCode.INTERNAL
    assert server.pool.workers == workers
    written = capfd.readouterr()
    assert "SECRET" not in error.details() + written.out + written.err


def test_a_worker_that_grows_is_replaced_between_calls(server, stub):
    before = set(server.pool.workers)
    for _ in range(16):
        stub.Detect(pb.DetectRequest(text="grow"))
    wait_for(lambda: server.pool.counts.recycled >= 1)
    wait_for(lambda: whole_again(server) and set(server.pool.workers) != before)


def test_a_silent_stream_is_closed(server, stub):
    go_on = threading.Event()

    def nothing():
        go_on.wait(20)
        yield from ()

    with pytest.raises(grpc.RpcError) as caught:
        list(stub.DetectStream(nothing()))
    go_on.set()
    assert caught.value.code() is grpc.StatusCode.ABORTED
    wait_for(lambda: server.router.streams == 0)


def test_a_reader_that_does_not_read_is_let_go_and_slows_nobody(server):
    big = DetectRequest("pain " * 20_000)
    sent = 0

    def messages():
        nonlocal sent
        for _ in range(200):
            sent += 1
            yield whole(big)

    with grpc.insecure_channel(server.address) as slow, Client(server.address, timeout=10) as other:
        call = slow.stream_stream(STREAM, request_serializer=pb.DetectStreamRequest.SerializeToString)(messages())
        wait_for(lambda: server.router.streams == 1)
        assert other.detect("pain").mentions
        wait_for(lambda: any(worker.sessions for worker in server.pool._workers))
        wait_for(lambda: not any(worker.sessions for worker in server.pool._workers))
        assert sent < 200  # what was not read was not worked on either
        with pytest.raises(grpc.RpcError) as caught:
            list(call)
    assert caught.value.code() is grpc.StatusCode.ABORTED
    wait_for(lambda: server.router.streams == 0)


def test_a_client_that_vanishes_mid_stream_leaves_nothing(server, stub):
    def messages():
        yield whole(DetectRequest("wait 30"))
        time.sleep(30)

    call = stub.DetectStream(messages())
    wait_for(lambda: server.pool.busy == 1)
    call.cancel()
    wait_for(lambda: server.router.streams == 0 and server.pool.busy == 0, 5)
    assert server.pool.counts.stuck == 0


def test_ten_thousand_streams_opened_and_dropped_leave_nothing(server, stub):
    async def drop(opening, n: int) -> None:
        call = opening()
        await call.write(whole(DetectRequest("pain", document_id=str(n))))
        if n % 3:  # some before, some after their answer
            await call.read()
        call.cancel()

    async def drop_all() -> None:
        async with grpc.aio.insecure_channel(server.address) as channel:
            opening = detection_pb2_grpc.IcdDetectionServiceStub(channel).DetectStream
            for first in range(0, 10_000, 200):
                await asyncio.gather(*(drop(opening, n) for n in range(first, first + 200)), return_exceptions=True)

    asyncio.run(drop_all())
    wait_for(lambda: server.router.streams == 0 and server.pool.busy == 0)
    assert all(not worker.sessions and not worker.waiting for worker in server.pool._workers)
    assert stub.Detect(pb.DetectRequest(text="pain")).mentions
    assert probe(server.address) == "SERVING"


def test_a_half_open_connection_is_noticed(server):
    with Relay(server.address) as relay, grpc.insecure_channel(relay.address) as channel:
        call = detection_pb2_grpc.IcdDetectionServiceStub(channel).DetectStream(iter_forever())
        next(call)
        assert server.router.streams == 1
        relay.silent.set()  # packets are lost from now on; neither side hears of a close
        wait_for(lambda: server.router.streams == 0, 10)


def iter_forever():
    while True:
        yield whole(DetectRequest("pain"))
        time.sleep(0.05)


class Relay:
    """A TCP relay that can stop passing anything on, without closing."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self.silent = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets = [self._listener]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        try:
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._sockets += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()
        except OSError:
            return

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if not self.silent.is_set():
                    sink.sendall(data)
        except OSError:
            return


def test_a_client_that_pings_without_end_is_thrown_out_and_disturbs_nobody(server, stub):
    host, _, port = server.address.rpartition(":")
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    with socket.create_connection((host, int(port)), timeout=10) as rude:
        rude.sendall(preface)
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            ping_without_end(rude)
    assert stub.Detect(pb.DetectRequest(text="pain")).mentions


def ping_without_end(connection: socket.socket) -> None:
    ping = b"\0\0\x08\x06\0\0\0\0\0" + bytes(8)
    for _ in range(500):
        connection.sendall(ping * 10)
        time.sleep(0.005)


@pytest.mark.parametrize(
    "metadata", [[("x-a", "b" * 1_000_000)], [(f"x-{n}", "b" * 50) for n in range(5000)]], ids=["long", "many"]
)
def test_metadata_without_end_is_refused(server, stub, metadata):
    assert fault(stub, "pain", metadata=metadata).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert stub.Detect(pb.DetectRequest(text="pain")).mentions


@pytest.mark.parametrize("seconds", [1e-9, -1.0])
def test_a_deadline_that_has_passed(server, stub, seconds):
    assert fault(stub, "wait 20", timeout=seconds).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_for(lambda: server.pool.busy == 0, 5)


def test_a_deadline_in_three_years_is_the_servers_own(server, stub):
    assert stub.Detect(pb.DetectRequest(text="pain"), timeout=1e8).mentions


def test_a_message_that_unpacks_to_more_than_the_limit_is_refused(server):
    # 100 MB in 100 kB on the wire: unpacked only up to the limit.
    with grpc.insecure_channel(server.address, options=[("grpc.max_send_message_length", -1)]) as channel:
        method = channel.unary_unary("/detect_icd.v1.IcdDetectionService/Detect")
        with pytest.raises(grpc.RpcError) as caught:
            method(bytes(100_000_000), compression=grpc.Compression.Gzip)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert probe(server.address) == "SERVING"


def test_an_old_connection_is_renewed_without_a_lost_call(start_running, stub_processes):
    settings = {"max_connection_age_seconds": 0.3, "workers": 1}
    with start_running(stub_processes, **settings) as server, Client(server.address, timeout=10) as client:
        until = time.monotonic() + 2
        while time.monotonic() < until:
            assert client.detect("pain").mentions


def test_calls_under_way_are_finished_at_the_end_and_new_ones_refused(start_running, stub_processes):
    with grpc.insecure_channel("127.0.0.1:1"):
        pass
    with start_running(stub_processes, grace_seconds=5, workers=1) as server:
        channel = grpc.insecure_channel(server.address)
        call = detection_pb2_grpc.IcdDetectionServiceStub(channel).Detect.future(pb.DetectRequest(text="wait 0.7"))
        wait_for(lambda: server.pool.busy == 1)
    assert call.result(timeout=5) is not None
    channel.close()


def test_no_worker_at_the_start_is_an_error(start_running, worker_processes):
    from detect_icd.errors import LexiconError

    with pytest.raises(LexiconError), start_running(worker_processes("-c", "raise SystemExit(1)")):
        pass


def test_the_client_says_who_refused(server):
    with Client(server.address, timeout=5) as client, pytest.raises(ServerError) as caught:
        client.detect("raise SECRET")
    assert (caught.value.code, caught.value.reason) == ("INTERNAL", "INTERNAL")


def test_the_loop_prints_no_words_of_an_exception(caplog):
    _log_unhandled(None, {"message": "it failed", "exception": ValueError("SECRET"), "task": ValueError("SECRET")})
    assert caplog.messages == ["it failed: ValueError"]
