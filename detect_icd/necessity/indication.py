"""The clinical layer: are the diagnoses of a line a documented indication of its procedure?

Says nothing of payment. Rows of `procedures/indications.tsv`, which Detect's procedure links use too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from detect_icd.necessity.model import Indication, IndicationStatus, IndicationSupport, SupportedProcedure, Unsupporting
from detect_icd.necessity.notes import ReadNote, cannot_support, quotes
from detect_icd.stages.procedures import IndicationRow, Indications, near

SECONDARY, ANY = "SECONDARY", "ANY"


def indication_of(
    procedure: str,
    usable: Sequence[str],
    against: Sequence[Unsupporting],
    indications: Indications,
    note: ReadNote | None,
) -> Indication:
    """The indication of one line; `against` are linked diagnoses that the note contradicts."""
    rows = indications.by_procedure.get(procedure)
    denied = [*against, *_denied(rows or (), note, {u.diagnosis for u in against})]
    if rows is None:
        message = "no indications are known here for this procedure"
        return Indication(IndicationStatus.NOT_KNOWN, message, (), tuple(denied))
    supports, wanting = _supports(rows, usable, note)
    return _sum_up(supports, wanting, denied)


def _sum_up(
    supports: Sequence[IndicationSupport], wanting: Sequence[str], denied: Sequence[Unsupporting]
) -> Indication:
    first = [s for s in supports if s.role == ANY]
    if first:
        message = f"supported by {', '.join(dict.fromkeys(s.diagnosis for s in first))}"
        return Indication(IndicationStatus.SUPPORTED, message, tuple(supports), tuple(denied))
    if supports:
        message = f"{supports[0].diagnosis} supports only beside a diagnosis of the nerve itself"
        return Indication(IndicationStatus.NEEDS_DOCUMENTATION, message, tuple(supports), tuple(denied))
    if wanting:
        return Indication(IndicationStatus.NEEDS_DOCUMENTATION, wanting[0], (), tuple(denied))
    message = "no diagnosis that can support is a known indication"
    if denied:
        message += f"; {denied[0].diagnosis}: {denied[0].message}"
    return Indication(IndicationStatus.NOT_SUPPORTED, message, (), tuple(denied))


def _supports(
    rows: Iterable[IndicationRow], usable: Sequence[str], note: ReadNote | None
) -> tuple[list[IndicationSupport], list[str]]:
    """What supports, and what would with the right words in the note."""
    supports: dict[tuple[str, str], IndicationSupport] = {}
    wanting: list[str] = []
    for code in usable:
        for row in rows:
            if not row.covers(code):
                continue
            assignment = note.assigned(code) if note else None
            mentions = note.mentions_of(assignment) if note and assignment else []
            if note and not mentions:
                mentions = note.backing(code)
            if row.needs:
                placed = [m for m in mentions if note and near(m, row.needs, note.text)]
                if not placed:
                    words = "words of the note" if note else "words of a note (none was given)"
                    wanting.append(f"{code} supports only with {words} about: {row.needed}")
                    continue
                mentions = placed
            role = SECONDARY if row.secondary else ANY
            support = IndicationSupport(code, role, row.link.source, row.link.note, quotes(mentions))
            supports.setdefault((code, role), support)
    return list(supports.values()), wanting


def _denied(rows: Iterable[IndicationRow], note: ReadNote | None, told: set[str]) -> list[Unsupporting]:
    """Conditions that would indicate the procedure, had the note not denied them."""
    if note is None:
        return []
    rows = list(rows)
    found = []
    for mention in note.detection.mentions:
        why = cannot_support(mention)
        if why is not None and why.diagnosis not in told and any(row.covers(why.diagnosis) for row in rows):
            found.append(why)
    return found


def supported_procedures(
    codes: Sequence[str], indications: Indications, note: ReadNote | None, names: Mapping[str, str]
) -> tuple[SupportedProcedure, ...]:
    """Every procedure that the codes indicate, in code order."""
    wanted = sorted({row.procedure for code in codes for row in indications.of(code)})
    found = []
    for procedure in wanted:
        indication = indication_of(procedure, codes, (), indications, note)
        if indication.status in (IndicationStatus.SUPPORTED, IndicationStatus.NEEDS_DOCUMENTATION):
            found.append(
                SupportedProcedure(procedure, names.get(procedure, ""), indication.status, indication.supported_by)
            )
    return tuple(found)
