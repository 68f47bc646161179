"""A document's codes while the conventions work on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice, pairwise

from detect_icd.codeset import Release
from detect_icd.model import Alert, Mention, NotReportableReason, Removed, Setting
from detect_icd.spans import Span
from detect_icd.stages.conventions.patterns import Patterns, side_of
from detect_icd.stages.senses import contains
from detect_icd.text import NormalizedText

_LOOKED_AT = 20
"""Mentions of one code whose details are looked at: more would say no more."""


class Bond(StrEnum):
    """How near two codes' words must stand for a rule to hold; ANYWHERE is what the classification presumes."""

    ANYWHERE = ""
    SENTENCE = "sentence"
    LINKED = "linked"


@dataclass(slots=True)
class Entry:
    """A code on its way to the answer, with the mentions that speak for it; `position` is (order of section, offset).

    One that `leads` is what the visit is for: nothing supersedes it, and it is listed first.
    """

    code: str
    mentions: dict[str, None]  # an ordered set: a dense note names one condition thousands of times
    score: float
    position: tuple[int, int]
    rules: list[str] = field(default_factory=list)
    leads: bool = False


class Places:
    """Where the mentions stand in the text, and which words join two of them."""

    _REACH = 40
    """Two mentions further apart than this many words stand in no one statement."""
    _LINK_REACH = 8
    _ENDS = frozenset({".", ";", "?", "!"})

    def __init__(
        self,
        text: NormalizedText,
        mentions: Sequence[Mention],
        links: frozenset[tuple[str, ...]] = frozenset(),
        unlinks: frozenset[tuple[str, ...]] = frozenset(),
    ) -> None:
        """`links` are the words that join a condition to its cause, `unlinks` those that say it has another."""
        self._text = text
        self.mentions: Mapping[str, Mention] = {mention.id: mention for mention in mentions}
        self._links = links
        self._unlinks = unlinks

    def bound(self, one: Entry, other: Entry, bond: Bond) -> bool:
        """Whether any mention of `one` stands with any of `other` as `bond` asks; never where the note denies a link."""
        gaps = [self._gap(a, b) for a, b in self._neighbours(one, other)]
        statements = [gap for gap in gaps if gap is not None]
        if any(_holds(gap, self._unlinks) for gap, _ in statements):
            return False
        if bond is Bond.ANYWHERE:
            return True
        if bond is Bond.SENTENCE:
            return any(one_line for _, one_line in statements)
        return any(not gap or (len(gap) <= self._LINK_REACH and _holds(gap, self._links)) for gap, _ in statements)

    def says(self, phrases: frozenset[tuple[str, ...]]) -> bool:
        """Whether the text has one of these phrases."""
        return _holds(self._text.words, phrases)

    def after(self, entry: Entry, count: int) -> Iterator[tuple[str, ...]]:
        """The `count` words behind each mention of `entry`."""
        for mention in entry.mentions:
            first = self._text.token_at(self.mentions[mention].span.end - 1) + 1
            yield self._text.words[first : first + count]

    def concepts(self, entry: Entry) -> set[str]:
        """What the first mentions of `entry` name."""
        return {self.mentions[m].concept.id for m in islice(entry.mentions, _LOOKED_AT)}

    def has(self, entry: Entry, kind: str, value: str) -> bool:
        """Whether a mention of `entry` has the attribute."""
        attributes = (a for m in islice(entry.mentions, _LOOKED_AT) for a in self.mentions[m].attributes)
        return any(a.kind == kind and a.value == value for a in attributes)

    def _neighbours(self, one: Entry, other: Entry) -> Iterator[tuple[Span, Span]]:
        """Mentions of the one and of the other with none of either between them, in text order."""
        mine = [(self.mentions[m].span, True) for m in one.mentions]
        theirs = [(self.mentions[m].span, False) for m in other.mentions]
        in_order = sorted([*mine, *theirs], key=lambda place: (place[0].start, place[0].end))
        return ((a, b) for (a, x), (b, y) in pairwise(in_order) if x is not y)

    def _gap(self, a: Span, b: Span) -> tuple[tuple[str, ...], bool] | None:
        """The words between two mentions of one statement, and whether they stand on one line; None where it ends."""
        if b.start <= a.end:
            return (), True
        first, last = self._text.token_at(a.end - 1) + 1, self._text.token_at(b.start)
        between = self._text.words[first:last]
        if len(between) > self._REACH or not self._ENDS.isdisjoint(between):
            return None
        return between, "\n" not in self._text.source[a.end : b.start]


def _holds(words: tuple[str, ...], phrases: frozenset[tuple[str, ...]]) -> bool:
    """Whether one of the phrases stands in the words."""
    return any(contains(words, phrase, 0, len(words)) for phrase in phrases)


@dataclass(slots=True)
class Draft:
    """The codes, what was taken out, and what a coder should look at."""

    release: Release
    places: Places
    setting: Setting = Setting.OUTPATIENT
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

    def make(self, code: str, parts: Sequence[Entry], rule: str) -> Entry:
        """Put in a code that several others make together."""
        return self.add(
            code,
            [m for part in parts for m in part.mentions],
            min(part.score for part in parts),
            min(part.position for part in parts),
            rule,
        )

    def drop(self, entry: Entry, rule: str, explanation: str) -> None:
        """Take a code out because another one says it already."""
        del self.entries[entry.code]
        title = self.release.title(entry.code)
        self.removed.append(
            Removed(entry.code, title, tuple(entry.mentions), NotReportableReason.SUPERSEDED, rule, explanation)
        )

    def matching(self, patterns: Patterns) -> list[Entry]:
        """The entries whose code `patterns` covers, in the order of the text."""
        found = [entry for entry in self.entries.values() if patterns.cover(entry.code)]
        return sorted(found, key=lambda entry: (entry.position, entry.code))

    def holds(self, patterns: Patterns) -> bool:
        """Whether there is any such entry."""
        return any(patterns.cover(code) for code in self.entries)

    def side(self, entry: Entry) -> str:
        """`left` or `right` where the code's title, or else its words, name one side; '' otherwise."""
        said = side_of(self.release, entry.code)
        if said:
            return said
        sides = [side for side in ("left", "right") if self.places.has(entry, "laterality", side)]
        return sides[0] if len(sides) == 1 else ""

    def alert(self, kind: str, message: str, entries: Sequence[Entry], rule: str) -> None:
        """Point a coder at something; nothing is changed."""
        ids = tuple(dict.fromkeys(m for entry in entries for m in entry.mentions))
        self.alerts.append(Alert(kind, message, tuple(e.code for e in entries), ids, rule))

    def __iter__(self) -> Iterator[Entry]:
        """The entries as they stand now; safe while entries are dropped."""
        return (entry for entry in list(self.entries.values()) if entry.code in self.entries)
