"""The markup of the lexicon's examples: `No [[fever]]{NEGATION}`, strictly parsed.

`[[...]]` is a mention; the braces name the categories of the cues that must decide it, a relative after a colon
(`{FAMILY:mother}`), nothing for a plain statement. `\\n` is a line end. Anything left open is an error, so that no
example can assert nothing by a slip.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from detect_icd.model import CueCategory
from detect_icd.spans import Span

_MENTION = re.compile(r"\[\[([^\[\]{}]+)\]\]\{([^\[\]{}]*)\}")


@dataclass(frozen=True, slots=True)
class Marked:
    """A mention of an example and what is expected of it."""

    span: Span
    categories: frozenset[CueCategory]
    relative: str


def parse(example: str) -> tuple[str, tuple[Marked, ...]]:
    """The plain text and its mentions; raises ValueError for a tag left open, an unknown category or no mention."""
    source = example.replace("\\n", "\n")
    text, marks, at = "", [], 0
    for found in _MENTION.finditer(source):
        text += source[at : found.start()]
        start = len(text)
        text += found[1]
        names, _, relative = found[2].partition(":")
        categories = frozenset(CueCategory(name) for name in names.split(",") if name)
        marks.append(Marked(Span(start, len(text)), categories, relative))
        at = found.end()
    text += source[at:]
    if not marks or any(sign in text for sign in ("[[", "]]", "{", "}")):
        raise ValueError(f"example {example!r}: a mention is [[words]]{{CATEGORIES}}, and one at least must stand")
    return text, tuple(marks)
