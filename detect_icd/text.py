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
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from sys import intern

from detect_icd.memo import Memo
from detect_icd.spans import index_at

_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_HYPHENS = "-\u2010\u2011"
_DASHES = f"{_HYPHENS}\u2012\u2013\u2014\u2212"
_DROPPED = re.compile(rf"[{_MARKS}{_INVISIBLE}]")
_PUNCTUATION = {"\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', **dict.fromkeys(_DASHES, "-")}


def _tokens(alnum: str, word: str, apostrophes: str, hyphens: str) -> re.Pattern[str]:
    """A number with its decimals, a word with its apostrophes, or any other visible character.

    A hyphen between two of `alnum` is none ("pain-free"). One group, so that `split` gives gap, token, gap, token ...
    """
    inner = rf"{word}(?:[{apostrophes}]{word})*"
    lone = rf"[{hyphens}](?:(?<!{alnum}.)|(?!{alnum}))"
    return re.compile(rf"(\d+(?:[.,]\d+)+(?!\w)|{inner}|[^\w\s{hyphens}]|_|{lone})")


_TOKEN = _tokens(r"[^\W_]", rf"(?:[^\W_]++|[{_MARKS}{_INVISIBLE}]++)++", "'\u2019\u02bc", "\u2010\u2011-")
_ASCII_TOKEN = _tokens("[A-Za-z0-9]", "[A-Za-z0-9]+", "'", "-")
"""The same for ASCII text, in half the time (a property test compares the two)."""


def normalize_word(raw: str) -> str:
    """The form under which the lexicon knows a word: "Sj\u00f6gren\u2019s" -> "sjogren"."""
    word = raw if raw.isascii() else _DROPPED.sub("", unicodedata.normalize("NFKD", raw))
    word = word.casefold()
    if not word.isascii():
        word = _DROPPED.sub("", unicodedata.normalize("NFKD", word)).replace("\u2019", "'").replace("\u02bc", "'")
    word = word.removesuffix("'s")
    return _PUNCTUATION.get(word, word)


_NORMALIZED: Memo[str, str] = Memo(lambda raw: intern(normalize_word(raw)), most=65_536)
"""One object for equal words: what looks a word up then finds it without comparing letters."""


@dataclass(frozen=True, slots=True)
class NormalizedText:
    """`words[i]` is the normalised form of `source[starts[i]:ends[i]]`; tokens never overlap."""

    source: str
    words: tuple[str, ...]
    starts: list[int]
    ends: list[int]
    distinct: frozenset[str]
    """Each word once: what a note does not name at all is told by this, without going through it."""

    @classmethod
    def of(cls, source: str) -> NormalizedText:
        """Normalise `source`, any Unicode; linear in its length."""
        pieces = (_ASCII_TOKEN if source.isascii() else _TOKEN).split(source)
        edges = [*accumulate(map(len, pieces))]
        starts, ends = edges[:-1:2], edges[1::2]
        words = tuple(map(_NORMALIZED.__getitem__, pieces[1::2]))
        distinct = frozenset(words)
        if "" in distinct:  # nothing but invisible characters
            kept = [i for i, word in enumerate(words) if word]
            starts, ends = [starts[i] for i in kept], [ends[i] for i in kept]
            words, distinct = tuple(words[i] for i in kept), distinct - {""}
        return cls(source, words, starts, ends, distinct)

    def token_at(self, position: int) -> int:
        """Index of the last token that starts at or before `position` (-1: none)."""
        return index_at(self.starts, position)

    def raw(self, token: int) -> str:
        """The token as the source writes it."""
        return self.source[self.starts[token] : self.ends[token]]


def normalize_phrase(phrase: str) -> tuple[str, ...]:
    """A lexicon phrase as the words the text would show for it."""
    return NormalizedText.of(phrase).words


def significant(words: Sequence[str]) -> list[str]:
    """The words of a title that count: no punctuation, no determiners lost, digits kept."""
    return [word for word in words if word[0].isalnum()]
