"""Says of every mention what the text asserts of it, after ConText, with spaCy finding the cues.

Only the sentences that hold mentions, and the heads of the lists they stand in, become a spaCy Doc. Its words are
reduced to those that some cue knows, so the vocabulary never grows and threads may share it. `ContextStage` serves
the detector; `clinical_context` is the same stage as a component for any spaCy pipeline.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from spacy.tokens import Span as SpacySpan
from spacy.vocab import Vocab

from detect_icd.lexicon import Lexicon
from detect_icd.memo import Memo
from detect_icd.model import Certainty, Experiencer, Presence, Temporality
from detect_icd.spans import Span
from detect_icd.stages.cues import (
    MINUS,
    NUMBER,
    OTHER_WORD,
    CueGroup,
    compile_cues,
    number_words,
    open_words,
    word_class,
)
from detect_icd.stages.lists import list_heads
from detect_icd.stages.scopes import PlacedCue, Scopes, choose
from detect_icd.stages.sections import Section, SectionTable, find_sections
from detect_icd.stages.sentences import Sentence, split_sentences
from detect_icd.stages.verdict import Judgement, judge
from detect_icd.text import NormalizedText

__all__ = ["ClinicalContext", "ContextRules", "ContextStage", "Judgement", "Place", "create_clinical_context", "locate"]


_SIGNS = frozenset({"+", "-"})


class ContextRules:
    """The cue table compiled for spaCy, and the section table; made once, shared by threads."""

    def __init__(self, cue_rows: Sequence[Mapping[str, str]], sections: SectionTable) -> None:
        self.sections = sections
        self.open_words = open_words(cue_rows)
        self.above_items = open_words(cue_rows, items=True)
        self.leading_words = self.open_words | self.above_items
        groups = compile_cues(cue_rows)
        words = {word for group in groups for phrase in group.phrases for word in phrase}
        self.behind_minus = frozenset(
            word for g in groups for phrase in g.phrases for sign, word in pairwise(phrase) if sign == "-"
        )
        self._vocab = Vocab()
        known = {word: self._vocab[word].orth for word in sorted({*words, NUMBER, OTHER_WORD})}
        self._other = known[OTHER_WORD]
        self._known = {word: known[word] for word in words} | dict.fromkeys(number_words(cue_rows), known[NUMBER])
        self._form = Memo(self._form_of, most=32_768)
        self._matcher = PhraseMatcher(self._vocab)
        self._by_key: dict[int, CueGroup] = {}
        for i, group in enumerate(groups):
            # word numbers instead of Docs, as the matcher's own unpickling gives them: twenty times faster
            patterns: list[Any] = [[known[word] for word in phrase] for phrase in group.phrases]
            self._matcher.add(f"cue{i}", patterns)
            self._by_key[self._vocab.strings.as_int(f"cue{i}")] = group

    def find(self, words: Iterable[str]) -> list[tuple[int, int, CueGroup]]:
        """Every cue of the table in a run of normalised words, overlapping ones too: first token, end, what it does."""
        numbers: list[Any] = [*map(self._form.__getitem__, words)]
        doc = Doc(self._vocab, words=numbers)
        by_key = self._by_key
        return [(start, end, by_key[key]) for key, start, end in self._matcher(doc)]

    def _form_of(self, word: str) -> int:
        """The number of the word as the cues know it: itself, a class, or the placeholder for all that no cue knows."""
        known = self._known.get(word)
        return self._known.get(word_class(word), self._other) if known is None else known


class Place(NamedTuple):
    """Where a mention stands: in which sentence, at which tokens of the text."""

    sentence: int
    tokens: Span


class ContextStage:
    """Assesses mentions; holds nothing but its rules."""

    def __init__(self, rules: ContextRules) -> None:
        self._rules = rules

    @property
    def sections(self) -> SectionTable:
        """The headers this stage was made with."""
        return self._rules.sections

    def assess(
        self, text: NormalizedText, sections: Sequence[Section], sentences: Sequence[Sentence], places: Sequence[Place]
    ) -> list[Judgement]:
        """One judgement a place, in the order given; places may overlap."""
        mentions: dict[int, list[Span]] = {}
        for place in places:
            mentions.setdefault(place.sentence, []).append(place.tokens)
        rules = self._rules
        heads = list_heads(text, sections, sentences, rules.open_words, rules.above_items) if mentions else {}
        needed = sorted({*mentions, *(heads[holder] for holder in mentions if holder in heads)})
        scopes = self._scopes(text, [sentences[i] for i in needed], [mentions.get(i, []) for i in needed])
        scope_of = dict(zip(needed, scopes, strict=True))
        governing = {i: scope_of[i].governing(rules.leading_words) for i in {heads[h] for h in mentions if h in heads}}
        judgements = []
        for holder, mention in places:
            scope = scope_of[holder]
            reached = scope.reaching(mention)
            if holder in heads:
                reached = [*(one for one in governing[heads[holder]] if scope.inherits(one.rule, mention)), *reached]
            judgements.append(judge(text, sections[sentences[holder].section], reached, mention))
        return judgements

    def _scopes(
        self, text: NormalizedText, sentences: Sequence[Sentence], mentions: Sequence[Sequence[Span]]
    ) -> list[Scopes]:
        """The cues of each sentence, found in one Doc; positions are the text's tokens."""
        words: list[str] = []
        shifts = []
        signed = text.distinct.issuperset(_SIGNS)
        for sentence in sentences:
            shifts.append(len(words))
            run = text.words[sentence.first : sentence.last]
            if signed and "-" in run:
                words += _with_signs(text, sentence.first, run, self._rules.behind_minus)
            else:
                words += run
        found: list[list[PlacedCue]] = [[] for _ in sentences]
        for start, end, group in self._rules.find(words):
            number = bisect_right(shifts, start) - 1
            sentence = sentences[number]
            shift = sentence.first - shifts[number]
            if end + shift <= sentence.last:
                found[number].append(PlacedCue(start + shift, end + shift, group))
        return [
            Scopes(text.words, whole, choose(text.words, whole, cues, inside), inside)
            for whole, cues, inside in zip(
                (Span(sentence.first, sentence.last) for sentence in sentences), found, mentions, strict=True
            )
        ]


