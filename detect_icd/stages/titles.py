"""Recognises a sentence or line that is, word for word, an official title, as problem lists paste them.

The titles of all codes would make a trie of half a gigabyte; a whole line needs only one look-up of
its 64-bit key in a sorted list.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from detect_icd.lexicon import title_key, title_opening
from detect_icd.text import NormalizedText, significant

_LONGEST = 60
"""No title has more words."""


class TitleIndex:
    """Keys of all titles, ascending, the code of each, and how titles begin."""

    def __init__(self, keys: Sequence[int], codes: Sequence[str], openings: Iterable[str]) -> None:
        self._keys = keys
        self._codes = codes
        self._openings = frozenset(openings)
        self._firsts = frozenset(opening.partition(" ")[0] for opening in self._openings)

    def may_begin(self, word: str) -> bool:
        """Whether a line that is a title can begin with `word`: a title's own first, or a bullet or number before it."""
        return word in self._firsts or not word[0].isalpha()

    def find(self, text: NormalizedText, first: int, last: int) -> tuple[int, int, tuple[str, ...]] | None:
        """The codes whose title tokens `first` up to `last` are, with the span without bullet and full stop.

        Several where a header and its only child share a title; None for ordinary prose.
        """
        while last > first and text.words[last - 1] in {".", ";", ",", ":"}:
            last -= 1
        while first < last <= first + _LONGEST:
            codes = self._codes_of(text.words[first:last])
            if codes:
                return first, last, codes
            # A bullet or number may stand before the title ("1. Asthma"); a title may begin with one ("46, XX ...").
            if text.words[first][0].isalpha():
                return None
            first += 1
        return None

    def _codes_of(self, words: tuple[str, ...]) -> tuple[str, ...]:
        opening = significant(words[:4])
        if len(opening) < 2:  # behind much punctuation
            opening = significant(words)
        if title_opening(opening) not in self._openings:
            return ()
        key = title_key(significant(words))
        at = bisect_left(self._keys, key)
        codes = []
        while at < len(self._keys) and self._keys[at] == key:
            codes.append(self._codes[at])
            at += 1
        return tuple(codes)
