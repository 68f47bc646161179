"""Folds the words of all phrases onto one vocabulary: spelling, plural, adjective of the same organ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from detect_icd.compile.titles import Phrase
from detect_icd.lexicon import FIRST_WORD
from detect_icd.words import variants


class Vocabulary:
    """Numbers the words of all phrases; `form -> canonical` as the run time will resolve it."""

    def __init__(self, phrases: Iterable[Phrase], equivalents: Mapping[str, str]) -> None:
        words = {word for phrase in phrases for word in phrase} | set(equivalents) | set(equivalents.values())
        self.aliases: dict[str, str] = {}
        base: set[str] = set(equivalents.values())
        for word in sorted(words, key=lambda w: (len(w), w)):
            if word in base:
                continue
            known = next((v for v in variants(word) if v in base or v in self.aliases), None)
            target = equivalents.get(word, known)
            if target is None:
                base.add(word)
            else:
                self.aliases[word] = self.aliases.get(target, target)
        self.base = sorted(base)
        self._number = {word: n for n, word in enumerate(self.base)}

    def encode(self, phrase: Phrase) -> str:
        """One character a word; KeyError for a word that no phrase has."""
        return "".join(chr(FIRST_WORD + self._number[self.aliases.get(w, w)]) for w in phrase)
