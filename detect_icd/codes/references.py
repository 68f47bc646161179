"""Reads which codes a note of the tabular list points at: "(E10.-)", "(I20-I25)", "(T36-T50 with fifth ... 1-4)"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_CODE = r"[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]+)?|[A-Z]{2}[0-9](?:\.[0-9A-Z]+)?"
_REFERENCE = re.compile(rf"\b({_CODE})(?:\.?-(?!\w)|\s*-\s*({_CODE})\b)?")
_CHARACTERS = re.compile(r"with (?:fifth|sixth|fifth or sixth) characters? (\d)(?:\s*(?:-|to|or)\s*(\d))?")
_FIFTH, _SIXTH = 4, 5


@dataclass(frozen=True, slots=True)
class Reference:
    """The codes from `first` to `last` with all under them; `characters` narrows by the 5th or 6th one."""

    first: str
    last: str
    characters: str = ""

    def covers(self, code: str) -> bool:
        """Whether the note means this code."""
        if not (self.first <= code and (code < self.last or code.startswith(self.last))):
            return False
        if not self.characters:
            return True
        bare = code.replace(".", "")
        return any(len(bare) > place and bare[place] in self.characters for place in (_FIFTH, _SIXTH))


@lru_cache(maxsize=4096)
def references(note: str) -> tuple[Reference, ...]:
    """Every code or range of codes the note names."""
    return tuple(_read(note))


def _read(note: str) -> Iterator[Reference]:
    narrowed = _CHARACTERS.search(note)
    characters = ""
    if narrowed:
        low, high = narrowed.group(1), narrowed.group(2) or narrowed.group(1)
        characters = "".join(str(digit) for digit in range(int(low), int(high) + 1))
    for found in _REFERENCE.finditer(note):
        yield Reference(found.group(1), found.group(2) or found.group(1), characters)
