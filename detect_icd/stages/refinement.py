"""From a concept's code node down to the most specific code that the words support.

The official titles say themselves what tells siblings apart: a child is chosen when every word its
title adds to its parent's stands near the mention; where the text is silent the unspecified child
is right, and `missing` says which words would have helped. Nothing is ever invented.
Source: ICD-10-CM Official Guidelines I.A.5 (7th characters), I.A.9 (other, unspecified), I.A.14 ("and"
means and/or), I.B.2 (level of detail), I.B.13 (laterality), I.C.19.a-c (encounter, fractures).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from detect_icd.codeset import Release
from detect_icd.lexicon import Row
from detect_icd.text import normalize_phrase, significant

# The classification's own grammar (not words of medicine): what a title says about itself.
_FUNCTION = frozenset(
    {
        "of",
        "the",
        "with",
        "without",
        "due",
        "to",
        "and",
        "or",
        "in",
        "on",
        "by",
        "for",
        "at",
        "from",
        "as",
        "a",
        "an",
        "is",
    }
    | {
        "not",
        "applicable",
        "nos",
        "unspecified",
        "uncomplicated",
        "specified",
        "other",
        "elsewhere",
        "classified",
        "type",
    }
    | {"region", "affecting", "accidental", "encounter", "side", "sides", "site", "part", "initial", *",()[]-/:;."}
)
_UNSPECIFIED = frozenset({"unspecified", "nos", "uncomplicated"})
_SIDES = frozenset({"left", "right", "bilateral"})
_JOINS = re.compile(r"\b(?:and|or)\b")
_WITHOUT = re.compile(r"\b(?:without|not)\b ?((?:(?! of (?:left|right|unspecified|other)\b)[^,;])*)")
_BRACKETED = re.compile(r"[(\[][^)\]]*[)\]]")

_ENCOUNTER_WORDS = {
    "initial": {"initial"},
    "subsequent": {"subsequent", "routine"},
    "delayed": {"subsequent", "delayed"},
    "nonunion": {"subsequent", "nonunion"},
    "malunion": {"subsequent", "malunion"},
    "sequela": {"sequela"},
}
_DOMINANT, _NONDOMINANT = frozenset({"dominant"}), frozenset({"nondominant"})
# A fracture that the note calls neither displaced nor nondisplaced is coded as displaced (guideline I.C.19.c).
_DISPLACED = frozenset({"displaced"})
_UNMOVED = frozenset({"nondisplaced", "displaced", "displacement"})
_ONE_SIDE = frozenset({"left", "right"})
_ENCOUNTER_SPECIFIC = frozenset(
    {"delayed", "nonunion", "malunion", "sequela", "subsequent", "initial", "open", "closed"}
)


class Evidence(NamedTuple):
    """What the note says around a mention, in the lexicon's canonical words.

    `marks` are the details that belong to the mention, as rows of `refinements.tsv` name them: (kind, value).
    """

    said: frozenset[str]
    denied: frozenset[str] = frozenset()
    laterality: str = ""
    encounter: str = ""
    fracture: str = ""
    handed: str = ""
    marks: tuple[tuple[str, str], ...] = ()


class Refined(NamedTuple):
    """A code the words support; `given` counts the details the text supplied, `missing` those it did not."""

    code: str
    billable: bool
    given: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Child:
    code: str
    alternatives: tuple[frozenset[str], ...]
    without: frozenset[str]
    sides: frozenset[str]
    unspecified: bool
    other: bool
    words: frozenset[str]
    adds: str


class Refiner:
    """Refines codes of one release; what it learns of a title it keeps."""

    def __init__(self, release: Release, canonical: Callable[[str], str], rows: Iterable[Row] = ()) -> None:
        """`rows` of `refinements.tsv` say what the titles do not: code + attribute -> code."""
        self._release = release
        self._canonical = canonical
        self._rows = {(row["code"], row["kind"], row["value"]): row["result"] for row in rows}
        self._children: dict[str, tuple[_Child, ...]] = {}
        self._siblings: dict[tuple[str, str], str | None] = {}

    def refine(self, node: str, evidence: Evidence) -> Refined:
        """The most specific code under `node` that `evidence` supports.

        Not billable where the text leaves a choice that the classification gives no default for.
        """
        given = 0
        missing: list[str] = []
        while True:
            node = self._elsewhere(node, evidence)
            if self._release.is_billable(node):
                break
            children = self._axes(node)
            if not children:
                break
            if self._release.notes(node).seventh_characters or self._is_encounter(children):
                child, lacking = self._seventh(children, evidence)
            else:
                child, lacking = self._choose(children, evidence)
                if child is None and (node, "default", "any") in self._rows:
                    node = self._rows[node, "default", "any"]
                    missing.extend(lacking)
                    continue
            missing.extend(lacking)
            if child is None:
                break
            given += not child.unspecified and not lacking
            node = child.code
        better = self._on_side(node, evidence.laterality) if evidence.laterality else None
        if better is not None and better in self._release:
            node, given, missing = better, given + 1, [m for m in missing if m != "laterality"]
        return Refined(node, self._release.is_billable(node), given, tuple(dict.fromkeys(missing)))

    def _elsewhere(self, node: str, evidence: Evidence) -> str:
        """The node that the note's details make of `node`, row by row: a disc of the neck has another category."""
        for _ in evidence.marks:
            found = [self._rows.get((node, *mark), "") for mark in evidence.marks]
            node = next((code for code in found if code in self._release), node)
        return node

    def _on_side(self, code: str, side: str) -> str | None:
        """What `code` becomes once the side is known, by row or by title; None where it says so already."""
        if (code, side) not in self._siblings:
            self._siblings[code, side] = self._rows.get((code, "laterality", side)) or self._sided(code, side)
        return self._siblings[code, side]

    def _sided(self, code: str, side: str) -> str | None:
        """The sibling of an unspecified-side code that differs in nothing but the side."""
        parent = self._release.parent(code)
        own = self._words(self._release.wording(code))
        if parent is None or not own & _UNSPECIFIED or own & _SIDES:
            return None
        wanted = own - _UNSPECIFIED | {side}
        return next(
            (c for c in self._release.children(parent) if self._words(self._release.wording(c)) == wanted), None
        )

    def _choose(self, children: tuple[_Child, ...], evidence: Evidence) -> tuple[_Child | None, tuple[str, ...]]:
        best: tuple[int, int, _Child] | None = None
        for order, child in enumerate(children):
            strength = self._support(child, evidence)
            if strength and (best is None or strength > best[0]):
                best = (strength, -order, child)
        if best is not None:
            lacking = ("laterality",) if best[2].unspecified and any(c.sides for c in children) else ()
            return best[2], lacking
        return _default(children), _lacking(children)

    def _support(self, child: _Child, evidence: Evidence) -> int:
        """How many of the child's own words the text gives; 0 where one is wanting or denied."""
        if child.other or child.without & evidence.said - evidence.denied:
            return 0
        if child.sides and child.sides != {evidence.laterality}:
            return 0
        strength = len(child.sides)
        if child.without and child.without <= evidence.denied:
            strength += len(child.without)
        if not child.alternatives:
            return strength
        said = evidence.said | _dominance(evidence)
        if "nondisplaced" not in said and not _UNMOVED & evidence.denied:
            said |= _DISPLACED
        supported = [len(words) for words in child.alternatives if words <= said]
        return strength + max(supported) if supported else 0

    @staticmethod
    def _is_encounter(children: tuple[_Child, ...]) -> bool:
        return any("encounter" in child.words for child in children)

    def _seventh(self, children: tuple[_Child, ...], evidence: Evidence) -> tuple[_Child | None, tuple[str, ...]]:
        if not self._is_encounter(children):
            return self._choose(children, evidence)
        wanted = set(_ENCOUNTER_WORDS[evidence.encounter or "initial"])
        lacking = () if evidence.encounter else ("encounter",)
        if any("closed" in child.words for child in children):
            wanted.add(evidence.fracture or "closed")

        def fit(child: _Child) -> tuple[int, int]:
            return (len(child.words & wanted), -len(child.words & _ENCOUNTER_SPECIFIC - wanted))

        return max(children, key=fit), lacking

    def _axes(self, parent: str) -> tuple[_Child, ...]:
        known = self._children.get(parent)
        if known is None:
            codes = self._release.children(parent)
            inherited = self._words(self._release.wording(parent))
            if len(codes) > 1:  # a word that every child repeats tells none of them from the others
                given = [self._words(_WITHOUT.sub("", self._release.wording(code).lower())) for code in codes]
                # Of "subluxation and dislocation" every child is one or the other: there the parent's words tell too.
                divided = inherited - given[0].intersection(*given) - _FUNCTION - _UNSPECIFIED
                alone = all(sum(word in words for words in given) == 1 for word in divided)
                if all(words & divided or (alone and words - inherited) for words in given):
                    inherited -= divided
                inherited |= given[0].intersection(*given)
                sided = [words for words in given if words & _ONE_SIDE]
                if len(sided) > 1 and all(words & (_SIDES | _UNSPECIFIED) for words in given):
                    # "right ear", "left ear", "bilateral": which organ it is, the parent's words have told
                    inherited |= sided[0].intersection(*sided) - _UNSPECIFIED
            vagueness = sum(word in _UNSPECIFIED for word in normalize_phrase(self._release.wording(parent)))
            known = tuple(self._child(code, inherited, vagueness) for code in codes)
            self._children[parent] = known
        return known

    def _words(self, title: str) -> frozenset[str]:
        return frozenset(map(self._canonical, significant(normalize_phrase(title))))

    def _child(self, code: str, inherited: frozenset[str], vagueness: int) -> _Child:
        title = _BRACKETED.sub("", self._release.wording(code).lower()).replace("non-dominant", "nondominant")
        own = self._words(title) - inherited
        vague = sum(word in _UNSPECIFIED for word in normalize_phrase(title))
        default_term = any(term.endswith("NOS") for term in self._release.notes(code).inclusion_terms)
        without = frozenset[str]().union(*(self._words(part) for part in _WITHOUT.findall(title))) - _FUNCTION
        plain = _WITHOUT.sub("", title)
        parts = [plain] if " with " in plain else _JOINS.split(plain)
        alternatives = [self._words(part) - inherited - _FUNCTION - _SIDES for part in parts]
        return _Child(
            code=code,
            alternatives=tuple(words for words in alternatives if words),
            without=without - inherited - _SIDES,
            sides=own & _SIDES,
            unspecified=vague > vagueness or default_term,
            other="other" in own and not default_term,
            words=self._words(title),
            adds=" ".join(w for w in normalize_phrase(plain) if self._canonical(w) in set().union(*alternatives)),
        )


def _dominance(evidence: Evidence) -> frozenset[str]:
    """Whether the named side is the dominant one; where the note does not say, right is and left is not (I.C.6.a)."""
    if evidence.laterality not in ("left", "right"):
        return frozenset()
    return _DOMINANT if evidence.laterality == (evidence.handed or "right") else _NONDOMINANT


def _default(children: Iterable[_Child]) -> _Child | None:
    """The child for a silent text: the unspecified one, else the one "without", else none."""
    plain = [c for c in children if not c.other]
    choices = (
        [c for c in plain if c.unspecified and not c.alternatives and not c.without],
        [c for c in plain if c.unspecified and not c.sides],
        [c for c in plain if c.without and not c.alternatives and not c.sides],
        [c for c in plain if not c.alternatives and not c.sides],
    )
    found = next((choice for choice in choices if choice), [])
    return max(found, key=lambda c: (not c.alternatives, -len(c.words), c.code), default=None)


def _lacking(children: tuple[_Child, ...]) -> tuple[str, ...]:
    """What the text would have had to say to choose between these children."""
    if any(child.sides for child in children):
        return ("laterality",)
    named = list(dict.fromkeys(c.adds for c in children if c.adds and not c.other))
    return (" or ".join(named[:6]),) if named else ()
