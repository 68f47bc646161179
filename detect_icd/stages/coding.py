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
from detect_icd.memo import Memo
from detect_icd.model import (
    Assertion,
    CodeCandidate,
    CueCategory,
    DetectRequest,
    Experiencer,
    Mention,
    NotReportableReason,
    Presence,
    Setting,
    Temporality,
)
from detect_icd.stages.assignment import reporting
from detect_icd.stages.attributes import AttributeFinder, as_attributes
from detect_icd.stages.candidates import Candidates
from detect_icd.stages.context import Judgement
from detect_icd.stages.conventions import Certainty
from detect_icd.stages.evidence import Surroundings
from detect_icd.stages.meanings import Meanings
from detect_icd.stages.mentions import Finding
from detect_icd.stages.sections import Section
from detect_icd.stages.sentences import Sentence
from detect_icd.stages.written import written_codes
from detect_icd.text import NormalizedText

_SILENT = frozenset({"negator", "sex"})
"""Kinds of attribute that serve refinement and say nothing of one mention."""
_STILL_THERE = frozenset({"active", "symptom"})
"""History forms of what "history of" leaves current; what the text calls resolved is over all the same (IV.J)."""
_SYMPTOMS = ("R", "M25.5", "M54", "M79.6")


class Coder:
    """Codes findings; holds the candidates of each release it has met."""

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
        # What a stay has resolved stands in its final diagnoses as a diagnosis of the stay (III.A).
        self._of_the_stay = frozenset(row["section"] for row in lexicon.table("reporting_order") if row["stay"])
        self._candidates: dict[str, Candidates] = {}
        self._past: Memo[str, str] = Memo(lambda code: _longest_prefix(self._history, code), most=8192)

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
        candidates = self._candidates_of(release)
        mentions = []
        told = self._meanings.told(findings, text)
        for n, (found, finding, said) in enumerate(zip(findings, told, judgements, strict=True)):
            checkpoint()
            section = sections[sentences[finding.sentence].section]
            evidence, details = surroundings.of(finding, refinable=candidates.refinable(finding))
            form = self._past_form(finding, section, said, request.setting)
            # what a stream has settled may not change with words that come later
            judgement = _still_active(said, section) if form == "active" and finding is found else said
            if said.sought and finding is found and (form == "symptom" or finding.entry.code.startswith(_SYMPTOMS)):
                judgement = _there(said)
            own = candidates.of(finding, evidence, written.get(n, ""))
            codes, past = self._as_told(own, finding, judgement.assertion, form, candidates)
            codes = tuple(c for c in codes if c.score >= request.min_score)[: request.max_candidates]
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
                    attributes=as_attributes([d for d in details if d.kind not in _SILENT], text) if details else (),
                    codes=codes,
                    reportable=reason is None,
                    not_reportable_reason=reason,
                )
            )
        return mentions

    def _past_form(self, finding: Finding, section: Section, said: Judgement, setting: Setting) -> str:
        """What "history of" this concept is: a code, "active" (still current, or a diagnosis of this stay) or "none"."""
        if setting is Setting.INPATIENT and section.name in self._of_the_stay and _only_resolved(said):
            return "active"
        form = finding.entry.history or self._past[finding.entry.code]
        if form in _STILL_THERE and any(cue.category is CueCategory.RESOLVED for cue in said.cues):
            return "none"
        if form == "symptom":
            # "History of cough for a week" is why the patient came; under past history it is over.
            return "none" if section.defaults.temporality is Temporality.HISTORICAL else "active"
        return form

    def _as_told(
        self, own: tuple[CodeCandidate, ...], finding: Finding, said: Assertion, form: str, candidates: Candidates
    ) -> tuple[tuple[CodeCandidate, ...], NotReportableReason | None]:
        """Candidates as the text asserts them, and why the mention cannot be reported (None where it can)."""
        if not own or said.presence is Presence.ABSENT:
            return own, None
        if said.experiencer is Experiencer.FAMILY:
            kin, reason = _longest_prefix(self._family, finding.entry.code), NotReportableReason.FAMILY
            if kin == "self":
                return own, None
        elif said.temporality is Temporality.HISTORICAL and form != "active" and not own[0].code.endswith("S"):
            # (a 7th character S says itself that the injury is past, I.C.19.a)
            kin, reason = form, NotReportableReason.RESOLVED
        else:
            return own, None
        told = candidates.instead(kin, own, finding)
        return (own, reason) if told is None else (told, None)

    def _candidates_of(self, release: Release) -> Candidates:
        known = self._candidates.get(release.name)
        if known is None:
            known = Candidates(release, self._canonical, self._refinements, self._alternatives)
            self._candidates[release.name] = known
        return known


def _only_resolved(said: Judgement) -> bool:
    """Whether the words call a condition resolved, and nothing puts it before this stay."""
    categories = {cue.category for cue in said.cues}
    return CueCategory.RESOLVED in categories and CueCategory.HISTORY not in categories


def _still_active(judgement: Judgement, section: Section) -> Judgement:
    """A chronic condition in a history section is current, unless the sentence itself calls it past."""
    past = [c for c in judgement.cues if c.category in (CueCategory.HISTORY, CueCategory.RESOLVED)]
    if judgement.assertion.temporality is not Temporality.HISTORICAL or any(c.span != section.header for c in past):
        return judgement
    cues = tuple(c for c in judgement.cues if c not in past)
    return Judgement(replace(judgement.assertion, temporality=Temporality.CURRENT), cues)


def _there(judgement: Judgement) -> Judgement:
    """A symptom that is looked into is there."""
    cues = tuple(c for c in judgement.cues if c.category not in (CueCategory.HYPOTHETICAL, CueCategory.UNCERTAINTY))
    assertion = replace(judgement.assertion, certainty=Assertion().certainty, temporality=Temporality.CURRENT)
    return Judgement(assertion, cues)


def _by_prefix(rows: Iterable[Row], column: str) -> dict[str, str]:
    return {row["prefix"]: row[column] for row in rows}


def _longest_prefix(table: dict[str, str], code: str) -> str:
    return next((table[code[:n]] for n in range(len(code), 0, -1) if code[:n] in table), "")
