"""Finds the phrases of the lexicon in a run of words, with flashtext (its one import).

flashtext's trie is built over one character a word (see compile.phrases) and walked from every
word start, because its own `extract_keywords` consumes the text from the left and so misses a
longer phrase that starts inside a shorter one. Words that change no meaning (determiners, side,
acuity) may stand inside a phrase. Of overlapping phrases the longest wins, then the leftmost,
then the one that leaves no word out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from flashtext import KeywordProcessor

from detect_icd.lexicon import UNKNOWN, Phrases, Sense

_MAX_INSIDE = 3
"""How many words that belong to no phrase may stand inside one."""

_END = "_keyword_"
"""flashtext's own mark of a finished keyword in its trie."""


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase found at tokens `first` up to `last`; `number` is its place in the lexicon.

    `fuzzy` where one of its words was only near a word of the lexicon.
    """

    first: int
    last: int
    number: int
    fuzzy: bool = False


class PhraseFinder:
    """The trie of all phrases; made once, shared, never changed."""

    def __init__(self, phrases: Phrases, inside: Collection[str]) -> None:
        """`inside`: normalised words that may stand inside any phrase without being part of it."""
        processor = KeywordProcessor(case_sensitive=True)
        for number, (key, _) in enumerate(phrases.items):
            processor.add_keyword(key, number + 1)
        self._trie = processor.keyword_trie_dict
        self._key_char = phrases.key_char
        self._near = phrases.near_char
        _ = phrases.spellings  # made here, not by the first note, and shared by worker processes forked later
        self._inside = frozenset(inside)
        self._senses: dict[int, tuple[Sense, ...]] = {}
        self._phrases = phrases

    def find(self, words: Sequence[str], first: int, last: int) -> list[Found]:
        """The phrases in tokens `first` up to `last`, longest first wins, in text order."""
        keys = [*map(self._key_char, words[first:last])]
        near = self._spelled(words, first, keys)
        candidates: list[Found] = []
        for i, key in enumerate(keys):
            node = self._trie.get(key)
            if node is None:
                continue
            after = i + 1
            # Most words begin a phrase that does not go on here: seen at a glance, without the walk.
            if _END in node or (after < last - first and (keys[after] in node or words[first + after] in self._inside)):
                self._walk(node, after, 0, words, first, keys, i, candidates)
        found = longest(candidates)
        return [replace(f, fuzzy=not near.isdisjoint(range(f.first, f.last))) for f in found] if near else found

    def _spelled(self, words: Sequence[str], first: int, keys: list[str]) -> set[int]:
        """Puts the nearest known word in the place of an unknown long one; returns where."""
        near = set()
        for i, key in enumerate(keys):
            if key == UNKNOWN:
                guess = self._near(words[first + i])
                if guess != UNKNOWN:
                    keys[i] = guess
                    near.add(first + i)
        return near

    def exact(self, words: Sequence[str]) -> int | None:
        """The number of the phrase that is exactly `words`; None where there is none."""
        node: object = self._trie
        for word in words:
            node = node.get(self._key_char(word)) if isinstance(node, dict) else None
        number = node.get(_END) if isinstance(node, dict) else None
        return number - 1 if isinstance(number, int) else None

    def _walk(
        self,
        node: dict[str, object],
        i: int,
        skipped: int,
        words: Sequence[str],
        offset: int,
        keys: Sequence[str],
        start: int,
        candidates: list[Found],
    ) -> None:
        count = len(keys)
        path = []
        while True:
            number = node.get(_END)
            if isinstance(number, int):
                candidates.append(Found(offset + start, offset + i, number - 1))
            path.append((node, i))
            following = node.get(keys[i]) if i < count else None
            if not isinstance(following, dict):
                break
            node, i = following, i + 1
        # Afterwards, so that of two phrases over the same words the one that says all of them comes first.
        for node, i in path:
            # A skippable word ends no phrase, so look past it only while a phrase can still go on.
            j, passed = i, skipped
            while passed < _MAX_INSIDE and j < count and words[offset + j] in self._inside:
                j, passed = j + 1, passed + 1
                if j < count:
                    beyond = node.get(keys[j])
                    if isinstance(beyond, dict):
                        self._walk(beyond, j + 1, passed, words, offset, keys, start, candidates)

    def senses(self, found: Found) -> tuple[Sense, ...]:
        """What the phrase may mean, in the order to be tried."""
        known = self._senses.get(found.number)
        if known is None:
            known = self._senses[found.number] = self._phrases.senses(found.number)
        return known


def longest(candidates: Iterable[Found]) -> list[Found]:
    """Of overlapping candidates the one with most tokens, then the leftmost; in text order."""
    kept: list[Found] = []
    taken: set[int] = set()
    for found in sorted(candidates, key=lambda f: (f.first - f.last, f.first)):
        if taken.isdisjoint(range(found.first, found.last)):
            taken.update(range(found.first, found.last))
            kept.append(found)
    return sorted(kept, key=lambda f: f.first)
