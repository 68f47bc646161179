"""Half-open span algebra: every `<` and `<=` between offsets stands here, once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Positions `start` up to, not including, `end`; in code points unless said otherwise."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        """Whether the two share at least one position."""
        return self.start < other.end and other.start < self.end

    def contains(self, other: Span) -> bool:
        """Whether every position of `other` is in this span."""
        return self.start <= other.start and other.end <= self.end

    def before(self, other: Span) -> bool:
        """Whether this span ends where `other` starts, or earlier."""
        return self.end <= other.start

    def of(self, text: str) -> str:
        """The quoted text."""
        return text[self.start : self.end]


def index_at(starts: Sequence[int], position: int) -> int:
    """Of ascending `starts`, the index of the last one at or before `position` (-1: none)."""
    return bisect_right(starts, position) - 1


class OffsetConverter:
    """Converts code-point offsets of one text to UTF-8 bytes or UTF-16 code units.

    One pass when made, O(log n) a look-up afterwards, nothing stored for ASCII text.
    """

    def __init__(self, text: str, unit: str) -> None:
        """`unit` is UNICODE_CODE_POINT, UTF8_BYTE or UTF16_CODE_UNIT."""
        self._positions: list[int] = []
        self._extra: list[int] = []
        if unit == "UNICODE_CODE_POINT" or text.isascii():
            return
        total = 0
        for i, char in enumerate(text):
            if char < "\x80" or (unit == "UTF16_CODE_UNIT" and char < "\U00010000"):
                continue
            width = len(char.encode("utf-8", "surrogatepass")) if unit == "UTF8_BYTE" else 2
            total += width - 1
            self._positions.append(i + 1)
            self._extra.append(total)

    def __call__(self, offset: int) -> int:
        i = index_at(self._positions, offset)
        return offset if i < 0 else offset + self._extra[i]

    def span(self, span: Span) -> Span:
        """The same span in the caller's unit."""
        return Span(self(span.start), self(span.end)) if self._positions else span
