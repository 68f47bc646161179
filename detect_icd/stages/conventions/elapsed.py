"""Conditions whose code depends on how long ago they were: an infarction older than four weeks, or one soon after another.

Rows of `elapsed.tsv` say which codes after how many days are which history code; rows of `repeated.tsv` which code a
condition has within so many days of an earlier one; rows of `durations.tsv` which words are numbers and units ("six
weeks ago"). Source: Official Guidelines I.C.9.e.1 and I.C.9.e.4.
"""

from __future__ import annotations

from collections.abc import Iterable

from detect_icd.lexicon import Row
from detect_icd.stages.conventions.draft import Draft
from detect_icd.stages.conventions.patterns import Index, Patterns

_AHEAD = 7
"""Words behind a mention among which its age may stand."""
_ENDS = frozenset({".", ";"})


class Elapsed:
    """The rows of `elapsed.tsv` and `repeated.tsv`."""

    def __init__(self, rows: Iterable[Row], repeated: Iterable[Row], durations: Iterable[Row]) -> None:
        self._rows = [
            (row["rule"], Patterns.of(row["codes"]), int(row["days"]), row["result"], row["guideline"]) for row in rows
        ]
        self._index = Index(codes for _, codes, *_ in self._rows)
        self._repeated = [
            (row["rule"], Patterns.of(row["codes"]), int(row["days"]), row["result"], row["guideline"])
            for row in repeated
        ]
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
        self._again(draft)

    def _again(self, draft: Draft) -> None:
        """Replace the codes of what happens within its row's days of an earlier one that the note dates."""
        ages = {
            entry.code: [self._age(words) for words in draft.places.after(entry, _AHEAD)]
            for _, codes, *_ in self._repeated
            for entry in draft.matching(codes)
        }
        if len(ages) < 2:
            return
        for rule, codes, days, result, guideline in self._repeated:
            earlier = [code for code, told in ages.items() if all(0 < age <= days for age in told)]
            for entry in draft.matching(codes):
                if earlier and not any(ages[entry.code]) and draft.release.is_billable(result):
                    draft.make(result, [entry], rule)
                    draft.drop(entry, rule, f"{earlier[0]} was within {days} days before it (guideline {guideline})")

    def _age(self, words: tuple[str, ...]) -> int:
        """The days that "six weeks ago" is ago; 0 where the words tell none before the sentence ends."""
        for at in range(len(words) - 2):
            if words[at] in _ENDS:
                break
            number, unit, ago = words[at : at + 3]
            if ago in self._ago and unit in self._units:
                count = int(number) if number.isdigit() and len(number) < 4 else self._numbers.get(number, 0)
                return count * self._units[unit]
        return 0
