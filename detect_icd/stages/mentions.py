"""Finds the phrases of the lexicon in a sentence, with flashtext (its one import).

flashtext's trie is built over one character a word (see compile.phrases) and walked from every
word start, because its own `extract_keywords` consumes the text from the left and so misses a
longer phrase that starts inside a shorter one. Words that change no meaning (determiners, side,
acuity) may stand inside a phrase. Of overlapping phrases the longest wins, then the leftmost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from flashtext import KeywordProcessor

from detect_icd.codeset import Release
from detect_icd.lexicon import ConceptEntry, Lexicon, Phrases, Sense
from detect_icd.model import Concept, MatchKind
from detect_icd.spans import Span
from detect_icd.stages.attributes import AttributeFinder
from detect_icd.stages.measures import MeasureFinder
from detect_icd.stages.senses import Reading, choose
from detect_icd.stages.sentences import Sentence
from detect_icd.stages.titles import TitleIndex
from detect_icd.text import NormalizedText

_MAX_INSIDE = 3
"""How many words that belong to no phrase may stand inside one."""

_END = "_keyword_"
"""flashtext's own mark of a finished keyword in its trie."""


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase found at tokens `first` up to `last`; `number` is its place in the lexicon."""

    first: int
    last: int
    number: int


class PhraseFinder:
    """The trie of all phrases; made once, shared, never changed."""

    def __init__(self, phrases: Phrases, inside: Collection[str]) -> None:
        """`inside`: normalised words that may stand inside any phrase without being part of it."""
        processor = KeywordProcessor(case_sensitive=True)
        for number, (key, _) in enumerate(phrases.items):
            processor.add_keyword(key, number + 1)
        self._trie = processor.keyword_trie_dict
        self._key_char = phrases.key_char
        self._inside = frozenset(inside)
        self._senses: dict[int, tuple[Sense, ...]] = {}
        self._phrases = phrases

    def find(self, words: Sequence[str], first: int, last: int) -> list[Found]:
        """The phrases in tokens `first` up to `last`, longest first wins, in text order."""
        keys = [*map(self._key_char, words[first:last])]
        candidates: list[Found] = []
        for i, key in enumerate(keys):
            node = self._trie.get(key)
            if node is not None:
                self._walk(node, i + 1, 0, words, first, keys, i, candidates)
        return longest(candidates)

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
        while True:
            number = node.get(_END)
            if isinstance(number, int):
                candidates.append(Found(offset + start, offset + i, number - 1))
            # A skippable word ends no phrase, so look past it only while a phrase can still go on.
            j, passed = i, skipped
            while passed < _MAX_INSIDE and j < count and words[offset + j] in self._inside:
                j, passed = j + 1, passed + 1
                if j < count:
                    beyond = node.get(keys[j])
                    if isinstance(beyond, dict):
                        self._walk(beyond, j + 1, passed, words, offset, keys, start, candidates)
            following = node.get(keys[i]) if i < count else None
            if not isinstance(following, dict):
                return
            node, i = following, i + 1

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


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition named at tokens `first` up to `last` of sentence number `sentence`, not yet judged or coded."""

    first: int
    last: int
    sentence: int
    span: Span
    entry: ConceptEntry
    kind: MatchKind
    row: str


class MentionFinder:
    """Finds what a note names: phrases, abbreviations and pasted official titles."""

    def __init__(self, lexicon: Lexicon) -> None:
        phrases = lexicon.phrases
        self._finder = PhraseFinder(phrases, AttributeFinder(lexicon.table("attributes")).inside)
        self._measures = MeasureFinder(lexicon.table("measures"))
        self._titles = TitleIndex(phrases.title_keys, phrases.title_codes)

    def find(
        self,
        text: NormalizedText,
        sentences: Sequence[Sentence],
        release: Release,
        checkpoint: Callable[[], None],
    ) -> list[Finding]:
        """Every finding of the text in order; findings never overlap and never leave their sentence."""
        found: list[Finding] = []
        reading = Reading(text)
        for number, sentence in enumerate(sentences):
            if sentence.first == sentence.last:
                continue
            if number % 64 == 0:
                checkpoint()
            reading.advance(sentence.last)
            title = self._title(text, number, sentence, release)
            if title is not None and release.is_billable(title.entry.code):
                found.append(title)
                continue
            phrases = self._with_measures(text, number, sentence, self._phrases(text, number, sentence, reading))
            # A header's title is the weakest word on a sentence: a phrase of the lexicon knows the default better.
            found.extend(phrases or ([title] if title is not None else []))
        return found

    def _phrases(self, text: NormalizedText, number: int, sentence: Sentence, reading: Reading) -> list[Finding]:
        found = []
        whole = (sentence.first, sentence.last)
        for place in self._finder.find(text.words, *whole):
            sense = choose(self._finder.senses(place), text, place.first, place.last, whole, reading)
            if sense is not None and sense.entry is not None:
                span = Span(text.starts[place.first], text.ends[place.last - 1])
                kind = MatchKind(sense.kind)
                found.append(Finding(place.first, place.last, number, span, sense.entry, kind, sense.row))
        return found

    def _with_measures(
        self, text: NormalizedText, number: int, sentence: Sentence, phrases: list[Finding]
    ) -> list[Finding]:
        """The phrases and the measured facts of a sentence; a measured fact swallows the phrase of its own words."""
        measured = [
            Finding(m.first, m.last, number, span, m.entry, MatchKind.MEASURE, m.entry.row)
            for m in self._measures.find(text, sentence.first, sentence.last)
            for span in (Span(text.starts[m.first], text.ends[m.last - 1]),)
        ]
        if not measured:
            return phrases
        kept = [p for p in phrases if not any(p.span.overlaps(m.span) for m in measured)]
        return sorted([*kept, *measured], key=lambda f: f.first)

    def _title(self, text: NormalizedText, number: int, sentence: Sentence, release: Release) -> Finding | None:
        known = self._titles.find(text, sentence.first, sentence.last)
        if known is None:
            return None
        first, last, codes = known
        codes = tuple(code for code in codes if code in release)
        if not codes:
            return None
        code = max(codes, key=lambda c: (release.is_billable(c), len(c), c))
        entry = ConceptEntry(
            Concept(f"icd10cm-{code.lower().replace('.', '-')}", release.title(code)), code, "", f"title of {code}"
        )
        span = Span(text.starts[first], text.ends[last - 1])
        return Finding(first, last, number, span, entry, MatchKind.TITLE, entry.row)
