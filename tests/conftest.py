"""Shared by all tests: the one detector, and servers that run beside the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from detect_icd import Detector
from detect_icd.service.server import start_server
from detect_icd.service.settings import ServerSettings


@pytest.fixture(scope="session")
def detector() -> Detector:
    return Detector.default()


@contextmanager
def serving(detector: object, **settings: object) -> Iterator[str]:
    """The address of a real server on a free port, run by an event loop of its own."""
    chosen = ServerSettings(address="127.0.0.1:0", **settings)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="test-server")
    thread.start()
    try:
        running = asyncio.run_coroutine_threadsafe(start_server(detector, chosen), loop).result(30)
        try:
            yield running.address
        finally:
            asyncio.run_coroutine_threadsafe(running.stop(chosen.grace_seconds), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


@pytest.fixture(scope="session")
def start():
    """`with start(detector, workers=1) as address:`"""
    return serving


@pytest.fixture(scope="session")
def address(detector: Detector) -> Iterator[str]:
    """A server over the packaged lexicon."""
    with serving(detector) as address:
        yield address
