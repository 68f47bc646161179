"""Checks a claim's list of codes on its date: each code by itself, then what codes say of one another and of the patient.

Alerts never change the claim. Two conditions an Excludes1 note keeps apart may stand together when they are unrelated
(guidelines I.A.12.a), so that is an alert and not an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from detect_icd.codes.lookup import day_in_force, notes_in_force, status_of, summaries, version_of
from detect_icd.codes.model import (
    CheckedClaim,
    CheckedCode,
    Claim,
    ClaimAlert,
    CodeNote,
    CodeProblem,
    CodeStatus,
    NoteKind,
    Severity,
)
from detect_icd.codes.references import references
from detect_icd.codeset import LONGEST_CODE, CodeSet, Release
from detect_icd.errors import InvalidRequestError
from detect_icd.model import Patient, Setting, Sex

MAX_CODES = 100
MAX_SUGGESTIONS = 25
_FULL_LENGTH = 7
"""Characters of a code with a 7th character, without its dot."""
_AGES = {"newborn": (0, 0), "pediatric": (0, 17), "maternity": (9, 64), "adult": (15, 124)}
"""Age edit -> ages in completed years, as the Medicare Code Editor defines them."""
_MCE = "Medicare Code Editor"
_SIDES = ("right", "left", "bilateral")
_SIDE_OR_NOT = frozenset({*_SIDES, "unspecified"})
_WORD = re.compile(r"[a-z0-9]+")


def check_claim(codeset: CodeSet, claim: Claim, today: date) -> CheckedClaim:
    """Every code's status and every alert; InvalidRequestError for an empty or endless list, or an unknown date."""
    if not 1 <= len(claim.codes) <= MAX_CODES:
        raise InvalidRequestError(f"codes must be 1 to {MAX_CODES}; found {len(claim.codes)}", field="codes")
    day, assumptions = day_in_force(codeset, claim.date_of_service, today)
    release = codeset.on(day)
    checked = tuple(check_code(release, written) for written in claim.codes)
    valid = [(position, item.code) for position, item in enumerate(checked, 1) if item.status is CodeStatus.VALID]
    alerts = [
        *_duplicates(checked),
        *_excludes1(release, valid),
        *_order(release, valid),
        *_first_listed(release, valid, claim.setting),
        *_sides(release, valid),
        *_patient(release, valid, claim.patient, day),
    ]
    return CheckedClaim(checked, tuple(alerts), version_of(release), assumptions)


def check_code(release: Release, written: str) -> CheckedCode:
    """One code as it was written."""
    code = release.codeset.normalize_code(written)
    if code is None:
        return _unknown(release, written)
    status = status_of(release, code)
    title, billable = release.title(code), release.is_billable(code)
    if status is CodeStatus.VALID:
        return CheckedCode(code, written, status, title, billable)
    if status is CodeStatus.NOT_BILLABLE:
        problem, message, instead = _header(release, code)
    else:
        problem, message, instead = _not_on_date(release, code)
    return CheckedCode(
        code, written, status, title, billable, problem, message, summaries(release, instead[:MAX_SUGGESTIONS])
    )


def _header(release: Release, code: str) -> tuple[CodeProblem, str, tuple[str, ...]]:
    children = release.children(code)
    if all(release.codeset.table.is_extension(child) for child in children):
        return CodeProblem.SEVENTH_CHARACTER_MISSING, f"{code} needs a 7th character", children
    retired = release.successors(code)
    since = f"; it was billable until {release.codeset.billable_windows(code)[-1][1]}" if retired else ""
    return (
        CodeProblem.MORE_CHARACTERS_NEEDED,
        f"{code} is a header{since}: code one under it",
        retired or release.leaves(code),
    )


