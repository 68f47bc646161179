"""Chooses what a found phrase means here: the first sense whose deciding words have been read.

Deciding words stand in the same sentence or earlier in the note, never later: what has been read
decides, so that a stream can settle a sentence without waiting for the end.
"""

from __future__ import annotations

from collections.abc import Sequence

from detect_icd.lexicon import Sense
from detect_icd.text import NormalizedText

_FOUND = -1


class Reading:
    """The words read so far, sentence after sentence."""

    def __init__(self, text: NormalizedText) -> None:
        self._text = text
        self._until = self._gathered = 0
        self._words: set[str] = set()
        self._searched: dict[tuple[str, ...], int] = {}

    def advance(self, last: int) -> None:
        """Note that tokens up to `last` have been read."""
        self._until = max(self._until, last)

    def has(self, terms: Sequence[tuple[str, ...]]) -> bool:
        """Whether one of `terms` has been read."""
        if self._gathered < self._until:
            self._words.update(self._text.words[self._gathered : self._until])
            self._gathered = self._until
        return any(term[0] in self._words and (len(term) == 1 or self._has_all(term)) for term in terms)

    def _has_all(self, term: tuple[str, ...]) -> bool:
        """Of a term of several words; what was searched for it before is not searched again, so a note stays linear."""
        begin = self._searched.get(term, 0)
        if 0 <= begin < self._until:
            found = contains(self._text.words, term, max(0, begin - len(term) + 1), self._until)
            self._searched[term] = begin = _FOUND if found else self._until
        return begin == _FOUND


def choose(
    senses: Sequence[Sense], text: NormalizedText, first: int, last: int, sentence: tuple[int, int], reading: Reading
) -> Sense | None:
    """The sense of the phrase at tokens `first` up to `last`, or None where no sense applies."""
    for sense in senses:
        if sense.spelling and sense.spelling != text.source[text.starts[first] : text.ends[last - 1]]:
            continue
        if sense.needs and not reading.has(sense.needs):
            continue
        if sense.unless and any(contains(text.words, term, *sentence) for term in sense.unless):
            continue
        return sense
    return None


def contains(words: tuple[str, ...], term: Sequence[str], start: int, end: int) -> bool:
    """Whether `term` stands in words[start:end]."""
    size, head, wanted = len(term), term[0], tuple(term)
    within = words[start:end]
    if head not in within:
        return False
    return size == 1 or any(
        word == head and tuple(within[i : i + size]) == wanted for i, word in enumerate(within[: 1 - size])
    )
