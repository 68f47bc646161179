"""A nursery whose workers run the stub detector: faults that the real one does not have, in real processes."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import sqlite3
import sys
import time

from stub_detector import StubDetector

from detect_icd.service import frames
from detect_icd.service.detection import DetectionServicer
from detect_icd.service.frames import Kind
from detect_icd.service.handlers import Handlers
from detect_icd.service.nursery import main
from detect_icd.service.services import DETECTION
from detect_icd.service.worker import Worker


class FaultyDetector(StubDetector):
    def detect(self, request, *, checkpoint):
        words = request.text.split()
        if words[:1] == ["die"]:
            os._exit(3)
        if words[:1] == ["segfault"]:
            ctypes.string_at(0)
        if words[:1] == ["hang"]:
            time.sleep(600)
        if words[:1] == ["raise"]:
            raise ValueError(request.text)
        if words[:1] == ["recurse"]:
            return self.detect(request, checkpoint=checkpoint)
        if words[:1] == ["exhaust"]:
            bytearray(1 << 60)
        if words[:1] == ["grow"]:
            self.hoard = [*getattr(self, "hoard", []), bytearray(40_000_000)]
        return super().detect(request, checkpoint=checkpoint)


def load(settings, stopwatch):
    del stopwatch
    fault = os.environ.get("STUB_FAULT", "")
    if fault == "load hangs":
        time.sleep(600)
    if fault == "load breaks":
        raise sqlite3.DatabaseError("SECRET PATH")
    if fault == "no room for a process":
        os.fork = failing(os.fork)
    if fault == "a worker dies at birth":
        Worker.run = dying(Worker.run)
    return Handlers({DETECTION: DetectionServicer(FaultyDetector(), settings)}), {"lexicon": "stub"}


def failing(fork):
    """The first time only."""

    def forked():
        os.fork = fork
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    return forked


def dying(run):
    """The first worker dies as soon as it is ready, while the others still begin."""
    born = mmap.mmap(-1, 1)

    def ran(worker):
        number, born[0] = born[0], born[0] + 1
        if number == 0:
            worker._line.sendall(frames.frame(Kind.READY, os.getpid()))
            os._exit(0)
        if number == 1:
            time.sleep(0.5)
        run(worker)

    return ran


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), load)
