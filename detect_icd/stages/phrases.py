"""Finds the phrases of the lexicon in a run of words, with flashtext (its one import).

flashtext's trie is built over one character a word (see compile.phrases) and walked from every
word start, because its own `extract_keywords` consumes the text from the left and so misses a
longer phrase that starts inside a shorter one. Words that change no meaning (determiners, side,
acuity) may stand inside a phrase. Of overlapping phrases the longest wins, then the leftmost,
then the one that leaves no word out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from flashtext import KeywordProcessor

from detect_icd.lexicon import Phrases, Sense
from detect_icd.memo import Memo

_MAX_INSIDE = 3
"""How many words that belong to no phrase may stand inside one."""

_END = "_keyword_"
"""flashtext's own mark of a finished keyword in its trie."""


Opening = tuple[str, dict[str, Any] | None, bool]
"""Of a word: its key character, the node of the trie where phrases that begin with it go on, and whether the key is
that of another word, of which this one is a typing error.
"""


class Found(NamedTuple):
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
        for number, key in enumerate(phrases.keys):
            processor.add_keyword(phrases.chars(key), number + 1)
        self._numbers = {key: number for number, key in enumerate(phrases.keys)}
        self._trie: dict[str, dict[str, Any]] = processor.keyword_trie_dict
        self._known = phrases.key_char
        self._nearest = phrases.nearest_char
        self._openings: Memo[str, Opening] = Memo(self._opening, most=32_768)
        _ = phrases.spellings  # made here, not by the first note, and shared by worker processes forked later
        self._inside = frozenset(inside)
        self._senses: dict[int, tuple[Sense, ...]] = {}
        self._phrases = phrases

    def scan(self, words: tuple[str, ...]) -> Scan:
        """The words of one note, ready to be asked sentence by sentence."""
        return Scan(map(self._openings.__getitem__, words), self._inside, words)

    def _opening(self, word: str) -> Opening:
        key = self._nearest[word]
        return key, self._trie.get(key), key != self._known[word]

    def key(self, words: Iterable[str]) -> str:
        """The key of a run of words, a character a word; keys are put together as the words are."""
        return "".join(map(self._known.__getitem__, words))

    def exact(self, key: str) -> int | None:
        """The number of the phrase whose key is exactly `key`; None where there is none."""
        return self._numbers.get(key)

    def senses(self, found: Found) -> tuple[Sense, ...]:
        """What the phrase may mean, in the order to be tried."""
        known = self._senses.get(found.number)
        if known is None:
            known = self._senses[found.number] = self._phrases.senses(found.number)
        return known


class Scan:
    """The phrases of one note: where any may begin is found in one pass, the rest only there."""

    def __init__(
        self,
        openings: Iterable[Opening],
        inside: frozenset[str],
        words: tuple[str, ...],
    ) -> None:
        """`openings`: one a word."""
        self._inside = inside
        self._words = words
        self._near: set[int] = set()
        keys: list[str] = []
        begins: list[tuple[int, dict[str, Any]]] = []
        for key, node, near in openings:
            if node is not None:
                begins.append((len(keys), node))
            if near:
                self._near.add(len(keys))
            keys.append(key)
        self._keys = keys
        last = len(keys) - 1
        # Most words begin a phrase that does not go on here: seen at a glance, without the walk.
        self._begins = [
            (i, node)
            for i, node in begins
            if (i < last and (keys[i + 1] in node or words[i + 1] in inside)) or _END in node
        ]
        self._at = 0

    def begins_before(self, last: int) -> bool:
        """Whether a phrase that was not yet asked for may begin before token `last`."""
        return self._at < len(self._begins) and self._begins[self._at][0] < last

    def find(self, first: int, last: int) -> list[Found]:
        """The phrases in tokens `first` up to `last`, longest first wins, in text order.

        Asked of stretches in the order of the text.
        """
        begins, at, count = self._begins, self._at, len(self._begins)
        while at < count and begins[at][0] < first:
            at += 1
        candidates: list[Found] = []
        while at < count and begins[at][0] < last:
            start, node = begins[at]
            self._walk(node, start, start + 1, last, 0, candidates)
            at += 1
        self._at = at
        found = longest(candidates) if len(candidates) > 1 else candidates
        near = self._near
        if near:
            return [f if near.isdisjoint(range(f.first, f.last)) else f._replace(fuzzy=True) for f in found]
        return found

    def _walk(self, node: dict[str, Any], start: int, i: int, last: int, skipped: int, candidates: list[Found]) -> None:
        """Follows the trie from `node` at token `i`; what began at `start` and ends on the way is a candidate."""
        words, keys, inside = self._words, self._keys, self._inside
        path = []
        while True:
            if _END in node:
                candidates.append(Found(start, i, node[_END] - 1))
            if i == last:
                break
            if skipped < _MAX_INSIDE and words[i] in inside:
                path.append((node, i))
            following = node.get(keys[i])
            if following is None:
                break
            node, i = following, i + 1
        # Afterwards, so that of two phrases over the same words the one that says all of them comes first.
        for node, i in path:
            # A skippable word ends no phrase, so look past it only while a phrase can still go on.
            j, passed = i, skipped
            while passed < _MAX_INSIDE and j < last and words[j] in inside:
                j, passed = j + 1, passed + 1
                beyond = node.get(keys[j]) if j < last else None
                if beyond is not None:
                    self._walk(beyond, start, j + 1, last, passed, candidates)


def longest(candidates: Iterable[Found]) -> list[Found]:
    """Of overlapping candidates the one with most tokens, then the leftmost; in text order."""
    kept: list[Found] = []
    taken: set[int] = set()
    for found in sorted(candidates, key=lambda f: (f.first - f.last, f.first)):
        if taken.isdisjoint(range(found.first, found.last)):
            taken.update(range(found.first, found.last))
            kept.append(found)
    return sorted(kept, key=lambda f: f.first)
