"""The coding conventions: each a pass that adds, replaces or removes codes of a draft and says which rule did it.

What a pass works with are rows of `combinations.tsv`, `integral_symptoms.tsv`, `sequencing.tsv` and
`pregnancy.tsv`, or the tabular list's own notes. Nothing leaves a draft silently: what is removed
stands in `removed` with its reason.
Source: ICD-10-CM Official Guidelines, sections named at each pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from detect_icd.codeset import Release
from detect_icd.lexicon import Lexicon
from detect_icd.model import Alert, NotReportableReason, Removed


@dataclass(slots=True)
class Entry:
    """A code on its way to the answer, with the mentions that speak for it; `position` is (order of section, offset)."""

    code: str
    mentions: dict[str, None]  # an ordered set: a dense note names one condition thousands of times
    score: float
    position: tuple[int, int]
    rules: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    """The document's codes while the conventions work on them."""

    release: Release
    entries: dict[str, Entry] = field(default_factory=dict)
    removed: list[Removed] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    def add(self, code: str, mentions: Iterable[str], score: float, position: tuple[int, int], rule: str = "") -> Entry:
        """Put `code` in, or strengthen what stands there."""
        entry = self.entries.get(code)
        if entry is None:
            entry = self.entries[code] = Entry(code, {}, score, position)
        entry.mentions.update(dict.fromkeys(mentions))
        entry.score = max(entry.score, score)
        entry.position = min(entry.position, position)
        if rule and rule not in entry.rules:
            entry.rules.append(rule)
        return entry

    def drop(self, entry: Entry, rule: str, explanation: str) -> None:
        """Take a code out because another one says it already."""
        del self.entries[entry.code]
        title = self.release.title(entry.code)
        self.removed.append(
            Removed(entry.code, title, tuple(entry.mentions), NotReportableReason.SUPERSEDED, rule, explanation)
        )

    def first(self, prefixes: tuple[str, ...]) -> Entry | None:
        """The first entry of the text whose code begins with one of `prefixes`."""
        found = [e for e in self.entries.values() if e.code.startswith(prefixes)]
        return min(found, key=lambda e: (e.position, e.code), default=None)

    def alert(self, kind: str, message: str, entries: Sequence[Entry], rule: str) -> None:
        """Point a coder at something; nothing is changed."""
        ids = tuple(dict.fromkeys(m for entry in entries for m in entry.mentions))
        self.alerts.append(Alert(kind, message, tuple(e.code for e in entries), ids, rule))


@dataclass(frozen=True, slots=True)
class _Combination:
    rule: str
    components: tuple[tuple[str, ...], ...]
    result: str
    drops: frozenset[int]
    guideline: str


@dataclass(frozen=True, slots=True)
class _Integral:
    symptoms: tuple[str, ...]
    explained_by: tuple[str, ...]
    rule: str
    guideline: str


@dataclass(frozen=True, slots=True)
class _Sequencing:
    codes: tuple[str, ...]
    rule: str
    companions: tuple[str, ...]
    guideline: str


def prefixes(cell: str) -> tuple[str, ...]:
    """Code prefixes in a cell: `I10/I11.9`."""
    return tuple(part.strip() for part in cell.split("/") if part.strip())


