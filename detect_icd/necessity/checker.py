"""A necessity check from end to end: claim and note -> diagnoses -> indication, coverage, edits, requirements.

The three layers never mix: each has its own answer, its own sources and its own words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from detect_icd.codeset import CodeSet, Release
from detect_icd.errors import InvalidRequestError
from detect_icd.lexicon import Lexicon
from detect_icd.model import Detection, DetectRequest, Mention, OffsetUnit
from detect_icd.necessity.alternatives import alternatives
from detect_icd.necessity.coverage import Answer, Coverage, Question
from detect_icd.necessity.edits import BilledLine, Edits
from detect_icd.necessity.facts import FactBook, Facts, ShippedFacts
from detect_icd.necessity.indication import indication_of, supported_procedures
from detect_icd.necessity.jurisdiction import Jurisdictions, Scope
from detect_icd.necessity.model import (
    ClaimLine,
    ClaimType,
    CoverageInformation,
    DataRelease,
    Determination,
    Diagnosis,
    DiagnosisVerdict,
    EditSeverity,
    Finding,
    LineEdit,
    LineVerdict,
    NecessityRequest,
    NecessityVerdict,
    NoteSupport,
    Notice,
    SupportedProcedures,
    Unsupporting,
)
from detect_icd.necessity.named import NamedProcedures
from detect_icd.necessity.notes import NOT_CHECKED, NoteView, ReadNote, cannot_support, in_unit, quotes, view
from detect_icd.necessity.reasons import Reasons
from detect_icd.necessity.requirements import Requirements
from detect_icd.necessity.sides import side_of_modifiers, sided_siblings
from detect_icd.stages.procedures import Indications
from detect_icd.stages.sections import SectionTable, find_sections
from detect_icd.stages.sentences import split_sentences
from detect_icd.text import NormalizedText

MAX_DIAGNOSES = 12
MAX_POINTERS = 4
MAX_LINES = 50
_OLD_DAYS = 200
"""Quarterly tables are old after two quarters."""
_PROCEDURE = re.compile(r"[0-9A-Z][0-9]{3}[0-9A-Z]")

Checkpoint = Callable[[], None]


class Detect(Protocol):
    """How a note is read."""

    def detect(self, request: DetectRequest, *, checkpoint: Checkpoint) -> Detection:
        """See Detector."""


def _go_on() -> None:
    """The checkpoint of a caller who always waits."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """The request with everything about it that was worked out once."""

    request: NecessityRequest
    day: date
    release: Release
    scope: Scope
    note: ReadNote | None
    codes: tuple[str, ...]
    valid: tuple[bool, ...]
    views: tuple[NoteView, ...]
    from_note: bool
    lines: tuple[BilledLine, ...]
    faults: tuple[str, ...]


class NecessityChecker:
    """Answers for claims and notes; holds the lexicon's tables and, where there are any, imported ones."""

    def __init__(
        self,
        lexicon: Lexicon,
        detector: Detect,
        imported: FactBook | None = None,
        today: Callable[[], date] = date.today,
    ) -> None:
        """`today` gives the day that stands for a date of service left out."""
        self.today = today
        table = lexicon.table
        self._codeset: CodeSet = lexicon.codeset
        self._detector = detector
        self.facts = Facts(ShippedFacts(lexicon), imported)
        self.reasons = Reasons(table("policies/reasons"), table("policies/adjustments"))
        payers = imported.payers() if imported else {}
        self.jurisdictions = Jurisdictions(
            table("policies/states"), table("policies/contractors"), table("policies/payers"), payers
        )
        local = imported.indications() if imported else []
        self.indications = Indications(
            [*table("procedures/indications"), *local], table("procedures/procedures"), table("procedures/places")
        )
        self.requirements = Requirements(table("procedures/requirements"), table("procedures/evidence"))
        self._named = NamedProcedures(table("procedures/procedures"))
        self._sections = SectionTable(table("sections"))
        self._coverage = Coverage(self.jurisdictions, self.reasons)
        self._edits = Edits(self.facts, self.reasons)

    def check(self, request: NecessityRequest, *, checkpoint: Checkpoint = _go_on) -> NecessityVerdict:
        """The answer; InvalidRequestError for what is no claim at all, UnknownDateError for a day outside the code sets."""
        check_shape(request)
        assumptions: list[str] = []
        day = self._day(request, assumptions)
        release = self._codeset.on(day)
        scope = self.jurisdictions.scope(request.payer, request.contractor, request.state)
        assumptions += scope.assumptions
        note = self.read(request.document, day, checkpoint) if request.document else None
        checkpoint()
        claim = self._claim(request, day, release, scope, note, assumptions)
        verdicts = tuple(
            self._line(claim, billed, fault)
            for billed, fault in zip(claim.lines, claim.faults, strict=True)
            if billed.asked
        )
        releases = (
            DataRelease(
                "ICD-10-CM", release.name, release.effective_from, (day - release.effective_from).days, "lexicon"
            ),
            *self.facts.releases(day),
        )
        verdict = NecessityVerdict(verdicts, self._diagnoses(claim), tuple(assumptions), releases)
        return in_unit(verdict, request.document) if request.document else verdict

    def read(self, document: DetectRequest, day: date, checkpoint: Checkpoint = _go_on) -> ReadNote:
        """A note as detection reads it on `day`."""
        request = replace(
            document, date_of_service=document.date_of_service or day, offset_unit=OffsetUnit.UNICODE_CODE_POINT
        )
        detection = self._detector.detect(request, checkpoint=checkpoint)
        text = NormalizedText.of(request.text)
        sections = find_sections(text, self._sections)
        return ReadNote(request, detection, text, sections, split_sentences(text, sections))

    def supported(
        self, codes: Sequence[str], document: DetectRequest | None, day: date | None, checkpoint: Checkpoint = _go_on
    ) -> SupportedProcedures:
        """Which procedures do these diagnoses, or those of the note, indicate?"""
        assumptions: list[str] = []
        chosen = self._day(NecessityRequest(date_of_service=day, document=document), assumptions)
        release = self._codeset.on(chosen)
        note = self.read(document, chosen, checkpoint) if document else None
        known = [release.normalize_code(code) or code.strip().upper() for code in codes]
        against: list[Unsupporting] = []
        if note is not None:
            known += [a.code for a in note.detection.assignments if a.code not in known]
            against = [why for m in note.detection.mentions if (why := cannot_support(m))]
        procedures = supported_procedures(known, self.indications, note, self.facts.shipped.names)
        found = SupportedProcedures(procedures, tuple(against), tuple(assumptions))
        return in_unit(found, document) if document else found

    def _day(self, request: NecessityRequest, assumptions: list[str]) -> date:
        given = request.date_of_service or (request.document.date_of_service if request.document else None)
        if given is None:
            given = next((line.date_of_service for line in request.lines if line.date_of_service), None)
        if given is not None:
            return given
        day = min(self.today(), self._codeset.windows[-1].effective_until)
        assumptions.append(f"date_of_service {day.isoformat()}: none was given")
        return day

    def _claim(
        self,
        request: NecessityRequest,
        day: date,
        release: Release,
        scope: Scope,
        note: ReadNote | None,
        assumptions: list[str],
    ) -> _Claim:
        written = [diagnosis.code for diagnosis in request.diagnoses]
        from_note = not written and note is not None
        if from_note and note is not None:
            written = [a.code for a in note.detection.assignments][:MAX_DIAGNOSES]
            assumptions.append("diagnoses: those detected in the note, since the claim has none")
        codes = tuple(release.normalize_code(code) or code.strip().upper() for code in written)
        valid = tuple(release.is_billable(code) for code in codes)
        views = tuple(view(note, code, release) if note else NOT_CHECKED for code in codes)
        asked = self._lines(request, note, codes, assumptions)
        lines: list[BilledLine] = []
        faults: list[str] = []
        for line in (*asked, *(replace(x) for x in request.other_lines)):
            is_asked = len(lines) < len(asked)
            linked, fault = _linked(line, request, codes, from_note=from_note or not request.lines)
            lines.append(BilledLine(_tidy(line), line.date_of_service or day, is_asked, linked))
            faults.append(fault)
        if note is not None and (from_note or not request.lines) and any(not line.pointers for line in asked):
            assumptions.append("pointers: lines without any are linked to every detected diagnosis")
        return _Claim(request, day, release, scope, note, codes, valid, views, from_note, tuple(lines), tuple(faults))

    def _lines(
        self, request: NecessityRequest, note: ReadNote | None, codes: Sequence[str], assumptions: list[str]
    ) -> tuple[ClaimLine, ...]:
        if request.lines:
            numbered = [
                line if line.line_number else replace(line, line_number=n) for n, line in enumerate(request.lines, 1)
            ]
            return tuple(numbered)
        indicated = supported_procedures(codes, self.indications, note, self.facts.shipped.names)
        named = self._named.find(note) if note else []
        procedures = list(dict.fromkeys([*named, *(found.procedure for found in indicated)]))[:MAX_LINES]
        assumptions.append(
            "lines: the procedures that the note names and those that the diagnoses indicate, since the claim has none"
        )
        pointers = () if note else tuple(range(1, min(len(codes), MAX_POINTERS) + 1))
        return tuple(
            ClaimLine(line_number=n, procedure=procedure, pointers=pointers)
            for n, procedure in enumerate(procedures, 1)
        )

    def _line(self, claim: _Claim, billed: BilledLine, fault: str) -> LineVerdict:
        line, note, release = billed.line, claim.note, self._codeset.on(billed.day)
        views = dict(zip(claim.codes, claim.views, strict=True))
        usable = tuple(c for c in billed.linked if views[c].support is not NoteSupport.CONTRADICTED)
        against = tuple(
            Unsupporting(c, views[c].reason, views[c].message, quotes(views[c].mentions))
            for c in billed.linked
            if c not in usable
        )
        same_day = frozenset(b.line.procedure for b in claim.lines if b.day == billed.day)
        question = Question(line.procedure, billed.day, billed.linked, usable, claim.codes, same_day)
        policies = self.facts.naming(line.procedure)
        answer = self._coverage.answer(policies, claim.scope, question)
        invalid = self._invalid(billed, release, fault)
        if invalid:
            answer = Answer(
                Determination.INVALID_REQUEST, (*invalid, *answer.findings), answer.notices, answer.deciding
            )
        indication = indication_of(line.procedure, usable, against, self.indications, note)
        edits = self._edits.of(billed, claim.lines, claim.request.claim_type, claim.request.patient, release)
        supporting = _mentions(note, usable)
        side = side_of_modifiers(line.modifiers)
        return LineVerdict(
            line_number=line.line_number,
            procedure=line.procedure,
            name=self.facts.name(line.procedure),
            determination=answer.determination,
            summary=_summary(answer),
            indication=indication,
            findings=answer.findings,
            line_edits=edits,
            notices=(*self._notices(claim, billed, usable, release, edits), *answer.notices, *self._abn(claim, answer)),
            requirements=self.requirements.check(line.procedure, note, supporting, side),
            alternatives=alternatives(question, answer, indication, self.indications, note, release),
            coverage_information=self._crd(answer),
        )

    def _invalid(self, billed: BilledLine, release: Release, fault: str) -> tuple[Finding, ...]:
        found = []
        if not _PROCEDURE.fullmatch(billed.line.procedure):
            found.append(self._own_finding("PROCEDURE_INVALID", "", "a procedure has five characters, as in 0441T"))
        if fault:
            found.append(self._own_finding("POINTERS_INVALID", "", fault))
        for code in billed.linked:
            if not release.is_billable(code):
                message = f"{code} is not billable on {billed.day} ({release.name})"
                found.append(self._own_finding("DX_INVALID_FOR_DOS", code, message))
        added = next((f for f in self.facts.shipped.history(billed.line.procedure) if f.name == "added"), None)
        if added is not None and billed.day < date.fromisoformat(added.value):
            found.append(self._own_finding("PROCEDURE_NOT_IN_EFFECT", "", f"in effect from {added.value}"))
        return tuple(found)

    def _own_finding(self, reason: str, diagnosis: str, message: str) -> Finding:
        row = self.reasons[reason]
        return Finding(
            policy_id="", policy_version="", kind=None, publisher="", title="", link="", effective_from=None,
            effective_until=None, reason=reason, meaning=row.meaning, outcome=Determination.INVALID_REQUEST,
            decisive=True, group="", role="", diagnosis=diagnosis, message=message, provenance=None,
            adjustments=row.local,
        )  # fmt: skip

    def _notices(
        self, claim: _Claim, billed: BilledLine, usable: Sequence[str], release: Release, edits: Sequence[LineEdit]
    ) -> list[Notice]:
        facts = self.facts.facts(billed.line.procedure, billed.day)
        found = []
        status = facts.get("status")
        if status is not None and status.value == "C" and claim.scope.medicare:
            found.append(Notice("CARRIER_PRICED", self.reasons["CARRIER_PRICED"].meaning, status.source))
        verified = facts.get("verified_until") or next(
            (f for f in self.facts.shipped.history(billed.line.procedure) if f.name == "verified_until"), None
        )
        if verified is not None and billed.day > date.fromisoformat(verified.value):
            message = f"code validity not verified after {verified.value}: {verified.meaning}"
            found.append(Notice("CODE_VALIDITY_NOT_VERIFIED", message, verified.source))
        for code in usable:
            sided = sided_siblings(release, code)
            if sided:
                message = f"{code} leaves the side open: {', '.join(sided[:6])} name it"
                found.append(Notice("DX_UNSPECIFIED_LATERALITY", message, release.name))
            views = dict(zip(claim.codes, claim.views, strict=True))
            if views[code].support is NoteSupport.NOT_MENTIONED:
                found.append(Notice("DX_NOT_IN_NOTE", f"{code}: {views[code].message}", ""))
        for code, seen in zip(claim.codes, claim.views, strict=True):
            if code in billed.linked and seen.support is NoteSupport.CONTRADICTED:
                found.append(Notice("DX_CONTRADICTED_BY_NOTE", f"{code}: {seen.message}", ""))
        if "GA" in billed.line.modifiers and not claim.request.abn_on_file:
            found.append(Notice("ABN_MISSING", "GA says that a signed notice is on file; the claim says none is", ""))
        limit = self.facts.units(billed.line.procedure, claim.request.claim_type, billed.day)
        used = {edit.source for edit in edits} | ({limit.source} if limit else set())
        for data in self.facts.releases(billed.day):
            if data.age_days > _OLD_DAYS and any(source.startswith(data.name) for source in used):
                message = f"{data.name}: release {data.release} is {data.age_days} days old on the date of service"
                found.append(Notice("DATA_RELEASE_OLD", message, data.origin))
        return found

    def _abn(self, claim: _Claim, answer: Answer) -> list[Notice]:
        """Advice on the notice of non-coverage: only for necessity denials in fee-for-service Medicare."""
        denied = answer.determination in (Determination.NOT_SUPPORTED, Determination.NOT_COVERED)
        necessity = any(
            a.kind == "CARC" and a.number == "50" for f in answer.findings if f.decisive for a in f.adjustments
        )
        if not (denied and necessity and claim.scope.medicare):
            return []
        if claim.request.abn_on_file:
            message = "a denial for necessity is expected and a signed notice is on file: modifier GA"
        else:
            message = "a denial for necessity is expected: have the patient sign a notice before the service (then GA), else GZ"
        return [Notice("ABN_ADVISED", message, "Medicare claims manual, own words")]

    def _crd(self, answer: Answer) -> CoverageInformation:
        reason = self.reasons[answer.findings[0].reason]
        detail = answer.findings[0].message or reason.meaning
        return CoverageInformation(reason.covered, reason.info_needed, detail)

    def _diagnoses(self, claim: _Claim) -> tuple[DiagnosisVerdict, ...]:
        found = []
        for n, (code, valid, seen) in enumerate(zip(claim.codes, claim.valid, claim.views, strict=True), 1):
            known = code in claim.release
            message = seen.message if valid else f"not billable on {claim.day} ({claim.release.name})"
            title = claim.release.title(code) if known else ""
            found.append(
                DiagnosisVerdict(n, code, title, valid, message, seen.support, seen.reason, quotes(seen.mentions))
            )
        return tuple(found)


