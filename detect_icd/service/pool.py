"""The worker processes as the front process sees them: who is idle, what waits, who died, what replaces them.

Runs on the event loop and never blocks it. A job goes to an idle worker or waits in a bounded queue; a stream keeps the
worker that holds its documents. A worker that dies costs the job it had and the streams it held, and is replaced after
a delay that doubles with every death in a row.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from detect_icd.errors import LexiconError
from detect_icd.service import frames
from detect_icd.service.frames import Job, Kind, Report
from detect_icd.service.processes import Nursery, Task, Worker
from detect_icd.service.settings import ServerSettings
from detect_icd.service.status import DeadlineError, OverloadedError, WorkerLostError

log = logging.getLogger("detect_icd.service.pool")

_FIRST_DELAY = 0.05
_LONGEST_DELAY = 10.0
_STEADY_SECONDS = 30.0
"""A worker that lived so long ends a row of deaths."""
_TICK_SECONDS = 0.25


@dataclass(slots=True)
class Counts:
    """What metrics tell of the pool."""

    restarts: int = 0
    stuck: int = 0
    recycled: int = 0
    reloads: int = 0
    reloads_refused: int = 0
    service_seconds: float = 0.05
    """What a job takes, a running mean; RetryInfo is made from it."""


NURSERY = ("-P", "-m", "detect_icd.service.nursery")


class Pool:
    """Worker processes over one lexicon. `on_change(able)` is told whenever the ability to work may have changed."""

    def __init__(
        self, settings: ServerSettings, on_change: Callable[[bool], None], load: tuple[str, ...] = NURSERY
    ) -> None:
        self._settings = settings
        self._on_change = on_change
        self._load = load
        self._nursery: Nursery | None = None
        self._old: list[Nursery] = []
        self._ending: set[int] = set()
        self._workers: list[Worker] = []
        self._waiting: deque[Task] = deque()
        self._queued = 0
        self._numbers = itertools.count(1)
        self._deaths = 0
        self._forking = 0
        self._closing = False
        self._loading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.counts = Counts()

    async def start(self) -> None:
        """Load the lexicon and fork the workers; raises LexiconError."""
        self._nursery = await Nursery.start(self._settings, self._load)
        try:
            self._take_on(*await self._fork_all(self._nursery))
        except (WorkerLostError, OSError):
            raise LexiconError("a worker process died at its start: its words stand in the log") from None
        self._spawn(self._watch())

    # Work

    async def call(self, method: str, data: bytes, deadline: float) -> tuple[bytes, Report]:
        """The answer of a unary call; raises OverloadedError, WorkerLostError, RefusedError."""
        if self._settings.queue <= self._queued and not self._idle(None):
            raise OverloadedError(
                "the server is at its limit: repeat the call after the delay in RetryInfo",
                retry_after_seconds=self.retry_after_seconds,
            )
        answer, report = await self.run(Job(method, data, deadline), None)
        assert answer is not None
        return answer, report

    def open(self, method: str) -> Stream:
        """A stream, kept by the worker with the fewest; raises WorkerLostError where there is none."""
        able = [w for w in self._workers if w.alive and not w.retiring]
        if not able:
            raise WorkerLostError
        worker = min(able, key=lambda w: (len(w.sessions), len(w.waiting)))
        stream = Stream(self, worker, method, next(self._numbers))
        worker.sessions.add(stream.number)
        return stream

    async def run(self, job: Job, worker: Worker | None) -> tuple[bytes | None, Report]:
        """Give the job to `worker`, or to any; its answer."""
        if worker is None and not any(w.alive for w in self._workers) and not self._forking:
            raise WorkerLostError
        task = Task(next(self._numbers), job, asyncio.get_running_loop().create_future(), worker is not None)
        idle = self._idle(worker)
        if idle is not None:
            idle.give(task)
        elif worker is not None:
            worker.waiting.append(task)
        else:
            self._waiting.append(task)
            self._queued += 1
        try:
            return await task.answer
        except asyncio.CancelledError:
            self._drop(task)
            raise

    def _drop(self, task: Task) -> None:
        """Nobody waits for it: take it out of the queue, or tell its worker."""
        for worker in self._workers:
            if worker.task is task:
                task.dropped_at = time.monotonic()
                worker.write(frames.frame(Kind.DROP, task.number))
                return
        if not task.pinned and task in self._waiting:
            self._waiting.remove(task)
            self._queued -= 1

    def _idle(self, worker: Worker | None) -> Worker | None:
        """`worker` if it is free, or any free one of the present generation; None while older jobs wait."""
        if worker is not None:
            free = worker.alive and worker.task is None and not worker.waiting
            return worker if free and not self._waiting else None
        if self._waiting:
            return None
        return next((w for w in self._workers if w.alive and not w.retiring and w.task is None and not w.waiting), None)

    def worker_idle(self, worker: Worker, seconds: float) -> None:
        """Called by a worker whose job is done."""
        self.counts.service_seconds += 0.05 * (seconds - self.counts.service_seconds)
        self._feed(worker)

    def _feed(self, worker: Worker) -> None:
        """Give a free worker the oldest job it may do: of its streams, or of the common queue."""
        while worker.alive and worker.task is None:
            common = self._waiting if not worker.retiring else ()
            own = worker.waiting
            if not own and not common:
                break
            if own and (not common or own[0].number < common[0].number):
                task = own.popleft()
            else:
                task = self._waiting.popleft()
                self._queued -= 1
            if not task.answer.done():
                worker.give(task)
        if worker.retiring and worker.task is None and not worker.sessions:
            worker.end()

    def session_ended(self, stream: Stream) -> None:
        """Called by a stream that is over."""
        worker = stream.worker
        if stream.number not in worker.sessions:
            return
        worker.sessions.discard(stream.number)
        worker.write(frames.frame(Kind.CLOSE, stream.number))
        self._feed(worker)

    # Supervision

    def worker_gone(self, worker: Worker) -> None:
        """Called when a worker's line is closed; one that was not asked to go is replaced."""
        if worker not in self._workers:
            return
        self._workers.remove(worker)
        self._changed()
        if worker.retiring or self._closing:
            self._drop_old_nurseries()
            return
        self.counts.restarts += 1
        self._deaths = 1 if _STEADY_SECONDS < time.monotonic() - worker.began else self._deaths + 1
        self._replace_one()

    def _replace_one(self) -> None:
        self._forking += 1
        self._spawn(self._replace())

    async def _replace(self) -> None:
        """One more worker, after a delay, however often it takes."""
        try:
            while not self._closing:
                delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(self._deaths - 1, 20)) if self._deaths else 0.0
                log.warning("a worker is started again in %.2f s", delay)
                await asyncio.sleep(delay)
                try:
                    await self._fork_one()
                except (WorkerLostError, LexiconError, OSError) as error:
                    self._deaths += 1
                    log.error("no new worker: %s", type(error).__name__)  # noqa: TRY400 - no traceback, see status
                else:
                    return
        finally:
            self._forking -= 1
            if not self._forking and not any(w.alive for w in self._workers):
                self._fail_waiting()

    async def _fork_one(self) -> None:
        async with self._loading:
            if self._settings.workers <= sum(not worker.retiring for worker in self._workers):
                return  # a reload has meanwhile brought all of a new generation
            if self._nursery is None or not self._nursery.alive:
                log.warning("the nursery is gone: the lexicon is loaded again")
                if self._nursery is not None:
                    await self._nursery.end()
                self._nursery = await Nursery.start(self._settings, self._load)
            self._take_on(await self._nursery.fork(self))

    async def _fork_all(self, nursery: Nursery) -> list[Worker]:
        """All workers of a generation, or none: where one cannot be had the others are ended."""
        forked = await asyncio.gather(
            *(nursery.fork(self) for _ in range(self._settings.workers)), return_exceptions=True
        )
        workers = [worker for worker in forked if isinstance(worker, Worker)]
        for fault in forked:
            if isinstance(fault, BaseException):
                for worker in workers:
                    worker.end()
                raise fault
        return workers

    def _take_on(self, *workers: Worker) -> None:
        """They can be given work; one that has died already, before the others were ready, is replaced."""
        self._workers[:0] = workers
        self._changed()
        for worker in workers:
            if worker.alive:
                self._feed(worker)
            else:
                self.worker_gone(worker)

    def _fail_waiting(self) -> None:
        for task in self._waiting:
            if not task.answer.done():
                task.answer.set_exception(WorkerLostError())
        self._waiting.clear()
        self._queued = 0

    async def _watch(self) -> None:
        """Kill what does not stop when it should; replace what has grown too large."""
        for turn in itertools.count():
            await asyncio.sleep(_TICK_SECONDS)
            now = time.monotonic()
            self._end_waiting(now)
            for worker in list(self._workers):
                task = worker.task
                if task is not None and min(task.job.deadline, task.dropped_at) + self._settings.stuck_seconds < now:
                    log.error("worker %d does not stop when told to: it is killed", worker.pid)
                    self.counts.stuck += 1
                    worker.kill()
                elif turn % 8 == 0 and not worker.retiring and self._too_large(worker):
                    log.warning("worker %d has grown beyond %d MB", worker.pid, self._settings.worker_memory_mb)
                    self.counts.recycled += 1
                    self._retire(worker)
                    self._replace_one()

    def _end_waiting(self, now: float) -> None:
        """What has waited past its deadline, as it may where no worker can be had."""
        for task in [task for task in self._waiting if task.job.deadline < now]:
            self._waiting.remove(task)
            self._queued -= 1
            if not task.answer.done():
                task.answer.set_exception(
                    DeadlineError("the deadline passed before a worker was free: try again later")
                )

    def _too_large(self, worker: Worker) -> bool:
        return self._settings.worker_memory_mb * 1_000_000 < worker.resident_bytes()

    def _retire(self, worker: Worker) -> None:
        """Let it finish what it has, and take nothing new."""
        worker.retiring = True
        self._feed(worker)

    async def reload(self) -> bool:
        """A new generation over the lexicon as it is now; False, and the old one stays, where that cannot be loaded."""
        async with self._loading:
            return await self._reload()

    async def _reload(self) -> bool:
        try:
            nursery = await Nursery.start(self._settings, self._load)
            try:
                fresh = await self._fork_all(nursery)
            except BaseException:
                await nursery.end()
                raise
        except (LexiconError, WorkerLostError, OSError) as error:
            self.counts.reloads_refused += 1
            log.error("the lexicon is not reloaded, the old one stays: %s", getattr(error, "message", error))  # noqa: TRY400
            return False
        old, self._nursery = self._nursery, nursery
        retiring = list(self._workers)
        if old is not None:
            self._old.append(old)
        for worker in retiring:
            self._retire(worker)
        self._take_on(*fresh)
        loop = asyncio.get_running_loop()
        for worker in retiring:
            loop.call_later(self._settings.max_stream_seconds, worker.end)
        self.counts.reloads += 1
        log.info("the lexicon is reloaded: %s", nursery.versions.get("lexicon", ""))
        return True

    def _drop_old_nurseries(self) -> None:
        used = {id(worker.nursery) for worker in self._workers}
        for nursery in self._old:
            if id(nursery) not in used and id(nursery) not in self._ending:
                self._ending.add(id(nursery))
                self._spawn(self._end(nursery))

    async def _end(self, nursery: Nursery) -> None:
        await nursery.end()
        self._old.remove(nursery)
        self._ending.discard(id(nursery))

    def _changed(self) -> None:
        self._on_change(self.able)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What others ask

    @property
    def able(self) -> bool:
        """Whether there is a worker to give work to."""
        return not self._closing and any(w.alive and not w.retiring for w in self._workers)

    @property
    def versions(self) -> dict[str, str]:
        """Of the service, the lexicon and the code set in force."""
        return self._nursery.versions if self._nursery is not None else {}

    @property
    def queued(self) -> int:
        """Calls that wait for a worker."""
        return self._queued

    @property
    def busy(self) -> int:
        """Workers at work."""
        return sum(w.task is not None for w in self._workers)

    @property
    def workers(self) -> list[int]:
        """Process ids."""
        return [w.pid for w in self._workers]

    @property
    def processes(self) -> list[int]:
        """Process ids of the nurseries and the workers."""
        nurseries = [n.process.pid for n in [*self._old, self._nursery] if n is not None and n.process is not None]
        return [*nurseries, *self.workers]

    @property
    def retry_after_seconds(self) -> float:
        """When a place should be free: what waits now is then done."""
        expected = self.counts.service_seconds * (self._queued + 1) / max(1, len(self._workers))
        return min(5.0, max(0.1, expected))

    async def close(self) -> None:
        """End every process; jobs under way fail."""
        self._closing = True
        for task in list(self._tasks):
            task.cancel()
        self._fail_waiting()
        for worker in list(self._workers):
            if worker.task is None:
                worker.end()
            else:  # it had its time, and may hang
                worker.kill()
        nurseries = [n for n in [*self._old, self._nursery] if n is not None]
        await asyncio.gather(*(nursery.end() for nursery in nurseries))


class Stream:
    """One stream's place in the worker that holds its documents."""

    def __init__(self, pool: Pool, worker: Worker, method: str, number: int) -> None:
        self._pool = pool
        self.worker = worker
        self.number = number
        self._method = method

    async def handle(self, data: bytes, deadline: float) -> tuple[bytes | None, Report]:
        """The answer to one message, None where it has none; raises WorkerLostError, RefusedError."""
        if not self.worker.alive:
            raise WorkerLostError
        return await self._pool.run(Job(self._method, data, deadline, self.number), self.worker)

    def close(self) -> None:
        """The stream is over."""
        self._pool.session_ended(self)
