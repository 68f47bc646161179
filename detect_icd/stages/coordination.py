"""Finds the phrases that share a word with their neighbour: "kidney and bladder stones", "fracture of tibia and fibula".

The words left out are put back from the phrase beside the conjunction; what is then a whole phrase of
the lexicon is a finding of its own, placed on the words that stand for it ("kidney", "fibula").
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from detect_icd.stages.phrases import Found, PhraseFinder

_LONGEST_PART = 3
"""Most words that one coordinated part has ("distal radius")."""
_MOST_PARTS = 6
"""Most parts looked for on one side of a phrase."""


class SharedHeads:
    """Completes coordinated phrases; `joins` are the words and marks that coordinate."""

    def __init__(self, finder: PhraseFinder, joins: Collection[str], inside: Collection[str]) -> None:
        self._finder = finder
        self._joins = frozenset(joins)
        self._inside = frozenset(inside)

    def find(self, words: tuple[str, ...], first: int, last: int, places: Sequence[Found]) -> list[Found]:
        """The phrases completed from `places` in tokens `first` up to `last`; none overlaps another."""
        joins = self._joins
        if not places or joins.isdisjoint(words[first:last]):
            return []
        taken = {i for place in places for i in range(place.first, place.last)}
        found: list[Found] = []
        for place in places:
            if place.last - place.first > 1:
                found += self._before(words, first, place, taken)
                found += self._after(words, last, place, taken)
        return found

    def _before(self, words: tuple[str, ...], first: int, place: Found, taken: set[int]) -> list[Found]:
        """Parts left of a phrase that share its end: [kidney] and bladder stones."""
        found: list[Found] = []
        at = place.first
        while len(found) < _MOST_PARTS:
            at = self._past_joins(words, at - 1, first - 1, -1)
            if at < 0:
                break
            part = self._part(words, place, at, first, taken, before=True)
            if part is None:
                break
            found.append(part)
            at = part.first
        return found

    def _after(self, words: tuple[str, ...], last: int, place: Found, taken: set[int]) -> list[Found]:
        """Parts right of a phrase that share its beginning: fracture of tibia and [fibula]."""
        found: list[Found] = []
        at = place.last - 1
        while len(found) < _MOST_PARTS:
            at = self._past_joins(words, at + 1, last, 1)
            if at < 0:
                break
            part = self._part(words, place, at, last, taken, before=False)
            if part is None:
                break
            found.append(part)
            at = part.last - 1
        return found

    def _past_joins(self, words: tuple[str, ...], at: int, stop: int, step: int) -> int:
        """The first word behind the conjunction at `at` (", and"); -1 where none stands there."""
        start = at
        while at != stop and words[at] in self._joins and abs(at - start) < 2:
            at += step
        if at in (start, stop):
            return -1
        # Behind a mark alone nothing is passed over: in "broken toe, left foot" the foot is where the toe is.
        while step > 0 and at != stop and words[at] in self._inside and words[at - 1][0].isalpha():
            at += step
        return at if at != stop else -1

    def _part(
        self, words: tuple[str, ...], place: Found, at: int, stop: int, taken: set[int], *, before: bool
    ) -> Found | None:
        finder = self._finder
        phrase = finder.key(word for word in words[place.first : place.last] if word not in self._inside)
        for length in range(_LONGEST_PART, 0, -1):
            start, end = (at - length + 1, at + 1) if before else (at, at + length)
            if (start < stop if before else end > stop) or not taken.isdisjoint(range(start, end)):
                continue
            if words[start] in self._inside or not all(word[0].isalpha() for word in words[start:end]):
                continue
            part = finder.key(words[start:end])
            for shared in range(len(phrase) - 1, 0, -1):
                number = finder.exact(part + phrase[-shared:] if before else phrase[:shared] + part)
                if number is not None:
                    taken.update(range(start, end))
                    return Found(start, end, number)
        return None
