"""Finds the details around a mention: side, acuity, severity, encounter, open or closed.

The words are rows of `attributes.tsv`. A side belongs to the mention it stands in or beside, never
to one across the sentence: a wrong side is a wrong code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from detect_icd.lexicon import Row, phrases_of
from detect_icd.model import Attribute
from detect_icd.spans import Span
from detect_icd.text import NormalizedText, normalize_phrase

_REACH_BEFORE = 4
_REACH_AFTER = 6
_HEAD_WORDS = 3
"""Most words between a side at the head of a sentence and its colon ("right lower extremity:")."""
_AT_THE_HEAD = 100
"""The distance of such a side: any other is nearer."""
_SHARED = frozenset({"site", "region"})
"""Kinds that two mentions of one statement may share: the level of the spine ("disc herniation with L5-S1 radiculopathy")."""
_BREAKS = frozenset({";", ".", ":"})


class Detail(NamedTuple):
    """An attribute at tokens `first` up to `last`."""

    kind: str
    value: str
    first: int
    last: int


class AttributeFinder:
    """The rows of `attributes.tsv`, found by their first word."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], str, str, str]]] = {}
        inside: set[str] = set()
        sets: dict[str, set[str]] = {"join": set(), "locator": set(), "head": set(), "goal": set()}
        carriers: dict[str, str] = {}
        for row in rows:
            for phrase in phrases_of(row["words"]):
                words = normalize_phrase(phrase)
                if row["kind"] == "carrier":
                    carriers[words[0]] = row["value"]
                    continue
                if row["kind"] in sets:
                    sets[row["kind"]].add(words[0])
                    continue
                if row["inside"] and len(words) == 1 and row["case"] == "any":
                    inside.add(words[0])
                if row["kind"] != "filler":
                    spelling = phrase if row["case"] == "exact" else ""
                    self._by_first.setdefault(words[0], []).append((words, row["kind"], row["value"], spelling))
        for rows_of_word in self._by_first.values():
            rows_of_word.sort(key=lambda r: -len(r[0]))
        self.sex = {
            words[0]: value for rows in self._by_first.values() for words, kind, value, _ in rows if kind == "sex"
        }
        """Words that name the patient's sex, and which."""
        self._handed = frozenset(
            words[-1] for rows in self._by_first.values() for words, kind, *_ in rows if kind == "handed"
        )
        self.joins = frozenset(sets["join"])
        """Words and marks that coordinate phrases."""
        self.locators = frozenset(sets["locator"])
        """Words that introduce the site of a finding."""
        self.heads = frozenset(sets["head"])
        """Words that name a finding only together with its site."""
        self.goals = frozenset(sets["goal"])
        """Words and marks that introduce where something has spread to."""
        self.carriers = carriers
        """Words of something that spreads, and the word that names it together with its site."""
        self.negators = frozenset(
            words[0] for rows in self._by_first.values() for words, kind, _, _ in rows if kind == "negator"
        )
        """First words of what denies."""
        self.inside = frozenset(inside)
        """Words that may stand inside a phrase without being part of it."""

    def handed(self, text: NormalizedText) -> str:
        """The dominant hand that the note names first; '' where it names none."""
        if self._handed.isdisjoint(text.distinct):
            return ""
        return next((d.value for d in self.find(text, 0, len(text.words)) if d.kind == "handed"), "")

    def find(self, text: NormalizedText, first: int, last: int) -> list[Detail]:
        """Every attribute in tokens `first` up to `last`, longest at each place."""
        words, by_first = text.words, self._by_first
        found: list[Detail] = []
        until = first
        for i in [i for i in range(first, last) if words[i] in by_first]:
            if i < until:
                continue
            for phrase, kind, value, spelling in by_first[words[i]]:
                end = i + len(phrase)
                if end <= last and words[i:end] == phrase and (not spelling or text.raw(i) == spelling):
                    found.append(Detail(kind, value, i, end))
                    until = end
                    break
        return found


def belonging(
    details: Sequence[Detail],
    first: int,
    last: int,
    text: NormalizedText,
    others: Sequence[tuple[int, int]],
    parts: Collection[tuple[int, int]] = (),
    start: int = 0,
) -> list[Detail]:
    """Those of a sentence's `details` that belong to the mention at tokens `first` up to `last`.

    Inside the mention, or just before or after it with neither a break nor another mention between;
    of each kind the nearest. Encounter words count anywhere in the sentence. `parts` are those of `others` that share
    words with their neighbour: "fracture of the third metatarsal, right [foot]" is of one side. A side that heads the
    sentence, which begins at token `start`, is that of all it names: "Right eye: cataract and glaucoma".
    """
    nearest: dict[str, tuple[int, Detail]] = {}
    for detail in details:
        if first <= detail.first and detail.last <= last:
            distance = 0
        elif detail.kind == "encounter":
            distance = abs(detail.first - first)
        elif detail.last <= first:
            distance = first - detail.last + 1
            if detail.kind == "laterality" and _heads(detail, start, first, text, others):
                distance = _AT_THE_HEAD
            elif distance > _REACH_BEFORE or _blocked(detail.last, first, text, others):
                continue
            elif detail.kind == "laterality":
                distance += text.words[detail.last : first].count(",")  # "hallux valgus bilateral, hammertoe right"
                if any(a <= detail.first and detail.last <= b for a, b in others):
                    distance += _REACH_AFTER  # another mention's side is ours only where we have none of our own
        elif last <= detail.first:
            distance = detail.first - last + 2
            if detail.kind != "laterality":  # "MDD, recurrent, severe, with psychotic features"
                distance -= text.words[last : detail.first].count(",")
            if distance > _REACH_AFTER or _blocked(last, detail.first, text, others):
                continue
            apposed = parts if parts and text.words[detail.first - 1] == "," else ()
            if detail.kind not in _SHARED and _leads(detail, details, [o for o in others if o not in apposed]):
                continue
        else:
            continue
        known = nearest.get(detail.kind)
        if known is None or distance < known[0]:
            nearest[detail.kind] = (distance, detail)
    return sorted((d for _, d in nearest.values()), key=lambda d: (d.first, d.kind))


def _heads(detail: Detail, start: int, first: int, text: NormalizedText, others: Sequence[tuple[int, int]]) -> bool:
    """Whether a detail and a word or two, no mention among them, head the sentence of the mention at `first`."""
    words = text.words
    colon = next((i for i in range(detail.last, min(first, detail.last + _HEAD_WORDS + 1)) if words[i] == ":"), -1)
    if colon < 0 or any(word.isalpha() for word in words[start : detail.first]):
        return False
    return _BREAKS.isdisjoint(words[colon + 1 : first]) and not any(a < colon and detail.first < b for a, b in others)


def _leads(detail: Detail, details: Sequence[Detail], others: Sequence[tuple[int, int]]) -> bool:
    """Whether a detail stands in or directly before another mention: "knee pain and left ankle sprain"."""
    ends = {detail.last}
    for following in details:
        if following.first in ends:
            ends.add(following.last)
    return any(start <= detail.first < end or start in ends for start, end in others)


def _blocked(start: int, end: int, text: NormalizedText, others: Sequence[tuple[int, int]]) -> bool:
    return any(text.words[i] in _BREAKS for i in range(start, end)) or any(start <= a and b <= end for a, b in others)


def as_attributes(details: Iterable[Detail], text: NormalizedText) -> tuple[Attribute, ...]:
    """The details as the result shows them, with their place in the source."""
    return tuple(Attribute(d.kind, d.value, Span(text.starts[d.first], text.ends[d.last - 1])) for d in details)
