"""Makes the codes that several others make together: combinations, presumed links, pregnancy, both sides.

Source: Official Guidelines I.A.15 ("with"), I.B.7 (multiple coding), I.B.9 (combination codes), I.B.13
(laterality), I.C.15 (pregnancy).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from detect_icd.lexicon import Row, terms_of
from detect_icd.stages.conventions.draft import Bond, Draft, Entry
from detect_icd.stages.conventions.patterns import Index, Patterns, filled, sided_family, title_words

_SILENT = frozenset({"unspecified", "trimester"})

_NOT = "not "
"""Before an attribute of a row: no part of the combination may have it."""

_OTHER_CAUSE = ("cause", "stated")
"""The attribute of a condition whose cause the note states: nothing is presumed of it then (I.A.15)."""


@dataclass(frozen=True, slots=True)
class _Combination:
    rule: str
    components: tuple[Patterns, ...]
    bond: Bond
    attribute: tuple[str, str] | None
    attribute_denied: bool
    unless: Patterns
    result: str
    drops: frozenset[int]
    guideline: str

    @classmethod
    def of(cls, row: Row) -> _Combination:
        denied = row["attribute"].startswith(_NOT)
        kind, _, value = row["attribute"].removeprefix(_NOT).partition("=")
        return cls(
            row["rule"],
            tuple(Patterns.of(part) for part in row["components"].split(" + ")),
            Bond(row["bond"]),
            (kind, value) if kind else None,
            denied,
            Patterns.of(row["unless"]),
            row["result"],
            frozenset(int(n) - 1 for n in row["drops"].split(",") if n),
            row["guideline"],
        )

    def holds(self, parts: tuple[Entry, ...], draft: Draft) -> bool:
        """Whether these entries are parts of one combination."""
        if len({part.code for part in parts}) < len(parts) or any(part.code not in draft.entries for part in parts):
            return False
        if self.attribute is not None and not self._has(parts, self.attribute, draft):
            return False
        if self.bond is Bond.ANYWHERE and any(draft.places.has(part, *_OTHER_CAUSE) for part in parts[1:]):
            return False
        return all(draft.places.bound(parts[0], part, self.bond) for part in parts[1:])

    def _has(self, parts: tuple[Entry, ...], attribute: tuple[str, str], draft: Draft) -> bool:
        """Whether the first part has the attribute, or where it is denied, whether no part has it."""
        if self.attribute_denied:
            return not any(draft.places.has(part, *attribute) for part in parts)
        return draft.places.has(parts[0], *attribute)


class Combinations:
    """The rows of `combinations.tsv`: codes that together make, or call for, another one."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: list[tuple[frozenset[int], _Combination]] = []
        components: list[Patterns] = []
        for row in map(_Combination.of, rows):
            wanted = frozenset(range(len(components), len(components) + len(row.components)))
            self._rows.append((wanted, row))
            components.extend(row.components)
        self._index = Index(components)

    def apply(self, draft: Draft) -> None:
        """Every row in turn: an earlier row's result may be a later one's part."""
        there = self._index.of(draft.entries)
        if not there:
            return
        for wanted, row in self._rows:
            if not wanted <= there or (row.unless and draft.holds(row.unless)):
                continue
            choices = [draft.matching(component) for component in row.components]
            for parts in product(*choices):
                code = filled(row.result, [part.code for part in parts])
                if row.holds(parts, draft) and code and draft.release.is_billable(code):
                    self._make(row, code, parts, draft)
                    there = self._index.of(draft.entries)

    @staticmethod
    def _make(row: _Combination, code: str, parts: tuple[Entry, ...], draft: Draft) -> None:
        made = draft.make(code, parts, row.rule)
        for n, part in enumerate(parts):
            if n in row.drops and part is not made:
                reason = f"{made.code} reports it together with its companion (guideline {row.guideline})"
                draft.drop(part, row.rule, reason)


@dataclass(frozen=True, slots=True)
class _Pregnant:
    rule: str
    codes: Patterns
    result: str
    keeps: bool
    guideline: str


class Pregnancy:
    """Chapter 15 goes before the other chapters, and its codes say the trimester (I.C.15.a)."""

    def __init__(self, rows: Iterable[Row], trimesters: Iterable[Row]) -> None:
        rows = list(rows)
        self._signs = Patterns.of(next((row["codes"] for row in rows if row["rule"] == "pregnant"), ""))
        self._rows = [
            _Pregnant(row["rule"], Patterns.of(row["codes"]), row["result"], row["keeps"] == "yes", row["guideline"])
            for row in rows
            if row["result"]
        ]
        self._trimesters = [
            (Patterns.of(row["codes"]), frozenset(terms_of(row["phrases"])), row["trimester"]) for row in trimesters
        ]

    def apply(self, draft: Draft) -> None:
        """Chapter 15 codes for the conditions of a pregnant patient, each with its trimester where the note gives it."""
        if not draft.holds(self._signs):
            return
        for row in self._rows:
            for entry in draft.matching(row.codes):
                code = self._billable(draft, row.result)
                if not code:
                    continue
                draft.make(code, [entry], row.rule)
                if not row.keeps:
                    draft.drop(entry, row.rule, f"{code} reports it in pregnancy (guideline {row.guideline})")
        self._time(draft)

    def _time(self, draft: Draft) -> None:
        """Replace codes of an unspecified trimester by those of the trimester that the note gives."""
        for entry in draft:
            sibling = self._timed(draft, entry.code)
            if sibling and sibling != entry.code:
                made = draft.make(sibling, [entry], "trimester")
                made.rules.extend(rule for rule in entry.rules if rule not in made.rules)
                draft.drop(entry, "trimester", f"{sibling} names the trimester (guideline I.C.15.a.3)")

    def _billable(self, draft: Draft, stem: str) -> str:
        """The code under `stem` that says no more than the note: its own, or the one of an unspecified trimester."""
        if draft.release.is_billable(stem):
            return stem
        silent = (c for c in draft.release.leaves(stem) if title_words(draft.release, c) >= _SILENT)
        return next(silent, "")

    def _timed(self, draft: Draft, code: str) -> str:
        words, parent = title_words(draft.release, code), draft.release.parent(code)
        if not words >= _SILENT or parent is None:
            return ""
        by_weeks = (name for patterns, _, name in self._trimesters if draft.holds(patterns))
        in_words = (name for _, phrases, name in self._trimesters if draft.places.says(phrases))
        known = next(by_weeks, "") or next(in_words, "")
        wanted = words - _SILENT | {known}
        return next(
            (c for c in draft.release.children(parent) if known and title_words(draft.release, c) - _SILENT == wanted),
            "",
        )


def both_sides(draft: Draft) -> None:
    """Left and right of one condition are its bilateral code where there is one (I.B.13)."""
    for entry in draft:
        other, both = sided_family(draft.release, entry.code)
        partner = draft.entries.get(other)
        if partner is not None and both:
            draft.make(both, [entry, partner], "bilateral")
            for part in (entry, partner):
                draft.drop(part, "bilateral", f"{both} reports both sides (guideline I.B.13)")
