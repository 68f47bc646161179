"""The frozen values of a necessity check: one type for proto, CLI and Python, field for field `necessity.proto`.

They change only by adding. Offsets are half-open and count the document's unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from detect_icd.model import DetectRequest, Patient
from detect_icd.spans import Span


class ClaimType(StrEnum):
    """Who bills: decides on pointers and on which units limits hold."""

    PROFESSIONAL = "PROFESSIONAL"
    ASC = "ASC"
    OUTPATIENT_HOSPITAL = "OUTPATIENT_HOSPITAL"


class Determination(StrEnum):
    """What coverage policies say of one line; the order is not the strictness."""

    SUPPORTED = "SUPPORTED"
    SUPPORTED_WITH_CONDITIONS = "SUPPORTED_WITH_CONDITIONS"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    NOT_COVERED = "NOT_COVERED"
    MANUAL_REVIEW = "MANUAL_REVIEW"
    NO_POLICY = "NO_POLICY"
    INVALID_REQUEST = "INVALID_REQUEST"


class EditSeverity(StrEnum):
    """What a payer's system does on a line edit."""

    DENY = "DENY"
    WARN = "WARN"
    INFO = "INFO"


class IndicationStatus(StrEnum):
    """Whether the diagnoses are a documented clinical indication; says nothing of payment."""

    SUPPORTED = "SUPPORTED"
    NEEDS_DOCUMENTATION = "NEEDS_DOCUMENTATION"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    NOT_KNOWN = "NOT_KNOWN"


class RequirementStatus(StrEnum):
    """Whether the note documents what is expected."""

    MET = "MET"
    NOT_FOUND = "NOT_FOUND"
    CONTRADICTED = "CONTRADICTED"
    NOT_CHECKED = "NOT_CHECKED"


class NoteSupport(StrEnum):
    """What the note says of a billed diagnosis."""

    SUPPORTED = "SUPPORTED"
    CONTRADICTED = "CONTRADICTED"
    NOT_MENTIONED = "NOT_MENTIONED"
    NOT_CHECKED = "NOT_CHECKED"


class PolicyKind(StrEnum):
    """What sort of publication a policy is."""

    NCD = "NCD"
    LCD = "LCD"
    ARTICLE = "ARTICLE"
    NOTICE = "NOTICE"
    PAYER = "PAYER"


class Provenance(StrEnum):
    """How a policy's rule was read."""

    CURATED = "CURATED"
    PARSED = "PARSED"
    UNRESOLVED = "UNRESOLVED"


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays; empty with an empty contractor: Medicare Part B fee-for-service."""

    id: str = ""
    name: str = ""
    line_of_business: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A billed diagnosis."""

    code: str


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """A service line; `pointers` count the claim's diagnoses from 1, the first is primary."""

    line_number: int = 0
    procedure: str = ""
    modifiers: tuple[str, ...] = ()
    units: int = 1
    pointers: tuple[int, ...] = ()
    date_of_service: date | None = None
    place_of_service: str = ""


@dataclass(frozen=True, slots=True)
class NecessityRequest:
    """A claim, a note, or both."""

    date_of_service: date | None = None
    claim_type: ClaimType = ClaimType.PROFESSIONAL
    state: str = ""
    payer: Payer = Payer()
    contractor: str = ""
    diagnoses: tuple[Diagnosis, ...] = ()
    lines: tuple[ClaimLine, ...] = ()
    document: DetectRequest | None = None
    patient: Patient = field(default_factory=Patient)
    other_lines: tuple[ClaimLine, ...] = ()
    abn_on_file: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of the document."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A denial code a payer would probably send: `kind` CARC or RARC, number, own words."""

    kind: str
    number: str
    meaning: str
    predicted: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """What one policy says of one line. Findings that did not decide stand behind those that did."""

    policy_id: str
    policy_version: str
    kind: PolicyKind | None
    publisher: str
    title: str
    link: str
    effective_from: date | None
    effective_until: date | None
    reason: str
    meaning: str
    outcome: Determination
    decisive: bool
    group: str
    role: str
    diagnosis: str
    message: str
    provenance: Provenance | None
    adjustments: tuple[Adjustment, ...] = ()


