"""Claims for tests, in few words: `claim("G57.92", state="OH", lines=[line("0441T", "LT")])`."""

from __future__ import annotations

from datetime import date

from detect_icd.model import DetectRequest
from detect_icd.necessity.model import ClaimLine, Diagnosis, NecessityRequest

DAY = date(2026, 11, 2)


def line(procedure, *modifiers, units=1, pointers=(1,), number=0, day=None):
    return ClaimLine(number, procedure, modifiers, units, tuple(pointers), day)


def claim(*codes, lines, note="", **fields):
    return NecessityRequest(
        diagnoses=tuple(map(Diagnosis, codes)),
        lines=tuple(lines),
        document=DetectRequest(note) if note else None,
        **{"date_of_service": DAY, **fields},
    )
