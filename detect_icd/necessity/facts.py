"""Facts of procedures that line edits need: fee-schedule indicators, units limits, code pairs, modifiers.

Shipped facts are rows of `lexicon/procedures/`; imported ones (necessity.store) go before them, table by table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from detect_icd.lexicon import Lexicon, Row
from detect_icd.necessity.model import ClaimType, CodePair, DataRelease, ModifierFact, ProcedureFact, UnitsLimit
from detect_icd.necessity.policies import Policy, ShippedPolicies, day_of, parts


@dataclass(frozen=True, slots=True)
class ModifierRule:
    """What a fee-schedule indicator says of modifiers."""

    fact: str
    value: str
    modifiers: frozenset[str]
    refused: bool
    message: str


class FactBook(Protocol):
    """Where facts and policies come from."""

    def naming(self, procedure: str) -> Sequence[Policy]:
        """Every policy that names the procedure."""

    def facts(self, procedure: str, day: date) -> Sequence[ProcedureFact]:
        """The procedure's facts in effect."""

    def units(self, procedure: str, claim_type: ClaimType, day: date) -> UnitsLimit | None:
        """The units limit."""

    def pair(self, column1: str, column2: str, claim_type: ClaimType, day: date) -> CodePair | None:
        """The edit of a pair in this order."""

    def pairs(self, procedure: str, day: date) -> Sequence[CodePair]:
        """Pairs the procedure is in (those at hand, at most some hundreds)."""

    def releases(self) -> Sequence[DataRelease]:
        """The bodies of facts; `age_days` is left 0."""

    def payers(self) -> Mapping[str, str]:
        """Payers of its policies: name -> key."""

    def indications(self) -> list[dict[str, str]]:
        """Further rows of `procedures/indications.tsv`."""


class ShippedFacts:
    """The rows of the lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        table = lexicon.table
        self._policies = ShippedPolicies(table("policies/policies"), table("policies/rules"))
        self._facts: dict[str, list[ProcedureFact]] = {}
        for row in table("procedures/facts"):
            fact = ProcedureFact(
                row["fact"], row["value"], row["meaning"], day_of(row["from"]), day_of(row["until"]), _source(row)
            )
            self._facts.setdefault(row["procedure"], []).append(fact)
        self._units = {
            (row["procedure"], row["claim_type"]): UnitsLimit(
                ClaimType(row["claim_type"]), int(row["units"]), row["indicator"], row["rationale"], _source(row)
            )
            for row in table("procedures/units")
        }
        self._pairs = {
            (row["column1"], row["column2"]): CodePair(
                row["column1"],
                row["column2"],
                row["indicator"],
                day_of(row["from"]),
                day_of(row["until"]),
                _source(row),
            )
            for row in table("procedures/pairs")
        }
        self._version = lexicon.version
        self.modifier_meanings = {row["modifier"]: row["meaning"] for row in table("procedures/modifiers")}
        self.modifier_kinds = {row["modifier"]: row["kind"] for row in table("procedures/modifiers")}
        self.named_modifiers = {
            row["procedure"]: parts(row["modifiers"]) for row in table("procedures/named_modifiers")
        }
        self.modifier_rules = [
            ModifierRule(
                row["fact"],
                row["value"],
                frozenset(parts(row["modifiers"])),
                row["outcome"] == "REFUSED",
                row["message"],
            )
            for row in table("procedures/modifier_rules")
        ]
        self.names = {row["procedure"]: row["name"] for row in table("procedures/procedures")}
        self.related = {row["procedure"]: parts(row["related"]) for row in table("procedures/procedures")}

    def naming(self, procedure: str) -> Sequence[Policy]:
        """See FactBook."""
        return self._policies.naming(procedure)

    def facts(self, procedure: str, day: date) -> Sequence[ProcedureFact]:
        """See FactBook."""
        return [fact for fact in self._facts.get(procedure, ()) if in_effect(fact, day)]

    def history(self, procedure: str) -> Sequence[ProcedureFact]:
        """The procedure's facts of all times."""
        return self._facts.get(procedure, ())

    def units(self, procedure: str, claim_type: ClaimType, day: date) -> UnitsLimit | None:
        """See FactBook."""
        del day
        return self._units.get((procedure, claim_type.value))

    def pair(self, column1: str, column2: str, claim_type: ClaimType, day: date) -> CodePair | None:
        """See FactBook."""
        del claim_type
        found = self._pairs.get((column1, column2))
        return found if found is not None and in_effect(found, day) else None

    def pairs(self, procedure: str, day: date) -> Sequence[CodePair]:
        """See FactBook."""
        return [p for key, p in sorted(self._pairs.items()) if procedure in key and in_effect(p, day)]

    def releases(self) -> Sequence[DataRelease]:
        """See FactBook."""
        return (
            DataRelease("Medicare physician fee schedule", "2026-07", date(2026, 7, 1), 0, "shipped: a few procedures"),
            DataRelease("Medicare units limits (MUE)", "2024-Q3", date(2024, 7, 1), 0, "shipped: a few procedures"),
            DataRelease("Medicare code pair edits (PTP)", "2024-Q3", date(2024, 7, 1), 0, "shipped: a few pairs"),
            DataRelease("Coverage policies", f"lexicon {self._version}", None, 0, "shipped: short lists and notices"),
        )


