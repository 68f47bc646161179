"""What a policy is: who published it, where and when it holds, and its rules for one procedure.

A rule names its procedures and its diagnoses apart: the product of the two is never built. `DiagnosisList` hides
whether the diagnoses are rows of the lexicon or of an import.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from detect_icd.lexicon import Row
from detect_icd.necessity.model import PolicyKind, Provenance


class Statement(StrEnum):
    """What a rule says of its procedures."""

    SUPPORTS = "SUPPORTS"
    EXCLUDES = "EXCLUDES"
    NON_COVERED = "NON_COVERED"
    INVESTIGATIONAL = "INVESTIGATIONAL"
    NO_LIMIT = "NO_LIMIT"
    NO_LIST = "NO_LIST"
    CASE_BY_CASE = "CASE_BY_CASE"
    UNRESOLVED = "UNRESOLVED"
    NOT_NAMED = "NOT_NAMED"
    ADVICE = "ADVICE"


class Role(StrEnum):
    """The place a listed diagnosis must have: anywhere, first, beside the first, on the claim, or as companion."""

    ANY = "ANY"
    PRIMARY = "PRIMARY"
    SECONDARY = "SECONDARY"
    ON_CLAIM = "ON_CLAIM"
    COMPANION = "COMPANION"


class DiagnosisList(Protocol):
    """The diagnoses of one rule."""

    def find(self, codes: Iterable[str]) -> dict[str, bool]:
        """Those of `codes` that are listed; True where the policy marks one with an asterisk."""

    def under(self, prefix: str, limit: int) -> list[str]:
        """Listed codes that begin with `prefix`, in order."""

    def page(self, after: str, limit: int) -> list[str]:
        """Listed codes after `after`, in order."""


@dataclass(frozen=True, slots=True)
class PrefixList:
    """Diagnoses by the beginning of their codes."""

    prefixes: tuple[str, ...]

    def find(self, codes: Iterable[str]) -> dict[str, bool]:
        """See DiagnosisList."""
        return {code: False for code in codes if self.prefixes and code.startswith(self.prefixes)}

    def under(self, prefix: str, limit: int) -> list[str]:
        """See DiagnosisList."""
        return [code for code in self.prefixes if code.startswith(prefix)][:limit]

    def page(self, after: str, limit: int) -> list[str]:
        """See DiagnosisList."""
        return [code for code in sorted(self.prefixes) if code > after][:limit]


NO_DIAGNOSES = PrefixList(())


@dataclass(frozen=True, slots=True)
class Rule:
    """One statement of a policy about the procedure asked for."""

    group: str
    statement: Statement
    role: Role = Role.ANY
    diagnoses: DiagnosisList = NO_DIAGNOSES
    unless: tuple[str, ...] = ()
    only_with: frozenset[str] = frozenset()
    closed: bool = True
    message: str = ""
    provenance: Provenance = Provenance.CURATED


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy with its rules for one procedure. No dates: in effect as long as known."""

    id: str
    version: str
    kind: PolicyKind
    publisher: str
    title: str
    link: str
    effective_from: date | None
    effective_until: date | None
    states: frozenset[str]
    contractors: frozenset[str]
    payers: frozenset[str]
    provenance: Provenance
    everywhere: bool = False
    """Of a contractor whose states are not those of the A and B contractors (durable equipment)."""
    rules: tuple[Rule, ...] = ()

    def in_effect(self, day: date) -> bool:
        """Whether it holds on `day`."""
        return (self.effective_from is None or self.effective_from <= day) and (
            self.effective_until is None or day <= self.effective_until
        )


class PolicyBook(Protocol):
    """Where policies come from."""

    def naming(self, procedure: str) -> Sequence[Policy]:
        """Every policy that names the procedure, in a fixed order, each with its rules for it."""


class ShippedPolicies:
    """The rows of `policies/policies.tsv` and `policies/rules.tsv`."""

    def __init__(self, policies: Iterable[Row], rules: Iterable[Row]) -> None:
        heads = {row["policy"]: row for row in policies}
        by_procedure: dict[str, dict[str, list[Rule]]] = {}
        for row in rules:
            rule = _rule(row)
            for procedure in row["procedures"].split("/"):
                by_procedure.setdefault(procedure, {}).setdefault(row["policy"], []).append(rule)
        self._naming = {
            procedure: tuple(_policy(heads[name], tuple(found)) for name, found in named.items())
            for procedure, named in by_procedure.items()
        }

    def naming(self, procedure: str) -> Sequence[Policy]:
        """See PolicyBook."""
        return self._naming.get(procedure, ())


def _rule(row: Row) -> Rule:
    return Rule(
        group=row["group"],
        statement=Statement(row["statement"]),
        role=Role(row["role"]),
        diagnoses=PrefixList(parts(row["codes"])),
        unless=parts(row["unless"]),
        only_with=frozenset(parts(row["only_with"])),
        closed=row["world"] != "OPEN",
        message=row["message"],
        provenance=Provenance(row["provenance"]),
    )


def _policy(row: Row, rules: tuple[Rule, ...]) -> Policy:
    return Policy(
        id=row["policy"],
        version=row["version"],
        kind=PolicyKind(row["kind"]),
        publisher=row["publisher"],
        title=row["title"],
        link=row["link"],
        effective_from=day_of(row["effective_from"]),
        effective_until=day_of(row["effective_until"]),
        states=frozenset(parts(row["states"])),
        contractors=frozenset(parts(row["contractor"])),
        payers=frozenset(parts(row["payers"])),
        provenance=Provenance(row["provenance"]),
        rules=rules,
    )


def parts(cell: str) -> tuple[str, ...]:
    """The values in a cell: `F32.2/F33.2`."""
    return tuple(part for part in cell.split("/") if part)


def day_of(cell: str) -> date | None:
    """A date in a cell; None for an empty one."""
    return date.fromisoformat(cell) if cell else None