def check_shape(request: NecessityRequest) -> None:
    """What cannot be a claim at all; raises InvalidRequestError."""
    if len(request.diagnoses) > MAX_DIAGNOSES:
        raise InvalidRequestError(
            f"diagnoses: a claim has at most {MAX_DIAGNOSES}; found {len(request.diagnoses)}",
            field="diagnoses",
            reason="OUT_OF_RANGE",
        )
    if len(request.lines) > MAX_LINES or len(request.other_lines) > MAX_LINES:
        raise InvalidRequestError(f"lines: at most {MAX_LINES} in one request", field="lines", reason="OUT_OF_RANGE")
    if not request.lines and not request.diagnoses and request.document is None:
        raise InvalidRequestError(
            "the claim is empty: give lines and diagnoses, or a document", field="lines", reason="CLAIM_EMPTY"
        )
    for n, line in enumerate((*request.lines, *request.other_lines)):
        if not line.procedure.strip():
            raise InvalidRequestError("procedure is empty: name one, as in 0441T", field=f"lines[{n}].procedure")
        if line.units < 1:
            raise InvalidRequestError("units must be 1 or more", field=f"lines[{n}].units", reason="OUT_OF_RANGE")
    numbers = [line.line_number for line in request.lines if line.line_number]
    if len(set(numbers)) < len(numbers):
        raise InvalidRequestError("line_number: each line has its own", field="lines", reason="DUPLICATE")


