"""The layer of line edits: what claims processing does with a line, whatever its diagnoses support.

Units limits (MUE), code pairs (NCCI PTP), modifiers by fee-schedule indicator, side, age and sex. Sources: the National
Correct Coding Initiative policy manual (chapter I) and the Medicare claims manual (chapter 12 and 23), in own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from detect_icd.codeset import Release
from detect_icd.model import Patient, Sex
from detect_icd.necessity.facts import Facts
from detect_icd.necessity.model import ClaimLine, ClaimType, EditSeverity, LineEdit, ProcedureFact
from detect_icd.necessity.reasons import Reasons
from detect_icd.necessity.sides import BOTH, side_of_code, side_of_modifiers

_AGES = {"newborn": (0, 0), "pediatric": (0, 17), "maternity": (9, 64), "adult": (15, 124)}
"""Age edit -> ages in completed years, as the Medicare Code Editor defines them."""
_VISIT = ("25", "24", "57")
_SEPARATE = ("59", "XE", "XS", "XP", "XU")
_BYPASS_KINDS = frozenset({"BYPASS", "VISIT"})
_LINE_LIMIT = "1"
"""MUE adjudication indicator 1: the limit holds for each line, not for the day."""


@dataclass(frozen=True, slots=True)
class BilledLine:
    """A line with its day, and whether it is asked about (other lines of the day are not)."""

    line: ClaimLine
    day: date
    asked: bool
    linked: tuple[str, ...]


class Edits:
    """All edits of one claim."""

    def __init__(self, facts: Facts, reasons: Reasons) -> None:
        self._facts = facts
        self._reasons = reasons

    def of(
        self, billed: BilledLine, lines: Sequence[BilledLine], claim_type: ClaimType, patient: Patient, release: Release
    ) -> tuple[LineEdit, ...]:
        """The edits of one line of the claim."""
        facts = self._facts.facts(billed.line.procedure, billed.day)
        return (
            *self._units(billed, lines, claim_type),
            *self._pairs(billed, lines, claim_type),
            *self._modifiers(billed.line, facts),
            *self._sides(billed, release),
            *self._patient(billed, patient, release),
        )

    def _units(self, billed: BilledLine, lines: Sequence[BilledLine], claim_type: ClaimType) -> Iterator[LineEdit]:
        line = billed.line
        limit = self._facts.units(line.procedure, claim_type, billed.day)
        if limit is None:
            return
        same = [b for b in lines if b.line.procedure == line.procedure and b.day == billed.day]
        total = line.units if limit.indicator == _LINE_LIMIT else sum(b.line.units for b in same)
        if total <= limit.units:
            return
        firmness = {
            "1": "the limit holds for each line: further units may stand on a line of their own with a modifier",
            "2": "the limit of the day follows from the code itself and is not lifted",
            "3": "the limit of the day may be lifted on appeal with records",
        }
        message = f"{total} units billed for {'the line' if limit.indicator == _LINE_LIMIT else 'the day'}, {limit.units} allowed: {firmness.get(limit.indicator, 'see the source')}"
        yield LineEdit(
            "UNITS_EXCEED_MUE",
            EditSeverity.DENY,
            message,
            allowed_units=limit.units,
            billed_units=total,
            source=limit.source,
            adjustments=self._reasons["UNITS_EXCEED_MUE"].local,
        )

    def _pairs(self, billed: BilledLine, lines: Sequence[BilledLine], claim_type: ClaimType) -> Iterator[LineEdit]:
        for other in lines:
            if other is billed or other.day != billed.day or other.line.procedure == billed.line.procedure:
                continue
            pair = self._facts.pair(other.line.procedure, billed.line.procedure, claim_type, billed.day)
            if pair is not None and pair.indicator in "01":
                yield self._pair_edit(billed, other, pair.indicator, pair.source)
            if other.asked:
                continue
            pair = self._facts.pair(billed.line.procedure, other.line.procedure, claim_type, billed.day)
            if pair is not None and pair.indicator in "01":
                yield LineEdit(
                    "PTP_CONFLICT",
                    EditSeverity.WARN,
                    f"{other.line.procedure} of the same day is part of this code",
                    other_line=other.line.line_number,
                    other_procedure=other.line.procedure,
                    source=pair.source,
                )

    def _pair_edit(self, billed: BilledLine, other: BilledLine, indicator: str, source: str) -> LineEdit:
        visit = _is_visit(billed.line.procedure)
        ways = () if indicator == "0" else _VISIT if visit else _SEPARATE
        used = self._way_out(billed.line, other.line) if ways else ""
        severity = EditSeverity.INFO if used else EditSeverity.DENY
        if used:
            message = f"part of {other.line.procedure}, billed apart by modifier {used}: records must show that it was separate"
        elif ways:
            message = f"part of {other.line.procedure} of the same day, unless a modifier says that it was separate and records show it"
        else:
            message = f"part of {other.line.procedure} of the same day; no modifier changes that"
        return LineEdit(
            "PTP_CONFLICT",
            severity,
            message,
            modifier=used,
            other_line=other.line.line_number,
            other_procedure=other.line.procedure,
            bypass_modifiers=ways,
            source=source,
            adjustments=() if used else self._reasons["PTP_CONFLICT"].local,
        )

    def _way_out(self, line: ClaimLine, other: ClaimLine) -> str:
        """The modifier that bills the two apart; sides do where they differ."""
        kinds = self._facts.shipped.modifier_kinds
        wanted = {"VISIT"} if _is_visit(line.procedure) else _BYPASS_KINDS
        for modifier in line.modifiers:
            if kinds.get(modifier) in wanted:
                return modifier
        if not _is_visit(line.procedure):
            for modifier in other.modifiers:
                if kinds.get(modifier) == "BYPASS":
                    return modifier
            own, others = side_of_modifiers(line.modifiers), side_of_modifiers(other.modifiers)
            if own and others and not own & others:
                return next(m for m in line.modifiers if side_of_modifiers([m]))
        return ""

    def _modifiers(self, line: ClaimLine, facts: dict[str, ProcedureFact]) -> Iterator[LineEdit]:
        for rule in self._facts.shipped.modifier_rules:
            fact = facts.get(rule.fact)
            if fact is None or fact.value != rule.value:
                continue
            for modifier in line.modifiers:
                if modifier not in rule.modifiers:
                    continue
                kind = "MODIFIER_NOT_ALLOWED" if rule.refused else "DOCUMENTATION_REQUIRED"
                severity = EditSeverity.DENY if rule.refused else EditSeverity.WARN
                yield LineEdit(
                    kind,
                    severity,
                    f"modifier {modifier}: {rule.message}",
                    modifier=modifier,
                    source=fact.source,
                    adjustments=self._reasons[kind].local,
                )

    def _sides(self, billed: BilledLine, release: Release) -> Iterator[LineEdit]:
        """The line's side against the sides of its diagnoses; one diagnosis that fits is enough."""
        wanted = side_of_modifiers(billed.line.modifiers)
        sided = [(code, side_of_code(release, code)) for code in billed.linked if side_of_code(release, code)]
        if not wanted or not sided:
            return
        named = frozenset().union(*(side for _, side in sided))
        if wanted <= named:
            return
        off = [(code, side) for code, side in sided if side != wanted]
        code, side = off[0]
        modifier = next(m for m in billed.line.modifiers if side_of_modifiers([m]))
        named_words = "both sides" if side == BOTH else f"the {min(side)} side"
        yield LineEdit(
            "LATERALITY_MISMATCH",
            EditSeverity.WARN,
            f"{code} is of {named_words}, modifier {modifier} says otherwise: one of the two is wrong",
            modifier=modifier,
            diagnosis=code,
            source="side in the code's title",
            adjustments=self._reasons["LATERALITY_MISMATCH"].local,
        )

    def _patient(self, billed: BilledLine, patient: Patient, release: Release) -> Iterator[LineEdit]:
        age = _age(patient, billed.day)
        other = {Sex.FEMALE: "male", Sex.MALE: "female"}.get(patient.sex) if patient.sex else None
        for code in billed.linked:
            flags = release.flags(code)
            for flag in sorted(flags & _AGES.keys()):
                low, high = _AGES[flag]
                if age is not None and not low <= age <= high:
                    message = f"{code} is for ages {low} to {high}; the patient is {age}"
                    yield self._person("AGE_CONFLICT", "DX_AGE_CONFLICT", message, code, EditSeverity.DENY)
            if other is not None and other in flags:
                message = f"{code} is listed for {other} patients (edit in force until 2024-09-30)"
                yield self._person("SEX_CONFLICT", "DX_SEX_CONFLICT", message, code, EditSeverity.WARN)

    def _person(self, kind: str, reason: str, message: str, code: str, severity: EditSeverity) -> LineEdit:
        return LineEdit(
            kind,
            severity,
            message,
            diagnosis=code,
            source="Medicare Code Editor",
            adjustments=self._reasons[reason].local,
        )


def _is_visit(procedure: str) -> bool:
    """Evaluation and management, eye visits included."""
    return "99202" <= procedure <= "99499" or procedure in {"92002", "92004", "92012", "92014"}


def _age(patient: Patient, day: date) -> int | None:
    born = patient.birth_date
    if born is None:
        return patient.age_years
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
