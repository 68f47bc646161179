"""Runs detections beside the event loop: bounded in number, and stopped when nobody waits for them any more.

The event loop itself only moves messages, so health checks are answered however busy the workers are.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from detect_icd.errors import CancelledError
from detect_icd.service.status import DeadlineError, OverloadedError

RETRY_AFTER_SECONDS = 0.5

_T = TypeVar("_T")


class Ticket:
    """What a piece of work knows of its caller; calling it is the core's checkpoint."""

    def __init__(self, seconds: float | None = None) -> None:
        """`seconds` until the caller's deadline; None: it has none."""
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._dropped = threading.Event()

    def drop(self) -> None:
        """The caller no longer waits."""
        self._dropped.set()

    def __call__(self) -> None:
        """Raises DeadlineError or CancelledError where the work is no longer wanted."""
        if self._dropped.is_set():
            raise CancelledError("the call was cancelled")
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise DeadlineError("the deadline passed before the document was read: allow more time or send less text")


class Workers:
    """A bounded pool of threads; `queue` calls may wait for one."""

    def __init__(self, workers: int, queue: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="detect-icd")
        self._limit = workers + queue
        self._pending = 0
        self._lock = threading.Lock()

    async def run(self, work: Callable[[Ticket], _T], ticket: Ticket, *, shed: bool = True) -> _T:
        """`work(ticket)` in a worker. With `shed`, raises OverloadedError where too many calls wait already."""
        if shed and self._pending >= self._limit:
            raise OverloadedError(
                "the server is at its limit: repeat the call after the delay in RetryInfo",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        with self._lock:
            self._pending += 1
        future = self._pool.submit(self._begin, work, ticket)
        future.add_done_callback(self._done)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            ticket.drop()
            raise

    def close(self) -> None:
        """Takes no more work; what has begun ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _begin(work: Callable[[Ticket], _T], ticket: Ticket) -> _T:
        ticket()
        return work(ticket)

    def _done(self, _: object) -> None:
        with self._lock:
            self._pending -= 1
