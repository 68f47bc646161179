"""Why a policy or edit answers as it does: outcome, and the denial codes a payer would probably send."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from detect_icd.lexicon import Row
from detect_icd.necessity.model import Adjustment, Determination, PolicyKind
from detect_icd.necessity.policies import parts


@dataclass(frozen=True, slots=True)
class Reason:
    """One row of `policies/reasons.tsv`."""

    id: str
    meaning: str
    outcome: Determination | None
    covered: str
    info_needed: tuple[str, ...]
    detail: str
    national: tuple[Adjustment, ...]
    local: tuple[Adjustment, ...]
    alone: tuple[Adjustment, ...]

    def adjustments(self, kind: PolicyKind | None) -> tuple[Adjustment, ...]:
        """The denial codes, by who published the policy."""
        if kind is PolicyKind.NCD:
            return self.national
        return self.alone if kind is PolicyKind.PAYER else self.local


_LOCAL_ONLY = frozenset({"N115", "N386"})
"""Remarks that name a Medicare coverage determination: no other payer sends them."""


class Reasons:
    """All rows, by id."""

    def __init__(self, rows: Iterable[Row], adjustments: Iterable[Row]) -> None:
        meanings = {(row["kind"], row["number"]): row["meaning"] for row in adjustments}

        def adjust(carc: str, rarc: str) -> tuple[Adjustment, ...]:
            named = [("CARC", n) for n in parts(carc)] + [("RARC", n) for n in parts(rarc)]
            return tuple(Adjustment(kind, number, meanings[kind, number]) for kind, number in named)

        self._rows = {
            row["reason"]: Reason(
                id=row["reason"],
                meaning=row["meaning"],
                outcome=Determination(row["outcome"]) if row["outcome"] else None,
                covered=row["covered"],
                info_needed=parts(row["info_needed"]),
                detail=row["detail"],
                national=adjust(row["carc"], row["rarc_national"]),
                local=adjust(row["carc"], row["rarc"]),
                alone=adjust(row["carc"], "/".join(n for n in parts(row["rarc"]) if n not in _LOCAL_ONLY)),
            )
            for row in rows
        }

    def __getitem__(self, reason: str) -> Reason:
        return self._rows[reason]