def _not_on_date(release: Release, code: str) -> tuple[CodeProblem, str, tuple[str, ...]]:
    windows = release.codeset.billable_windows(code)
    if windows and windows[0][0] > release.effective_until:
        before = tuple(c for c in release.codeset.on(windows[0][0]).predecessors(code) if release.is_billable(c))
        return CodeProblem.NOT_YET_VALID, f"{code} is billable from {windows[0][0]} only", before
    if windows:
        message = f"{code} was billable until {windows[-1][1]}"
        return CodeProblem.RETIRED, message, release.successors(code)
    return CodeProblem.NO_SUCH_CODE, f"{code} is in no code set of this date", ()


def _unknown(release: Release, written: str) -> CheckedCode:
    bare = written.upper().replace(".", "").replace(" ", "")
    padded = _padded(release, bare)
    problem, message, instead = _cut(release, bare)
    if padded:
        problem, instead = CodeProblem.PLACEHOLDER_MISSING, (padded,)
        message = f"the 7th character of {bare} does not stand in 7th place: fill up with X"
    return CheckedCode(
        written.strip(), written, CodeStatus.UNKNOWN, "", billable=False, problem=problem, message=message,
        suggestions=summaries(release, instead[:MAX_SUGGESTIONS]),
    )  # fmt: skip


def _padded(release: Release, bare: str) -> str | None:
    """The code with its placeholder X, where only that was left out: S020A -> S02.0XXA."""
    stem = bare[:-1].rstrip("X")
    code = release.normalize_code(stem.ljust(_FULL_LENGTH - 1, "X") + bare[-1:])
    return code if len(bare) < _FULL_LENGTH and code and release.is_billable(code) else None


def _cut(release: Release, bare: str) -> tuple[CodeProblem, str, tuple[str, ...]]:
    """What a code with wrong characters at its end may have meant."""
    for length in range(min(len(bare) - 1, LONGEST_CODE), 2, -1):
        code = release.normalize_code(bare[:length])
        if code is None:
            continue
        if release.is_billable(code):
            message = f"{code} takes no further characters"
            return CodeProblem.SUPERFLUOUS_CHARACTERS, message, (code,)
        return CodeProblem.NO_SUCH_CODE, f"{bare}: no such code under {code}", release.children(code)
    return CodeProblem.NO_SUCH_CODE, f"no ICD-10-CM code begins as {bare}", ()


def _duplicates(checked: tuple[CheckedCode, ...]) -> Iterator[ClaimAlert]:
    places: dict[str, list[int]] = {}
    for position, item in enumerate(checked, 1):
        places.setdefault(item.code, []).append(position)
    for code, positions in places.items():
        if len(positions) > 1:
            yield ClaimAlert(
                "DUPLICATE",
                Severity.ERROR,
                f"{code} stands {len(positions)} times: report a code once",
                (code,),
                tuple(positions),
                source="guidelines I.B.12",
            )


def _excludes1(release: Release, valid: list[tuple[int, str]]) -> Iterator[ClaimAlert]:
    notes = {code: [n for n in notes_in_force(release, code) if n.kind is NoteKind.EXCLUDES1] for _, code in valid}
    first = list({code: (position, code) for position, code in reversed(valid)}.values())[::-1]
    for index, (position, code) in enumerate(first):
        for other_position, other in first[index + 1 :]:
            quoted = tuple(n for n in notes[code] if _points_at(n, code, other)) + tuple(
                n for n in notes[other] if _points_at(n, other, code)
            )
            if quoted:
                yield ClaimAlert(
                    "EXCLUDES1",
                    Severity.WARNING,
                    f"{code} and {other} are kept apart by an Excludes1 note: report both only for unrelated conditions",
                    (code, other),
                    (position, other_position),
                    quoted,
                    "tabular list; guidelines I.A.12.a",
                )


def _points_at(note: CodeNote, own: str, other: str) -> bool:
    """Whether the note, in force for `own`, names `other` and not `own` as well."""
    return any(r.covers(other) and not r.covers(own) for r in references(note.text)) and not other.startswith(note.at)


