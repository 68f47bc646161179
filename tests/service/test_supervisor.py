"""Processes that hang, die at birth or cannot be had, and what is left when the front process ends: over stub workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
import pytest

from detect_icd.client import Client
from detect_icd.errors import LexiconError
from detect_icd.service import processes
from detect_icd.service.probe import probe
from detect_icd.v1 import detection_pb2 as pb
from detect_icd.v1 import detection_pb2_grpc

STUB = Path(__file__).parents[1] / "stub_nursery.py"
SERVE = f"""
import asyncio, sys
from detect_icd.service import pool, server
from detect_icd.service.settings import ServerSettings
pool.NURSERY = server.NURSERY = ({str(STUB)!r},)
settings = ServerSettings(address="127.0.0.1:0", workers=2, grace_seconds=0.5, stuck_seconds=60)
server.serve(settings, lambda address: print(address, flush=True))
"""


def wait_for(condition, seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def fault(monkeypatch):
    return lambda words: monkeypatch.setenv("STUB_FAULT", words)


@pytest.fixture
def served():
    """A server process over stub workers and what it writes first."""
    started = []

    def start(*, wait: bool = True):
        process = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process, process.stdout.readline().strip() if wait else ""

    yield start
    for process in started:
        process.kill()
        process.communicate()


def descendants(pid: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [each for child in children for each in descendants(child)]


def gone(pids) -> bool:
    def runs(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return not any(map(runs, pids))


def test_a_lexicon_that_does_not_load_is_given_up(start_running, stub_processes, fault, monkeypatch):
    monkeypatch.setattr(processes, "_LOAD_SECONDS", 1.0)
    fault("load hangs")
    began = time.monotonic()
    with pytest.raises(LexiconError, match="not loaded within"), start_running(stub_processes):
        pass
    assert time.monotonic() - began < 8


def test_any_fault_of_its_files_is_one_line_without_their_words(start_running, stub_processes, fault):
    fault("load breaks")
    with pytest.raises(LexiconError, match="DatabaseError") as caught, start_running(stub_processes):
        pass
    assert "SECRET" not in str(caught.value)


def test_a_nursery_that_hangs_is_replaced(start_running, stub_processes, monkeypatch):
    monkeypatch.setattr(processes, "_FORK_SECONDS", 1.0)
    with start_running(stub_processes, workers=2) as server:
        nursery, worker, _ = server.pool.processes
        os.kill(nursery, signal.SIGSTOP)
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: len(server.pool.workers) == 2 and server.pool.processes[0] != nursery)


def test_a_worker_that_dies_while_others_begin_is_replaced(start_running, stub_processes, fault):
    fault("a worker dies at birth")
    with start_running(stub_processes, workers=2) as server:
        wait_for(lambda: len(server.pool.workers) == 2 and all(worker.alive for worker in server.pool._workers))
        assert server.pool.counts.restarts == 1


def test_no_room_for_a_process_is_waited_out_by_the_same_nursery(start_running, stub_processes, fault):
    with start_running(stub_processes, workers=1) as server:
        fault("no room for a process")
        reload(server)
        wait_for(lambda: server.pool.counts.reloads_refused == 1)
        assert len(server.pool.workers) == 1


def reload(server) -> None:
    import asyncio

    asyncio.run_coroutine_threadsafe(server.pool.reload(), server.pool._nursery.process._loop).result(30)


def test_workers_know_no_secret(start_running, stub_processes, monkeypatch):
    monkeypatch.setenv("DETECT_ICD_TRACES_HEADERS", "authorization=SECRET")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=SECRET")
    # Of no use to workers, and not valid alone: flags may have completed it.
    monkeypatch.setenv("DETECT_ICD_TLS_CLIENT_CA", "ca.pem")
    with start_running(stub_processes, tls_client_ca="") as server:
        for pid in server.pool.processes:
            assert b"SECRET" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_it_is_told_to_stop_while_it_loads(served, fault):
    fault("load hangs")
    process, _ = served(wait=False)
    wait_for(lambda: descendants(process.pid))
    left = descendants(process.pid)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    wait_for(lambda: gone(left), 5)


def test_it_is_told_to_stop_while_it_reloads(served):
    process, address = served()
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    left = descendants(process.pid)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGHUP)
    assert process.wait(10) == 0
    wait_for(lambda: gone(left), 5)
    assert probe(address, seconds=1) == "UNAVAILABLE"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_hanging_worker_does_not_outlive_the_front_process(served, number):
    process, address = served()
    left = descendants(process.pid)
    assert len(left) == 3
    channel = grpc.insecure_channel(address)
    channel_ready = detection_pb2_grpc.IcdDetectionServiceStub(channel).Detect.future(pb.DetectRequest(text="hang"))
    time.sleep(0.5)
    process.send_signal(number)
    process.wait(10)
    wait_for(lambda: gone(left), 8)
    assert channel_ready.exception(timeout=5) is not None
    channel.close()


def test_reloads_in_quick_succession_and_deaths_between_lose_no_call(served):
    process, address = served()
    stop, faults = threading.Event(), []

    def ask() -> None:
        with Client(address, timeout=20) as client:
            while not stop.is_set():
                try:
                    client.detect("pain")
                except Exception as error:  # noqa: BLE001 - each one is a failure of the test
                    faults.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    for _ in range(3):
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        os.kill(descendants(process.pid)[-1], signal.SIGKILL)
    time.sleep(2)
    stop.set()
    asking.join()
    assert faults == []
    wait_for(lambda: len(descendants(process.pid)) == 3)


def test_a_worker_that_dies_during_a_reload_is_not_replaced_twice(start_running, stub_processes):
    with start_running(stub_processes, workers=2) as server:
        os.kill(server.pool.workers[0], signal.SIGKILL)
        wait_for(lambda: server.pool._forking == 1)
        reload(server)
        wait_for(lambda: server.pool._forking == 0)
        assert len([worker for worker in server.pool._workers if not worker.retiring]) == 2
