"""Conditions that are of the past once enough time has gone by: an infarction older than four weeks.

Rows of `elapsed.tsv` say which codes after how many days are which history code; rows of `durations.tsv`
which words are numbers and units ("six weeks ago"). Source: Official Guidelines I.C.9.e.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from detect_icd.lexicon import Row
from detect_icd.stages.conventions.draft import Draft
from detect_icd.stages.conventions.patterns import Index, Patterns

_AHEAD = 7
"""Words behind a mention among which its age may stand."""


class Elapsed:
    """The rows of `elapsed.tsv`."""

    def __init__(self, rows: Iterable[Row], durations: Iterable[Row]) -> None:
        self._rows = [
            (row["rule"], Patterns.of(row["codes"]), int(row["days"]), row["result"], row["guideline"]) for row in rows
        ]
        self._index = Index(codes for _, codes, *_ in self._rows)
        words: dict[str, dict[str, int]] = {"NUMBER": {}, "UNIT": {}, "AGO": {}}
        for row in durations:
            words[row["kind"]][row["word"]] = int(row["value"] or 0)
        self._numbers, self._units, self._ago = words["NUMBER"], words["UNIT"], frozenset(words["AGO"])

    def apply(self, draft: Draft) -> None:
        """Replace the codes of what is longer ago than its row allows."""
        for n in sorted(self._index.of(draft.entries)):
            rule, codes, days, result, guideline = self._rows[n]
            for entry in draft.matching(codes):
                ages = [self._age(words) for words in draft.places.after(entry, _AHEAD)]
                if ages and all(age > days for age in ages) and draft.release.is_billable(result):
                    draft.make(result, [entry], rule)
                    draft.drop(entry, rule, f"it is more than {days} days ago (guideline {guideline})")

    def _age(self, words: Sequence[str]) -> int:
        """The days that "six weeks ago" is ago; 0 where the words tell none."""
        for at in range(len(words) - 2):
            number, unit, ago = words[at : at + 3]
            if ago in self._ago and unit in self._units:
                count = int(number) if number.isdigit() and len(number) < 4 else self._numbers.get(number, 0)
                return count * self._units[unit]
        return 0
