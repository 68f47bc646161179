"""Times the stages of one piece of work, for metrics and traces."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_MOST = 64


class Stopwatch:
    """Of one worker, which does one piece of work at a time; the first 64 laps of a piece are kept."""

    def __init__(self) -> None:
        self._began = 0.0
        self._laps: list[tuple[str, float, float]] = []

    def start(self) -> None:
        """A new piece of work."""
        self._began = time.monotonic()
        self._laps = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times the block as stage `name` (one of frames.STAGES)."""
        began = time.monotonic()
        try:
            yield
        finally:
            if len(self._laps) < _MOST:
                self._laps.append((name, began - self._began, time.monotonic() - began))

    def laps(self) -> tuple[tuple[str, float, float], ...]:
        """(stage, seconds since the start, seconds it took) in the order in which the stages ended."""
        return tuple(self._laps)
