"""Finds measured facts that have codes of their own: body mass index, weeks of gestation, stroke scale.

Rows of `measures.tsv` say which words stand before or after the number and which range is which code.
A measured code is never reported without a diagnosis beside it (see `sequencing.tsv`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from detect_icd.lexicon import ConceptEntry, Row, terms_of
from detect_icd.model import Concept
from detect_icd.text import NormalizedText

_BETWEEN = frozenset(
    {":", "=", "of", "is", "was", "(", "today", "score", "at", "currently", "now", "~", "approximately"}
)
_MOST_BETWEEN = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """A measured fact at tokens `first` up to `last`."""

    first: int
    last: int
    entry: ConceptEntry


@dataclass(frozen=True, slots=True)
class _Measure:
    before: tuple[tuple[str, ...], ...]
    after: tuple[tuple[str, ...], ...]
    low: float
    high: float
    code: str
    concept: Concept
    row: str


class MeasureFinder:
    """The rows of `measures.tsv`, looked for around numbers."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._measures = [
            _Measure(
                terms_of(row["before"]),
                terms_of(row["after"]),
                float(row["low"]),
                float(row["high"]),
                row["code"],
                Concept(row["concept"], row["measure"]),
                row["_at"],
            )
            for row in rows
        ]
        self._words = frozenset(t[-1] for m in self._measures for t in m.before) | frozenset(
            t[0] for m in self._measures for t in m.after
        )

    def may_be_in(self, words: Collection[str]) -> bool:
        """Whether any of the words that stand beside measured numbers is among `words`."""
        return not self._words.isdisjoint(words)

    def find(self, text: NormalizedText, first: int, last: int) -> list[Measured]:
        """The measured facts in tokens `first` up to `last`, in text order."""
        words = text.words
        found = []
        for i in range(first, last):
            if words[i][0].isdigit():
                value = _number(words[i])
                measured = None if value is None else self._at(words, i, value, first, last)
                if measured is not None:
                    found.append(measured)
        return found

    def _at(self, words: tuple[str, ...], at: int, value: float, first: int, last: int) -> Measured | None:
        start = at
        while start > first and at - start < _MOST_BETWEEN and words[start - 1] in _BETWEEN:
            start -= 1
        for measure in self._measures:
            if not measure.low <= value <= measure.high:
                continue
            for term in measure.before:
                if start - len(term) >= first and words[start - len(term) : start] == term:
                    return self._measured(measure, start - len(term), at + 1, value)
            for term in measure.after:
                if at + 1 + len(term) <= last and words[at + 1 : at + 1 + len(term)] == term:
                    return self._measured(measure, at, at + 1 + len(term), value)
        return None

    @staticmethod
    def _measured(measure: _Measure, first: int, last: int, value: float) -> Measured:
        code = measure.code.format(int(value))
        return Measured(first, last, ConceptEntry(measure.concept, code, "", measure.row))


def _number(word: str) -> float | None:
    try:
        return float(word.replace(",", "."))
    except ValueError:
        return None
