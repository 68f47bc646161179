"""Holds the codes of all releases in columns: what is known of a code whatever the day. `codeset` puts the day to it.

The codes are one sorted list, and what is known of each stands in texts of one line a code and strings of one
character a code, so 98,000 codes of several years cost some 25 MB. A code stands under the longest code it begins with.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from detect_icd.errors import LexiconError, NotFoundError

FORMAT = 1
_FIRST_PATTERN = 48
_AFTER = "~"
"""Sorts after every character of a code, so `code + _AFTER` ends the codes under `code`."""


class CodeTable:
    """The columns of the bundle's member `codes.json`, as `compile.codes` writes it.

    - `codes`, `titles`, `notes`, `section_notes`: texts of one line a code, in order of code
    - `kinds`: one character a code: `t` titled, `x` titled as its base and 7th character, `X` the same with a title of its
      own (of an import), `w` not titled yet
    - `patterns`, `pattern_of`: masks of releases (billable, header), bit n for release n, and which one is each code's
    - `words`: our own words for a code without a title; `seventh`: 7th characters where they are defined
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        if data.get("format") != FORMAT:
            raise LexiconError(f"the code set has format {data.get('format')}, this program reads {FORMAT}: rebuild it")
        self.codes: list[str] = data["codes"].split("\n")
        self.patterns: list[tuple[int, int]] = [(billable, header) for billable, header in data["patterns"]]
        self.pattern_of = bytes(ord(char) - _FIRST_PATTERN for char in data["pattern_of"])
        self.notes = _NoteLines(data["notes"])
        self.section_notes = _NoteLines(data["section_notes"])
        self._titles = _Lines(data["titles"])
        # One note asks for the same few codes again and again.
        self.find = lru_cache(maxsize=8192)(self._find)
        self._kinds: str = data["kinds"]
        self._words: Mapping[str, str] = data["words"]
        self._seventh: Mapping[str, Mapping[str, str]] = data["seventh"]
        if not len(self.codes) == len(self._titles) == len(self._kinds) == len(self.pattern_of):
            raise LexiconError("the code set's columns differ in length: rebuild the lexicon")

    def _find(self, code: str) -> int | None:
        """The code's place, None where no release has it."""
        index = bisect_left(self.codes, code)
        return index if index < len(self.codes) and self.codes[index] == code else None

    def place(self, code: str) -> int:
        """As `find`; NotFoundError where no release has the code."""
        index = self.find(code)
        if index is None:
            raise NotFoundError(f"{code!r} is no ICD-10-CM code of any release known")
        return index

    def end(self, code: str) -> int:
        """The place after the last code under this one."""
        return bisect_left(self.codes, code + _AFTER)

    def base(self, code: str) -> str | None:
        """The longest code this one begins with, of any release; None for a category."""
        prefix = code[:-1].rstrip(".")
        while len(prefix) > 2:
            if self.find(prefix) is not None:
                return prefix
            prefix = prefix[:-1].rstrip(".")
        return None

    def is_extension(self, code: str) -> bool:
        """Whether the code is another one with a 7th character added."""
        index = self.find(code)
        return index is not None and self._kinds[index] in "xX"

    def seventh(self, code: str) -> Mapping[str, str]:
        """The 7th characters in force at the code, wherever above it they are defined."""
        node: str | None = code
        while node is not None:
            if node in self._seventh:
                return self._seventh[node]
            node = self.base(node)
        return {}

    def title(self, code: str) -> str | None:
        """The official long title, None where no source read so far has it."""
        index = self.place(code)
        kind = self._kinds[index]
        if kind in "tX":
            return self._titles[index]
        base = self.base(code)
        if kind == "w" or base is None:
            return None
        title = self.title(base)
        return title and self._extended(title, base, code)

    def wording(self, code: str) -> str:
        """The official title or else our own words for the code."""
        index = self.place(code)
        kind = self._kinds[index]
        if kind != "x":
            return self._words[code] if kind == "w" else self._titles[index]
        base = self.base(code)
        if base is None:
            raise LexiconError(f"{code} extends no code: rebuild the lexicon")
        return self._extended(self.wording(base), base, code)

    def _extended(self, title: str, base: str, code: str) -> str:
        return f"{title}, {self.seventh(base)[code[-1]]}"


class _Lines:
    """Many short texts held as one, so that 98,000 titles are not 98,000 objects."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()
        self._ends = array("I")
        at = self._text.find(b"\n")
        while at >= 0:
            self._ends.append(at)
            at = self._text.find(b"\n", at + 1)
        self._ends.append(len(self._text))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> str:
        start = self._ends[index - 1] + 1 if index else 0
        return self._text[start : self._ends[index]].decode()


class _NoteLines:
    """Notes by item, kept as text and decoded one line at a time."""

    def __init__(self, text: str) -> None:
        self._lines = _Lines(text)
        items = (line.split("\t", 1)[0] for line in text.split("\n"))
        self._at = {item: number for number, item in enumerate(items) if item}

    def of(self, item: str) -> Sequence[tuple[str, ...]]:
        """The item's lists of notes in the order `codeset.CodeNotes` has them; trailing empty lists left out."""
        number = self._at.get(item)
        if number is None:
            return ()
        return [tuple(texts) for texts in json.loads(self._lines[number].split("\t", 1)[1])]
