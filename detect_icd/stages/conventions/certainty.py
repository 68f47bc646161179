"""Conditions that are coded only when confirmed, in every setting.

Facility coding at discharge reports an uncertain diagnosis as if it were established; the rows of
`confirmed_only.tsv` are the exceptions. Source: Official Guidelines II.H, I.C.1.a.1, I.C.1.f.1,
I.C.1.g.1.a, I.C.10.c.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from detect_icd.lexicon import Row
from detect_icd.stages.conventions.patterns import Index, Patterns


@dataclass(frozen=True, slots=True)
class ConfirmedOnly:
    """One exception: the codes, and what an uncertain mention of them is coded as ('' for nothing)."""

    rule: str
    codes: Patterns
    result: str


class Certainty:
    """The exceptions to the coding of uncertain diagnoses."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = [ConfirmedOnly(row["rule"], Patterns.of(row["codes"]), row["result"]) for row in rows]
        self._index = Index(row.codes for row in self._rows)

    def exception(self, code: str) -> ConfirmedOnly | None:
        """The row that forbids reporting `code` while it is uncertain."""
        covering = self._index.of((code,))
        return self._rows[min(covering)] if covering else None