class Conventions:
    """The rows of the convention tables, applied in the guidelines' order."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._combinations = [
            _Combination(
                row["rule"],
                tuple(prefixes(part) for part in row["components"].split(" + ")),
                row["result"],
                frozenset(int(n) - 1 for n in row["drops"].split(",") if n),
                row["guideline"],
            )
            for row in lexicon.table("combinations")
        ]
        self._integral = [
            _Integral(prefixes(row["symptoms"]), prefixes(row["explained_by"]), row["rule"], row["guideline"])
            for row in lexicon.table("integral_symptoms")
        ]
        self._sequencing = [
            _Sequencing(prefixes(row["codes"]), row["rule"], prefixes(row["companions"]), row["guideline"])
            for row in lexicon.table("sequencing")
        ]
        self._pregnancy = [
            (prefixes(row["codes"]), row["result"], row["rule"], row["guideline"]) for row in lexicon.table("pregnancy")
        ]

    def apply(self, draft: Draft) -> None:
        """All passes, in order."""
        self._combine(draft)
        self._pregnant(draft)
        self._both_sides(draft)
        self._unspecified(draft)
        self._explained(draft)
        self._lonely(draft)
        self._excludes1(draft)
        self._unsided(draft)

    def ordered(self, draft: Draft) -> list[Entry]:
        """Reporting order: by section and place, bent by code-first notes (I.A.13) and codes never first (I.C.20, I.B.14)."""
        entries = sorted(draft.entries.values(), key=lambda e: (self._weight(e.code), e.position, e.code))
        for entry in list(entries):
            leaders = [
                e for e in entries if e is not entry and e.code.startswith(code_first(draft.release, entry.code))
            ]
            if leaders:
                entries.remove(entry)
                entries.insert(max(entries.index(leader) for leader in leaders) + 1, entry)
                entry.rules.append("code-first")
        return entries

    def _weight(self, code: str) -> int:
        weights = {"FIRST": -1, "NEVER_FIRST": 1}
        return next((weights[s.rule] for s in self._sequencing if s.rule in weights and code.startswith(s.codes)), 0)

    def _combine(self, draft: Draft) -> None:
        """Combination codes (I.B.9), presumed links by "with" (I.A.15)."""
        for combination in self._combinations:
            chosen = [draft.first(component) for component in combination.components]
            parts = [entry for entry in chosen if entry is not None]
            if len(parts) < len(chosen) or not draft.release.is_billable(combination.result):
                continue
            made = draft.add(
                combination.result,
                [m for part in parts for m in part.mentions],
                min(part.score for part in parts),
                min(part.position for part in parts),
                combination.rule,
            )
            for n, part in enumerate(parts):
                if n in combination.drops and part is not made:
                    reason = f"{made.code} reports it together with its companion (guideline {combination.guideline})"
                    draft.drop(part, combination.rule, reason)

    def _pregnant(self, draft: Draft) -> None:
        """Chapter 15 codes go before those of other chapters (I.C.15.a)."""
        if draft.first(("O", "Z33.1", "Z34", "Z3A")) is None:
            return
        for codes, result, rule, guideline in self._pregnancy:
            entry = draft.first(codes)
            if entry is None or not draft.release.is_billable(result):
                continue
            draft.add(result, entry.mentions, entry.score, entry.position, rule)
            if draft.release.notes(result).use_additional:
                continue
            draft.drop(entry, rule, f"{result} reports it in pregnancy (guideline {guideline})")

    def _both_sides(self, draft: Draft) -> None:
        """Left and right of one condition are its bilateral code where there is one (I.B.13)."""
        for entry in list(draft.entries.values()):
            if entry.code not in draft.entries:
                continue
            other, both = sided_family(draft.release, entry.code)
            partner = draft.entries.get(other)
            if partner is not None and both:
                draft.add(both, [*entry.mentions, *partner.mentions], min(entry.score, partner.score),
                          min(entry.position, partner.position), "bilateral")  # fmt: skip
                for part in (entry, partner):
                    draft.drop(part, "bilateral", f"{both} reports both sides (guideline I.B.13)")

    def _unspecified(self, draft: Draft) -> None:
        """An unspecified code says nothing beside a specific one of its category (I.A.9.b)."""
        for entry in list(draft.entries.values()):
            if not is_vague(draft.release, entry.code):
                continue
            category = entry.code[:3]
            better = [
                e for e in draft.entries.values()
                if e is not entry and e.code.startswith(category)
                and (not is_vague(draft.release, e.code) or len(e.code) > len(entry.code))
            ]  # fmt: skip
            if better and category not in _UNRELATED:
                reason = f"{better[0].code} says the same more specifically (guideline I.A.9.b)"
                draft.drop(entry, "unspecified-beside-specific", reason)

    def _explained(self, draft: Draft) -> None:
        """Symptoms integral to a confirmed diagnosis are not coded (I.B.5)."""
        for row in self._integral:
            for entry in [e for e in draft.entries.values() if e.code.startswith(row.symptoms)]:
                cause = next(
                    (e for e in draft.entries.values() if e is not entry and e.code.startswith(row.explained_by)), None
                )
                if cause is not None:
                    draft.drop(entry, row.rule, f"{cause.code} explains it (guideline {row.guideline})")

    def _lonely(self, draft: Draft) -> None:
        """Codes that need another diagnosis beside them (BMI, ulcer stage, coma scale: I.B.14)."""
        for row in self._sequencing:
            if row.rule != "NEEDS":
                continue
            for entry in [e for e in draft.entries.values() if e.code.startswith(row.codes)]:
                others = [e for e in draft.entries.values() if e is not entry and not e.code.startswith(row.codes)]
                if not any(e.code.startswith(row.companions) or not row.companions for e in others):
                    reason = f"it needs a diagnosis beside it that the note does not give (guideline {row.guideline})"
                    draft.drop(entry, "needs-companion", reason)

    def _excludes1(self, draft: Draft) -> None:
        """Excludes1 (I.A.12.a) is an alert: unrelated conditions may stand together."""
        seen = set()
        for entry in draft.entries.values():
            excluded = excludes1(draft.release, entry.code)
            for other in draft.entries.values():
                pair = frozenset((entry.code, other.code))
                if other is not entry and pair not in seen and other.code.startswith(excluded):
                    seen.add(pair)
                    message = f"{entry.code} excludes {other.code} (Excludes1): report both only if they are unrelated"
                    draft.alert("EXCLUDES1", message, [entry, other], "guideline-I.A.12.a")

    def _unsided(self, draft: Draft) -> None:
        """An unspecified side where a sided code exists (I.B.13) is worth a look."""
        for entry in draft.entries.values():
            parent = draft.release.parent(entry.code)
            own = _words(draft.release, entry.code)
            if parent is None or "unspecified" not in own or own & {"left", "right", "bilateral"}:
                continue
            siblings = [_words(draft.release, code) for code in draft.release.children(parent)]
            if any("left" in words for words in siblings) and any("right" in words for words in siblings):
                message = f"{entry.code} leaves the side open although sided codes exist: the note does not name it"
                draft.alert("UNSPECIFIED_LATERALITY", message, [entry], "guideline-I.B.13")


_UNRELATED = frozenset({"Z88", "Z79", "Z80", "Z81", "Z82", "Z83", "Z84", "Z85", "Z86", "Z87", "Z91", "Z98"})
"""Categories whose codes list unrelated facts, so that one says nothing about another."""


def _words(release: Release, code: str) -> set[str]:
    return set(release.wording(code).lower().replace(",", " ").split())


def is_vague(release: Release, code: str) -> bool:
    """Whether a code's title leaves the condition open (unspecified, without complications)."""
    title = release.wording(code).lower()
    return "unspecified" in title or "without complication" in title or title.endswith((" nos", "uncomplicated"))


