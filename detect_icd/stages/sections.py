"""Divides a note into sections by its headers, so that a mention inherits what its section implies.

A header is known by its words (rows of `lexicon/sections.tsv`) and its form: at the start of a line before a
colon or a dash, alone on a line, behind markdown marks or a number, or inside a one-line note in upper case
before a colon. Words in upper case before a colon, and markdown headings, are headers even where no row knows
them: they end the section before. All is decided from left to right, looking ahead a bounded number of visible
characters, so that a stream settles (`sentences.settled_until`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from detect_icd.errors import LexiconError
from detect_icd.model import Certainty, Experiencer, Presence, Temporality
from detect_icd.spans import Span
from detect_icd.stages.patterns import expand
from detect_icd.text import NormalizedText

FIELD = "FIELD"
"""In the column `section`: the words look like a header and only name a field inside the section they stand in."""

OTHER = "OTHER"
"""Name of a section whose header no row knows."""

_LINE_HEAD = re.compile(
    r"^[^\S\n]*(?P<mark>(?:(?:\#{1,6}|\d{1,2}[.)]|\*\*|__)[^\S\n]*)*+)(?P<word>[^\W\d_]+)",
    re.MULTILINE,
)
_AFTER = re.compile(
    r"[^\S\n]*(?:\([^()\n]{1,40}\)[^\S\n]*(?=:))?(?:\*\*|__)?[^\S\n]*(?::(?:[^\S\n]*(?:\*\*|__))?|(?P<alone>\n|\Z)|(?P<dash>(?<=\s)[-\u2013\u2014]{1,2}(?=\s)))"
)
_HEADING = re.compile(
    r"^[^\S\n]*(?:\#{1,6}[^\S\n]+\S[^\n]{0,60}|\*\*[^*\n]{2,60}\*\*:?)[^\S\n]*$",
    re.MULTILINE,
)
_GAP = re.compile(r"\n\s*")
_PROSE = re.compile(r"[A-Z][^\n:]{60}")
_SENTENCE_END = re.compile(r"[.!?;][\"')\]]*\s+\Z")
_UNKNOWN_WORDS = 6
_UNKNOWN_LETTERS = 6
_LOOK_BACK = 80


@dataclass(frozen=True, slots=True)
class SectionDefaults:
    """What a section says of its mentions where their own sentence says nothing."""

    presence: Presence = Presence.PRESENT
    certainty: Certainty = Certainty.CONFIRMED
    temporality: Temporality = Temporality.CURRENT
    experiencer: Experiencer = Experiencer.PATIENT


NO_DEFAULTS = SectionDefaults()


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the note under one header; `header` is empty before the first one. Sections tile the text."""

    name: str
    header: Span
    body: Span
    defaults: SectionDefaults = NO_DEFAULTS


@dataclass(frozen=True, slots=True)
class _Header:
    section: str
    defaults: SectionDefaults


_UNKNOWN = _Header(OTHER, NO_DEFAULTS)


class SectionTable:
    """The rows of sections.tsv, ready for look-up by the words of a header."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Raises LexiconError where two rows claim the same header."""
        self.headers: dict[tuple[str, ...], _Header] = {}
        first: dict[str, set[int]] = {}
        last: dict[str, set[int]] = {}
        for row in rows:
            header = _Header(
                row["section"],
                SectionDefaults(
                    Presence(row["presence"] or Presence.PRESENT),
                    Certainty(row["certainty"] or Certainty.CONFIRMED),
                    Temporality(row["temporality"] or Temporality.CURRENT),
                    Experiencer(row["experiencer"] or Experiencer.PATIENT),
                ),
            )
            for words in expand(row["header"]):
                if self.headers.setdefault(words, header) is not header:
                    raise LexiconError(f"{row.get('_at', 'sections')}: header {' '.join(words)!r} stands twice")
                first.setdefault(words[0], set()).add(len(words))
                last.setdefault(words[-1], set()).add(len(words))
        self.first = {word: sorted(lengths, reverse=True) for word, lengths in first.items()}
        self.last = {word: sorted(lengths, reverse=True) for word, lengths in last.items()}


def find_sections(text: NormalizedText, table: SectionTable) -> tuple[Section, ...]:
    """The sections of a note, in order; they tile it (none for an empty text)."""
    source = text.source
    if not source:
        return ()
    found: dict[int, tuple[int, _Header]] = {}
    fields: set[int] = set()
    _line_headers(text, table, found, fields)
    _inline_headers(text, table, found, fields)
    _markdown_headings(text, found, fields)
    opened: list[tuple[int, int, _Header]] = []
    covered = 0
    for start in sorted(found):
        if start >= covered:
            covered, header = found[start]
            opened.append((start, covered, header))
    sections = []
    if not opened or opened[0][0]:
        sections.append(Section("", Span(0, 0), Span(0, opened[0][0] if opened else len(source))))
    for i, (start, end, header) in enumerate(opened):
        until = opened[i + 1][0] if i + 1 < len(opened) else len(source)
        body_end = until if header.defaults == NO_DEFAULTS else _paragraph_break(source, end, until)
        sections.append(Section(header.section, Span(start, end), Span(end, body_end), header.defaults))
        if body_end != until:
            sections.append(Section("", Span(body_end, body_end), Span(body_end, until)))
    return tuple(sections)


