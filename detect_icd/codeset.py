"""Answers what a code is on a day: validity, title, place in the hierarchy, notes, what came before and after.

All releases share one table: the codes in order, one line of title each, and one character that names the pattern of
releases a code is billable or a header in. Order and prefixes give the hierarchy, so several years cost no more than
one. Shape of the member (`from_member`), as `compile.codes` writes it:

- `windows`: one a release: name, fiscal_year, effective_from, effective_until (inclusive), guidelines
- `codes`, `titles`, `notes`, `section_notes`: texts of one line a code, in order of code
- `kinds`: one character a code: `t` titled, `x` titled as its base and 7th character, `w` not titled yet
- `patterns`, `pattern_of`: masks of releases (billable, header), and which one is each code's
- `words`, `seventh`, `flags`, `chapters`, `blocks`, `changes`: what the names say
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from detect_icd.errors import LexiconError, NotFoundError, UnknownDateError

FORMAT = 1
_FIRST_PATTERN = 48
_AFTER = "~"
"""Sorts after every character of a code, so `code + _AFTER` ends the codes under `code`."""


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
    seventh_characters: Mapping[str, str] | None = None

    def __bool__(self) -> bool:
        return any((self.inclusion_terms, self.includes, self.excludes1, self.excludes2, self.use_additional,
                    self.code_first, self.code_also, self.notes))  # fmt: skip


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
        if data.get("format") != FORMAT:
            raise LexiconError(f"the code set has format {data.get('format')}, this program reads {FORMAT}: rebuild it")
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
        self._codes: list[str] = data["codes"].split("\n")
        self._titles = _Lines(data["titles"])
        self._kinds: str = data["kinds"]
        self._words: Mapping[str, str] = data["words"]
        self._billable_masks = [billable for billable, _ in data["patterns"]]
        self._header_masks = [header for _, header in data["patterns"]]
        self._pattern_of: bytes = data["pattern_of"].encode("latin-1")
        self._seventh: Mapping[str, Mapping[str, str]] = data["seventh"]
        self._notes = _NoteLines(data["notes"])
        self._section_notes = _NoteLines(data["section_notes"])
        self._flags = {flag: frozenset(codes.split()) for flag, codes in data["flags"].items()}
        self.chapters = tuple(sorted((Section(*row) for row in data["chapters"]), key=lambda s: s.first))
        self.blocks = tuple(sorted((Section(*row) for row in data["blocks"]), key=lambda s: (s.first, s.last)))
        self._changes = [Change(before, after, date.fromisoformat(day)) for before, after, day in data["changes"]]
        self._releases: list[Release | None] = [None] * len(self.windows)
        if not len(self._codes) == len(self._titles) == len(self._kinds) == len(self._pattern_of):
            raise LexiconError("the code set's columns differ in length: rebuild the lexicon")

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
        known = f"{self.first_day} to {self.last_day}"
        names = f"{self.windows[0].name} to {self.windows[-1].name}"
        raise UnknownDateError(f"no code set is known for {day}: known are {known} ({names})")

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
        return len(self._codes)

    def codes(self) -> tuple[str, ...]:
        """Every code of any release, in order, headers included."""
        return tuple(self._codes)

    def normalize_code(self, text: str) -> str | None:
        """The code a person meant by `text` ("e1142", " E11.42 ", "QA0.0101."), of any release; None if there is none.

        Read by the table, not by a pattern: codes have more than one shape.
        """
        bare = text.strip().strip(".").upper().replace(".", "").replace(" ", "")
        code = bare if len(bare) <= 3 else f"{bare[:3]}.{bare[3:]}"
        return code if self._index(code) is not None else None

    def known(self, code: str) -> bool:
        """Whether any release has this code, as a header at least."""
        return self._index(code) is not None

    def billable_windows(self, code: str) -> tuple[tuple[date, date], ...]:
        """The spans of days the code is billable in, both ends included, neighbouring releases joined."""
        mask = self._billable_masks[self._pattern(code)]
        spans: list[tuple[date, date]] = []
        previous = None
        for number, window in enumerate(self.windows):
            if mask >> number & 1:
                if spans and previous == number - 1:
                    spans[-1] = (spans[-1][0], window.effective_until)
                else:
                    spans.append((window.effective_from, window.effective_until))
                previous = number
        return tuple(spans)

    def flags(self, code: str) -> frozenset[str]:
        """The Medicare Code Editor's flags of the code: manifestation, unacceptable, newborn, pediatric, maternity, adult,
        female, male (these two until 2024-09-30 only)."""
        return frozenset(flag for flag, codes in self._flags.items() if code in codes)

    def changes_from(self, code: str) -> tuple[Change, ...]:
        """What took over from the code, oldest first, on any day known."""
        return tuple(sorted((c for c in self._changes if c.before == code), key=lambda c: (c.day, c.after)))

    def changes_to(self, code: str) -> tuple[Change, ...]:
        """What the code took over, oldest first, on any day known."""
        return tuple(sorted((c for c in self._changes if c.after == code), key=lambda c: (c.day, c.before)))

    def _index(self, code: str) -> int | None:
        index = bisect_left(self._codes, code)
        return index if index < len(self._codes) and self._codes[index] == code else None

    def _pattern(self, code: str) -> int:
        index = self._index(code)
        if index is None:
            raise NotFoundError(f"{code!r} is no ICD-10-CM code of any release known")
        return self._pattern_of[index] - _FIRST_PATTERN

    def _base(self, code: str) -> str | None:
        """The longest code the code begins with."""
        prefix = code[:-1].rstrip(".")
        while len(prefix) > 2:
            if self._index(prefix) is not None:
                return prefix
            prefix = prefix[:-1].rstrip(".")
        return None

    def _seventh_in_force(self, code: str) -> Mapping[str, str]:
        node: str | None = code
        while node is not None:
            if node in self._seventh:
                return self._seventh[node]
            node = self._base(node)
        return {}

    def _official_title(self, code: str, index: int) -> str | None:
        kind = self._kinds[index]
        if kind == "t":
            return self._titles[index]
        base = self._base(code) if kind == "x" else None
        base_index = self._index(base) if base else None
        if base is None or base_index is None:
            return None
        title = self._official_title(base, base_index)
        return title and f"{title}, {self._seventh_in_force(base)[code[-1]]}"

    def _wording(self, code: str, index: int) -> str:
        kind = self._kinds[index]
        if kind == "t":
            return self._titles[index]
        if kind == "w":
            return self._words[code]
        base = self._base(code)
        base_index = self._index(base) if base else None
        if base is None or base_index is None:
            raise LexiconError(f"{code} extends no code: rebuild the lexicon")
        return f"{self._wording(base, base_index)}, {self._seventh_in_force(base)[code[-1]]}"


class Release:
    """The code set on the days of one window; what is asked of it is true on those days."""

    def __init__(self, codeset: CodeSet, number: int) -> None:
        self._set = codeset
        self._number = number
        self.window = codeset.windows[number]
        self.name = self.window.name
        self.effective_from = self.window.effective_from
        self.effective_until = self.window.effective_until
        self.guidelines = self.window.guidelines
        bit = 1 << number
        # By pattern, so that a question costs one bisection and one look-up.
        self._state = [
            "billable" if billable & bit else "header" if header & bit else ""
            for billable, header in zip(codeset._billable_masks, codeset._header_masks, strict=True)
        ]
        self.children = lru_cache(maxsize=4096)(self._children)
        self.notes = lru_cache(maxsize=1024)(self._notes)

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and bool(self._state_of(code))

    def __len__(self) -> int:
        return sum(1 for pattern in self._set._pattern_of if self._state[pattern - _FIRST_PATTERN])

    def _state_of(self, code: str) -> str:
        index = self._set._index(code)
        return "" if index is None else self._state[self._set._pattern_of[index] - _FIRST_PATTERN]

    def normalize_code(self, text: str) -> str | None:
        """As CodeSet.normalize_code, None too where the code is not of this release."""
        code = self._set.normalize_code(text)
        return code if code is not None and code in self else None

    def is_billable(self, code: str) -> bool:
        """Whether a claim may carry the code."""
        return self._state_of(code) == "billable"

    def is_titled(self, code: str) -> bool:
        """Whether the code's own official title is known (codes new in FY2027: only after `lexicon import`)."""
        return self._set._official_title(code, self._known(code)) is not None

    def title(self, code: str) -> str:
        """The official long title; where it is not known (see `is_titled`), the nearest titled ancestor's."""
        node: str | None = code
        while node is not None:
            title = self._set._official_title(node, self._known(node))
            if title is not None:
                return title
            node = self._set._base(node)
        return self.section(code).title

    def wording(self, code: str) -> str:
        """The official title or, where it is not known, our own words for the code: what detection refines by."""
        return self._set._wording(code, self._known(code))

    def parent(self, code: str) -> str | None:
        """The code this one stands under; None for a category."""
        node = self._set._base(code)
        while node is not None and not self._state_of(node):
            node = self._set._base(node)
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
        codes, found = self._set._codes, []
        index, end = bisect_left(codes, code) + 1, bisect_left(codes, code + _AFTER)
        while index < end:
            if self._state[self._set._pattern_of[index] - _FIRST_PATTERN]:
                found.append(codes[index])
                index = bisect_left(codes, codes[index] + _AFTER, index, end)
            else:
                index += 1
        return tuple(found) if index > bisect_left(codes, code) else ()

    def leaves(self, code: str) -> tuple[str, ...]:
        """The billable codes under this one, in order."""
        codes = self._set._codes
        start, end = bisect_left(codes, code + "\0"), bisect_left(codes, code + _AFTER)
        return tuple(c for c, p in zip(codes[start:end], self._set._pattern_of[start:end], strict=True)
                     if self._state[p - _FIRST_PATTERN] == "billable")  # fmt: skip

    def codes(self) -> tuple[str, ...]:
        """Every code of the release, in order, headers included."""
        return tuple(
            c for c, p in zip(self._set._codes, self._set._pattern_of, strict=True) if self._state[p - _FIRST_PATTERN]
        )

    def _notes(self, code: str) -> CodeNotes:
        """The notes at this very code (its ancestors' hold for it too); without any, an empty CodeNotes."""
        self._known(code)
        return CodeNotes(*self._set._notes.of(code), seventh_characters=self._seventh(code))

    def _seventh(self, code: str) -> Mapping[str, str]:
        index = self._set._index(code)
        if index is not None and self._set._kinds[index] == "x":
            return {}
        return self._set._seventh_in_force(code)

    def section_notes(self, section: Section) -> CodeNotes:
        """The notes at a chapter or block."""
        return CodeNotes(*self._set._section_notes.of(section.id), seventh_characters={})

    def chapter(self, code: str) -> str:
        """The chapter's number, "1" to "22"."""
        return self.chapter_section(code).id

    def block(self, code: str) -> str:
        """The id of the narrowest block, "I10-I1A"."""
        return self.section(code).id

    def chapter_section(self, code: str) -> Section:
        """The chapter as a section."""
        category = code[:3]
        return max((s for s in self._set.chapters if s.first <= category), key=lambda s: s.first)

    def section(self, code: str) -> Section:
        """The narrowest block. A category newer than the blocks known falls to the block before it."""
        category = code[:3]
        before = [s for s in self._set.blocks if s.first <= category]
        around = [s for s in before if category <= s.last]
        return around[-1] if len(around) == 1 else _narrowest(around or before, category)

    def flags(self, code: str) -> frozenset[str]:
        """See CodeSet.flags."""
        return self._set.flags(code)

    def successors(self, code: str) -> tuple[str, ...]:
        """What to code instead of a code that is no longer billable in this release; empty where it is."""
        if self.is_billable(code):
            return ()
        day = self.effective_from
        return tuple(dict.fromkeys(c.after for c in self._set.changes_from(code) if c.day <= day and c.after in self))

    def predecessors(self, code: str) -> tuple[str, ...]:
        """What was coded before this code came, as far as the releases known tell."""
        return tuple(dict.fromkeys(c.before for c in self._set.changes_to(code) if c.day <= self.effective_from))

    def _known(self, code: str) -> int:
        index = self._set._index(code)
        if index is None:
            raise NotFoundError(f"{code!r} is no ICD-10-CM code of any release known")
        return index


def _narrowest(sections: list[Section], category: str) -> Section:
    """The section that begins last and, of those, ends first."""
    return max(sections, key=lambda s: (s.first, [-ord(char) for char in s.last]))


class _Lines:
    """Many short texts held as one, so that 98,000 titles are not 98,000 objects."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()
        self._ends = _line_ends(self._text)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> str:
        start = self._ends[index - 1] + 1 if index else 0
        return self._text[start : self._ends[index]].decode()


def _line_ends(text: bytes) -> array[int]:
    ends, at = array("I"), text.find(b"\n")
    while at >= 0:
        ends.append(at)
        at = text.find(b"\n", at + 1)
    ends.append(len(text))
    return ends


class _NoteLines:
    """Notes by item, kept as text and decoded one line at a time."""

    def __init__(self, text: str) -> None:
        self._lines = _Lines(text)
        items = (line.split("\t", 1)[0] for line in text.split("\n"))
        self._at = {item: number for number, item in enumerate(items) if item}

    def of(self, item: str) -> Iterator[tuple[str, ...]]:
        number = self._at.get(item)
        if number is not None:
            yield from (tuple(texts) for texts in json.loads(self._lines[number].split("\t", 1)[1]))
