"""Puts the codes in reporting order.

Order of section and place in the text, bent by codes that always or never come first, by pairs that
have an order of their own, and by the tabular list's notes "use additional code" and "code first".
Source: Official Guidelines I.A.13 (etiology and manifestation), I.A.17, I.B.8 (acute before chronic), I.C.20.a.6,
I.C.21.c.16, II and IV.G, and the rows' own sections.
"""

from __future__ import annotations

from collections.abc import Iterable

from detect_icd.lexicon import Row
from detect_icd.stages.conventions.draft import Draft, Entry
from detect_icd.stages.conventions.patterns import Index, Patterns, code_first, use_additional

_WEIGHTS = {"FIRST": -1, "NEVER_FIRST": 1, "LAST": 2}
_LEADING = (-2, 0)
"""The weight of what the visit is for."""


class Ordering:
    """The rows of `sequencing.tsv` that say an order."""

    def __init__(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        self._weights = [
            (row["rule"], Patterns.of(row["codes"]), (_WEIGHTS[row["kind"]], n if row["kind"] == "FIRST" else 0))
            for n, row in enumerate(rows)
            if row["kind"] in _WEIGHTS
        ]
        self._weighted = Index(patterns for _, patterns, _ in self._weights)
        self._before = [
            (row["rule"], Patterns.of(row["codes"]), Patterns.of(row["companions"]))
            for row in rows
            if row["kind"] == "BEFORE"
        ]
        self._leaders = Index(codes for _, codes, _ in self._before)
        self._followers = Index(companions for _, _, companions in self._before)

    def ordered(self, draft: Draft) -> list[Entry]:
        """The codes in reporting order; the rule that moved one is written to it."""
        weights = {entry.code: ("", _LEADING) if entry.leads else self._weight(entry.code) for entry in draft}
        entries = sorted(draft, key=lambda e: (weights[e.code][1], e.position, e.code))
        plain = sorted(entries, key=lambda e: (e.position, e.code))
        for entry, other in zip(entries, plain, strict=True):
            rule = weights[entry.code][0]
            if entry is not other and rule:
                _note(entry, rule)
        for n in sorted(self._leaders.of(draft.entries) & self._followers.of(draft.entries)):
            rule, codes, companions = self._before[n]
            for entry in [e for e in entries if companions.cover(e.code) and not e.leads]:
                leaders = [e for e in entries if e is not entry and codes.cover(e.code)]
                for leader in leaders:
                    _note(leader, rule)
                self._behind(entry, leaders, entries)
        for entry in list(entries):
            first = code_first(draft.release, entry.code)
            asked = [
                e for e in entries if e is not entry and entry.code.startswith(use_additional(draft.release, e.code))
            ]
            leaders = [e for e in entries if e is not entry and e.code.startswith(first)]
            for rule, ahead in (("use-additional", asked), ("code-first", leaders)):
                if ahead:
                    _note(entry, rule)
                    self._behind(entry, ahead, entries)
        return entries

    @staticmethod
    def _behind(entry: Entry, leaders: list[Entry], entries: list[Entry]) -> None:
        """Move `entry` directly behind the last of `leaders`, where it stands before one."""
        last = max((entries.index(leader) for leader in leaders), default=-1)
        if entries.index(entry) < last:
            entries.remove(entry)
            entries.insert(last, entry)

    def _weight(self, code: str) -> tuple[str, tuple[int, int]]:
        covering = self._weighted.of((code,))
        if not covering:
            return "", (0, 0)
        rule, _, weight = self._weights[min(covering)]
        return rule, weight


def _note(entry: Entry, rule: str) -> None:
    if rule not in entry.rules:
        entry.rules.append(rule)