def sided_family(release: Release, code: str) -> tuple[str, str]:
    """The code of the other side and the bilateral one; '' where there is none."""
    parent, words = release.parent(code), _words(release, code)
    sides = words & {"left", "right"}
    if parent is None or len(sides) != 1:
        return "", ""
    side = next(iter(sides))
    rest = words - sides
    other = both = ""
    for sibling in release.children(parent):
        theirs = _words(release, sibling)
        if theirs - {"left", "right"} == rest and sibling != code and theirs & ({"left", "right"} - {side}):
            other = sibling
        elif "bilateral" in theirs and theirs - {"bilateral"} <= {*rest, *(f"{w}s" for w in rest)}:
            both = sibling
    return other, both


@lru_cache(maxsize=4096)
def excludes1(release: Release, code: str) -> tuple[str, ...]:
    """The code prefixes that the Excludes1 notes of `code` and its headers name."""
    nodes = (code, *release.ancestors(code))
    return tuple(p for node in nodes for note in release.notes(node).excludes1 for p in prefixes_in_note(note))


@lru_cache(maxsize=4096)
def code_first(release: Release, code: str) -> tuple[str, ...]:
    """The code prefixes that must be listed before `code` by its code-first notes."""
    nodes = (code, *release.ancestors(code))
    return tuple(p for node in nodes for note in release.notes(node).code_first for p in prefixes_in_note(note))


def prefixes_in_note(note: str) -> Iterable[str]:
    """Code prefixes in a tabular note: "mononeuropathies (G56-G58)" -> G56, G57, G58."""
    for bracket in note.split("(")[1:]:
        for part in bracket.partition(")")[0].replace(";", ",").split(","):
            first, dash, last = part.strip().partition("-")
            if dash and last and first[:1] == last[:1] and first[1:].isdigit() and last[1:].isdigit():
                for n in range(int(first[1:]), int(last[1:]) + 1):
                    yield f"{first[0]}{n:0{len(first) - 1}d}"
            elif first[:1].isupper() and first[1:2].isdigit():
                yield first.rstrip(".") if dash else first
