"""Turns findings and judgements into coded mentions: which code, how sure, and whether it may be reported.

A mention of the past or of a relative is coded as what the guidelines make of it: the history form
stands with the concept, or follows from its code by the longest prefix in `history.tsv` and
`family.tsv` (Official Guidelines I.C.21.c.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

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
from detect_icd.stages.attributes import AttributeFinder, Detail, as_attributes, belonging
from detect_icd.stages.context import Judgement
from detect_icd.stages.mentions import Finding
from detect_icd.stages.refinement import Evidence, Refined, Refiner
from detect_icd.stages.sections import Section
from detect_icd.stages.sentences import Sentence
from detect_icd.text import NormalizedText

_SCORES = {
    MatchKind.TITLE: 0.95,
    MatchKind.PHRASE: 0.9,
    MatchKind.ABBREVIATION: 0.85,
    MatchKind.COMPOSED: 0.85,
    MatchKind.MEASURE: 0.9,
    MatchKind.WRITTEN_CODE: 0.9,
    MatchKind.FUZZY: 0.6,
}
_VAGUE = 0.3
"""The hint of a finding that names no site or kind."""
_PER_MISSING = 0.93
"""A detail the text leaves open makes the code less sure."""
_SECOND_CHOICE = 0.5
_WINDOW = 14
"""Words on each side of a mention that may refine it."""
_HIDDEN = frozenset({"negator", "sex"})
"""Kinds of attribute that serve refinement and say nothing of one mention."""
_BREAKS = frozenset({".", ";", ":"})


@dataclass(frozen=True, slots=True)
class _Around:
    """A sentence's details and the places of its mentions."""

    details: tuple[Detail, ...]
    places: tuple[tuple[int, int], ...]


