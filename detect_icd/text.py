"""Normalised text: the words of a note as the lexicon spells them, each with its place in the source.

A word is a run of letters, digits and the marks that ride on them; every other visible character
is a token of its own, so that phrases never run across a comma. Case, accents, ligatures, curly
apostrophes, possessive 's, soft hyphens and zero-width characters are folded away; white space and
the hyphen inside a word ("pain-free") separate words and leave no token. A line end leaves none
either: sentences (stages.sentences) decide what a line end means.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from detect_icd.spans import index_at

_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_LETTER = rf"(?:[^\W_]|[{_MARKS}{_INVISIBLE}])"
_TOKEN = re.compile(rf"\d+(?:[.,]\d+)+(?!\w)|{_LETTER}+(?:['\u2019\u02bc]{_LETTER}+)*|[^\w\s]|_")
_HYPHENS = frozenset("-\u2010\u2011")
_DASHES = _HYPHENS | frozenset("\u2012\u2013\u2014\u2212")
_DROPPED = re.compile(rf"[{_MARKS}{_INVISIBLE}]")
_PUNCTUATION = {"\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', **dict.fromkeys(_DASHES, "-")}


@lru_cache(maxsize=65_536)
def normalize_word(raw: str) -> str:
    """The form under which the lexicon knows a word: "Sj\u00f6gren\u2019s" -> "sjogren"."""
    word = raw if raw.isascii() else _DROPPED.sub("", unicodedata.normalize("NFKD", raw))
    word = word.casefold()
    if not word.isascii():
        word = _DROPPED.sub("", unicodedata.normalize("NFKD", word)).replace("\u2019", "'").replace("\u02bc", "'")
    word = word.removesuffix("'s")
    return _PUNCTUATION.get(word, word)


@dataclass(frozen=True, slots=True)
class NormalizedText:
    """`words[i]` is the normalised form of `source[starts[i]:ends[i]]`; tokens never overlap."""

    source: str
    words: tuple[str, ...]
    starts: array[int]
    ends: array[int]

    @classmethod
    def of(cls, source: str) -> NormalizedText:
        """Normalise `source`, any Unicode; linear in its length."""
        spans = [found.span() for found in _TOKEN.finditer(source)]
        words = [*map(normalize_word, _TOKEN.findall(source))]
        if "-" in words or "" in words:
            kept = [i for i, word in enumerate(words) if word and not (word == "-" and _joins(source, *spans[i]))]
            words = [words[i] for i in kept]
            spans = [spans[i] for i in kept]
        starts, ends = zip(*spans, strict=True) if spans else ((), ())
        return cls(source, tuple(words), array("i", starts), array("i", ends))

    def token_at(self, position: int) -> int:
        """Index of the last token that starts at or before `position` (-1: none)."""
        return index_at(self.starts, position)

    def raw(self, token: int) -> str:
        """The token as the source writes it."""
        return self.source[self.starts[token] : self.ends[token]]


def _joins(source: str, start: int, end: int) -> bool:
    """Whether the token at `start` is a hyphen inside a word ("pain-free")."""
    return (
        source[start:end] in _HYPHENS
        and 0 < start
        and end < len(source)
        and source[start - 1].isalnum()
        and source[end].isalnum()
    )


def normalize_phrase(phrase: str) -> tuple[str, ...]:
    """A lexicon phrase as the words the text would show for it."""
    return NormalizedText.of(phrase).words


def significant(words: Sequence[str]) -> list[str]:
    """The words of a title that count: no punctuation, no determiners lost, digits kept."""
    return [word for word in words if word[0].isalnum()]