def _with_signs(text: NormalizedText, first: int, run: Sequence[str], behind: frozenset[str]) -> list[str]:
    """The words of a sentence, in which minus signs that are glued to the word behind them are marked as such.

    Only beside a plus sign glued likewise: alone they may be dashes or bullets. `behind` are the words with which a
    minus sign is a cue of its own ("-ve").
    """
    source, words = text.source, list(run)
    glued = [
        i
        for i, word in enumerate(run)
        if word in _SIGNS
        and source[text.ends[first + i] : text.ends[first + i] + 1].isalpha()
        and (i == 0 or source[text.starts[first + i] - 1].isspace())
        and run[i + 1] not in behind
    ]
    if any(run[i] == "+" for i in glued):
        for i in glued:
            if run[i] == "-":
                words[i] = MINUS
    return words


def locate(text: NormalizedText, sentences: Sequence[Sentence], spans: Sequence[Span]) -> list[Place]:
    """Where spans of the source (code points) stand; one that no sentence holds whole is cut at the sentence's end."""
    bounds = [sentence.start for sentence in sentences]
    places = []
    for span in spans:
        holder = max(0, bisect_right(bounds, span.start) - 1)
        sentence = sentences[holder]
        first = max(sentence.first, text.token_at(span.start))
        last = min(sentence.last, max(first, text.token_at(max(span.start, span.end - 1))) + 1)
        places.append(Place(holder, Span(first, last)))
    return places


class ClinicalContext:
    """The spaCy component: sets the assertion of every entity of a Doc as extension attributes."""

    def __init__(self, stage: ContextStage) -> None:
        self._stage = stage
        for name in _FLAGS:
            if not SpacySpan.has_extension(name):
                SpacySpan.set_extension(name, default=False)
        if not SpacySpan.has_extension("cues"):
            SpacySpan.set_extension("cues", default=[])

    def __call__(self, doc: Doc) -> Doc:
        """Sections and sentences come from the text itself, so no other component is needed."""
        if not doc.ents:
            return doc
        text = NormalizedText.of(doc.text)
        sections = find_sections(text, self._stage.sections)
        sentences = split_sentences(text, sections)
        spans = [Span(entity.start_char, entity.end_char) for entity in doc.ents]
        places = locate(text, sentences, spans)
        for entity, judgement in zip(doc.ents, self._stage.assess(text, sections, sentences, places), strict=True):
            assertion = judgement.assertion
            attributes = entity._
            attributes.is_negated = assertion.presence is Presence.ABSENT
            attributes.is_uncertain = assertion.certainty is Certainty.UNCERTAIN
            attributes.is_historical = assertion.temporality is Temporality.HISTORICAL
            attributes.is_hypothetical = assertion.temporality is Temporality.HYPOTHETICAL
            attributes.is_future = assertion.temporality is Temporality.FUTURE
            attributes.is_family = assertion.experiencer is Experiencer.FAMILY
            attributes.is_other = assertion.experiencer is Experiencer.OTHER
            # plain values: a Doc with them can be pickled, stored in a DocBin and passed between processes
            attributes.cues = [
                {"start": cue.span.start, "end": cue.span.end, "text": cue.text, "category": str(cue.category)}
                for cue in judgement.cues
            ]
        return doc


_FLAGS = (
    "is_negated",
    "is_uncertain",
    "is_historical",
    "is_hypothetical",
    "is_future",
    "is_family",
    "is_other",
)


@Language.factory("clinical_context", assigns=[f"span._.{name}" for name in (*_FLAGS, "cues")], requires=["doc.ents"])
def create_clinical_context(nlp: Language, name: str) -> ClinicalContext:  # noqa: ARG001 (spaCy passes both by name)
    """`nlp.add_pipe("clinical_context")`: the packaged cue and section tables."""
    lexicon = Lexicon.default()
    table = SectionTable(lexicon.table("sections"))
    return ClinicalContext(ContextStage(ContextRules(lexicon.table("cues"), table)))
