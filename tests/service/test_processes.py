"""Worker processes: over one port and one lexicon, replaced when they die, reloaded and stopped without a lost answer."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from detect_icd.client import Client, ServerError, appended, closed, opened, whole
from detect_icd.lexicon import Lexicon
from detect_icd.model import DetectRequest
from detect_icd.service.probe import probe
from detect_icd.v1 import detection_pb2 as pb
from detect_icd.v1 import detection_pb2_grpc

NOTE = (Path(__file__).parents[2] / "examples" / "pain_clinic.txt").read_text(encoding="utf-8")
LONG = NOTE * 200


@pytest.fixture(scope="module")
def server(start_running):
    with start_running(workers=2, queue=4, max_text_bytes=1_000_000, grace_seconds=5, stuck_seconds=1) as server:
        yield server


@pytest.fixture
def client(server):
    with Client(server.address, timeout=60) as client:
        yield client


@pytest.fixture
def stub(server):
    with grpc.insecure_channel(server.address) as channel:
        yield detection_pb2_grpc.IcdDetectionServiceStub(channel)


def wait_for(condition, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def ready(server) -> bool:
    return len(server.pool.workers) == 2 and server.pool.busy == 0 and probe(server.address) == "SERVING"


def test_answers_are_those_of_the_library(client, detector):
    assert client.detect(NOTE) == detector.detect(NOTE)


def test_one_channel_keeps_both_workers_busy(server, stub):
    calls = [stub.Detect.future(pb.DetectRequest(text=LONG)) for _ in range(2)]
    wait_for(lambda: server.pool.busy == 2)
    for call in calls:
        call.cancel()
    wait_for(lambda: server.pool.busy == 0)


def test_load_beyond_the_queue_is_shed_with_the_time_to_come_back(server, stub):
    calls = [stub.Detect.future(pb.DetectRequest(text=LONG)) for _ in range(6)]
    wait_for(lambda: server.pool.queued == 4)
    with pytest.raises(grpc.RpcError) as caught:
        stub.Detect(pb.DetectRequest(text="asthma"))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in rpc_status.from_call(caught.value).details)
    assert retry.retry_delay.ToMilliseconds() > 0
    began = time.monotonic()
    assert probe(server.address) == "SERVING"
    assert time.monotonic() - began < 1
    for call in calls:
        call.cancel()
    wait_for(lambda: server.pool.queued == 0 and server.pool.busy == 0)
    assert stub.Detect(pb.DetectRequest(text="asthma")).mentions


def test_work_stops_at_the_deadline(server, stub):
    with pytest.raises(grpc.RpcError) as caught:
        stub.Detect(pb.DetectRequest(text=LONG), timeout=0.3)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_for(lambda: server.pool.busy == 0, 5)
    assert len(server.pool.workers) == 2


def test_a_killed_worker_costs_its_own_call_only(server, stub, client):
    restarts = server.pool.counts.restarts
    calls = [stub.Detect.future(pb.DetectRequest(text=LONG, document_id=str(n))) for n in range(2)]
    wait_for(lambda: server.pool.busy == 2)
    os.kill(server.pool.workers[0], signal.SIGKILL)
    errors = [call.exception(timeout=60) for call in calls]
    failed = [error for error in errors if error is not None]
    assert len(failed) == 1
    assert failed[0].code() is grpc.StatusCode.UNAVAILABLE
    wait_for(lambda: ready(server))
    assert server.pool.counts.restarts == restarts + 1
    assert client.detect("asthma").mentions


def test_a_client_that_repeats_sees_nothing_of_killed_workers(server, client, detector):
    texts = [f"{NOTE}\nVisit {n}." for n in range(40)]
    stopped = threading.Event()

    def kill() -> None:
        while not stopped.wait(0.5):
            if server.pool.workers:
                os.kill(server.pool.workers[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(client.detect, texts))
    finally:
        stopped.set()
        killer.join()
    assert [answer.assignments for answer in answers] == [detector.detect(NOTE).assignments] * 40
    wait_for(lambda: ready(server))


def test_a_killed_worker_ends_its_streams_with_unavailable(server, client):
    go_on = threading.Event()

    def messages():
        yield whole(DetectRequest("asthma", document_id="a"))
        yield opened(DetectRequest("", document_id="b"))
        yield appended("b", "Asthma.\n")
        go_on.wait(20)
        yield closed("b")

    answers = client.detect_stream(messages(), timeout=30)
    assert next(answers).document_id == "a"
    for pid in server.pool.workers:
        os.kill(pid, signal.SIGKILL)
    go_on.set()
    with pytest.raises(ServerError) as caught:
        list(answers)
    assert caught.value.code == "UNAVAILABLE"
    wait_for(lambda: ready(server))


def test_a_killed_nursery_is_replaced(server, client):
    nursery, *_ = server.pool.processes
    os.kill(nursery, signal.SIGKILL)
    time.sleep(0.2)
    assert client.detect("asthma").mentions  # the workers do not need it
    os.kill(server.pool.workers[0], signal.SIGKILL)
    wait_for(lambda: ready(server) and server.pool.processes[0] != nursery)


def test_a_frozen_worker_is_killed_after_its_deadline(server, client):
    with ThreadPoolExecutor(2) as pool:
        for pid in server.pool.workers:
            os.kill(pid, signal.SIGSTOP)
        calls = [pool.submit(client.detect, "asthma", timeout=1) for _ in range(2)]
        assert {call.exception().code for call in calls} == {"DEADLINE_EXCEEDED"}
    wait_for(lambda: 2 <= server.pool.counts.stuck)
    wait_for(lambda: ready(server))
    assert client.detect("asthma").mentions


def test_the_lexicon_is_reloaded_without_a_lost_request(start_running, tmp_path):
    bundle = Path(str(Lexicon.default()._path))
    shutil.copy(bundle, tmp_path / "lexicon.bundle")
    base = Lexicon.default().version
    _set_version(tmp_path / "lexicon.bundle", base, "aaaaaaaaaaaa")
    with start_running(workers=1, lexicon_dir=str(tmp_path), grace_seconds=5) as server:
        loop = server.pool._nursery.process._loop
        with Client(server.address, timeout=60) as client:
            assert client.detect("asthma").versions.lexicon == "aaaaaaaaaaaa"
            seen, stop = [], threading.Event()

            def ask() -> None:
                while not stop.is_set():
                    seen.append(client.detect("asthma").versions.lexicon)

            asking = threading.Thread(target=ask)
            asking.start()
            (tmp_path / "lexicon.bundle").write_bytes(b"PK broken")
            assert not asyncio.run_coroutine_threadsafe(server.pool.reload(), loop).result(60)
            assert client.detect("asthma").versions.lexicon == "aaaaaaaaaaaa"
            shutil.copy(bundle, tmp_path / "lexicon.bundle")
            _set_version(tmp_path / "lexicon.bundle", base, "bbbbbbbbbbbb")
            assert asyncio.run_coroutine_threadsafe(server.pool.reload(), loop).result(60)
            assert client.detect("asthma").versions.lexicon == "bbbbbbbbbbbb"
            stop.set()
            asking.join()
        assert set(seen) == {"aaaaaaaaaaaa", "bbbbbbbbbbbb"}
        wait_for(lambda: len(server.pool.processes) == 2)  # nothing of the old generation is left


def _set_version(path: Path, base: str, version: str) -> None:
    import json
    import zipfile

    with zipfile.ZipFile(path) as bundle:
        members = {name: bundle.read(name) for name in bundle.namelist()}
    manifest = json.loads(members["manifest.json"])
    members["manifest.json"] = json.dumps({**manifest, "lexicon": version, "base": base}).encode()
    with zipfile.ZipFile(path, "w") as bundle:
        for name, data in members.items():
            bundle.writestr(name, data)


def test_health_has_an_address_of_its_own(start_running, stub_processes):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with start_running(stub_processes, workers=1, health_address=f"127.0.0.1:{port}") as server:
        assert probe(f"127.0.0.1:{port}", "detect_icd.v1.IcdDetectionService") == "SERVING"
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, pytest.raises(grpc.RpcError) as caught:
            detection_pb2_grpc.IcdDetectionServiceStub(channel).Detect(pb.DetectRequest(text="pain"))
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert len(server.pool.workers) == 1


def test_nothing_outlives_a_killed_front_process():
    import subprocess
    import sys

    process = subprocess.Popen(
        [sys.executable, "-m", "detect_icd.cli", "serve", "--address", "127.0.0.1:0", "--log-level", "error"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "listening" in process.stdout.readline()
    [nursery] = _children(process.pid)
    left = [nursery, *_children(nursery)]
    assert len(left) == 3
    process.kill()
    process.communicate()
    wait_for(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() and _runs(pid) for pid in left))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
