"""Finds what a note names: phrases, abbreviations, coordinated phrases, measured facts, pasted official titles.

Findings are neither judged (stages.context) nor coded (stages.coding) yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from detect_icd.codeset import Release
from detect_icd.lexicon import ConceptEntry, Lexicon
from detect_icd.model import Concept, MatchKind
from detect_icd.spans import Span
from detect_icd.stages.attributes import AttributeFinder
from detect_icd.stages.coordination import SharedHeads
from detect_icd.stages.measures import MeasureFinder
from detect_icd.stages.phrases import Found, PhraseFinder, Scan
from detect_icd.stages.senses import Reading, choose
from detect_icd.stages.sentences import Sentence
from detect_icd.stages.sites import Sites
from detect_icd.stages.titles import TitleIndex
from detect_icd.text import NormalizedText


class Finding(NamedTuple):
    """A condition named at tokens `first` up to `last` of sentence number `sentence`, not yet judged or coded."""

    first: int
    last: int
    sentence: int
    span: Span
    entry: ConceptEntry
    kind: MatchKind
    row: str
    whole: bool = False
    """Whether the sentence is, word for word, an official title."""


class MentionFinder:
    """Finds what a note names: phrases, abbreviations and pasted official titles."""

    def __init__(self, lexicon: Lexicon) -> None:
        phrases = lexicon.phrases
        words = AttributeFinder(lexicon.table("attributes"))
        self._finder = PhraseFinder(phrases, words.inside)
        self._shared = SharedHeads(self._finder, words.joins, words.inside)
        self._sites = Sites(
            self._finder,
            words.heads,
            words.locators,
            words.joins,
            words.inside,
            words.negators,
            words.carriers,
            words.goals,
        )
        self._measures = MeasureFinder(lexicon.table("measures"))
        self._titles = TitleIndex(phrases.title_keys, phrases.title_codes, phrases.title_openings)

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
        scan = self._finder.scan(text.words)
        measured = self._measures.may_be_in(text.distinct)
        headed = self._sites.may_be_in(text.distinct)
        for number, sentence in enumerate(sentences):
            if sentence.first == sentence.last:
                continue
            if number % 64 == 0:
                checkpoint()
            title = None
            if self._titles.may_begin(text.words[sentence.first]):
                title = self._title(text, number, sentence, release)
                if title is not None and release.is_billable(title.entry.code):
                    found.append(title)
                    continue
            phrases: list[Finding] = []
            words = text.words[sentence.first : sentence.last]
            if scan.begins_before(sentence.last) or (headed and self._sites.may_be_in(words)):
                phrases = self._phrases(text, number, sentence, scan, reading)
            if measured and self._measures.may_be_in(words):
                phrases = self._with_measures(text, number, sentence, phrases)
            # A header's title is the weakest word on a sentence: a phrase of the lexicon knows the default better.
            if phrases:
                found += phrases
            elif title is not None:
                found.append(title)
        return found

    def _phrases(
        self, text: NormalizedText, number: int, sentence: Sentence, scan: Scan, reading: Reading
    ) -> list[Finding]:
        found: list[Finding] = []
        whole = (sentence.first, sentence.last)
        places = scan.find(*whole)
        sited = self._sites.find(text.words, *whole, places)
        if sited:
            covered = {i for place in sited for i in range(place.first, place.last)}
            places = sorted([*(p for p in places if p.first not in covered), *sited], key=_first)
        if not places:
            return found
        reading.advance(sentence.last)
        completed = [*sited, *self._shared.find(text.words, *whole, places)]
        for place in sorted({*places, *completed}, key=_first) if completed else places:
            sense = choose(self._finder.senses(place), text, place.first, place.last, whole, reading)
            if sense is not None and sense.entry is not None:
                span = Span(text.starts[place.first], text.ends[place.last - 1])
                kind = MatchKind.FUZZY if place.fuzzy else sense.kind
                if completed and place in completed:
                    kind = MatchKind.COMPOSED
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
        return Finding(first, last, number, span, entry, MatchKind.TITLE, entry.row, whole=True)


def _first(place: Found) -> int:
    return place.first
