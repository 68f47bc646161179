"""Takes out the codes that say nothing beside another one, and those that need a companion they lack.

Source: Official Guidelines I.A.9.b (unspecified), I.B.4-6 (signs and symptoms), I.B.14 (documentation by
others than the provider), and the rows' own sections.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from detect_icd.lexicon import Row
from detect_icd.stages.conventions.draft import Draft, Entry
from detect_icd.stages.conventions.patterns import Index, Patterns, is_vague, told, told_with_headers

_SEQUELA = "S"
"""The 7th character of what an injury left: the condition it left is coded before it, not in it (I.B.10)."""
_NAMED = re.compile(r"\[([^\]]+)\]")
"""Behind a code of `codes`: the concepts of that code which alone are meant, as `N32.89[bladder-wall-thickening]`."""


@dataclass(frozen=True, slots=True)
class _Superseded:
    rule: str
    codes: Patterns
    concepts: frozenset[str]
    by: Patterns
    same: int
    setting: str
    guideline: str

    def explains(self, entry: Entry, other: Entry, draft: Draft, past: Mapping[str, Sequence[str]]) -> bool:
        """Whether `other` says what `entry` says; a history code stands for the codes it is the `past` of."""
        if other is entry or entry.leads or not self.by.cover(other.code) or other.code.endswith(_SEQUELA):
            return False
        if not _is_meant(draft, entry, self.concepts):
            return False
        own, bare = _bare(entry.code), _bare(other.code)
        alike = own[: self.same] == bare[: self.same] or any(
            len(prefix) >= self.same and bare.startswith(prefix) for prefix in map(_bare, past.get(entry.code, ()))
        )
        if not alike and entry.code in past:
            alike = draft.places.concepts(entry) <= draft.places.concepts(other)
        return alike and not _opposite(draft, entry, other)


class Superseding:
    """The rows of `superseded.tsv` and `integral_symptoms.tsv`."""

    def __init__(self, rows: Iterable[Row], history: Iterable[Row] = ()) -> None:
        """`history` are the rows of `history.tsv`: which code's past a history code tells."""
        self._past: dict[str, list[str]] = {}
        for row in history:
            self._past.setdefault(row["history"], []).append(row["prefix"])
        self._rows = [
            _Superseded(
                row["rule"],
                *_with_concepts(row["codes"]),
                Patterns.of(row["by"]),
                int(row.get("same") or 0),
                row.get("setting", ""),
                row["guideline"],
            )
            for row in rows
        ]
        self._codes = Index(row.codes for row in self._rows)
        self._by = Index(row.by for row in self._rows)

    def apply(self, draft: Draft) -> None:
        """Every row in turn."""
        for n in sorted(self._codes.of(draft.entries) & self._by.of(draft.entries)):
            row = self._rows[n]
            if row.setting not in ("", draft.setting):
                continue
            for entry in draft.matching(row.codes):
                other = next((e for e in draft if row.explains(entry, e, draft, self._past)), None)
                if other is not None:
                    draft.drop(entry, row.rule, f"{other.code} covers it (guideline {row.guideline})")


class Companions:
    """Codes that need another diagnosis beside them: the rows NEEDS of `sequencing.tsv`."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = [
            (row["rule"], *_with_concepts(row["codes"]), Patterns.of(row["companions"]), row["guideline"])
            for row in rows
            if row["kind"] == "NEEDS"
        ]
        self._needy = Index(codes for _, codes, *_ in self._rows)

    def apply(self, draft: Draft) -> None:
        """Drop those that stand alone."""
        for n in sorted(self._needy.of(draft.entries)):
            rule, codes, concepts, companions, guideline = self._rows[n]
            for entry in draft.matching(codes):
                if not _is_meant(draft, entry, concepts):
                    continue
                others = [e for e in draft if e is not entry and (concepts or not codes.cover(e.code))]
                if not any(companions.cover(e.code) or not companions for e in others):
                    reason = f"it needs a diagnosis beside it that the note does not give (guideline {guideline})"
                    draft.drop(entry, rule, reason)


def unspecified_beside_specific(draft: Draft) -> None:
    """An unspecified code says nothing beside one of its category that tells all it tells, and more (I.A.9.b)."""
    for entry in draft:
        if not is_vague(draft.release, entry.code):
            continue
        better = next((e for e in draft if _more_specific(e, entry, draft)), None)
        if better is not None:
            reason = f"{better.code} says the same more specifically (guideline I.A.9.b)"
            draft.drop(entry, "unspecified-beside-specific", reason)


def _more_specific(other: Entry, entry: Entry, draft: Draft) -> bool:
    if other is entry or other.code[:3] != entry.code[:3]:
        return False
    said, more = told(draft.release, entry.code), told(draft.release, other.code)
    return (
        said <= told_with_headers(draft.release, other.code)
        and (not is_vague(draft.release, other.code) or said < more)
        and not _opposite(draft, entry, other)
    )


def _opposite(draft: Draft, entry: Entry, other: Entry) -> bool:
    """Whether the two speak of opposite sides, by their titles or by the words that led to them."""
    return {draft.side(entry), draft.side(other)} == {"left", "right"}


def _with_concepts(cell: str) -> tuple[Patterns, frozenset[str]]:
    """The code patterns of a cell, and the concepts that alone are meant (none: all)."""
    named = frozenset(name for names in _NAMED.findall(cell) for name in names.split())
    return Patterns.of(_NAMED.sub("", cell)), named


def _is_meant(draft: Draft, entry: Entry, concepts: frozenset[str]) -> bool:
    """Whether a row for `concepts` (none: all) speaks of this entry."""
    return not concepts or draft.places.concepts(entry) <= concepts


def _bare(code: str) -> str:
    return code.replace(".", "")
