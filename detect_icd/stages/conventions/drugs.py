"""Finds the drug that a condition is due to: adverse effects and underdosing.

Rows of `drug_effects.tsv` say how a note joins a condition and a drug ("{condition} due to {drug}",
"{drug} induced {condition}"), rows of `drugs.tsv` which code stem a drug has; the next character of the
code is the effect (5 adverse effect, 6 underdosing). The effect of a row for poisoning is the beginning of the
condition's code: an overdose whose drug stands beside it gives its intent to the drug's code.
Source: Official Guidelines I.C.19.e.5; the classification's table of drugs and chemicals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from detect_icd.lexicon import Row, phrases_of
from detect_icd.model import Mention
from detect_icd.stages.conventions.patterns import Patterns
from detect_icd.text import NormalizedText, normalize_phrase

_CONDITION, _DRUG = "{condition}", "{drug}"
_CODE_LENGTH = 6
_NO_DRUG = "none"
"""The code of words that look like a drug and are none ("drug use")."""
_SKIPPED = 3
"""Words that may stand between the parts of a pattern ("due to her long-term warfarin")."""
_REACH = 16
"""Words on each side of a drug in which its condition may stand."""
_ENDS = frozenset({".", ";", ":", ",", "?", "!", "and", "or", "with", "no", "not"})


@dataclass(frozen=True, slots=True)
class _Effect:
    rule: str
    between: tuple[str, ...]
    drug_first: bool
    character: str
    unless: Patterns

    @classmethod
    def of(cls, row: Row) -> _Effect:
        drug_first = row["pattern"].startswith(_DRUG)
        middle = row["pattern"].replace(_CONDITION, "").replace(_DRUG, "")
        return cls(row["rule"], normalize_phrase(middle), drug_first, row["effect"], Patterns.of(row["unless"]))

    def of_condition(self, code: str) -> str:
        """The character that tells the effect, for a condition of this code; '' where the row is not about it."""
        if len(self.character) == 1:
            return self.character
        return code[len(self.character) : len(self.character) + 1] if code.startswith(self.character) else ""


@dataclass(frozen=True, slots=True)
class DrugEffect:
    """A condition's mention, the code of the drug's effect, and the row that says so."""

    mention: Mention
    code: str
    rule: str


class DrugEffects:
    """The drugs and the ways in which a note blames them."""

    def __init__(self, drugs: Iterable[Row], effects: Iterable[Row]) -> None:
        self._drugs = {normalize_phrase(name): row["code"] for row in drugs for name in phrases_of(row["names"])}
        self._longest = max(map(len, self._drugs), default=0)
        self._first = frozenset(words[0] for words in self._drugs)
        self._effects = [_Effect.of(row) for row in effects]

    def find(self, text: NormalizedText, mentions: Sequence[Mention]) -> Iterator[DrugEffect]:
        """The effects that reportable mentions tell of, in text order; linear in the text but for its drugs."""
        places = [(text.token_at(m.span.start), text.token_at(m.span.end - 1) + 1, m) for m in mentions if m.reportable]
        if not places or self._first.isdisjoint(text.distinct):
            return
        for first, last, stem in self._drugs_in(text.words):
            near = [place for place in places if place[0] < last + _REACH and first - _REACH < place[1]]
            for effect in self._effects if near else ():
                mention = self._blamed(effect, text.words, first, last, near)
                if mention is not None and not effect.unless.cover(mention.codes[0].code):
                    character = effect.of_condition(mention.codes[0].code)
                    if not character:
                        continue
                    code = (stem.replace(".", "") + character).ljust(_CODE_LENGTH, "X") + "A"
                    yield DrugEffect(mention, f"{code[:3]}.{code[3:]}", effect.rule)
                    break

    def _drugs_in(self, words: tuple[str, ...]) -> Iterator[tuple[int, int, str]]:
        for i in [i for i, word in enumerate(words) if word in self._first]:
            for length in range(self._longest, 0, -1):
                stem = self._drugs.get(tuple(words[i : i + length]))
                if stem is not None:
                    if stem != _NO_DRUG:
                        yield i, i + length, stem
                    break

    @staticmethod
    def _blamed(
        effect: _Effect, words: tuple[str, ...], first: int, last: int, near: Sequence[tuple[int, int, Mention]]
    ) -> Mention | None:
        """The mention that `effect` joins to the drug at `first` up to `last`."""
        size = len(effect.between)
        for start, end, mention in near:
            low, high = (last, start) if effect.drug_first else (end, first)
            inner = start <= first and last <= end  # the phrase itself names the drug: "steroid induced diabetes"
            if inner:
                low, high = (last, min(end, last + size)) if effect.drug_first else (max(start, first - size), first)
            gap = words[low:high]
            if len(gap) > size + 2 * _SKIPPED or not _ENDS.isdisjoint(set(gap) - set(effect.between)):
                continue
            if any(tuple(gap[i : i + size]) == effect.between for i in range(len(gap))):
                return mention
        return None
