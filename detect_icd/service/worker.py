"""One worker process: takes a job from the front process over a socket, does it, answers, takes the next.

It does one job at a time, so the front process knows who is idle. While it works it looks, at the detector's
checkpoints, whether the job is still wanted and whether the front process still lives.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable

from detect_icd.errors import CancelledError
from detect_icd.service import frames
from detect_icd.service.frames import Job, Kind, Reader, Report
from detect_icd.service.handlers import Done, Handlers
from detect_icd.service.status import DeadlineError, status_of
from detect_icd.service.stopwatch import Stopwatch

_LOOK_SECONDS = 0.005
_PIECE = 1 << 18


class Worker:
    """The loop of one worker; `stopwatch` is the one the handlers' stages are timed by."""

    def __init__(self, line: socket.socket, handlers: Handlers, stopwatch: Stopwatch) -> None:
        self._line = line
        self._handlers = handlers
        self._stopwatch = stopwatch
        self._reader = Reader()
        self._frames: deque[tuple[Kind, int, memoryview]] = deque()
        self._sessions: dict[int, Callable[[bytes], Done]] = {}
        self._number = 0
        self._deadline = 0.0
        self._look_again = 0.0
        self._dropped = False

    def run(self) -> None:
        """Until the front process closes the line."""
        self._line.sendall(frames.frame(Kind.READY, os.getpid()))
        while True:
            while not self._frames:
                self._receive()
            kind, number, body = self._frames.popleft()
            if kind is Kind.JOB:
                self._do(number, frames.unpack_job(body))
            elif kind is Kind.CLOSE:
                self._sessions.pop(number, None)

    def _do(self, number: int, job: Job) -> None:
        self._number, self._deadline, self._dropped = number, job.deadline, False
        self._look_again = 0.0
        self._stopwatch.start()
        try:
            self._checkpoint()
            done = self._answer(job)
        except Exception as error:  # noqa: BLE001 - every fault becomes a status for the caller
            code, status = status_of(error)
            report = frames.pack_report(Report(stages=self._stopwatch.laps()))
            failure = frames.pack_failure(code.value[0], status.SerializeToString())
            self._line.sendall(frames.frame(Kind.FAILURE, number, report, failure))
            return
        report = frames.pack_report(Report(done.characters, done.mentions, self._stopwatch.laps()))
        if done.data is None:
            self._line.sendall(frames.frame(Kind.NOTHING, number, report))
        else:
            self._line.sendall(frames.frame(Kind.ANSWER, number, report, done.data))

    def _answer(self, job: Job) -> Done:
        if not job.session:
            return self._handlers.call(job.method, job.data, self._checkpoint)
        if job.session not in self._sessions:
            self._sessions[job.session] = self._handlers.open(job.method, self._checkpoint)
        return self._sessions[job.session](job.data)

    def _checkpoint(self) -> None:
        now = time.monotonic()
        if now < self._look_again:
            return
        self._look_again = now + _LOOK_SECONDS
        if self._deadline < now:
            raise DeadlineError("the deadline passed before the document was read: allow more time or send less text")
        while select.select([self._line], [], [], 0)[0]:
            self._receive()
        if self._dropped:
            raise CancelledError("the call was cancelled")

    def _receive(self) -> None:
        data = self._line.recv(_PIECE)
        if not data:  # the front process is gone
            os._exit(0)
        for kind, number, body in self._reader.feed(data):
            if kind is Kind.DROP:
                self._dropped = self._dropped or number == self._number
            else:
                self._frames.append((kind, number, body))