def _order(release: Release, valid: list[tuple[int, str]]) -> Iterator[ClaimAlert]:
    """Codes that a code-first note wants before another stand before it."""
    for position, code in valid:
        for note in notes_in_force(release, code):
            if note.kind is not NoteKind.CODE_FIRST:
                continue
            for other_position, other in valid:
                if other_position > position and any(r.covers(other) for r in references(note.text)):
                    yield ClaimAlert(
                        "CODE_FIRST",
                        Severity.ERROR,
                        f"{other} comes before {code}: code the underlying condition first",
                        (other, code),
                        (other_position, position),
                        (note,),
                        "tabular list; guidelines I.A.13",
                    )


def _first_listed(release: Release, valid: list[tuple[int, str]], setting: Setting) -> Iterator[ClaimAlert]:
    if not valid or valid[0][0] != 1:
        return
    code = valid[0][1]
    flags = release.flags(code)
    if "manifestation" in flags:
        quoted = tuple(n for n in notes_in_force(release, code) if n.kind is NoteKind.CODE_FIRST)
        message = f"{code} is a manifestation and never first: the disease behind it comes before"
        yield ClaimAlert("MANIFESTATION_FIRST", Severity.ERROR, message, (code,), (1,), quoted, "guidelines I.A.13")
    elif "V" <= code[0] <= "Y":
        message = f"{code} is an external cause and never first: the condition comes before"
        yield ClaimAlert("EXTERNAL_CAUSE_FIRST", Severity.ERROR, message, (code,), (1,), source="guidelines I.C.20.a.6")
    elif "unacceptable" in flags:
        severity = Severity.WARNING if setting is Setting.INPATIENT else Severity.INFO
        message = f"{code} is not accepted as the principal diagnosis of an inpatient stay"
        yield ClaimAlert("UNACCEPTABLE_FIRST", severity, message, (code,), (1,), source=_MCE)


def _sides(release: Release, valid: list[tuple[int, str]]) -> Iterator[ClaimAlert]:
    """A code of unspecified side where a sibling says the same of a side."""
    for position, code in valid:
        sided = sided_siblings(release, code)
        if sided:
            yield ClaimAlert(
                "UNSPECIFIED_SIDE",
                Severity.WARNING,
                f"{code} leaves the side open: {', '.join(sided)} name it",
                (code,),
                (position,),
                source="guidelines I.B.13",
            )


def sided_siblings(release: Release, code: str) -> list[str]:
    """The codes that differ from this one in nothing but a side, where it leaves the side open; else none."""
    base = (release.parent(code) or code) if release.codeset.table.is_extension(code) else code
    parent = release.parent(base)
    words = _WORD.findall(release.wording(base).lower())
    if parent is None or "unspecified" not in words or any(side in words for side in _SIDES):
        return []
    without = [word for word in words if word not in _SIDE_OR_NOT]
    found = []
    for sibling in release.children(parent):
        said = _WORD.findall(release.wording(sibling).lower())
        if any(side in said for side in _SIDES) and [w for w in said if w not in _SIDE_OR_NOT] == without:
            found.append(sibling)
    return found


def _patient(release: Release, valid: list[tuple[int, str]], patient: Patient, day: date) -> Iterator[ClaimAlert]:
    age = _age(patient, day)
    for position, code in valid:
        flags = release.flags(code)
        for flag in sorted(flags & _AGES.keys()):
            low, high = _AGES[flag]
            if age is not None and not low <= age <= high:
                message = f"{code} is a {flag} code (age {low} to {high}); the patient's age is {age}"
                yield ClaimAlert("AGE_CONFLICT", Severity.WARNING, message, (code,), (position,), source=_MCE)
        other = {Sex.FEMALE: "male", Sex.MALE: "female"}.get(patient.sex) if patient.sex else None
        if other in flags:
            source = f"{_MCE}, sex edit in force until 2024-09-30"
            message = f"{code} is listed for {other} patients"
            yield ClaimAlert("SEX_CONFLICT", Severity.WARNING, message, (code,), (position,), source=source)


def _age(patient: Patient, day: date) -> int | None:
    born = patient.birth_date
    if born is None:
        return patient.age_years
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
