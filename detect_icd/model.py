"""The frozen values that detection takes and gives: one result type for proto, CLI, Python and batch.

Names, enum values and meanings are the public contract (see proto/detect_icd/v1); they change only
by adding. Offsets are half-open and count the caller's unit (`DetectRequest.offset_unit`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from detect_icd.spans import Span

MAX_TEXT_BYTES = 1_048_576
"""Longest text taken, in bytes of UTF-8 (a server may set another limit)."""


class OffsetUnit(StrEnum):
    """What one step of an offset is."""

    UNICODE_CODE_POINT = "UNICODE_CODE_POINT"
    UTF8_BYTE = "UTF8_BYTE"
    UTF16_CODE_UNIT = "UTF16_CODE_UNIT"


class Setting(StrEnum):
    """Whose coding rules apply: guidelines section IV (OUTPATIENT) or sections II-III (INPATIENT)."""

    OUTPATIENT = "OUTPATIENT"
    INPATIENT = "INPATIENT"


class Sex(StrEnum):
    """Administrative sex, where it decides between codes."""

    FEMALE = "FEMALE"
    MALE = "MALE"


class Presence(StrEnum):
    """Whether the text says the condition is there."""

    PRESENT = "PRESENT"
    ABSENT = "ABSENT"


class Certainty(StrEnum):
    """Whether the text is sure of it."""

    CONFIRMED = "CONFIRMED"
    UNCERTAIN = "UNCERTAIN"


class Temporality(StrEnum):
    """When it is so."""

    CURRENT = "CURRENT"
    HISTORICAL = "HISTORICAL"
    HYPOTHETICAL = "HYPOTHETICAL"
    FUTURE = "FUTURE"


class Experiencer(StrEnum):
    """Whose condition it is."""

    PATIENT = "PATIENT"
    FAMILY = "FAMILY"
    OTHER = "OTHER"


class CueCategory(StrEnum):
    """What a cue does to the mentions in its scope."""

    NEGATION = "NEGATION"
    UNCERTAINTY = "UNCERTAINTY"
    HISTORY = "HISTORY"
    HYPOTHETICAL = "HYPOTHETICAL"
    FUTURE = "FUTURE"
    FAMILY = "FAMILY"
    OTHER_PERSON = "OTHER_PERSON"
    RESOLVED = "RESOLVED"


class MatchKind(StrEnum):
    """How the words of the text led to a code."""

    PHRASE = "PHRASE"
    ABBREVIATION = "ABBREVIATION"
    TITLE = "TITLE"
    COMPOSED = "COMPOSED"
    MEASURE = "MEASURE"
    WRITTEN_CODE = "WRITTEN_CODE"
    FUZZY = "FUZZY"


class NotReportableReason(StrEnum):
    """Why a mention gives no assignment."""

    NEGATED = "NEGATED"
    UNCERTAIN = "UNCERTAIN"
    HYPOTHETICAL = "HYPOTHETICAL"
    FAMILY = "FAMILY"
    OTHER_PERSON = "OTHER_PERSON"
    RESOLVED = "RESOLVED"
    NOT_A_DIAGNOSIS = "NOT_A_DIAGNOSIS"
    SUPERSEDED = "SUPERSEDED"


@dataclass(frozen=True, slots=True)
class Patient:
    """What is known of the patient beside the text; every field optional."""

    sex: Sex | None = None
    birth_date: date | None = None
    age_years: int | None = None


@dataclass(frozen=True, slots=True)
class DetectRequest:
    """One document to read and how to read it."""

    text: str
    document_id: str = ""
    date_of_service: date | None = None
    setting: Setting = Setting.OUTPATIENT
    reason_for_visit: str = ""
    patient: Patient = Patient()
    offset_unit: OffsetUnit = OffsetUnit.UNICODE_CODE_POINT
    max_candidates: int = 5
    min_score: float = 0.0


@dataclass(frozen=True, slots=True)
class Concept:
    """What the words mean, apart from any code set; `id` is stable across releases."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """What the text says about a mentioned condition; `relative` names a family member."""

    presence: Presence = Presence.PRESENT
    certainty: Certainty = Certainty.CONFIRMED
    temporality: Temporality = Temporality.CURRENT
    experiencer: Experiencer = Experiencer.PATIENT
    relative: str = ""


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that decided an assertion."""

    span: Span
    text: str
    category: CueCategory


@dataclass(frozen=True, slots=True)
class Attribute:
    """A detail the text gives about a mention (laterality, acuity, stage, encounter ...)."""

    kind: str
    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class CodeCandidate:
    """One code a mention may mean, best first; `missing` names the words that would make it more specific."""

    code: str
    description: str
    billable: bool
    score: float
    matched_term: str
    match_kind: MatchKind
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """One place in the text that names a condition."""

    id: str
    span: Span
    text: str
    section: str
    concept: Concept
    assertion: Assertion
    cues: tuple[Cue, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    codes: tuple[CodeCandidate, ...] = ()
    reportable: bool = False
    not_reportable_reason: NotReportableReason | None = None


@dataclass(frozen=True, slots=True)
class ProcedureLink:
    """A procedure that an assigned diagnosis supports as an indication (not a coverage verdict)."""

    procedure: str
    name: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A code a coder would report for the document; `sequence` 1 is first-listed."""

    sequence: int
    code: str
    description: str
    system: str
    version: str
    mention_ids: tuple[str, ...]
    score: float
    rule_ids: tuple[str, ...] = ()
    procedure_links: tuple[ProcedureLink, ...] = ()


@dataclass(frozen=True, slots=True)
class Removed:
    """A code that was considered for the document and left out, and why."""

    code: str
    description: str
    mention_ids: tuple[str, ...]
    reason: NotReportableReason
    rule_id: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a coder should look at; nothing was changed because of it."""

    kind: str
    message: str
    codes: tuple[str, ...] = ()
    mention_ids: tuple[str, ...] = ()
    rule_id: str = ""


@dataclass(frozen=True, slots=True)
class Versions:
    """What produced a result: same request and same versions give the same bytes."""

    service: str
    lexicon: str
    code_set: str
    code_set_effective_from: date
    code_set_effective_until: date
    guidelines: str


@dataclass(frozen=True, slots=True)
class Detection:
    """The answer for one document; all lists are in a fixed order."""

    document_id: str
    mentions: tuple[Mention, ...]
    assignments: tuple[Assignment, ...]
    removed: tuple[Removed, ...]
    alerts: tuple[Alert, ...]
    versions: Versions
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """Streaming: mentions that more text can no longer change, and how far they reach.

    Of each mention id, span, text, section, concept, assertion and cues are final; codes and
    reportable stand only in the result.
    """

    document_id: str
    mentions: tuple[Mention, ...] = field(default=())
    final_until: int = 0
