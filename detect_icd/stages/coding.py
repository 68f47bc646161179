"""Turns findings and judgements into coded mentions: which code, how sure, and whether it may be reported.

A mention of the past or of a relative is coded as what the guidelines make of it: the history form stands with
the concept, or follows from its code by the longest prefix in `history.tsv` and `family.tsv` (Official
Guidelines I.C.21.c.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from detect_icd.codeset import Release
from detect_icd.lexicon import Lexicon, Row
from detect_icd.model import (
    Assertion,
    CodeCandidate,
    CueCategory,
    DetectRequest,
    Experiencer,
    MatchKind,
    Mention,
    NotReportableReason,
    Presence,
    Temporality,
)
from detect_icd.stages.assignment import reporting
from detect_icd.stages.attributes import AttributeFinder, as_attributes
from detect_icd.stages.context import Judgement
from detect_icd.stages.conventions import Certainty
from detect_icd.stages.conventions.patterns import side_of
from detect_icd.stages.evidence import Surroundings
from detect_icd.stages.meanings import Meanings
from detect_icd.stages.mentions import Finding
from detect_icd.stages.refinement import Evidence, Refined, Refiner
from detect_icd.stages.sections import Section
from detect_icd.stages.sentences import Sentence
from detect_icd.stages.written import written_codes
from detect_icd.text import NormalizedText

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
_SILENT = frozenset({"negator", "sex"})
"""Kinds of attribute that serve refinement and say nothing of one mention."""
_STILL_THERE = frozenset({"active", "symptom"})
"""History forms of what "history of" leaves current; what the text calls resolved is over all the same (IV.J)."""


class Coder:
    """Codes findings; holds a refiner for each release it has met."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._attributes = AttributeFinder(lexicon.table("attributes"))
        self._history = _by_prefix(lexicon.table("history"), "history")
        self._family = _by_prefix(lexicon.table("family"), "family")
        self._alternatives: dict[str, list[str]] = {}
        for row in lexicon.table("alternatives"):
            self._alternatives.setdefault(row["concept"], []).append(row["code"])
        self._meanings = Meanings(lexicon.table("meanings"), lexicon.phrases.by_concept)
        self._canonical = lexicon.phrases.canonical.__getitem__
        self._refinements = lexicon.table("refinements")
        self._certainty = Certainty(lexicon.table("confirmed_only"))
        self._refiners: dict[str, Refiner] = {}

    def code(
        self,
        text: NormalizedText,
        sections: Sequence[Section],
        sentences: Sequence[Sentence],
        findings: Sequence[Finding],
        judgements: Sequence[Judgement],
        request: DetectRequest,
        release: Release,
        checkpoint: Callable[[], None],
    ) -> list[Mention]:
        """The mentions in text order, ids `m1`, `m2` ...; offsets in code points."""
        surroundings = Surroundings(self._attributes, self._canonical, text, sentences, findings, request)
        written = written_codes(text.source, sentences, findings, release)
        mentions = []
        told = self._meanings.told(findings, text)
        for n, (found, finding, said) in enumerate(zip(findings, told, judgements, strict=True)):
            checkpoint()
            section = sections[sentences[finding.sentence].section]
            nodes = self._nodes(finding, release)
            evidence, details = surroundings.of(finding, refinable=not all(map(release.is_billable, nodes)))
            form = self._past_form(finding, section, said)
            # what a stream has settled may not change with words that come later
            judgement = _still_active(said, section) if form == "active" and finding is found else said
            own = self._own_codes(finding, nodes, evidence, release, written.get(n, ""))
            codes, past = self._as_told(own, finding, judgement.assertion, form, release)
            codes = [c for c in codes if c.score >= request.min_score][: request.max_candidates]
            reason = reporting(judgement.assertion, codes, request.setting, self._certainty) or past
            if reason is None and not (codes[0].billable and finding.entry.assignable):
                reason = NotReportableReason.NOT_A_DIAGNOSIS
            mentions.append(
                Mention(
                    id=f"m{n + 1}",
                    span=finding.span,
                    text=finding.span.of(text.source),
                    section=section.name,
                    concept=finding.entry.concept,
                    assertion=judgement.assertion,
                    cues=judgement.cues,
                    attributes=as_attributes((d for d in details if d.kind not in _SILENT), text),
                    codes=tuple(codes),
                    reportable=reason is None,
                    not_reportable_reason=reason,
                )
            )
        return mentions

    def _past_form(self, finding: Finding, section: Section, said: Judgement) -> str:
        """What "history of" this concept is: a code, "active" (still current) or "none"."""
        form = finding.entry.history or _longest_prefix(self._history, finding.entry.code)
        if form in _STILL_THERE and any(cue.category is CueCategory.RESOLVED for cue in said.cues):
            return "none"
        if form == "symptom":
            # "History of cough for a week" is why the patient came; under past history it is over.
            return "none" if section.defaults.temporality is Temporality.HISTORICAL else "active"
        return form

    def _nodes(self, finding: Finding, release: Release) -> list[str]:
        """The code nodes that a finding may mean, the likeliest first."""
        own = _known_node(finding.entry.code, release) if finding.entry.code else None
        others = (c for c in self._alternatives.get(finding.entry.concept.id, ()) if c in release)
        return [*([own] if own is not None else []), *others]

    def _own_codes(
        self, finding: Finding, nodes: Sequence[str], evidence: Evidence, release: Release, written: str
    ) -> list[CodeCandidate]:
        """The codes of the condition itself, best first, whatever the text asserts of it."""
        refiner = self._refiners.get(release.name)
        if refiner is None:
            refiner = self._refiners[release.name] = Refiner(release, self._canonical, self._refinements)
        own = []
        for n, node in enumerate(nodes):
            for refined in _of_both_sides(refiner, node, evidence, release) or [refiner.refine(node, evidence)]:
                score = _base_score(finding)
                score *= _PER_MISSING ** len(refined.missing) * (_SECOND_CHOICE if n else 1.0)
                own.append(_candidate(refined.code, score, finding, release, refined))
        if written and own and finding.entry.assignable:
            return _backed(own, written, nodes[0], finding, release)
        return own

    def _as_told(
        self, own: list[CodeCandidate], finding: Finding, said: Assertion, form: str, release: Release
    ) -> tuple[list[CodeCandidate], NotReportableReason | None]:
        """Candidates as the text asserts them, and why the mention cannot be reported (None where it can)."""
        if not own or said.presence is Presence.ABSENT:
            return own, None
        if said.experiencer is Experiencer.FAMILY:
            kin = _longest_prefix(self._family, finding.entry.code)
            return (own, None) if kin == "self" else _instead(kin, own, finding, release, NotReportableReason.FAMILY)
        if said.temporality is Temporality.HISTORICAL and form != "active":
            return _instead(form, own, finding, release, NotReportableReason.RESOLVED)
        return own, None