def _line_headers(
    text: NormalizedText, table: SectionTable, found: dict[int, tuple[int, _Header]], fields: set[int]
) -> None:
    """Known headers at the start of a line."""
    source, words, first = text.source, text.words, table.first
    for line in _LINE_HEAD.finditer(source):
        lengths = first.get(line["word"].casefold())
        if lengths is None:
            continue
        at = line.start("word")
        token = text.token_at(at)
        for length in lengths:
            header = table.headers.get(words[token : token + length])
            if header is None or len(words) < token + length:
                continue
            end = text.ends[token + length - 1]
            after = _AFTER.match(source, end)
            if after is None or "\n" in source[at:end]:
                continue
            if header.section == FIELD:
                fields.add(line.start())
                fields.add(at)
                break
            alone = after["alone"] is not None
            if alone and line["mark"][:1].isdigit() and not source[at:end].isupper():
                continue
            found[line.start()] = (after.start("alone") if alone else after.end(), header)
            break


def _inline_headers(
    text: NormalizedText, table: SectionTable, found: dict[int, tuple[int, _Header]], fields: set[int]
) -> None:
    """Headers before a colon inside a line, and unknown ones in upper case."""
    words, ends = text.words, text.ends
    taken = {end for end, _ in found.values()}
    colon = -1
    while True:
        try:
            colon = words.index(":", colon + 1)
        except ValueError:
            return
        if not colon or ends[colon] in taken:
            continue
        known = _known_before(text, table, colon)
        if known is not None:
            start, header = known
            if header.section == FIELD:
                continue
            found.setdefault(start, (ends[colon], header))
            continue
        start = _shouted_before(text, colon)
        if start >= 0 and start not in fields:
            found.setdefault(start, (ends[colon], _UNKNOWN))


def _known_before(text: NormalizedText, table: SectionTable, colon: int) -> tuple[int, _Header] | None:
    """The known header that ends at a colon inside a line, with its start; fields are told too."""
    source, words = text.source, text.words
    for length in table.last.get(words[colon - 1], ()):
        token = colon - length
        header = table.headers.get(words[token:colon]) if token >= 0 else None
        if header is None:
            continue
        start = text.starts[token]
        raw = source[start : text.ends[colon - 1]]
        if "\n" in raw or (start and not source[start - 1].isspace()):
            continue
        if header.section == FIELD:
            return start, header
        letters = sum(map(str.isalpha, raw))
        if raw.isupper() and letters > 2:
            return start, header
        if raw[:1].isupper() and letters > 1 and _SENTENCE_END.search(source[max(0, start - 8) : start]):
            return start, header
    return None


def _shouted_before(text: NormalizedText, colon: int) -> int:
    """Start of an unknown upper-case header before a colon, behind a line or sentence end (-1: none)."""
    source = text.source
    end = text.starts[colon]
    segment = source[max(0, end - _LOOK_BACK) : end]
    cut = max(segment.rfind(mark) for mark in ("\n", ". ", "; ", "? ", "! ", ".\t"))
    if cut < 0 and end > _LOOK_BACK:
        return -1
    raw = segment[cut + 1 :].lstrip(" \t\r#*_")
    if not raw.isupper() or not raw[0].isalpha() or len(raw.split()) > _UNKNOWN_WORDS:
        return -1
    if sum(map(str.isalpha, raw)) < _UNKNOWN_LETTERS or any(map(str.isdigit, raw)):
        return -1
    return end - len(raw)


def _markdown_headings(text: NormalizedText, found: dict[int, tuple[int, _Header]], fields: set[int]) -> None:
    """Markdown headings no row knows."""
    source = text.source
    if "#" not in source and "**" not in source:
        return
    for line in _HEADING.finditer(source):
        if line.start() not in found and line.start() not in fields:
            found[line.start()] = (line.start() + len(line.group().rstrip()), _UNKNOWN)


def _paragraph_break(source: str, start: int, end: int) -> int:
    """Where prose after a blank line ends a section whose content began on its header's own line, or `end`."""
    for gap in _GAP.finditer(source, start, end):
        if gap.start() == start or not source[start : gap.start()].strip():
            return end
        if gap.group().count("\n") > 1 and _PROSE.match(source, gap.end(), end):
            return gap.end()
    return end
