"""Tells all that is known of one code on one day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from detect_icd.codes.model import (
    CodeFlag,
    CodeNote,
    CodeRecord,
    CodeSetVersion,
    CodeStatus,
    CodeSummary,
    NoteKind,
    Period,
    SectionSummary,
    SeventhCharacter,
)
from detect_icd.codeset import NOTE_KINDS, CodeNotes, CodeSet, Release
from detect_icd.errors import NotFoundError

_KINDS = tuple(zip(NOTE_KINDS, NoteKind, strict=True))
_MCE = "Medicare Code Editor"
_FLAG_MEANINGS = {
    "manifestation": ("describes the manifestation of a disease that is coded first", _MCE),
    "unacceptable": ("not accepted as the principal diagnosis of an inpatient stay", _MCE),
    "newborn": ("for age 0 only", _MCE),
    "pediatric": ("for ages 0 to 17 only", _MCE),
    "maternity": ("for ages 9 to 64 only", _MCE),
    "adult": ("for ages 15 to 124 only", _MCE),
    "chronic": ("a chronic condition", "AHRQ Chronic Condition Indicator Refined"),
    "female": ("for female patients", f"{_MCE}, sex edit in force until 2024-09-30"),
    "male": ("for male patients", f"{_MCE}, sex edit in force until 2024-09-30"),
}


def day_in_force(codeset: CodeSet, asked: date | None, today: date) -> tuple[date, tuple[str, ...]]:
    """The day to answer for, and what was assumed: today, or the last known day once today lies past it."""
    if asked is not None:
        return asked, ()
    if today > codeset.last_day:
        return codeset.last_day, (f"date_of_service: {codeset.last_day}, the last day of the code sets known",)
    return today, (f"date_of_service: today, {today}",)


def version_of(release: Release) -> CodeSetVersion:
    """What names the release in an answer."""
    return CodeSetVersion(release.name, release.window.fiscal_year, release.effective_from, release.effective_until)


def summary(release: Release, code: str) -> CodeSummary:
    """The code for a list."""
    return CodeSummary(code, release.title(code), release.is_billable(code), release.is_titled(code))


def summaries(release: Release, codes: Iterable[str]) -> tuple[CodeSummary, ...]:
    """The codes for a list."""
    return tuple(summary(release, code) for code in codes)


def status_of(release: Release, code: str) -> CodeStatus:
    """What a known code is in the release."""
    if release.is_billable(code):
        return CodeStatus.VALID
    return CodeStatus.NOT_BILLABLE if code in release else CodeStatus.NOT_VALID_ON_DATE


def look_up(release: Release, text: str) -> CodeRecord:
    """All about the code `text` names, with a dot or without; NotFoundError where no release has it."""
    codeset = release.codeset
    code = codeset.normalize_code(text)
    if code is None:
        raise NotFoundError(f"{text!r} is no ICD-10-CM code of {codeset.windows[0].name} to {codeset.windows[-1].name}")
    chapter, block = release.chapter_section(code), release.section(code)
    return CodeRecord(
        code=code,
        description=release.title(code),
        own_title=release.is_titled(code),
        status=status_of(release, code),
        billable=release.is_billable(code),
        chapter=SectionSummary(chapter.id, chapter.title),
        block=SectionSummary(block.id, block.title),
        parents=summaries(release, release.ancestors(code)),
        children=summaries(release, release.children(code)),
        periods=tuple(Period(*period) for period in codeset.billable_windows(code)),
        predecessors=summaries(release, release.predecessors(code)),
        successors=summaries(release, release.successors(code)),
        notes=notes_in_force(release, code),
        seventh_characters=tuple(SeventhCharacter(*item) for item in release.notes(code).seventh_characters.items()),
        flags=tuple(CodeFlag(name, *_FLAG_MEANINGS[name]) for name in sorted(codeset.flags(code))),
        code_set=version_of(release),
    )


def notes_in_force(release: Release, code: str) -> tuple[CodeNote, ...]:
    """The notes at the code, then those above it, which hold for it too: ancestors, blocks, chapter.

    Inclusion terms are synonyms of the very code they stand at, so an ancestor's are left out.
    """
    found = list(_lines(release.notes(code), code))
    above = [(release.notes(node), node) for node in release.ancestors(code)]
    sections = [*release.sections(code), release.chapter_section(code)]
    above += [(release.section_notes(section), section.id) for section in sections]
    for notes, at in above:
        found += (line for line in _lines(notes, at) if line.kind is not NoteKind.INCLUSION_TERM)
    return tuple(dict.fromkeys(found))


def _lines(notes: CodeNotes, at: str) -> Iterator[CodeNote]:
    for field, kind in _KINDS:
        for text in getattr(notes, field):
            yield CodeNote(kind, text, at)