class Facts:
    """Imported facts before shipped ones."""

    def __init__(self, shipped: ShippedFacts, imported: FactBook | None) -> None:
        self.shipped = shipped
        self._imported = imported

    def naming(self, procedure: str) -> list[Policy]:
        """Every policy that names the procedure; a shipped reading stands until a newer version is imported."""
        shipped = self.shipped.naming(procedure)
        imported = self._imported.naming(procedure) if self._imported else ()
        newest: dict[str, int] = {}
        for policy in imported:
            newest[policy.id] = max(newest.get(policy.id, 0), _number(policy.version))
        kept = [p for p in shipped if newest.get(p.id, -1) <= _number(p.version)]
        own = {p.id for p in kept}
        return [*kept, *(p for p in imported if p.id not in own)]

    def facts(self, procedure: str, day: date) -> dict[str, ProcedureFact]:
        """Fact name -> fact in effect."""
        found = {fact.name: fact for fact in self.shipped.facts(procedure, day)}
        if self._imported:
            found |= {fact.name: fact for fact in self._imported.facts(procedure, day)}
        return found

    def units(self, procedure: str, claim_type: ClaimType, day: date) -> UnitsLimit | None:
        """The units limit."""
        found = self._imported.units(procedure, claim_type, day) if self._imported else None
        return found or self.shipped.units(procedure, claim_type, day)

    def pair(self, column1: str, column2: str, claim_type: ClaimType, day: date) -> CodePair | None:
        """The edit of a pair in this order."""
        found = self._imported.pair(column1, column2, claim_type, day) if self._imported else None
        return found or self.shipped.pair(column1, column2, claim_type, day)

    def pairs(self, procedure: str, day: date) -> list[CodePair]:
        """Pairs the procedure is in."""
        found = {(p.column1, p.column2): p for p in self.shipped.pairs(procedure, day)}
        if self._imported:
            found |= {(p.column1, p.column2): p for p in self._imported.pairs(procedure, day)}
        return [found[key] for key in sorted(found)]

    def name(self, procedure: str) -> str:
        """Our own few words; "" where we have none."""
        return self.shipped.names.get(procedure, "")

    def modifiers(self, procedure: str, facts: dict[str, ProcedureFact]) -> tuple[ModifierFact, ...]:
        """The modifiers named for the procedure, then those its indicators speak of."""
        named = [
            ModifierFact(m, self.shipped.modifier_meanings.get(m, ""), allowed=True, note="named for this procedure")
            for m in self.shipped.named_modifiers.get(procedure, ())
        ]
        ruled = [
            ModifierFact(m, self.shipped.modifier_meanings.get(m, ""), allowed=not rule.refused, note=rule.message)
            for rule in self.shipped.modifier_rules
            if rule.fact in facts and facts[rule.fact].value == rule.value
            for m in sorted(rule.modifiers)
        ]
        return (*named, *ruled)

    def releases(self, day: date) -> tuple[DataRelease, ...]:
        """Every body of facts with its age on `day`."""
        found = [*(self._imported.releases() if self._imported else ()), *self.shipped.releases()]
        return tuple(
            DataRelease(
                r.name,
                r.release,
                r.effective_from,
                max(0, (day - r.effective_from).days) if r.effective_from else 0,
                r.origin,
            )
            for r in found
        )


def in_effect(fact: ProcedureFact | CodePair, day: date) -> bool:
    """Whether a dated fact holds on `day`."""
    return (fact.effective_from is None or fact.effective_from <= day) and (
        fact.effective_until is None or day <= fact.effective_until
    )


def _number(version: str) -> int:
    digits = version.replace("-", "")
    return int(digits) if digits.isdigit() else 0


def _source(row: Row) -> str:
    return f"{row['source']} {row['release']}".strip()


def rows_by(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    """Rows grouped by the values in one column (`a/b` counts for both)."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        for value in parts(row[column]):
            grouped.setdefault(value, []).append(row)
    return grouped