@dataclass(frozen=True, slots=True)
class LineEdit:
    """A rule of claims processing that the line meets, apart from medical necessity."""

    kind: str
    severity: EditSeverity
    message: str
    modifier: str = ""
    diagnosis: str = ""
    other_line: int = 0
    other_procedure: str = ""
    bypass_modifiers: tuple[str, ...] = ()
    allowed_units: int = 0
    billed_units: int = 0
    source: str = ""
    adjustments: tuple[Adjustment, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """Information that changes nothing."""

    kind: str
    message: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class IndicationSupport:
    """A linked diagnosis that is an indication, by which source, and the note's words for it."""

    diagnosis: str
    role: str
    source: str
    note: str
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Unsupporting:
    """A diagnosis that cannot support as current, and why."""

    diagnosis: str
    reason: str
    message: str
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Indication:
    """The clinical layer of one line."""

    status: IndicationStatus
    message: str
    supported_by: tuple[IndicationSupport, ...] = ()
    not_supporting: tuple[Unsupporting, ...] = ()


@dataclass(frozen=True, slots=True)
class Requirement:
    """A piece of documentation that is expected, and where the note has it."""

    id: str
    description: str
    status: RequirementStatus
    message: str
    source: str
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """A diagnosis that would support the line if the documentation supports it; never added by itself."""

    code: str
    description: str
    policy_id: str
    instead_of: str
    missing: tuple[str, ...] = ()
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class CoverageInformation:
    """The line's answer in the codes of the Da Vinci coverage-information extension."""

    covered: str
    info_needed: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LineVerdict:
    """The answer for one line."""

    line_number: int
    procedure: str
    name: str
    determination: Determination
    summary: str
    indication: Indication
    findings: tuple[Finding, ...]
    line_edits: tuple[LineEdit, ...]
    notices: tuple[Notice, ...]
    requirements: tuple[Requirement, ...]
    alternatives: tuple[Alternative, ...]
    coverage_information: CoverageInformation


@dataclass(frozen=True, slots=True)
class DiagnosisVerdict:
    """What the code set and the note say of one billed diagnosis; `position` counts from 1."""

    position: int
    code: str
    description: str
    valid: bool
    message: str
    note_support: NoteSupport
    reason: str
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class DataRelease:
    """A body of facts that was used; `age_days` on the date of service."""

    name: str
    release: str
    effective_from: date | None
    age_days: int
    origin: str


@dataclass(frozen=True, slots=True)
class NecessityVerdict:
    """The answer for a claim, a note, or both."""

    lines: tuple[LineVerdict, ...]
    diagnoses: tuple[DiagnosisVerdict, ...]
    assumptions: tuple[str, ...]
    data_releases: tuple[DataRelease, ...]


@dataclass(frozen=True, slots=True)
class ProcedureFact:
    """One fact of a procedure, as its source gives it and in our words."""

    name: str
    value: str
    meaning: str
    effective_from: date | None
    effective_until: date | None
    source: str


@dataclass(frozen=True, slots=True)
class ModifierFact:
    """A modifier named for a procedure, in our words."""

    modifier: str
    meaning: str
    allowed: bool
    note: str


@dataclass(frozen=True, slots=True)
class UnitsLimit:
    """Most units of one day (or line) for one kind of biller."""

    claim_type: ClaimType
    units: int
    indicator: str
    rationale: str
    source: str


@dataclass(frozen=True, slots=True)
class CodePair:
    """A code pair edit: column 2 is not paid beside column 1 (indicator 0 never, 1 with a modifier)."""

    column1: str
    column2: str
    indicator: str
    effective_from: date | None
    effective_until: date | None
    source: str


@dataclass(frozen=True, slots=True)
class PolicySummary:
    """A policy that names a procedure."""

    policy_id: str
    policy_version: str
    kind: PolicyKind | None
    publisher: str
    title: str
    link: str
    effective_from: date | None
    effective_until: date | None
    states: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class ProcedureRecord:
    """All that is known of one procedure."""

    procedure: str
    name: str
    facts: tuple[ProcedureFact, ...]
    modifiers: tuple[ModifierFact, ...]
    units_limits: tuple[UnitsLimit, ...]
    code_pairs: tuple[CodePair, ...]
    related: tuple[str, ...]
    requirements: tuple[Requirement, ...]
    policies: tuple[PolicySummary, ...]
    data_releases: tuple[DataRelease, ...]


@dataclass(frozen=True, slots=True)
class SupportedProcedure:
    """A procedure that diagnoses indicate."""

    procedure: str
    name: str
    status: IndicationStatus
    supported_by: tuple[IndicationSupport, ...]


@dataclass(frozen=True, slots=True)
class SupportedProcedures:
    """The answer of ListSupportedProcedures."""

    procedures: tuple[SupportedProcedure, ...]
    not_supporting: tuple[Unsupporting, ...]
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SupportingDiagnosis:
    """Diagnoses that support a procedure: `code` is a code or the beginning of codes (`is_prefix`)."""

    code: str
    description: str
    is_prefix: bool
    layer: str
    source: str
    role: str
    polarity: str
    condition: str


@dataclass(frozen=True, slots=True)
class SupportingDiagnoses:
    """One page of the answer of ListSupportingDiagnoses."""

    diagnoses: tuple[SupportingDiagnosis, ...]
    next_page_token: str
    assumptions: tuple[str, ...]
