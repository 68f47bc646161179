"""Points a coder at what the conventions cannot decide: Excludes1 pairs, open sides, codes of another age or sex."""

from __future__ import annotations

from datetime import date

from detect_icd.model import Patient, Sex
from detect_icd.stages.conventions.draft import Draft
from detect_icd.stages.conventions.patterns import excludes1, title_words

_AGES = {"newborn": (0, 0), "pediatric": (0, 17), "maternity": (9, 64), "adult": (15, 124)}
"""The ages in years, both ends included, of the Medicare Code Editor's age flags."""
_OTHER = {Sex.FEMALE: "male", Sex.MALE: "female"}
_SIDED = frozenset({"left", "right", "bilateral"})


def conflicts(draft: Draft) -> None:
    """Excludes1 (I.A.12.a) is an alert: unrelated conditions may stand together."""
    seen = set()
    for entry in draft:
        excluded = excludes1(draft.release, entry.code)
        for other in draft:
            pair = frozenset((entry.code, other.code))
            if other is not entry and pair not in seen and other.code.startswith(excluded):
                seen.add(pair)
                message = f"{entry.code} excludes {other.code} (Excludes1): report both only if they are unrelated"
                draft.alert("EXCLUDES1", message, [entry, other], "guideline-I.A.12.a")


def open_sides(draft: Draft) -> None:
    """An unspecified side where a sided code exists (I.B.13) is worth a look."""
    for entry in draft:
        parent = draft.release.parent(entry.code)
        own = title_words(draft.release, entry.code)
        if parent is None or "unspecified" not in own or own & _SIDED:
            continue
        siblings = [title_words(draft.release, code) for code in draft.release.children(parent)]
        if any("left" in words for words in siblings) and any("right" in words for words in siblings):
            message = f"{entry.code} leaves the side open although sided codes exist: the note does not name it"
            draft.alert("UNSPECIFIED_LATERALITY", message, [entry], "guideline-I.B.13")


def person_conflicts(draft: Draft, patient: Patient, day: date | None) -> None:
    """A code for another age or sex than the request gives (Medicare Code Editor; the sex flags until 2024-09-30)."""
    age = age_on(patient, day)
    if age is None and patient.sex is None:
        return
    for entry in draft:
        flags = draft.release.flags(entry.code)
        for flag in sorted(flags.intersection(_AGES)):
            low, high = _AGES[flag]
            if age is not None and not low <= age <= high:
                message = f"{entry.code} is a {flag} code (age {low} to {high}); the patient's age is {age}"
                draft.alert("AGE_CONFLICT", message, [entry], "code-editor-age")
        if patient.sex is not None and _OTHER[patient.sex] in flags:
            message = f"{entry.code} is listed for {_OTHER[patient.sex]} patients"
            draft.alert("SEX_CONFLICT", message, [entry], "code-editor-sex")


def age_on(patient: Patient, day: date | None) -> int | None:
    """Completed years on `day`: as given, else from the birth date; None where either is unknown."""
    born = patient.birth_date
    if patient.age_years is not None or born is None or day is None:
        return patient.age_years
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
