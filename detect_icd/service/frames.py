"""Frames between the front process and its workers: a head of numbers, then bytes of protobuf; never pickles.

Each frame is HEAD (length of the body, kind, number) and its body. `number` is the job, or the session to close.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

HEAD = struct.Struct("!IBQ")
_JOB = struct.Struct("!dQH")
_REPORT = struct.Struct("!IIH")
_STAGE = struct.Struct("!Bff")
_CODE = struct.Struct("!B")

STAGES = ("text", "sections", "mentions", "context", "coding", "assignment", "links")
"""Names of the timed stages; a frame holds their places here."""


class Kind(IntEnum):
    """What a frame is: the first four go to a worker, the others come from one."""

    JOB = 1
    """Do this: deadline, session (0: a unary call), method, message."""
    DROP = 2
    """Nobody waits for job `number` any more."""
    CLOSE = 3
    """Session `number` has ended."""
    FORK = 4
    """To the nursery, with a socket: one more worker, talking over it."""
    READY = 5
    """The nursery (body: JSON of versions) or a worker (number: its process id) takes work."""
    ANSWER = 6
    """Report, then the answer's bytes."""
    NOTHING = 7
    """Report; the message has no answer."""
    FAILURE = 8
    """Report, gRPC code, then a google.rpc.Status. From the nursery: why it cannot begin, in plain words."""


@dataclass(frozen=True, slots=True)
class Job:
    """One message to work on; `deadline` by the machine's monotonic clock, math.inf for none."""

    method: str
    data: bytes
    deadline: float = math.inf
    session: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What a job took: characters read, mentions found, and (stage, begin, seconds) with begin since the job's own."""

    characters: int = 0
    mentions: int = 0
    stages: tuple[tuple[str, float, float], ...] = ()


def frame(kind: Kind, number: int, *body: bytes) -> bytes:
    """One frame."""
    return b"".join((HEAD.pack(sum(map(len, body)), kind, number), *body))


def pack_job(job: Job) -> bytes:
    """The body of a JOB."""
    method = job.method.encode()
    return b"".join((_JOB.pack(job.deadline, job.session, len(method)), method, job.data))


def unpack_job(body: memoryview) -> Job:
    """The way back."""
    deadline, session, length = _JOB.unpack_from(body)
    end = _JOB.size + length
    return Job(str(body[_JOB.size : end], "utf-8"), bytes(body[end:]), deadline, session)


def pack_report(report: Report) -> bytes:
    """The head of every answer's body."""
    stages = [_STAGE.pack(STAGES.index(name), begin, seconds) for name, begin, seconds in report.stages]
    return b"".join((_REPORT.pack(report.characters, report.mentions, len(stages)), *stages))


def unpack_report(body: memoryview) -> tuple[Report, memoryview]:
    """The report, and what follows it."""
    characters, mentions, count = _REPORT.unpack_from(body)
    end = _REPORT.size + count * _STAGE.size
    stages = tuple(
        (STAGES[place], begin, seconds) for place, begin, seconds in _STAGE.iter_unpack(body[_REPORT.size : end])
    )
    return Report(characters, mentions, stages), body[end:]


def pack_failure(code: int, status: bytes) -> bytes:
    """What follows the report of a FAILURE."""
    return _CODE.pack(code) + status


def unpack_failure(body: memoryview) -> tuple[int, bytes]:
    """The way back."""
    return body[0], bytes(body[_CODE.size :])


class Reader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._wanted = HEAD.size

    def feed(self, data: bytes) -> Iterator[tuple[Kind, int, memoryview]]:
        """The frames that `data` completes."""
        self._parts.append(data)
        self._size += len(data)
        if self._size < self._wanted:  # a long message comes in many pieces: join them once
            return
        buffer = memoryview(b"".join(self._parts))
        position = 0
        self._wanted = HEAD.size
        while HEAD.size <= len(buffer) - position:
            length, kind, number = HEAD.unpack_from(buffer, position)
            end = position + HEAD.size + length
            if len(buffer) < end:
                self._wanted = end - position
                break
            yield Kind(kind), number, buffer[position + HEAD.size : end]
            position = end
        self._parts = [bytes(buffer[position:])] if position < len(buffer) else []
        self._size = len(buffer) - position
