"""Workers as threads of this process: what `pool` does with processes, for tests and for embedding a server.

Threads share one interpreter, so they do not make detection faster.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from detect_icd.errors import CancelledError
from detect_icd.service.frames import Report
from detect_icd.service.handlers import Done, Handlers
from detect_icd.service.pool import Counts
from detect_icd.service.status import DeadlineError, OverloadedError

RETRY_AFTER_SECONDS = 0.5


class Ticket:
    """What a piece of work knows of its caller; calling it is the core's checkpoint."""

    def __init__(self, deadline: float) -> None:
        """`deadline` by the monotonic clock, math.inf for none."""
        self.deadline = deadline
        self._dropped = threading.Event()

    def drop(self) -> None:
        """The caller no longer waits."""
        self._dropped.set()

    def __call__(self) -> None:
        """Raises DeadlineError or CancelledError where the work is no longer wanted."""
        if self._dropped.is_set():
            raise CancelledError("the call was cancelled")
        if self.deadline < time.monotonic():
            raise DeadlineError("the deadline passed before the document was read: allow more time or send less text")


class LocalPool:
    """A bounded pool of threads; `queue` calls may wait for one."""

    def __init__(self, handlers: Handlers, workers: int, queue: int) -> None:
        self._handlers = handlers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="detect-icd")
        self._workers = workers
        self._limit = workers + queue
        self._pending = 0
        self._lock = threading.Lock()
        self.able = True
        self.counts = Counts()
        self.versions: dict[str, str] = {}
        self.processes: list[int] = []
        self.workers: list[int] = []

    async def start(self) -> None:
        """Nothing is to be loaded."""

    async def reload(self) -> bool:
        """What was given at the start cannot be loaded again."""
        return False

    @property
    def queued(self) -> int:
        """Calls that wait for a worker."""
        return max(0, self._pending - self._workers)

    @property
    def busy(self) -> int:
        """Workers at work."""
        return min(self._pending, self._workers)

    async def call(self, method: str, data: bytes, deadline: float) -> tuple[bytes, Report]:
        """As Pool.call."""
        if self._limit <= self._pending:
            raise OverloadedError(
                "the server is at its limit: repeat the call after the delay in RetryInfo",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        ticket = Ticket(deadline)
        done = await self.run(lambda: self._handlers.call(method, data, ticket), ticket)
        return done.data or b"", Report(done.characters, done.mentions)

    def open(self, method: str) -> LocalStream:
        """As Pool.open."""
        return LocalStream(self, self._handlers, method)

    async def run(self, work: Callable[[], Done], ticket: Ticket) -> Done:
        """`work()` in a thread."""
        with self._lock:
            self._pending += 1

        def begin() -> Done:
            ticket()
            return work()

        future = self._pool.submit(begin)
        future.add_done_callback(self._done)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            ticket.drop()
            raise

    async def close(self) -> None:
        """Takes no more work; what has begun ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _done(self, _: object) -> None:
        with self._lock:
            self._pending -= 1


class LocalStream:
    """As pool.Stream."""

    def __init__(self, pool: LocalPool, handlers: Handlers, method: str) -> None:
        self._pool = pool
        self._ticket = Ticket(math.inf)
        self._answer = handlers.open(method, self._ticket)

    async def handle(self, data: bytes, deadline: float) -> tuple[bytes | None, Report]:
        """As pool.Stream.handle."""
        self._ticket.deadline = deadline
        done = await self._pool.run(lambda: self._answer(data), self._ticket)
        return done.data, Report(done.characters, done.mentions)

    def close(self) -> None:
        """As pool.Stream.close."""
        self._ticket.drop()
