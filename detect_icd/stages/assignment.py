"""What a coder would report for the whole document: reportable mentions become codes, then the conventions work.

Source: ICD-10-CM Official Guidelines II.H (uncertain diagnoses, inpatient), IV.H (outpatient), IV.J (resolved).
"""

from __future__ import annotations

from collections.abc import Sequence

from detect_icd import model
from detect_icd.codeset import Release
from detect_icd.lexicon import Lexicon
from detect_icd.model import (
    Alert,
    Assertion,
    Assignment,
    CodeCandidate,
    DetectRequest,
    Experiencer,
    MatchKind,
    Mention,
    NotReportableReason,
    Presence,
    Removed,
    Setting,
    Temporality,
)
from detect_icd.stages.conventions import Certainty, Conventions, Draft, DrugEffects, Places, person_conflicts
from detect_icd.stages.conventions.patterns import sided_family
from detect_icd.text import NormalizedText, normalize_phrase

SYSTEM = "http://hl7.org/fhir/sid/icd-10-cm"
"""The FHIR identifier of ICD-10-CM."""

_PLAIN_SECTION = (2, 1.0)
"""Order and weight of a section that `reporting_order.tsv` does not name."""

_EXPLANATIONS = {
    NotReportableReason.NEGATED: "the text says it is absent",
    NotReportableReason.HYPOTHETICAL: "the text speaks of what might be, not of what is",
    NotReportableReason.FAMILY: "the text says it of a relative, and family history of it has no code",
    NotReportableReason.OTHER_PERSON: "the text says it of another person",
    NotReportableReason.UNCERTAIN: "outpatient coding reports no uncertain diagnosis",
    NotReportableReason.RESOLVED: "it is over, and a past episode of it has no code",
    NotReportableReason.NOT_A_DIAGNOSIS: "no billable code follows from these words: see what is missing",
}
_GUIDELINE = {
    NotReportableReason.UNCERTAIN: "guideline-IV.H",
    NotReportableReason.RESOLVED: "guideline-IV.J",
}


def reporting(
    said: Assertion, codes: Sequence[CodeCandidate], setting: Setting, certainty: Certainty
) -> NotReportableReason | None:
    """Why a mention so asserted and coded cannot be reported as a condition of the patient; None where it can."""
    if not codes:
        return NotReportableReason.NOT_A_DIAGNOSIS
    if said.presence is Presence.ABSENT:
        return NotReportableReason.NEGATED
    if said.temporality in (Temporality.HYPOTHETICAL, Temporality.FUTURE):
        return NotReportableReason.HYPOTHETICAL
    if said.experiencer is Experiencer.OTHER:
        return NotReportableReason.OTHER_PERSON
    if said.certainty is model.Certainty.UNCERTAIN:
        exception = certainty.exception(codes[0].code)
        if setting is Setting.OUTPATIENT or (exception is not None and not exception.result):
            return NotReportableReason.UNCERTAIN
    return None


class Assigner:
    """From mentions to assignments, by the conventions of the lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._conventions = Conventions(lexicon)
        self._certainty = Certainty(lexicon.table("confirmed_only"))
        self._drugs = DrugEffects(lexicon.table("drugs"), lexicon.table("drug_effects"))
        self._links = frozenset(normalize_phrase(row["phrase"]) for row in lexicon.table("links"))
        self._unlinks = frozenset(normalize_phrase(row["phrase"]) for row in lexicon.table("unlinks"))
        self._sections = {
            row["section"]: (int(row["order"]), float(row["score"])) for row in lexicon.table("reporting_order")
        }

    def assign(
        self, mentions: Sequence[Mention], text: NormalizedText, release: Release, request: DetectRequest
    ) -> tuple[list[Assignment], list[Removed], list[Alert]]:
        """Assignments in reporting order, what was left out and why, and what a coder should look at."""
        draft = Draft(release, Places(text, mentions, self._links, self._unlinks), request.setting)
        for mention in mentions:
            self._collect(draft, mention)
        for effect in self._drugs.find(text, mentions):
            if release.is_billable(effect.code):
                order, weight = self._sections.get(effect.mention.section, _PLAIN_SECTION)
                score = effect.mention.codes[0].score * weight
                draft.add(effect.code, [effect.mention.id], score, (order, effect.mention.span.start), effect.rule)
        self._conventions.apply(draft)
        person_conflicts(draft, request.patient, request.date_of_service)
        assignments = [
            Assignment(
                sequence=n,
                code=entry.code,
                description=release.description(entry.code),
                system=SYSTEM,
                version=release.name,
                mention_ids=tuple(entry.mentions),
                score=round(entry.score, 4),
                rule_ids=tuple(entry.rules),
            )
            for n, entry in enumerate(self._conventions.ordered(draft), 1)
        ]
        return assignments, draft.removed, draft.alerts

    def _collect(self, draft: Draft, mention: Mention) -> None:
        if not mention.codes:
            return
        best, reason = mention.codes[0], mention.not_reportable_reason
        if mention.reportable:
            code, rule = best.code, ""
            uncertain = mention.assertion.certainty is model.Certainty.UNCERTAIN
            exception = self._certainty.exception(code) if uncertain else None
            if exception is not None:
                code, rule = exception.result, exception.rule
            order, weight = self._sections.get(mention.section, _PLAIN_SECTION)
            entry = draft.add(code, [mention.id], best.score * weight, (order, mention.span.start), rule)
            if any(a.kind == "laterality" and a.value == "bilateral" for a in mention.attributes):
                other, _ = sided_family(draft.release, code)
                if other:  # no code says both sides of this condition (I.B.13)
                    draft.add(other, [mention.id], best.score * weight, (order, mention.span.start), rule)
            written = next((c for c in mention.codes[1:] if c.match_kind is MatchKind.WRITTEN_CODE), None)
            if written is not None:
                message = f"{written.code} is written beside words that mean {best.code}: the words were followed"
                draft.alert("WRITTEN_CODE_DISAGREES", message, [entry], "written-code")
        elif reason is not None:
            exception = self._certainty.exception(best.code) if reason is NotReportableReason.UNCERTAIN else None
            plain = _GUIDELINE.get(reason, f"assertion-{reason.value.lower().replace('_', '-')}")
            rule = exception.rule if exception is not None else plain
            explanation = _EXPLANATIONS.get(reason, "not reportable")
            draft.removed.append(Removed(best.code, best.description, (mention.id,), reason, rule, explanation))
