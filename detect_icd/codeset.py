"""Answers what a code is on a day: validity, title, place in the hierarchy, notes, what came before and after."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from detect_icd.codetable import CodeTable
from detect_icd.errors import UnknownDateError

NOTE_KINDS = (
    "inclusion_terms",
    "includes",
    "excludes1",
    "excludes2",
    "use_additional",
    "code_first",
    "code_also",
    "notes",
)
"""The lists of a code's notes, in the order the compiled lexicon keeps them."""

LONGEST_CODE = 8
"""Characters without the dot; those of today have 7."""
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Window:
    """The days one release is in force, both ends included."""

    name: str
    fiscal_year: int
    effective_from: date
    effective_until: date
    guidelines: str


@dataclass(frozen=True, slots=True)
class CodeNotes:
    """The tabular list's notes at one code. 7th characters are those in force there, wherever they are defined."""

    inclusion_terms: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    excludes1: tuple[str, ...] = ()
    excludes2: tuple[str, ...] = ()
    use_additional: tuple[str, ...] = ()
    code_first: tuple[str, ...] = ()
    code_also: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seventh_characters: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    @classmethod
    def of(cls, lists: Sequence[tuple[str, ...]], seventh: Mapping[str, str]) -> CodeNotes:
        """From the table's lists, which come in this class's order and may stop early."""
        named = dict(zip(NOTE_KINDS, lists, strict=False))
        return cls(**named, seventh_characters=seventh)


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter ("9") or block ("I10-I1A"): id, title, first and last category."""

    id: str
    title: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Change:
    """From `day` on, `after` takes over what `before` was for, or a part of it."""

    before: str
    after: str
    day: date


class CodeSet:
    """Every release known; immutable and shared."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.table = CodeTable(data)
        self.windows = tuple(
            Window(
                row["name"],
                int(row["fiscal_year"]),
                date.fromisoformat(row["effective_from"]),
                date.fromisoformat(row["effective_until"]),
                row["guidelines"],
            )
            for row in data["windows"]
        )
        self.sources: Mapping[str, str] = dict(data["sources"])
        self.chapters = tuple(sorted((Section(*row) for row in data["chapters"]), key=lambda s: s.first))
        self.blocks = tuple(sorted((Section(*row) for row in data["blocks"]), key=lambda s: (s.first, s.last)))
        self._flags = {flag: frozenset(codes.split()) for flag, codes in data["flags"].items()}
        self._changes_from: dict[str, list[Change]] = {}
        self._changes_to: dict[str, list[Change]] = {}
        for before, after, day in sorted(data["changes"], key=lambda row: (row[2], row[0], row[1])):
            change = Change(before, after, date.fromisoformat(day))
            self._changes_from.setdefault(before, []).append(change)
            self._changes_to.setdefault(after, []).append(change)
        self._releases: list[Release | None] = [None] * len(self.windows)

    @classmethod
    def from_member(cls, data: Mapping[str, Any]) -> CodeSet:
        """The code set of a bundle's member `codes.json`."""
        return cls(data)

    def on(self, day: date) -> Release:
        """The release in force on `day`; UnknownDateError naming the known windows outside."""
        for number, window in enumerate(self.windows):
            if window.effective_from <= day <= window.effective_until:
                release = self._releases[number]
                if release is None:
                    release = self._releases[number] = Release(self, number)
                return release
        names = f"{self.windows[0].name} to {self.windows[-1].name}"
        raise UnknownDateError(
            f"no code set is known for {day}: known are {self.first_day} to {self.last_day} ({names})"
        )

    @property
    def first_day(self) -> date:
        """First day of the oldest release."""
        return self.windows[0].effective_from

    @property
    def last_day(self) -> date:
        """Last day of the newest release."""
        return self.windows[-1].effective_until

    def releases(self) -> Iterator[Release]:
        """Every release, oldest first."""
        for window in self.windows:
            yield self.on(window.effective_from)

    def __len__(self) -> int:
        return len(self.table.codes)

    def codes(self) -> tuple[str, ...]:
        """Every code of any release, in order, headers included."""
        return tuple(self.table.codes)

    def normalize_code(self, text: str) -> str | None:
        """The code a person meant by `text` ("e1142", " E11.42 ", "QA0.0101."), of any release; None if there is none.

        Read by the table, not by a pattern: codes have more than one shape.
        """
        bare = text.upper().replace(".", "").replace(" ", "").strip()
        if len(bare) > LONGEST_CODE:  # look-ups are remembered, and a page of text shall not be
            return None
        code = bare if len(bare) <= 3 else f"{bare[:3]}.{bare[3:]}"
        return code if self.table.find(code) is not None else None

    def billable_windows(self, code: str) -> tuple[tuple[date, date], ...]:
        """The spans of days the code is billable in, both ends included, neighbouring releases joined."""
        mask, _ = self.table.patterns[self.table.pattern_of[self.table.place(code)]]
        spans: list[tuple[date, date]] = []
        previous = None
        for number, window in enumerate(self.windows):
            if mask >> number & 1:
                joined = spans and previous == number - 1
                first = spans.pop()[0] if joined else window.effective_from
                spans.append((first, window.effective_until))
                previous = number
        return tuple(spans)

    def flags(self, code: str) -> frozenset[str]:
        """The Medicare Code Editor's flags of the code.

        manifestation, unacceptable, newborn, pediatric, maternity, adult, female, male (these two until 2024-09-30).
        """
        return frozenset(flag for flag, codes in self._flags.items() if code in codes)

    def changes_from(self, code: str) -> tuple[Change, ...]:
        """What took over from the code, oldest first, on any day known."""
        return tuple(self._changes_from.get(code, ()))

    def changes_to(self, code: str) -> tuple[Change, ...]:
        """What the code took over, oldest first, on any day known."""
        return tuple(self._changes_to.get(code, ()))