def _of_both_sides(refiner: Refiner, node: str, evidence: Evidence, release: Release) -> list[Refined]:
    """A code for each side of a bilateral condition that no bilateral code exists for (I.B.13); [] otherwise."""
    if evidence.laterality != "bilateral" or "laterality" not in refiner.refine(node, evidence).missing:
        return []
    sides = [refiner.refine(node, replace(evidence, laterality=side)) for side in ("right", "left")]
    named = [side_of(release, refined.code) for refined in sides]
    return sides if named == ["right", "left"] else []


def _base_score(finding: Finding) -> float:
    if finding.whole:
        return _WHOLE_TITLE
    return _SCORES[finding.kind] if finding.entry.assignable else _VAGUE


def _still_active(judgement: Judgement, section: Section) -> Judgement:
    """A chronic condition in a history section is current, unless the sentence itself calls it past."""
    past = [c for c in judgement.cues if c.category in (CueCategory.HISTORY, CueCategory.RESOLVED)]
    if judgement.assertion.temporality is not Temporality.HISTORICAL or any(c.span != section.header for c in past):
        return judgement
    cues = tuple(c for c in judgement.cues if c not in past)
    return Judgement(replace(judgement.assertion, temporality=Temporality.CURRENT), cues)


def _known_node(code: str, release: Release) -> str | None:
    """`code` where the release has it, else what stood in its place on that day."""
    if code in release:
        return code
    return next((c for c in (*release.successors(code), *release.predecessors(code)) if c in release), None)


def _candidate(
    code: str, score: float, finding: Finding, release: Release, refined: Refined | None = None
) -> CodeCandidate:
    return CodeCandidate(
        code,
        release.description(code),
        release.is_billable(code),
        round(score, 4),
        finding.entry.concept.name,
        finding.kind,
        refined.missing if refined else (),
    )


def _backed(
    own: list[CodeCandidate], written: str, node: str, finding: Finding, release: Release
) -> list[CodeCandidate]:
    """The candidates with a code written beside the words: it may specify them, never contradict them."""
    agrees = written == own[0].code or (written.startswith(node) and release.is_billable(written) and own[0].missing)
    first = replace(
        _candidate(written, _WRITTEN if agrees else _VAGUE, finding, release), match_kind=MatchKind.WRITTEN_CODE
    )
    others = [c for c in own if c.code != written]
    return [first, *others] if agrees else [*others, first]


def _instead(
    form: str, own: list[CodeCandidate], finding: Finding, release: Release, reason: NotReportableReason
) -> tuple[list[CodeCandidate], NotReportableReason | None]:
    """The history or family code first, the condition's own codes behind it."""
    if form in ("", "none") or form not in release or not release.is_billable(form):
        return own, reason
    behind = [replace(c, score=round(c.score * _SECOND_CHOICE, 4)) for c in own]
    return [_candidate(form, _base_score(finding), finding, release), *behind], None


def _by_prefix(rows: Iterable[Row], column: str) -> dict[str, str]:
    return {row["prefix"]: row[column] for row in rows}


def _longest_prefix(table: dict[str, str], code: str) -> str:
    return next((table[code[:n]] for n in range(len(code), 0, -1) if code[:n] in table), "")
