"""Gathers what a note says around a mention: the words that may refine its code, denied ones apart.

Words of other mentions do not count: "fracture of the radius, ulnar neuropathy" says nothing of an ulnar
fracture. What a negator ("without") precedes counts as denied up to the next comma or stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from detect_icd.model import DetectRequest, MatchKind
from detect_icd.stages.attributes import AttributeFinder, Detail, belonging
from detect_icd.stages.mentions import Finding
from detect_icd.stages.refinement import Evidence
from detect_icd.stages.sentences import Sentence
from detect_icd.text import NormalizedText

_WINDOW = 14
"""Words on each side of a mention that may refine it."""
_ALIASES = {"region": "site"}
"""Kinds that rows know under one name: a level of the spine and its region."""
_STOPS = frozenset({".", ";", ":", ","})


@dataclass(frozen=True, slots=True)
class _Around:
    """A sentence's details and the places of its mentions."""

    details: tuple[Detail, ...]
    places: tuple[tuple[int, int], ...]


class Surroundings:
    """The surroundings of every finding of one note; a sentence is read once."""

    def __init__(
        self,
        attributes: AttributeFinder,
        canonical: Callable[[str], str],
        text: NormalizedText,
        sentences: Sequence[Sentence],
        findings: Sequence[Finding],
        request: DetectRequest,
    ) -> None:
        self._attributes = attributes
        self._canonical = canonical
        self._text = text
        self._sentences = sentences
        self._places: dict[int, list[tuple[int, int]]] = {}
        self._parts = frozenset((f.first, f.last) for f in findings if f.kind is MatchKind.COMPOSED)
        for finding in findings:
            self._places.setdefault(finding.sentence, []).append((finding.first, finding.last))
        self._read: dict[int, _Around] = {}
        self._sex = self._sex_of(request)
        self._handed = attributes.handed(text)
        self._silent = Evidence(frozenset([self._sex] if self._sex else []), handed=self._handed)

    def _sex_of(self, request: DetectRequest) -> str:
        """The patient's sex as the request gives it, else as the note's words do; '' where they disagree."""
        if request.patient.sex is not None:
            return request.patient.sex.lower()
        words = self._attributes.sex
        named = {words[word] for word in self._text.distinct.intersection(words)}
        return named.pop() if len(named) == 1 else ""

    def of(self, finding: Finding, *, refinable: bool) -> tuple[Evidence, list[Detail]]:
        """The evidence for a finding's code, and the details that belong to it.

        The words around are gathered only where they can still refine the code.
        """
        around = self._around(finding.sentence)
        if not around.details and not refinable:
            return self._silent, []
        own = (finding.first, finding.last)
        others = [place for place in around.places if place != own]
        details = belonging(
            around.details, *own, self._text, others, self._parts, self._sentences[finding.sentence].first
        )
        by_kind = {d.kind: d.value for d in details}
        said, denied = self._words(finding, around) if refinable else (set(), set())
        # Values such as "acute on chronic" stand in titles word for word; their words count as said.
        said.update(word for detail in details for word in detail.value.split())
        if self._sex:
            said.add(self._sex)
        evidence = Evidence(
            frozenset(said),
            frozenset(denied),
            by_kind.get("laterality", ""),
            by_kind.get("encounter", ""),
            by_kind.get("fracture", ""),
            self._handed,
            tuple(_marks(details, by_kind.get("laterality", ""))),
        )
        return evidence, details

    def _around(self, number: int) -> _Around:
        known = self._read.get(number)
        if known is None:
            sentence = self._sentences[number]
            details = tuple(self._attributes.find(self._text, sentence.first, sentence.last))
            known = self._read[number] = _Around(details, tuple(self._places[number]))
        return known

    def _words(self, finding: Finding, around: _Around) -> tuple[set[str], set[str]]:
        """Canonical words near the finding, said and denied."""
        sentence = self._sentences[finding.sentence]
        first, last = max(sentence.first, finding.first - _WINDOW), min(sentence.last, finding.last + _WINDOW)
        own = (finding.first, finding.last)
        foreign = {
            i
            for a, b in around.places
            if (a, b) != own and first < b and a < last
            for i in range(max(a, first), min(b, last))
        }
        words, denies = self._text.words, self._attributes.negators
        negators = {d.last for d in around.details if d.kind == "negator"}
        negators.update(d.first + 1 for d in around.details if words[d.first] in denies)  # "not in remission"
        said: set[str] = set()
        denied: set[str] = set()
        denying = False
        for i in range(first, last):
            word = self._text.words[i]
            denying = (denying or i in negators) and word not in _STOPS
            if i not in foreign:
                (denied if denying else said).add(self._canonical(word))
        return said, denied


def _marks(details: Sequence[Detail], side: str) -> Iterator[tuple[str, str]]:
    """The details as rows name them: the value, each of its words, and for a limb its side before it."""
    for detail in details:
        kind = _ALIASES.get(detail.kind, detail.kind)
        if kind == "limb" and side:
            yield kind, f"{side} {detail.value}"
        if kind != "laterality":
            yield kind, detail.value
            yield from ((kind, word) for word in detail.value.split() if word != detail.value)
