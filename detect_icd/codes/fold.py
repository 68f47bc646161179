"""Folds the words of a text or a query onto one form for search: spelling, plural, adjective, Roman numeral.

Coarser than detection's folding (`detect_icd.words`): a search result is looked at, so it may forgive more.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from detect_icd.text import normalize_phrase
from detect_icd.words import americanize

_ROMAN = {"ii": "2", "iii": "3", "iv": "4"}
_KEPT_ENDINGS = ("ss", "us", "is", "as", "os")
_ENDINGS = ("ing", "ed", "e")
_NUMBERED = frozenset({"type", "stage", "grade", "class", "degree", "group"})
"""Words after which "I" is a number."""
_SHORT = 4

STOP_WORDS = frozenset(
    {"a", "an", "the", "of", "in", "on", "and", "or", "to", "by", "at", "from", "for", "with", "due",
     "is", "are", "my", "i", "has", "have", "having", "got", "s"}
)  # fmt: skip
"""Said or left out without a change of meaning."""

LIGHT_WORDS = frozenset(
    {"unspecified", "other", "specified", "nos", "nec", "elsewhere", "classified", "classifiable", "not",
     "site", "type", "form", "part"}
)  # fmt: skip
"""What titles say to be complete: they neither find a code nor count against it."""


class Folding:
    """Words to their one form. `equivalents` are the lexicon's (adjective -> organ)."""

    def __init__(self, equivalents: Mapping[str, str]) -> None:
        self._equivalents = {_stem(word): _stem(other) for word, other in equivalents.items() if " " not in other}
        self.word = lru_cache(maxsize=65_536)(self._word)

    def _word(self, word: str) -> str:
        stem = _ROMAN.get(word) or _stem(word)
        return self._equivalents.get(stem, stem)

    def words(self, text: str) -> list[str]:
        """The words of `text` that count, folded, in order; punctuation and stop words left out."""
        folded = []
        before = ""
        raw_words = normalize_phrase(text)
        for place, raw in enumerate(raw_words):
            word = raw if raw.isalnum() else "".join(char for char in raw if char.isalnum())
            if word == "i" and before in _NUMBERED:
                folded.append("1")
            elif word == "a" and place and place == len(raw_words) - 1:  # hepatitis A, influenza A
                folded.append(word)
            elif word and word not in STOP_WORDS and word not in LIGHT_WORDS:
                folded.append(self.word(word))
            before = word
        return folded


def _stem(word: str) -> str:
    """American spelling, singular, without -ed, -ing and a last e. Wrong for some words, the same wrong on both sides."""
    if len(word) < _SHORT or not word.isascii() or word[0].isdigit():
        return word
    word = americanize(word)
    if word.endswith("ies") and len(word) > _SHORT:
        word = word[:-3] + "y"
    elif word.endswith(("ches", "shes", "xes", "sses")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(_KEPT_ENDINGS):
        word = word[:-1]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORT:
            word = word[: -len(ending)]
            break
    return word[:-1] if word[-1] == word[-2] and word[-1] in "bdgmnprt" else word
