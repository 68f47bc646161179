"""Runs a corpus through detectors: some lines ahead, answers in input order, safe to interrupt and resume."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from detect_icd.batch.lines import AbortBatchError, Detect, answer_line, is_blank
from detect_icd.model import DetectRequest

CHUNK_LINES = 16
_AHEAD = 3
"""Chunks under way for each worker: enough to keep it busy, few enough to keep memory flat."""

Chunk = list[tuple[int, bytes]]
Answers = list[tuple[str, bool]]
Submit = Callable[[Chunk], "Future[Answers]"]


@dataclass(slots=True)
class Tally:
    """What a run has done."""

    skipped: int = 0
    done: int = 0
    failed: int = 0


def run_batch(
    source: BinaryIO,
    sink: BinaryIO,
    submit: Submit,
    *,
    workers: int,
    skip: int = 0,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Tally:
    """Answer every line of `source` into `sink`; the first `skip` lines that are not blank stand there already.

    `on_progress` is told the bytes read whose answers are written. Raises AbortBatchError.
    """
    tally = Tally()
    sizes: deque[int] = deque()
    numbered = _numbered(source, skip, tally)
    for answers in _in_order(_chunks(numbered, sizes), submit, ahead=_AHEAD * workers):
        for line, good in answers:
            sink.write(line.encode("utf-8") + b"\n")
            tally.done += 1
            tally.failed += not good
        on_progress(sizes.popleft())
    return tally


def _numbered(source: Iterable[bytes], skip: int, tally: Tally) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(source, 1):
        if is_blank(line):
            continue
        if tally.skipped < skip:
            tally.skipped += 1
            continue
        yield number, line


def _chunks(lines: Iterable[tuple[int, bytes]], sizes: deque[int]) -> Iterator[Chunk]:
    chunk: Chunk = []
    size = 0
    for number, line in lines:
        chunk.append((number, line))
        size += len(line)
        if len(chunk) == CHUNK_LINES:
            sizes.append(size)
            yield chunk
            chunk, size = [], 0
    if chunk:
        sizes.append(size)
        yield chunk


def _in_order(chunks: Iterable[Chunk], submit: Submit, *, ahead: int) -> Iterator[Answers]:
    waiting: deque[Future[Answers]] = deque()
    try:
        for chunk in chunks:
            waiting.append(submit(chunk))
            if ahead <= len(waiting):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise AbortBatchError("a worker process died (out of memory?): use fewer workers and --resume") from None
    finally:
        for future in waiting:
            future.cancel()


def answer_chunk(chunk: Chunk, defaults: DetectRequest, detect: Detect) -> Answers:
    """What one worker does."""
    return [answer_line(line, number, defaults, detect) for number, line in chunk]


@contextmanager
def in_processes(workers: int, defaults: DetectRequest) -> Iterator[Submit]:
    """Detectors of this machine: in this process, or with `workers` above 1 one in each of as many."""
    if workers == 1:
        from detect_icd.detector import Detector
        from detect_icd.imports.store import lexicon_in_force

        detect = Detector(lexicon_in_force()).detect
        yield lambda chunk: _done(answer_chunk(chunk, defaults, detect))
        return
    # Spawned, not forked: nothing of this process (threads, a progress bar) is carried over.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_load_detector) as pool:
        yield lambda chunk: pool.submit(_answer_in_process, chunk, defaults)


@contextmanager
def in_threads(workers: int, defaults: DetectRequest, detect: Detect) -> Iterator[Submit]:
    """A server's detector, `workers` calls at once."""
    with ThreadPoolExecutor(workers) as pool:
        yield lambda chunk: pool.submit(answer_chunk, chunk, defaults, detect)


_detect_here: Detect | None = None
"""The detector of a worker process, loaded once when the process starts."""


def _load_detector() -> None:
    from detect_icd.detector import Detector
    from detect_icd.imports.store import lexicon_in_force

    global _detect_here  # noqa: PLW0603 - a process pool offers its workers no other place
    _detect_here = Detector(lexicon_in_force()).detect


def _answer_in_process(chunk: Chunk, defaults: DetectRequest) -> Answers:
    assert _detect_here is not None
    return answer_chunk(chunk, defaults, _detect_here)


def _done(answers: Answers) -> Future[Answers]:
    future: Future[Answers] = Future()
    future.set_result(answers)
    return future


def lines_written(output: Path) -> int:
    """How many whole lines `output` has; cuts off what an interrupted run wrote of another. 0 where there is no file."""
    if not output.exists():
        return 0
    with output.open("rb+") as file:
        count = end = 0
        for line in file:
            if not line.endswith(b"\n"):
                break
            count += 1
            end += len(line)
        file.truncate(end)
    return count