class Release:
    """The code set on the days of one window; what is asked of it is true on those days."""

    def __init__(self, codeset: CodeSet, number: int) -> None:
        self.codeset = codeset
        self.window = codeset.windows[number]
        self.name = self.window.name
        self.effective_from = self.window.effective_from
        self.effective_until = self.window.effective_until
        self.guidelines = self.window.guidelines
        self._table = codeset.table
        bit = 1 << number
        self._billable = bytes(bool(billable & bit) for billable, _ in self._table.patterns)
        self._present = bytes(bool((billable | header) & bit) for billable, header in self._table.patterns)
        self.description = lru_cache(maxsize=8192)(self._description)
        """The title for a result; an ancestor's is named as such."""
        self.children = lru_cache(maxsize=4096)(self._children)
        self.notes = lru_cache(maxsize=1024)(self._notes)
        self.section = lru_cache(maxsize=1024)(self._section)

    def __contains__(self, code: object) -> bool:
        index = self._table.find(code) if isinstance(code, str) else None
        return index is not None and bool(self._present[self._table.pattern_of[index]])

    def __len__(self) -> int:
        return sum(self._present[pattern] for pattern in self._table.pattern_of)

    def codes(self) -> tuple[str, ...]:
        """Every code of the release, in order, headers included."""
        return tuple(c for c, p in zip(self._table.codes, self._table.pattern_of, strict=True) if self._present[p])

    def normalize_code(self, text: str) -> str | None:
        """As CodeSet.normalize_code, None too where the code is not of this release."""
        code = self.codeset.normalize_code(text)
        return code if code in self else None

    def is_billable(self, code: str) -> bool:
        """Whether a claim may carry the code."""
        index = self._table.find(code)
        return index is not None and bool(self._billable[self._table.pattern_of[index]])

    def is_titled(self, code: str) -> bool:
        """Whether the code's own official title is known (codes new in FY2027: only after `lexicon import`)."""
        return self._table.title(code) is not None

    def title(self, code: str) -> str:
        """The official long title; where it is not known (see `is_titled`), the nearest titled ancestor's."""
        node: str | None = code
        while node is not None:
            title = self._table.title(node)
            if title is not None:
                return title
            node = self._table.base(node)
        return self.section(code).title

    def _description(self, code: str) -> str:
        node: str | None = code
        while node is not None and not self.is_titled(node):
            node = self._table.base(node)
        return self.title(code) if node == code else f"{self.title(code)} [title of {node or self.block(code)}]"

    def wording(self, code: str) -> str:
        """The official title or, where it is not known, our own words for the code: what detection refines by."""
        return self._table.wording(code)

    def parent(self, code: str) -> str | None:
        """The code this one stands under; None for a category."""
        node = self._table.base(code)
        while node is not None and node not in self:
            node = self._table.base(node)
        return node

    def ancestors(self, code: str) -> tuple[str, ...]:
        """Parent, its parent and so on up to the category."""
        found = []
        node = self.parent(code)
        while node is not None:
            found.append(node)
            node = self.parent(node)
        return tuple(found)

    def _children(self, code: str) -> tuple[str, ...]:
        """The codes one level below, in order."""
        if code not in self:
            return ()
        table, found = self._table, []
        index, end = table.place(code) + 1, table.end(code)
        while index < end:
            if self._present[table.pattern_of[index]]:
                found.append(table.codes[index])
                index = table.end(table.codes[index])
            else:
                index += 1
        return tuple(found)

    def leaves(self, code: str) -> tuple[str, ...]:
        """The billable codes under this one, in order; none for a billable code."""
        codes = self._table.codes
        start, end = bisect_left(codes, code + "\0"), self._table.end(code)
        under = zip(codes[start:end], self._table.pattern_of[start:end], strict=True)
        return tuple(leaf for leaf, pattern in under if self._billable[pattern])

    def starting_with(self, prefix: str) -> Iterator[str]:
        """The codes that begin with `prefix` ("E11", "E11.4", "E"), in order, headers included."""
        codes, pattern_of = self._table.codes, self._table.pattern_of
        for index in range(bisect_left(codes, prefix), self._table.end(prefix)):
            if self._present[pattern_of[index]]:
                yield codes[index]

    def _notes(self, code: str) -> CodeNotes:
        """The notes at this very code (its ancestors' hold for it too); without any, an empty CodeNotes."""
        self._table.place(code)
        seventh = _NOTHING if self._table.is_extension(code) else self._table.seventh(code)
        return CodeNotes.of(self._table.notes.of(code), seventh)

    def section_notes(self, section: Section) -> CodeNotes:
        """The notes at a chapter or block."""
        return CodeNotes.of(self._table.section_notes.of(section.id), _NOTHING)

    def chapter(self, code: str) -> str:
        """The chapter's number, "1" to "22"."""
        return self.chapter_section(code).id

    def chapter_section(self, code: str) -> Section:
        """The chapter as a section."""
        return max((s for s in self.codeset.chapters if s.first <= code[:3]), key=lambda s: s.first)

    def block(self, code: str) -> str:
        """The id of the narrowest block, "I10-I1A"."""
        return self.section(code).id

    def _section(self, code: str) -> Section:
        """The narrowest block. A category newer than the blocks known falls to the block before it."""
        before = [s for s in self.codeset.blocks if s.first <= code[:3]]
        around = [s for s in before if code[:3] <= s.last]
        return max(around or before, key=lambda s: (s.first, [-ord(char) for char in s.last]))

    def sections(self, code: str) -> tuple[Section, ...]:
        """Every block around the code, narrowest first."""
        around = [s for s in self.codeset.blocks if s.first <= code[:3] <= s.last]
        return tuple(sorted(around, key=lambda s: s.first, reverse=True)) or (self.section(code),)

    def flags(self, code: str) -> frozenset[str]:
        """See CodeSet.flags."""
        return self.codeset.flags(code)

    def successors(self, code: str) -> tuple[str, ...]:
        """What to code instead of a code that is no longer billable in this release; empty where it is."""
        found: dict[str, None] = {}
        seen = {code}
        todo = [] if self.is_billable(code) else [code]
        while todo:
            retired = todo.pop(0)
            spans = self.codeset.billable_windows(retired)
            last = max((until for _, until in spans if until < self.effective_from), default=date.min)
            for change in self.codeset.changes_from(retired):
                # What was split off while the code stayed billable is no successor.
                if not last < change.day <= self.effective_from or change.after in {*found, *seen}:
                    continue
                if self.is_billable(change.after):
                    found[change.after] = None
                else:  # retired in its turn
                    todo.append(change.after)
                    seen.add(change.after)
        return tuple(found)

    def predecessors(self, code: str) -> tuple[str, ...]:
        """What was coded before this code, or the codes under it, came; of this release where it lacks the code."""
        table = self._table
        todo = [code, *table.codes[bisect_left(table.codes, code) : table.end(code)]]
        found: dict[str, None] = {}
        seen = set(todo)
        present = code in self
        while todo:
            for change in self.codeset.changes_to(todo.pop(0)):
                if change.before in seen or (present and change.day > self.effective_from):
                    continue
                seen.add(change.before)
                if present or self.is_billable(change.before):
                    found[change.before] = None
                else:  # replaced in its turn
                    todo.append(change.before)
        return tuple(found)
