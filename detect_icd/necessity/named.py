"""Finds the procedures that a note names: by its words, or by a code written in it.

Used where a claim has no lines. Rows of `procedures/procedures.tsv`, column `words`.
"""

from __future__ import annotations

from collections.abc import Iterable

from detect_icd.lexicon import Row, phrases_of
from detect_icd.necessity.notes import ReadNote
from detect_icd.text import normalize_phrase

_BEFORE_CODE = frozenset({"cpt", "hcpcs", "code", "codes", "procedure"})
_REACH = 3
"""Words before a code of figures alone among which one must say that it is a code."""


class NamedProcedures:
    """The words of all procedures, by their first word."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._codes: dict[str, str] = {}
        for row in rows:
            self._codes[row["procedure"].lower()] = row["procedure"]
            for phrase in phrases_of(row["words"]):
                words = normalize_phrase(phrase)
                self._by_first.setdefault(words[0], []).append((words, row["procedure"]))
        for phrases in self._by_first.values():
            phrases.sort(key=lambda item: -len(item[0]))

    def find(self, note: ReadNote) -> list[str]:
        """Procedures in the order of the text, each once."""
        words = note.text.words
        found: dict[str, None] = {}
        at = 0
        while at < len(words):
            length = 1
            written = self._codes.get(words[at])
            if written and (not words[at].isdigit() or _BEFORE_CODE.intersection(words[max(0, at - _REACH) : at])):
                found[written] = None
            for phrase, procedure in self._by_first.get(words[at], ()):
                if words[at : at + len(phrase)] == phrase:
                    found[procedure] = None
                    length = len(phrase)
                    break
            at += length
        return list(found)