class Coder:
    """Codes findings; holds a refiner for each release it has met."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._attributes = AttributeFinder(lexicon.table("attributes"))
        self._history = _by_prefix(lexicon.table("history"), "history")
        self._family = _by_prefix(lexicon.table("family"), "family")
        self._alternatives: dict[str, list[str]] = {}
        for row in lexicon.table("alternatives"):
            self._alternatives.setdefault(row["concept"], []).append(row["code"])
        self._canonical = lexicon.phrases.canonical
        self._refinements = lexicon.table("refinements")
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
        refiner = self._refiners.get(release.name)
        if refiner is None:
            refiner = self._refiners[release.name] = Refiner(release, self._canonical, self._refinements)
        sex = self._sex(text, request)
        around: dict[int, _Around] = {}
        places: dict[int, list[tuple[int, int]]] = {}
        for finding in findings:
            places.setdefault(finding.sentence, []).append((finding.first, finding.last))
        mentions = []
        for n, (finding, judgement) in enumerate(zip(findings, judgements, strict=True), 1):
            checkpoint()
            if finding.sentence not in around:
                sentence = sentences[finding.sentence]
                details = tuple(self._attributes.find(text, sentence.first, sentence.last))
                around[finding.sentence] = _Around(details, tuple(places[finding.sentence]))
            mentions.append(
                self._mention(
                    n,
                    text,
                    sentences[finding.sentence],
                    sections[sentences[finding.sentence].section],
                    finding,
                    judgement,
                    around[finding.sentence],
                    sex,
                    request,
                    refiner,
                    release,
                )
            )
        return mentions

    def _mention(
        self,
        number: int,
        text: NormalizedText,
        sentence: Sentence,
        section: Section,
        finding: Finding,
        judgement: Judgement,
        around: _Around,
        sex: str,
        request: DetectRequest,
        refiner: Refiner,
        release: Release,
    ) -> Mention:
        others = [place for place in around.places if place != (finding.first, finding.last)]
        details = belonging(around.details, finding.first, finding.last, text, others)
        evidence = self._evidence(text, sentence, finding, around, details, sex)
        node = _known_node(finding.entry.code, release) if finding.entry.code else None
        refined = [refiner.refine(node, evidence)] if node else []
        for alternative in self._alternatives.get(finding.entry.concept.id, ()):
            if alternative in release:
                refined.append(refiner.refine(alternative, evidence))
        form = finding.entry.history or _longest_prefix(self._history, finding.entry.code)
        if form == "symptom":
            # "History of cough for a week" is why the patient came; a cough under past history is over.
            form = "none" if section.defaults.temporality is Temporality.HISTORICAL else "active"
        if form == "active":
            judgement = _still_active(judgement, section)
        said = judgement.assertion
        codes, reason = self._codes(finding, said, form, refined, release)
        mention = Mention(
            id=f"m{number}",
            span=finding.span,
            text=finding.span.of(text.source),
            section=section.name,
            concept=finding.entry.concept,
            assertion=said,
            cues=judgement.cues,
            attributes=as_attributes((d for d in details if d.kind not in _HIDDEN), text),
            codes=tuple(c for c in codes if c.score >= request.min_score)[: request.max_candidates],
        )
        reason = reporting(mention, request.setting) or reason
        if reason is None and not (mention.codes and mention.codes[0].billable and finding.entry.assignable):
            reason = NotReportableReason.NOT_A_DIAGNOSIS
        return replace(mention, reportable=reason is None, not_reportable_reason=reason)

    def _codes(
        self, finding: Finding, said: Assertion, form: str, refined: Sequence[Refined], release: Release
    ) -> tuple[list[CodeCandidate], NotReportableReason | None]:
        """Candidates best first, and why the mention cannot be reported as it stands (None where it can)."""
        own = []
        for n, choice in enumerate(refined):
            score = (_SCORES[finding.kind] if finding.entry.assignable else _VAGUE) * _PER_MISSING ** len(choice.missing) * (_SECOND_CHOICE if n else 1.0)
            own.append(_candidate(choice.code, score, finding, release, choice.missing))
        if not own or said.presence is Presence.ABSENT:
            return own, None
        if said.experiencer is Experiencer.FAMILY:
            kin = _longest_prefix(self._family, finding.entry.code)
            return (own, None) if kin == "self" else _instead(kin, own, finding, release, "FAMILY")
        if said.temporality is Temporality.HISTORICAL and form != "active":
            return _instead(form, own, finding, release, "RESOLVED")
        return own, None

    def _sex(self, text: NormalizedText, request: DetectRequest) -> str:
        """The patient's sex as the request gives it, else as the note's words do; '' where they disagree."""
        if request.patient.sex is not None:
            return request.patient.sex.lower()
        named = {d.value for d in self._attributes.find(text, 0, len(text.words)) if d.kind == "sex"}
        return named.pop() if len(named) == 1 else ""

    def _evidence(
        self,
        text: NormalizedText,
        sentence: Sentence,
        finding: Finding,
        around: _Around,
        details: Sequence[Detail],
        sex: str,
    ) -> Evidence:
        first, last = max(sentence.first, finding.first - _WINDOW), min(sentence.last, finding.last + _WINDOW)
        foreign = {
            i for a, b in around.places if (a, b) != (finding.first, finding.last) for i in range(a, b)
        }
        denied: set[str] = set()
        said: set[str] = {sex} if sex else set()
        negators = {d.last for d in around.details if d.kind == "negator"}
        denying = False
        for i in range(first, last):
            if i in negators:
                denying = True
            word = text.words[i]
            if word in _BREAKS or word == ",":
                denying = False
            if i not in foreign:
                (denied if denying else said).add(self._canonical(word))
        by_kind = {d.kind: d.value for d in details}
        # Values such as "acute on chronic" stand in titles word for word; their words count as said.
        for detail in details:
            said.update(detail.value.split())
        return Evidence(
            frozenset(said),
            frozenset(denied),
            by_kind.get("laterality", ""),
            by_kind.get("encounter", ""),
            by_kind.get("fracture", ""),
        )


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
    code: str, score: float, finding: Finding, release: Release, missing: tuple[str, ...] = ()
) -> CodeCandidate:
    return CodeCandidate(
        code,
        release.description(code),
        release.is_billable(code),
        round(score, 4),
        finding.entry.concept.name,
        finding.kind,
        missing,
    )


def _instead(
    form: str, own: list[CodeCandidate], finding: Finding, release: Release, reason: str
) -> tuple[list[CodeCandidate], NotReportableReason | None]:
    """The history or family code first, the condition's own codes behind it."""
    behind = [_candidate(c.code, c.score * _SECOND_CHOICE, finding, release, c.missing) for c in own]
    if form in ("", "none") or form not in release or not release.is_billable(form):
        return own, NotReportableReason(reason)
    return [_candidate(form, own[0].score, finding, release), *behind], None


def _by_prefix(rows: Iterable[Row], column: str) -> dict[str, str]:
    return {row["prefix"]: row[column] for row in rows}


def _longest_prefix(table: dict[str, str], code: str) -> str:
    return next((table[code[:n]] for n in range(len(code), 0, -1) if code[:n] in table), "")
