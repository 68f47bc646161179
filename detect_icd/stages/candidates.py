"""Chooses the codes that a finding may mean, best first, whatever the text asserts of it.

One object a release. Where no word of the note can refine a finding, what it was given before is given again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from detect_icd.codeset import Release
from detect_icd.lexicon import Row
from detect_icd.memo import Memo
from detect_icd.model import CodeCandidate, MatchKind
from detect_icd.stages.conventions.patterns import side_of, title_words
from detect_icd.stages.mentions import Finding
from detect_icd.stages.refinement import Evidence, Refined, Refiner

# How often a code so found was right on the tuning sets (`make eval` prints the table); whole titles and written
# codes are the reviewer's word: they say the code itself.
_SCORES = {
    MatchKind.TITLE: 0.5,
    MatchKind.PHRASE: 0.75,
    MatchKind.ABBREVIATION: 0.65,
    MatchKind.COMPOSED: 0.55,
    MatchKind.MEASURE: 0.7,
    MatchKind.FUZZY: 0.45,
}
_WHOLE_TITLE = 0.97
"""A sentence that is an official title, as problem lists paste them."""
_WRITTEN = 0.95
"""Words and a written code that agree."""
_VAGUE = 0.3
"""The hint of a finding that names no site or kind."""
_PER_MISSING = 0.8
"""A detail the text leaves open makes the code less sure."""
_SECOND_CHOICE = 0.4
_REMEMBERED = 8192


class _Nodes(NamedTuple):
    """The code nodes of a concept, the likeliest first, and whether words around can refine any of them."""

    codes: tuple[str, ...]
    refinable: bool


class _Case(NamedTuple):
    """All that decides the codes of a finding beside which no code is written."""

    code: str
    concept: str
    name: str
    kind: MatchKind
    assignable: bool
    whole: bool
    evidence: Evidence


class Candidates:
    """The codes of one release."""

    def __init__(
        self,
        release: Release,
        canonical: Callable[[str], str],
        refinements: Iterable[Row],
        alternatives: Mapping[str, Sequence[str]],
    ) -> None:
        """`alternatives`: concept id -> codes that its words may also mean."""
        self._release = release
        self._refiner = Refiner(release, canonical, refinements)
        self._alternatives = alternatives
        self._nodes = Memo(self._nodes_of, _REMEMBERED)
        self._plain = Memo(self._codes_of, _REMEMBERED)

    def refinable(self, finding: Finding) -> bool:
        """Whether the words around a finding can refine its code."""
        return self._nodes[finding.entry.code, finding.entry.concept.id].refinable

    def of(self, finding: Finding, evidence: Evidence, written: str) -> tuple[CodeCandidate, ...]:
        """The codes of a finding; `written` is the code that stands beside it in the text, '' for none."""
        entry = finding.entry
        case = _Case(
            entry.code, entry.concept.id, entry.concept.name, finding.kind, entry.assignable, finding.whole, evidence
        )
        own = self._codes_of(case) if self.refinable(finding) else self._plain[case]
        return self._backed(own, written, finding) if written and own and entry.assignable else own

    def instead(self, code: str, own: Sequence[CodeCandidate], finding: Finding) -> tuple[CodeCandidate, ...] | None:
        """`code`, which tells a past or a relative's condition, before the condition's own; None where it cannot be used."""
        if code in ("", "none") or not self._release.is_billable(code):
            return None
        score = _base_score(finding.kind, assignable=finding.entry.assignable, whole=finding.whole)
        first = self._candidate(code, score, finding.entry.concept.name, finding.kind)
        return first, *(replace(c, score=round(c.score * _SECOND_CHOICE, 4)) for c in own)

    def _nodes_of(self, key: tuple[str, str]) -> _Nodes:
        code, concept = key
        own = self._known_node(code) if code else None
        others = (c for c in self._alternatives.get(concept, ()) if c in self._release)
        codes = (*([own] if own is not None else []), *others)
        return _Nodes(codes, not all(map(self._release.is_billable, codes)))

    def _known_node(self, code: str) -> str | None:
        """`code` where the release has it, else what stood in its place on that day."""
        release = self._release
        if code in release:
            return code
        return next((c for c in (*release.successors(code), *release.predecessors(code)) if c in release), None)

    def _codes_of(self, case: _Case) -> tuple[CodeCandidate, ...]:
        own = []
        base = _base_score(case.kind, assignable=case.assignable, whole=case.whole)
        for n, node in enumerate(self._nodes[case.code, case.concept].codes):
            for refined in self._of_both_sides(node, case.evidence) or [self._refiner.refine(node, case.evidence)]:
                score = base * _PER_MISSING ** len(refined.missing) * (_SECOND_CHOICE if n else 1.0)
                own.append(self._candidate(refined.code, score, case.name, case.kind, refined.missing))
        return tuple(own)

    def _of_both_sides(self, node: str, evidence: Evidence) -> list[Refined]:
        """A code for each side of a bilateral condition that no bilateral code exists for (I.B.13); [] otherwise."""
        if evidence.laterality != "bilateral":
            return []
        plain = self._refiner.refine(node, evidence)
        if "laterality" not in plain.missing or "bilateral" in title_words(self._release, plain.code):
            return []
        sides = [self._refiner.refine(node, evidence._replace(laterality=side)) for side in ("right", "left")]
        named = [side_of(self._release, refined.code) for refined in sides]
        return sides if named == ["right", "left"] else []

    def _candidate(
        self, code: str, score: float, name: str, kind: MatchKind, missing: tuple[str, ...] = ()
    ) -> CodeCandidate:
        release = self._release
        return CodeCandidate(
            code, release.description(code), release.is_billable(code), round(score, 4), name, kind, missing
        )

    def _backed(self, own: Sequence[CodeCandidate], written: str, finding: Finding) -> tuple[CodeCandidate, ...]:
        """The candidates with a code written beside the words: it may specify them, never contradict them."""
        node = self._nodes[finding.entry.code, finding.entry.concept.id].codes[0]
        specifies = written.startswith(node) and self._release.is_billable(written) and bool(own[0].missing)
        agrees = written == own[0].code or specifies
        score = _WRITTEN if agrees else _VAGUE
        first = self._candidate(written, score, finding.entry.concept.name, MatchKind.WRITTEN_CODE)
        others = [c for c in own if c.code != written]
        return (first, *others) if agrees else (*others, first)


def _base_score(kind: MatchKind, *, assignable: bool, whole: bool) -> float:
    if whole:
        return _WHOLE_TITLE
    return _SCORES[kind] if assignable else _VAGUE
