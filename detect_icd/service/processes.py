"""The lines from the front process to its workers and to the nursery that forks them."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import socket
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, cast

from detect_icd.errors import LexiconError
from detect_icd.service import frames
from detect_icd.service.frames import Job, Kind, Reader, Report
from detect_icd.service.settings import ServerSettings
from detect_icd.service.status import RefusedError, WorkerLostError

_PAGE = os.sysconf("SC_PAGE_SIZE")
_LOAD_SECONDS = 120.0
"""A lexicon that is not loaded by then never will be: its file hangs."""
_FORK_SECONDS = 30.0
_KEPT_FROM_WORKERS = ("DETECT_ICD_", "OTEL_")
"""Variables of the front process alone: they may hold secrets, and what workers need of them comes over the line."""


class Owner(Protocol):
    """The part of pool.Pool used here."""

    def worker_idle(self, worker: Worker, seconds: float) -> None:
        """Called by a worker whose job is done, with what it took."""

    def worker_gone(self, worker: Worker) -> None:
        """Called when a worker's line is closed."""


@dataclass(eq=False, slots=True)
class Task:
    """A job on its way: waiting, or at work in a worker."""

    number: int
    job: Job
    answer: asyncio.Future[tuple[bytes | None, Report]]
    pinned: bool = False
    dropped_at: float = math.inf
    began: float = 0.0


class Worker(asyncio.Protocol):
    """The line to one worker process."""

    def __init__(self, pool: Owner, nursery: Nursery) -> None:
        self.pool = pool
        self.nursery = nursery
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.pid = 0
        self.began = time.monotonic()
        self.task: Task | None = None
        self.waiting: deque[Task] = deque()
        self.sessions: set[int] = set()
        self.retiring = False
        self._reader = Reader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for kind, number, body in self._reader.feed(data):
            if kind is Kind.READY:
                self.pid = number
                if not self.ready.done():
                    self.ready.set_result(None)
                continue
            task, self.task = self.task, None
            assert task is not None
            assert task.number == number
            report, rest = frames.unpack_report(body)
            if not task.answer.done():
                if kind is Kind.FAILURE:
                    task.answer.set_exception(RefusedError(*frames.unpack_failure(rest)))
                else:
                    task.answer.set_result((bytes(rest) if kind is Kind.ANSWER else None, report))
            self.pool.worker_idle(self, time.monotonic() - task.began)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        if not self.ready.done():
            self.ready.set_exception(WorkerLostError())
            self.ready.exception()  # seen, even where nobody waits
        for task in ([self.task] if self.task else []) + list(self.waiting):
            if not task.answer.done():
                task.answer.set_exception(WorkerLostError())
        self.task = None
        self.waiting.clear()
        self.pool.worker_gone(self)

    @property
    def alive(self) -> bool:
        """Whether the line is open."""
        return self._transport is not None

    def give(self, task: Task) -> None:
        """Let the idle worker do it."""
        self.task = task
        task.began = time.monotonic()
        self.write(frames.frame(Kind.JOB, task.number, frames.pack_job(task.job)))

    def write(self, data: bytes) -> None:
        """Send a frame, where anyone is there to read it."""
        if self._transport is not None:
            self._transport.write(data)

    def end(self) -> None:
        """Close the line: the worker ends at its next look."""
        if self._transport is not None:
            self._transport.close()

    def kill(self) -> None:
        """For one that does not answer any more."""
        if self.pid and self._transport is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._transport.abort()

    def resident_bytes(self) -> int:
        """Memory the process holds, shared pages included; 0 where the system does not tell."""
        try:
            with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:  # noqa: PTH123 - every second, for each worker
                return int(file.read().split()[1]) * _PAGE
        except OSError:
            return 0


class Nursery(asyncio.Protocol):
    """The line to one nursery: a generation of the lexicon."""

    def __init__(self) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.versions: dict[str, str] = {}
        self.process: asyncio.subprocess.Process | None = None
        self._reader = Reader()
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None

    @classmethod
    async def start(cls, settings: ServerSettings, load: tuple[str, ...]) -> Nursery:
        """A nursery that has loaded its lexicon; raises LexiconError where it cannot."""
        ours, theirs = socket.socketpair()
        # A duplicate to pass sockets over: asyncio's transports cannot carry them.
        passing = socket.socket(fileno=os.dup(ours.fileno()))
        loop = asyncio.get_running_loop()
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(_KEPT_FROM_WORKERS)}
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *load,
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                env={
                    **kept,
                    # It imports what this process imports, and nothing of the folder it happens to be started in.
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                    # One thread a worker: the numeric libraries' own threads would not survive the fork.
                    "OPENBLAS_NUM_THREADS": "1",
                    "OMP_NUM_THREADS": "1",
                    "MKL_NUM_THREADS": "1",
                },
            )
        except BaseException:
            ours.close()
            passing.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        _, line = await loop.create_unix_connection(cls, sock=ours)
        line.begin(process, passing, settings)
        try:
            async with asyncio.timeout(_LOAD_SECONDS):
                await line.ready
        except TimeoutError:
            await line.kill()
            raise LexiconError(f"the lexicon was not loaded within {_LOAD_SECONDS:g} s") from None
        except BaseException:
            await line.kill()
            raise
        return line

    def begin(self, process: asyncio.subprocess.Process, passing: socket.socket, settings: ServerSettings) -> None:
        """Tell the process what to load; `passing` is the socket to pass others over."""
        self.process, self._socket = process, passing
        if self._transport is not None:
            self._transport.write(frames.frame(Kind.READY, 0, settings.for_workers().encode()))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for kind, _, body in self._reader.feed(data):
            if kind is Kind.READY:
                self.versions = json.loads(bytes(body))
                self.ready.set_result(None)
            else:
                self.ready.set_exception(LexiconError(str(body, "utf-8")))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        if not self.ready.done():
            self.ready.set_exception(
                LexiconError("the process that loads the lexicon died: its words stand in the log")
            )
        if not self.lost.done():
            self.lost.set_result(None)

    @property
    def alive(self) -> bool:
        """Whether it can fork."""
        return self._transport is not None

    async def fork(self, pool: Owner) -> Worker:
        """One more worker, ready to work; raises WorkerLostError or OSError."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            assert self._socket is not None
            socket.send_fds(self._socket, [frames.frame(Kind.FORK, 0)], [theirs.fileno()])
        except (OSError, AssertionError):
            ours.close()
            raise WorkerLostError from None
        finally:
            theirs.close()
        loop = asyncio.get_running_loop()
        _, worker = await loop.create_unix_connection(lambda: Worker(pool, self), sock=ours)
        try:
            async with asyncio.timeout(_FORK_SECONDS):
                await worker.ready
        except BaseException as error:
            worker.end()
            if not isinstance(error, TimeoutError):
                raise
            await self.kill()  # it hangs, and another one will be started
            raise WorkerLostError from None
        return worker

    async def kill(self) -> None:
        """For one that has no workers, or does not answer any more."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
        await self.end()

    async def end(self) -> None:
        """It forks no more; returns when its process is over. It ends what is left of its workers."""
        if self._transport is not None:
            self._transport.close()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self.process is not None and self.process.returncode is None:
            try:
                await asyncio.wait_for(self.process.wait(), 10)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
