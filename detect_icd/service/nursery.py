"""The process that loads the lexicon once and forks workers from it, so that they share its memory.

Started afresh (exec, not fork) by the front process, `python -m detect_icd.service.nursery FD`: it never has a thread,
and forking stays safe. It lives as long as its generation of the lexicon; a reload starts another one beside it.
Settings come over the socket, not on the command line.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from detect_icd.errors import DetectIcdError
from detect_icd.service import frames, logs
from detect_icd.service.frames import HEAD, Kind
from detect_icd.service.handlers import Handlers
from detect_icd.service.settings import ServerSettings
from detect_icd.service.stopwatch import Stopwatch
from detect_icd.service.worker import Worker

log = logging.getLogger("detect_icd.service.nursery")

_WARM_UP = "Type 2 diabetes with polyneuropathyy. No evidence of pneumonia; mother had breast cancer. BMI 41."
"""Synthetic; touches what is made at first use, so that workers share it instead of each making its own."""

_LEAVE_SECONDS = 2.0
"""Time for workers to see that the front process is gone; one that hangs is killed then."""

Load = Callable[[ServerSettings, Stopwatch], tuple[Handlers, dict[str, str]]]


def main(line: socket.socket, load: Load | None = None) -> None:
    """Load, say READY, then fork a worker for each socket that comes, until the front process is gone."""
    # A terminal's Ctrl-C and systemd's SIGTERM go to every process of the group; only the front process decides.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    gc.disable()  # nothing loaded here is ever garbage; looking for it would double the time to start
    settings = ServerSettings(insecure_ok=True, **json.loads(_receive_settings(line)))
    logs.set_up(settings.log_format, settings.log_level)
    stopwatch = Stopwatch()
    try:
        handlers, versions = (load or load_lexicon)(settings, stopwatch)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the files, the front process is told
        # Words of an error that is not ours may quote a file; its kind is enough to find it.
        words = error.message if isinstance(error, DetectIcdError) else f"{type(error).__name__} while it was read"
        line.sendall(frames.frame(Kind.FAILURE, 0, words.encode()))
        return
    gc.collect()
    gc.freeze()
    gc.enable()
    line.sendall(frames.frame(Kind.READY, os.getpid(), json.dumps(versions).encode()))
    _fork_on_demand(line, handlers, stopwatch)


def load_lexicon(settings: ServerSettings, stopwatch: Stopwatch) -> tuple[Handlers, dict[str, str]]:
    """The handlers over the lexicon in force, warmed up, and the versions of what is in it."""
    from detect_icd.detector import Detector
    from detect_icd.imports.store import lexicon_in_force
    from detect_icd.service.services import CODES, DETECTION, servicers
    from detect_icd.v1 import code_pb2, detection_pb2

    lexicon = lexicon_in_force(settings.lexicon_dir)
    detector = Detector(lexicon, stage=stopwatch.stage)
    handlers = Handlers(servicers(detector, lexicon, settings))
    request = detection_pb2.DetectRequest(text=_WARM_UP).SerializeToString()
    answer = handlers.call(f"/{DETECTION.full_name}/Detect", request, _go_on).data
    search = code_pb2.SearchCodesRequest(query="knee pain").SerializeToString()
    handlers.call(f"/{CODES.full_name}/SearchCodes", search, _go_on)
    versions = detection_pb2.DetectResponse.FromString(answer or b"").versions
    return handlers, {"service": versions.service, "lexicon": versions.lexicon, "code_set": versions.code_set}


def _go_on() -> None:
    """The checkpoint of a caller who waits."""


def _fork_on_demand(line: socket.socket, handlers: Handlers, stopwatch: Stopwatch) -> None:
    asked: deque[int] = deque()
    workers: set[int] = set()
    while True:
        _bury(workers)
        if not asked and select.select([line], [], [], 1.0)[0]:
            data, descriptors, _, _ = socket.recv_fds(line, HEAD.size * 64, 64)
            asked.extend(descriptors)
            if not data:
                _end(workers)
                return
        if asked:
            descriptor = asked.popleft()
            try:
                pid = os.fork()
            except OSError as error:  # no room for a process: the front sees the line closed, and asks again later
                log.error("no worker can be forked: %s", error.strerror)  # noqa: TRY400 - nothing more to tell
                os.close(descriptor)
                continue
            if pid == 0:
                line.close()
                for other in asked:
                    os.close(other)
                gc.freeze()
                _work(descriptor, handlers, stopwatch)
            workers.add(pid)
            os.close(descriptor)


def _end(workers: set[int]) -> None:
    """The front process is gone: its workers see that by themselves, at the latest when they are killed."""
    until = time.monotonic() + _LEAVE_SECONDS
    while workers and time.monotonic() < until:
        time.sleep(0.02)
        _bury(workers)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)


def _work(descriptor: int, handlers: Handlers, stopwatch: Stopwatch) -> None:
    """What a forked child does for the rest of its life; it never returns into the nursery's code."""
    try:
        Worker(socket.socket(fileno=descriptor), handlers, stopwatch).run()
    except OSError:  # the front process closed the line while we wrote to it
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - type only: words may quote a text
        log.error("worker %d ends: %s", os.getpid(), type(error).__name__)  # noqa: TRY400 - a traceback may quote a text
        os._exit(1)


def _bury(workers: set[int]) -> None:
    """Take note of those that have ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        workers.discard(pid)
        if status:
            log.warning("worker %d has died: %s", pid, _cause(status))


def _cause(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"exit code {os.WEXITSTATUS(status)}"


def _receive_settings(line: socket.socket) -> bytes:
    reader = frames.Reader()
    while True:
        data = line.recv(1 << 16)
        if not data:
            sys.exit(0)
        for _, _, body in reader.feed(data):
            return bytes(body)


if __name__ == "__main__":
    # A thread at fork time would be lost in the child: none of the numeric libraries may start one.
    threads = len(list(Path("/proc/self/task").iterdir())) if Path("/proc/self/task").exists() else 1
    assert threads == 1
    main(socket.socket(fileno=int(sys.argv[1])))
