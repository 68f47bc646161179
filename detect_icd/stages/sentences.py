"""Splits a note into sentences, as its lists, headings, wrapped lines and shorthand show them.

One machine walks from left to right over the few places where a sentence may end, and looks ahead only a
bounded number of visible characters. So the beginning of a growing text splits as it will in the end, which
`settled_until` makes use of. Sentences tile the text: white space belongs to the sentence before it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from detect_icd.stages.sections import Section
from detect_icd.text import NormalizedText

MAX_TOKENS = 400
"""An endless sentence is cut after so many tokens."""

LOOK_AHEAD = 120
"""No decision here or in `sections` looks further than so many visible characters (white space is free)."""

_PLACE = re.compile(
    # One set of characters comes first and the alternatives look back at it: so the engine can skip to the next of them.
    r"[.!?\n\d](?:"
    # Possessive, and never begun in the middle: a page of dots is read once, not once from each dot.
    r"(?<=[.!?])(?<![.!?]{2})[.!?]*+[)\]\"'\u2019\u201d*_]*+(?P<gap>\s++)"
    r"|(?<=\n)(?P<wrap>\s*+)"
    r"|(?<=[a-z]{2}\.)(?P<tight>)(?=[A-Z][a-z])"
    r"|(?<=\d)(?<!\S\d)(?P<number>\d?)[.)](?=\s)"
    r")"
)
_ITEM = re.compile(
    r"[-\u2010-\u2015*+>|#\u2022\u25a0\u25a1\u25aa\u25cb\u25cf\u25e6\u2023\u2043\u2610-\u2612\u2713\u2714\u00b7](?!\*)"
    r"|o\s|\(?\d{1,2}[.):](?!\d)|[A-Za-z][.)]\s|\[[ xX]?\]"
)
_FIELD = re.compile(r"[^\W\d_][^\n:.;,]{0,40}:(?=\s)")
_ANSWER = re.compile(
    r"(?:a(?:ns|nswer)?\s*:\s*)?(?:no|nope|none|nil|never|yes|yeah|denies|denied|negative|positive)\b"
    r"(?=\s*[.,;!]|[^\S\n]*(?:\n|\Z))",
    re.IGNORECASE,
)
_COLUMN_NO = re.compile(r"(?:[:?=|\t]|\s\s|\.\.\.)\s*no\Z", re.IGNORECASE)
"""A "no" that answers a field or fills a column, and so ends its line."""
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]\Z")
_TITLES = frozenset({"dr", "drs", "mr", "mrs", "ms", "prof", "vs", "st", "fig", "cf", "e.g", "i.e", "approx"})
_SHORTENED = frozenset({
    "pt", "pts", "hx", "dx", "tx", "rx", "fx", "sx", "wt", "ht", "yr", "yrs", "hr", "hrs", "min", "mins", "wk", "wks",
    "mo", "mos", "mg", "ml", "cm", "mm", "kg", "tab", "tabs", "cap", "caps", "inj", "temp", "resp", "abd", "ext",
    "bilat", "neg", "pos", "avg", "incl", "esp", "dept", "est", "max", "vol", "no", "nos", "etc", "jr", "sr", "a.m",
    "p.m",
})  # fmt: skip
_OPEN_WORDS = frozenset({
    "and", "or", "of", "the", "with", "without", "a", "an", "to", "for", "in", "on", "by", "no", "from", "at", "as",
    "is", "was", "are", "were", "be", "been", "has", "have", "had", "his", "her", "their", "its", "this", "that",
    "these", "those", "which", "who", "due", "not", "into", "than", "if", "when", "any", "other", "you", "she",
    "he", "they",
})  # fmt: skip
_LONG_LINE = 45
_FULL_LINE = 60
_LIST_LINES = re.compile(r"[^\n.,;:!?]{1,30}\n(?=[^\n.,;:!?]{1,30}(?:\n|\Z))")
"""Two short lines without punctuation: items of a list, where wrapped prose would have filled the first."""


class Sentence(NamedTuple):
    """Tokens `first` up to `last`, characters `start` up to `end`; `section` is an index into the sections."""

    first: int
    last: int
    start: int
    end: int
    section: int


def split_sentences(text: NormalizedText, sections: Sequence[Section]) -> tuple[Sentence, ...]:
    """The sentences of a note, in order; they tile it (none for an empty text). Headers are sentences of their own."""
    source = text.source
    starts, section_of = _sentence_starts(source, sections)
    size = len(text.words)
    sentences = []
    first = 0
    for i, start in enumerate(starts):
        end = starts[i + 1] if i + 1 < len(starts) else len(source)
        last = bisect_left(text.starts, end, first, size)
        begin = start
        while last - first > MAX_TOKENS:
            cut = text.starts[first + MAX_TOKENS]
            sentences.append(Sentence(first, first + MAX_TOKENS, begin, cut, section_of[i]))
            first, begin = first + MAX_TOKENS, cut
        sentences.append(Sentence(first, last, begin, end, section_of[i]))
        first = last
    return tuple(sentences)


def settled_until(text: NormalizedText, sentences: Sequence[Sentence]) -> int:
    """How far the sentences and sections of a growing text are final, whatever is appended (a sentence's end).

    The last visible characters, as many as any decision may look ahead, and a last word still being written are
    left open. What governs a settled sentence (its section, the header of its list) stands before it and is
    settled too.
    """
    source = text.source
    limit = _visible_from_end(source, LOOK_AHEAD)
    while limit and not source[limit - 1].isspace():
        limit -= 1
    settled = 0
    for sentence in reversed(sentences):
        if sentence.end <= limit:
            settled = sentence.end
            break
    return settled


def starts_item(source: str, at: int) -> bool:
    """Whether a list item (bullet, number, check box) starts at a position."""
    return _ITEM.match(source, at) is not None


def _visible_from_end(source: str, count: int) -> int:
    """The position behind which `count` visible characters remain (0: fewer)."""
    width = 4 * count
    while True:
        at = max(0, len(source) - width)
        seen = 0
        for i in range(len(source) - 1, at - 1, -1):
            seen += not source[i].isspace()
            if seen == count:
                return i
        if not at:
            return 0
        width *= 4


def _sentence_starts(source: str, sections: Sequence[Section]) -> tuple[list[int], list[int]]:
    """Where sentences start, and the section of each."""
    starts: list[int] = []
    section_of: list[int] = []
    for index, section in enumerate(sections):
        if section.header.start != section.header.end:
            starts.append(section.header.start)
            section_of.append(index)
        body = section.body
        begin = body.start
        while begin < body.end and source[begin].isspace():
            begin += 1
        if begin == body.end:
            if body.start == section.header.start and body.end > body.start:
                starts.append(body.start)
                section_of.append(index)
            continue
        inner = _split(source, begin, body.end)
        starts += inner
        section_of += [index] * len(inner)
    if starts:
        starts[0] = 0
    return starts, section_of


def _split(source: str, begin: int, end: int) -> list[int]:
    """Starts of the sentences of one section's body, which begins with a visible character."""
    starts = [begin]
    expected = 0
    in_item = starts_item(source, begin)
    wrapped = False
    for place in _PLACE.finditer(source, begin, end):
        at = place.end()
        if at >= end:
            break
        kind = place.lastgroup
        if kind == "gap":
            gap = place["gap"]
            new = _is_stop(source, source[place.start() : place.start("gap")], place.start(), at) or gap.count("\n") > 1
            if not new and "\n" in gap:
                new = _starts_line(source, at)
        elif kind == "wrap":
            gap = place.group()
            new = gap.count("\n") > 1 or _breaks_line(
                source, place.start(), at, starts[-1], in_item=in_item, wrapped=wrapped
            )
            wrapped = not new
        elif kind == "tight":
            new, gap = True, ""
        else:
            new, gap = False, ""
            number = int(source[place.start() : at - 1])
            if place.start() == starts[-1] or number == expected:
                new, at = place.start() != starts[-1], place.start()
                expected = number + 1
            elif source[place.end() - 1] == ".":
                following = _visible(source, place.end(), end)
                if following < end and source[following].isupper():
                    new, at = True, following
        if new and at > starts[-1]:
            starts.append(at)
            if "\n" in gap:
                in_item = starts_item(source, at)
            if gap.count("\n") > 1:
                wrapped = False
    return starts


def _visible(source: str, at: int, end: int) -> int:
    while at < end and source[at].isspace():
        at += 1
    return at


def _is_stop(source: str, stop: str, at: int, following: int) -> bool:
    """Whether a full stop, question or exclamation mark ends its sentence."""
    if "?" in stop:
        if at == 0 or source[at - 1].isspace() or source[at - 1] == "(":
            return False
        return _ANSWER.match(source, following) is None
    if stop[:3] == "...":
        if len(stop) > 3 and _ANSWER.match(source, following) is not None:
            return False  # the dots lead from a question to its answer
        return not source[following].islower()
    if stop[0] != "." or len(stop) > 1:
        return True
    before = source[max(0, at - 16) : at].rsplit(None, 1)
    word = before[-1].lstrip("(\"'[") if before else ""
    if not word:
        return False
    lowered = word.casefold()
    if lowered in _TITLES:
        return False
    following_char = source[following]
    if len(word) == 1 and word.isupper() and following_char.islower():
        return False  # "H. pylori"
    if _DOTTED.search(word):
        return following_char.isupper() and source[following + 1 : following + 2].islower()
    if lowered in _SHORTENED:
        return not (following_char.islower() or (following_char.isdigit() and lowered != "no"))
    return True


def _starts_line(source: str, at: int) -> bool:
    """Whether a line at `at` looks like the start of something new: a list item or a field."""
    return starts_item(source, at) or _FIELD.match(source, at) is not None


def _breaks_line(source: str, at: int, following: int, start: int, *, in_item: bool, wrapped: bool) -> bool:
    """Whether a single line end (no blank line) ends the sentence, rather than wrapping it."""
    tail = source[max(start, at - 24) : at].rstrip("\r")
    if tail.endswith("  "):
        return True  # markdown's hard line break
    tail = tail.rstrip()
    if not tail or tail[-1] == ":" or _starts_line(source, following):
        return True
    if tail[-1] in ",&/":
        return False
    if _COLUMN_NO.search(tail) is not None:
        return True
    if tail.split()[-1].casefold() in _OPEN_WORDS:
        return _LIST_LINES.match(source, following) is not None
    length = at - max(source.rfind("\n", max(0, at - _FULL_LINE - 1), at), start - 1, at - _FULL_LINE - 1) - 1
    char = source[following]
    if char.islower():
        indented = source[following - 1] in " \t" and source[following - 2 : following - 1] in (" ", "\t")
        return length < _LONG_LINE and not (in_item and indented)
    return not (length >= _FULL_LINE and (wrapped or char.isdigit()))
