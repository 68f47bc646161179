"""Expands the small pattern language of the cue and header tables into plain word sequences.

`{a|b}` stands for either, `{a|}` for a word that may be missing; groups do not nest. A pattern is a finite
set of phrases, nothing more, so that every form can be listed and looked up.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain, product

from detect_icd.errors import LexiconError
from detect_icd.text import normalize_phrase

_GROUP = re.compile(r"\{([^{}]*)\}")
_CLASS = re.compile(r"<[a-z]+>")


def expand(pattern: str) -> list[tuple[str, ...]]:
    """Every word sequence a pattern stands for, in order and once; raises LexiconError for a stray or glued brace."""
    parts = _GROUP.split(pattern)
    if any("{" in part or "}" in part for part in parts[::2]):
        raise LexiconError(f"pattern {pattern!r}: groups are {{a|b}} and do not nest")
    if any(part[-1:].strip() for part in parts[:-1:2]) or any(part[:1].strip() for part in parts[2::2]):
        raise LexiconError(f"pattern {pattern!r}: white space must surround a group")
    choices = [
        [_words(choice) for choice in part.split("|")] if i % 2 else [_words(part)] for i, part in enumerate(parts)
    ]
    phrases = dict.fromkeys(tuple(chain.from_iterable(chosen)) for chosen in product(*choices))
    if () in phrases:
        raise LexiconError(f"pattern {pattern!r}: may be empty")
    return list(phrases)


@lru_cache(maxsize=4096)
def _words(phrase: str) -> tuple[str, ...]:
    """Words as the text shows them; classes such as `<year>` stay whole."""
    words: list[str] = []
    at = 0
    for found in _CLASS.finditer(phrase):
        words += normalize_phrase(phrase[at : found.start()])
        words.append(found.group())
        at = found.end()
    return (*words, *normalize_phrase(phrase[at:]))
