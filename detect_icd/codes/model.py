"""The frozen answers about codes: one type for proto, CLI and Python, field for field the messages of `code.proto`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from detect_icd.model import Patient, Setting


class CodeStatus(StrEnum):
    """What a code is on the date of service."""

    VALID = "VALID"
    NOT_BILLABLE = "NOT_BILLABLE"
    NOT_VALID_ON_DATE = "NOT_VALID_ON_DATE"
    UNKNOWN = "UNKNOWN"


class CodeProblem(StrEnum):
    """Why a code cannot stand on a claim as it is."""

    MORE_CHARACTERS_NEEDED = "MORE_CHARACTERS_NEEDED"
    SEVENTH_CHARACTER_MISSING = "SEVENTH_CHARACTER_MISSING"
    PLACEHOLDER_MISSING = "PLACEHOLDER_MISSING"
    SUPERFLUOUS_CHARACTERS = "SUPERFLUOUS_CHARACTERS"
    RETIRED = "RETIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    NO_SUCH_CODE = "NO_SUCH_CODE"


class NoteKind(StrEnum):
    """Which note of the tabular list."""

    INCLUSION_TERM = "INCLUSION_TERM"
    INCLUDES = "INCLUDES"
    EXCLUDES1 = "EXCLUDES1"
    EXCLUDES2 = "EXCLUDES2"
    USE_ADDITIONAL = "USE_ADDITIONAL"
    CODE_FIRST = "CODE_FIRST"
    CODE_ALSO = "CODE_ALSO"
    NOTE = "NOTE"


class Severity(StrEnum):
    """How sure an alert is that the claim is wrong."""

    ERROR = "ERROR"
    WARNING = "WARNING"
    INFO = "INFO"


@dataclass(frozen=True, slots=True)
class CodeSummary:
    """A code in a list. `own_title` is false where `description` is an ancestor's (the code's is not yet imported)."""

    code: str
    description: str
    billable: bool
    own_title: bool = True


@dataclass(frozen=True, slots=True)
class CodeSetVersion:
    """The release an answer was taken from, both days included."""

    name: str
    fiscal_year: int
    effective_from: date
    effective_until: date


@dataclass(frozen=True, slots=True)
class Period:
    """Days on which a code is billable, both ends included."""

    effective_from: date
    effective_until: date


@dataclass(frozen=True, slots=True)
class CodeNote:
    """One line of a note, and where it stands: the code itself, an ancestor, a block or a chapter."""

    kind: NoteKind
    text: str
    at: str


@dataclass(frozen=True, slots=True)
class SeventhCharacter:
    """A 7th character the code takes, and its meaning."""

    character: str
    meaning: str


@dataclass(frozen=True, slots=True)
class CodeFlag:
    """An edit the code is under ("newborn", "manifestation"), in plain words, and who says so."""

    name: str
    meaning: str
    source: str


@dataclass(frozen=True, slots=True)
class SectionSummary:
    """A chapter or block."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class CodeRecord:
    """All that is known of one code on one day."""

    code: str
    description: str
    own_title: bool
    status: CodeStatus
    billable: bool
    chapter: SectionSummary
    block: SectionSummary
    parents: tuple[CodeSummary, ...]
    children: tuple[CodeSummary, ...]
    periods: tuple[Period, ...]
    predecessors: tuple[CodeSummary, ...]
    successors: tuple[CodeSummary, ...]
    notes: tuple[CodeNote, ...]
    seventh_characters: tuple[SeventhCharacter, ...]
    flags: tuple[CodeFlag, ...]
    code_set: CodeSetVersion


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A code found, and by which of its wordings."""

    code: str
    description: str
    billable: bool
    score: float
    matched_text: str
    own_title: bool = True


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of a search; an empty token: there is no further page."""

    results: tuple[SearchResult, ...]
    next_page_token: str
    code_set: CodeSetVersion


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim's diagnosis list in its order, and for whom."""

    codes: tuple[str, ...]
    date_of_service: date | None = None
    setting: Setting = Setting.OUTPATIENT
    patient: Patient = field(default_factory=Patient)


@dataclass(frozen=True, slots=True)
class CheckedCode:
    """One code of the claim. `suggestions` are what could stand there instead, best first."""

    code: str
    written: str
    status: CodeStatus
    description: str
    billable: bool
    problem: CodeProblem | None = None
    message: str = ""
    suggestions: tuple[CodeSummary, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimAlert:
    """Something about codes together, or about a code and the patient. `positions` count from 1."""

    kind: str
    severity: Severity
    message: str
    codes: tuple[str, ...]
    positions: tuple[int, ...]
    notes: tuple[CodeNote, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """The answer for a claim."""

    codes: tuple[CheckedCode, ...]
    alerts: tuple[ClaimAlert, ...]
    code_set: CodeSetVersion
    assumptions: tuple[str, ...] = ()
