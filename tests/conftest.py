"""Shared by all tests: the one detector, and servers that run beside the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from detect_icd import Detector
from detect_icd.lexicon import Lexicon
from detect_icd.service.handlers import Handlers
from detect_icd.service.local import LocalPool
from detect_icd.service.pool import Pool
from detect_icd.service.server import Running, start_server
from detect_icd.service.services import servicers
from detect_icd.service.settings import ServerSettings


@pytest.fixture(scope="session")
def detector() -> Detector:
    return Detector.default()


def over(detector: object):
    """Workers as threads over this very detector, so that a test can choose its answers and see what was done to it."""

    def make(settings: ServerSettings, _: object) -> LocalPool:
        return LocalPool(Handlers(servicers(detector, Lexicon.default(), settings)), settings.workers, settings.queue)

    return make


def in_processes(*load: str):
    """Worker processes of another nursery than the lexicon's."""

    def make(settings: ServerSettings, on_change: object) -> Pool:
        return Pool(settings, on_change, load)

    return make


@contextmanager
def running(make_pool: object = None, **settings: object) -> Iterator[Running]:
    """A real server on a free port, run by an event loop of its own; its workers are processes, or of `make_pool`."""
    chosen = ServerSettings(**{"address": "127.0.0.1:0", **settings})
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="test-server")
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(start_server(chosen, make_pool), loop).result(60)
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(chosen.grace_seconds), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


@contextmanager
def serving(detector: object = None, **settings: object) -> Iterator[str]:
    """The address of a real server; without a detector its workers are processes over the packaged lexicon."""
    with running(None if detector is None else over(detector), **settings) as server:
        yield server.address


@pytest.fixture(scope="session")
def start():
    """`with start(detector, workers=1) as address:`"""
    return serving


@pytest.fixture(scope="session")
def start_running():
    """`with start_running(workers=1) as server:`"""
    return running


@pytest.fixture(scope="session")
def stub_processes():
    """For `start_running`: worker processes over the stub detector."""
    return in_processes(str(Path(__file__).with_name("stub_nursery.py")))


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """A server over the packaged lexicon."""
    with serving() as address:
        yield address


@pytest.fixture(scope="session")
def worker_processes():
    """Makes worker processes of a command line, for tests that bring their own."""
    return in_processes
