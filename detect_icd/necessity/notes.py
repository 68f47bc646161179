"""What a note says of the diagnoses: which it supports, which it contradicts, and with which words.

What supports is an assigned code, never a mention: a condition that the note negates, ascribes to a relative, calls
resolved, hypothetical or (outpatient) uncertain cannot support as current.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from detect_icd.codeset import Release
from detect_icd.model import (
    Assignment,
    Detection,
    DetectRequest,
    Experiencer,
    Mention,
    NotReportableReason,
    OffsetUnit,
    Temporality,
)
from detect_icd.necessity.model import NoteSupport, Quote, Requirement, Unsupporting
from detect_icd.necessity.sides import side_of_code, sided_siblings
from detect_icd.spans import OffsetConverter
from detect_icd.stages.sections import Section
from detect_icd.stages.sentences import Sentence
from detect_icd.text import NormalizedText

_WORDS = {
    NotReportableReason.NEGATED: "the note says it is absent",
    NotReportableReason.UNCERTAIN: "the note is not sure of it, and outpatient coding reports no uncertain diagnosis",
    NotReportableReason.HYPOTHETICAL: "the note speaks of what might be",
    NotReportableReason.FAMILY: "the note says it of a relative",
    NotReportableReason.OTHER_PERSON: "the note says it of another person",
    NotReportableReason.RESOLVED: "the note says it is over",
    NotReportableReason.NOT_A_DIAGNOSIS: "the words lead to no billable code",
}
_CATEGORY = 3

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class ReadNote:
    """A note as detection read it; offsets in code points."""

    request: DetectRequest
    detection: Detection
    text: NormalizedText
    sections: Sequence[Section]
    sentences: Sequence[Sentence]
    documented: dict[tuple[str, str], Requirement] = field(default_factory=dict, compare=False)
    """What was read of each requirement, for the lines that ask for it again."""

    def mentions_of(self, assignment: Assignment) -> list[Mention]:
        """The mentions behind an assignment."""
        wanted = frozenset(assignment.mention_ids)
        return [mention for mention in self.detection.mentions if mention.id in wanted]

    def backing(self, code: str) -> list[Mention]:
        """Reportable mentions whose words can mean `code`, as a condition the patient has (or has had, for a Z code)."""
        return [
            mention
            for mention in self.detection.mentions
            if mention.reportable and reason_against(mention) is None and any(c.code == code for c in mention.codes)
        ]

    def assigned(self, code: str) -> Assignment | None:
        """The assignment of `code`."""
        return next((a for a in self.detection.assignments if a.code == code), None)


@dataclass(frozen=True, slots=True)
class NoteView:
    """What the note says of one billed code."""

    support: NoteSupport
    reason: str
    message: str
    mentions: tuple[Mention, ...]


NOT_CHECKED = NoteView(NoteSupport.NOT_CHECKED, "", "", ())


def view(note: ReadNote, code: str, release: Release) -> NoteView:
    """Supported, contradicted or not mentioned."""
    assignment = note.assigned(code)
    if assignment is not None:
        return NoteView(NoteSupport.SUPPORTED, "", "the note supports it", tuple(note.mentions_of(assignment)))
    backing = note.backing(code)
    if backing:
        return NoteView(NoteSupport.SUPPORTED, "", "words of the note can mean it", tuple(backing))
    against = [
        (reason, mention)
        for mention in note.detection.mentions
        if (reason := reason_against(mention)) is not None
        and reason is not NotReportableReason.NOT_A_DIAGNOSIS
        and not code.startswith("Z")
        and _speaks_of(mention, code)
    ]
    if against:
        reason = against[0][0]
        return NoteView(NoteSupport.CONTRADICTED, reason.value, _WORDS[reason], tuple(m for _, m in against))
    other = _other_side(note, code, release)
    if other is not None:
        message = f"the note places it on the other side ({other.code})"
        return NoteView(NoteSupport.CONTRADICTED, "OTHER_SIDE", message, tuple(note.mentions_of(other)))
    for assignment in note.detection.assignments:
        if code in sided_siblings(release, assignment.code):
            message = f"the note names the condition without its side ({assignment.code})"
            return NoteView(NoteSupport.NOT_MENTIONED, "SIDE_NOT_STATED", message, tuple(note.mentions_of(assignment)))
    return NoteView(NoteSupport.NOT_MENTIONED, "", "the note does not mention it", ())


def _speaks_of(mention: Mention, code: str) -> bool:
    """Whether a mention's condition is the code's: one of its candidates, or what its first candidate covers.

    "Denies knee pain" (side not said) speaks of a pain of either knee.
    """
    if any(candidate.code == code for candidate in mention.codes):
        return True
    condition = _condition(mention)
    stem = condition.rstrip("09").rstrip(".")
    return len(stem) >= _CATEGORY and code.startswith(stem)


def _condition(mention: Mention) -> str:
    """The code of the condition itself: a relative's or past one ranks its Z code first."""
    codes = [candidate.code for candidate in mention.codes]
    return next((code for code in codes if not code.startswith("Z")), codes[0] if codes else "")


def _other_side(note: ReadNote, code: str, release: Release) -> Assignment | None:
    side = side_of_code(release, code)
    if not side:
        return None
    stem = code[:-1] if len(code) < 8 else code[:-2]
    for assignment in note.detection.assignments:
        other = side_of_code(release, assignment.code)
        if assignment.code.startswith(stem) and len(assignment.code) == len(code) and other and not side <= other:
            return assignment
    return None


def quotes(mentions: Iterable[Mention]) -> tuple[Quote, ...]:
    """The words of the mentions."""
    return tuple(Quote(mention.span, mention.text) for mention in mentions)


def reason_against(mention: Mention) -> NotReportableReason | None:
    """Why the condition of a mention is not one that the patient has now; None where it is."""
    if mention.not_reportable_reason in _WORDS:
        return mention.not_reportable_reason
    if not mention.codes or not mention.codes[0].code.startswith("Z") or _condition(mention).startswith("Z"):
        return None
    if mention.assertion.experiencer is Experiencer.FAMILY:
        return NotReportableReason.FAMILY
    return NotReportableReason.RESOLVED if mention.assertion.temporality is Temporality.HISTORICAL else None


def cannot_support(mention: Mention) -> Unsupporting | None:
    """Why a mention's condition supports nothing as current; None for one that can be reported."""
    reason = reason_against(mention)
    if reason is None or not mention.codes:
        return None
    return Unsupporting(_condition(mention), reason.value, _WORDS[reason], (Quote(mention.span, mention.text),))


def in_unit(answer: _Answer, document: DetectRequest) -> _Answer:
    """The answer with the offsets of its quotes in the document's unit."""
    if document.offset_unit is OffsetUnit.UNICODE_CODE_POINT:
        return answer
    converted: _Answer = _converted(answer, OffsetConverter(document.text, document.offset_unit))
    return converted


def _converted(value: Any, convert: OffsetConverter) -> Any:
    if isinstance(value, Quote):
        return replace(value, span=convert.span(value.span))
    if isinstance(value, tuple):
        return tuple(_converted(item, convert) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _converted(getattr(value, f.name), convert) for f in fields(value)})
    return value
