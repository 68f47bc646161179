"""A bounded memory of a function's answers that costs one dictionary look-up, for what is asked once a word.

`functools.lru_cache` keeps an order of use, which takes twice the time of the look-up itself; words need none: what a
language uses often is soon there again after the memory was emptied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

_LONGEST = 64
"""A longer word is none that comes again: it is answered and forgotten."""


class Memo(dict[K, V]):
    """`memo[key]` is `answer(key)`, kept; emptied when it holds `most` keys, so that no stream of new words grows it.

    Threads may share one: two that miss the same key at once both compute it, and store the same answer.
    """

    __slots__ = ("_answer", "_most")

    def __init__(self, answer: Callable[[K], V], most: int) -> None:
        super().__init__()
        self._answer = answer
        self._most = most

    def __missing__(self, key: K) -> V:
        value = self._answer(key)
        if isinstance(key, str) and len(key) > _LONGEST:
            return value
        if self._most <= len(self):
            self.clear()
        self[key] = value
        return value