def _tidy(line: ClaimLine) -> ClaimLine:
    """Procedure and modifiers in upper case, as tables have them."""
    return replace(
        line,
        procedure=line.procedure.strip().upper(),
        modifiers=tuple(m.strip().upper() for m in line.modifiers if m.strip()),
    )


def _linked(
    line: ClaimLine, request: NecessityRequest, codes: Sequence[str], *, from_note: bool
) -> tuple[tuple[str, ...], str]:
    """The diagnoses of a line in pointer order, and what is wrong with its pointers ("" for nothing)."""
    if request.claim_type is ClaimType.OUTPATIENT_HOSPITAL or (from_note and not line.pointers):
        return tuple(dict.fromkeys(codes)), ""
    linked = tuple(dict.fromkeys(codes[p - 1] for p in line.pointers if 1 <= p <= len(codes)))
    if not line.pointers:
        return linked, "the line points at no diagnosis: a professional line names one to four"
    if len(line.pointers) > MAX_POINTERS:
        return linked, f"the line has {len(line.pointers)} pointers, at most {MAX_POINTERS} are allowed"
    wrong = [p for p in line.pointers if not 1 <= p <= len(codes)]
    if wrong:
        return linked, f"pointer {wrong[0]} points at no diagnosis: the claim has {len(codes)}, counted from 1"
    return linked, ""


def _mentions(note: ReadNote | None, usable: Sequence[str]) -> list[Mention]:
    if note is None:
        return []
    ids = {m for code in usable for a in note.detection.assignments if a.code == code for m in a.mention_ids}
    ids |= {mention.id for code in usable for mention in note.backing(code)}
    return [mention for mention in note.detection.mentions if mention.id in ids]


def _summary(answer: Answer) -> str:
    first = answer.findings[0]
    who = f"{first.policy_id}: " if first.policy_id else ""
    return who + (first.message or first.meaning)


__all__ = ["MAX_DIAGNOSES", "Diagnosis", "EditSeverity", "NecessityChecker", "check_shape"]
