"""What the note says the visit is for, where that decides which code stands and leads: pain control (G89).

Rows of `visit_reasons.tsv` say which words state such a reason and which codes then stay and are listed first.
Source: Official Guidelines I.C.6.b.1.a.
"""

from __future__ import annotations

from collections.abc import Iterable

from detect_icd.lexicon import Row, terms_of
from detect_icd.stages.conventions.draft import Draft
from detect_icd.stages.conventions.patterns import Patterns


class VisitReasons:
    """The rows of `visit_reasons.tsv`."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = [(row["rule"], Patterns.of(row["codes"]), frozenset(terms_of(row["phrases"]))) for row in rows]

    def apply(self, draft: Draft) -> None:
        """Note at the entries that the visit is for them."""
        for rule, codes, phrases in self._rows:
            entries = draft.matching(codes)
            if entries and draft.places.says(phrases):
                for entry in entries:
                    entry.leads = True
                    entry.rules.append(rule)
