"""Code patterns and templates of the convention tables, and what the titles and notes say about sides and order.

A pattern is the beginning of a code, `?` standing for any one character: `I10/S?0.1`. A template
makes a code of the parts of a rule: `I69.35{2:5}` ends in the 5th character of the second part's
code, `{1:1-3}` is the first part's category, `{2:4-}` all behind the second's; characters are counted
as coders do, without the dot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from detect_icd.codeset import Release
from detect_icd.memo import Memo

_SLOT = re.compile(r"\{(\d):(\d)(?:-(\d?))?\}")
_SIDES = frozenset({"left", "right"})


@dataclass(frozen=True, slots=True)
class Patterns:
    """Beginnings of codes."""

    prefixes: tuple[str, ...]
    wild: re.Pattern[str] | None

    @classmethod
    def of(cls, cell: str) -> Patterns:
        """From a cell: `I10/I11.9`; an empty cell covers nothing."""
        parts = [part.strip() for part in cell.split("/") if part.strip()]
        wild = "|".join(re.escape(part).replace(r"\?", ".") for part in parts if "?" in part)
        return cls(tuple(part for part in parts if "?" not in part), re.compile(wild) if wild else None)

    def cover(self, code: str) -> bool:
        """Whether the code begins with one of them."""
        return code.startswith(self.prefixes) or (self.wild is not None and self.wild.match(code) is not None)

    def __bool__(self) -> bool:
        return bool(self.prefixes) or self.wild is not None


class Index:
    """Which of many patterns cover a code; what it has found for a code it keeps."""

    def __init__(self, patterns: Iterable[Patterns]) -> None:
        self._by_prefix: dict[str, list[int]] = {}
        self._wild: list[tuple[re.Pattern[str], int]] = []
        for number, one in enumerate(patterns):
            for prefix in one.prefixes:
                self._by_prefix.setdefault(prefix, []).append(number)
            if one.wild is not None:
                self._wild.append((one.wild, number))
        self._of = Memo(self._find, most=8192)

    def of(self, codes: Iterable[str]) -> frozenset[int]:
        """The numbers of the patterns that cover any of `codes`."""
        return frozenset[int]().union(*map(self._of.__getitem__, codes))

    def _find(self, code: str) -> frozenset[int]:
        plain = (n for length in range(1, len(code) + 1) for n in self._by_prefix.get(code[:length], ()))
        return frozenset(plain) | {number for pattern, number in self._wild if pattern.match(code)}


def filled(template: str, codes: Sequence[str]) -> str:
    """The code that a template makes of the parts' codes; '' where a part is too short."""
    short = False

    def fill(slot: re.Match[str]) -> str:
        nonlocal short
        bare = codes[int(slot[1]) - 1].replace(".", "")
        first = int(slot[2])
        last = first if slot[3] is None else int(slot[3] or len(bare))
        short |= len(bare) < max(first, last)
        return bare[first - 1 : last]

    made = _SLOT.sub(fill, template)
    return "" if short else made


@lru_cache(maxsize=8192)
def title_words(release: Release, code: str) -> frozenset[str]:
    """The words of a code's title."""
    return frozenset(release.wording(code).lower().replace(",", " ").split())


def side_of(release: Release, code: str) -> str:
    """`left` or `right` where the title names just one side, else ''."""
    sides = title_words(release, code) & _SIDES
    return next(iter(sides)) if len(sides) == 1 else ""


_SILENT = frozenset(
    [
        "unspecified",
        "nos",
        "without",
        "complication",
        "complications",
        "uncomplicated",
        "of",
        "the",
        "in",
        "with",
        "and",
        "or",
        "not",
        "site",
        "organism",
        "part",
        "type",
    ]
)
"""Words by which a title says that it says nothing, and those between the others."""


@lru_cache(maxsize=8192)
def is_vague(release: Release, code: str) -> bool:
    """Whether a code's title leaves the condition open (unspecified, without complications)."""
    title = release.wording(code).lower()
    return "unspecified" in title or "without complication" in title or title.endswith((" nos", "uncomplicated"))


_ABSENT = re.compile(r"\bwithout [^,;]*")
"""What a title says is not there."""


@lru_cache(maxsize=8192)
def told(release: Release, code: str) -> frozenset[str]:
    """What a code's title tells is there, without the words for saying nothing."""
    return frozenset(_ABSENT.sub("", release.wording(code).lower()).replace(",", " ").split()) - _SILENT


@lru_cache(maxsize=8192)
def told_with_headers(release: Release, code: str) -> frozenset[str]:
    """What a code and the codes above it tell."""
    return told(release, code).union(*(told(release, node) for node in release.ancestors(code)))


@lru_cache(maxsize=8192)
def sided_family(release: Release, code: str) -> tuple[str, str]:
    """The code of the other side and the bilateral one; '' where there is none."""
    parent, side = release.parent(code), side_of(release, code)
    if parent is None or not side:
        return "", ""
    rest = title_words(release, code) - _SIDES
    other = both = ""
    above = release.parent(parent)
    for sibling in (*release.children(parent), *(release.children(above) if above is not None else ())):
        theirs = title_words(release, sibling)
        if theirs - _SIDES == rest and theirs & (_SIDES - {side}):
            other = sibling
        elif "bilateral" in theirs and theirs - {"bilateral", "of"} <= {*rest, *(f"{w}s" for w in rest)}:
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


@lru_cache(maxsize=4096)
def use_additional(release: Release, code: str) -> tuple[str, ...]:
    """The code prefixes that the use-additional notes of `code` and its headers ask for behind it."""
    nodes = (code, *release.ancestors(code))
    return tuple(p for node in nodes for note in release.notes(node).use_additional for p in prefixes_in_note(note))


def prefixes_in_note(note: str) -> Iterable[str]:
    """Code prefixes in a tabular note: "mononeuropathies (G56-G58)" -> G56, G57, G58."""
    for bracket in note.split("(")[1:]:
        for part in bracket.partition(")")[0].replace(";", ",").split(","):
            first, dash, last = part.strip().partition("-")
            if dash and last and first[1:].isdigit() and last[1:].isdigit():
                yield from _between(first, last)
            elif first[:1].isupper() and first[1:2].isdigit():
                yield first.rstrip(".") if dash else first


def _between(first: str, last: str) -> Iterable[str]:
    """The categories of a range, which may cross letters: C00-D49 is all of C and D00 to D49."""
    for letter in range(ord(first[0]), ord(last[0]) + 1):
        start = int(first[1:]) if letter == ord(first[0]) else 0
        end = int(last[1:]) if letter == ord(last[0]) else 99
        if start == 0 and end == 99:
            yield chr(letter)
        else:
            yield from (f"{chr(letter)}{n:0{len(first) - 1}d}" for n in range(start, end + 1))
