"""Decides which cues of one sentence reach which of its mentions: ConText's scopes, as data asks for them.

Positions are tokens of one Doc. Of cues that overlap the longest counts, then the leftmost; a cue inside a
mention is part of its name ("migraine without aura") and counts for nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from detect_icd.model import CueCategory
from detect_icd.spans import Span
from detect_icd.stages.cues import CueGroup, Reach, Rule
from detect_icd.stages.sentences import MAX_TOKENS

_EDGES = frozenset(".,;)]|!")
_PHRASE_ENDS = frozenset(",;:()[]")
_ONE_AT_A_TIME = frozenset({CueCategory.FAMILY, CueCategory.OTHER_PERSON})
_LISTED = frozenset({CueCategory.HISTORY, CueCategory.FAMILY})
_WIDE = frozenset({Reach.SENTENCE, Reach.LIST})
_WITHIN_PHRASE = frozenset({Reach.PHRASE, Reach.NEAREST})
_LIST_WORDS = 6
_OR = frozenset({"or", "versus", "vs"})
_ALTERNATES = frozenset({"or", "/"})
_APART = 4
"""No more words from one alternative to the next, the joining one included."""
_AND = frozenset({"and", "or", "&"})
_JOINS = _AND | {","}
_ITEM_WORDS = 6
"""An item of a list of alternatives has no more words."""


class PlacedCue(NamedTuple):
    """A cue where it stands: at tokens `first` up to `last`."""

    first: int
    last: int
    group: CueGroup


class Reached(NamedTuple):
    """A rule that reaches a mention, and the cue's tokens."""

    rule: Rule
    span: Span


def choose(
    words: tuple[str, ...],
    sentence: Span,
    found: Sequence[PlacedCue],
    mentions: Sequence[Span],
) -> list[PlacedCue]:
    """The cues of a sentence that count: at the edge they ask for, in no mention, the longest of those that overlap."""
    if not found:
        return []
    placed = []
    covered = {token for mention in mentions for token in range(mention.start, mention.end)}
    for cue in found:
        first, last, group = cue
        # a pseudo-cue gives way to any mention it touches: in "no [[change in vision]]" the denial stands
        touched = not covered.isdisjoint(range(first, last))
        inside = touched and any(mention.contains(Span(first, last)) for mention in mentions)
        if touched and (group.pseudo or (inside and not _opens_list(words, sentence, cue, mentions))):
            continue
        if group.at_start and not _at_start(words, sentence, first):
            continue
        if group.at_end and not _at_end(words, sentence, last):
            continue
        placed.append(cue)
    if len(placed) < 2:
        return placed
    placed.sort(key=_length_then_place)
    kept: list[PlacedCue] = []
    taken: set[int] = set()
    for cue in placed:
        tokens = range(cue.first, cue.last)
        if not cue.group.only_ends and taken.isdisjoint(tokens):
            taken.update(tokens)
            kept.append(cue)
    # a terminator may share words with a cue ("and he is not"), though not lie wholly inside one
    kept += [cue for cue in placed if cue.group.only_ends and not taken.issuperset(range(cue.first, cue.last))]
    kept.sort(key=lambda cue: (cue.first, cue.last))
    return kept


def _opens_list(words: tuple[str, ...], sentence: Span, cue: PlacedCue, mentions: Sequence[Span]) -> bool:
    """Whether a cue of the past or of relatives opens a mention that others are listed with: "history of stroke and TIA"."""
    if not any(rule.forward and rule.reach is Reach.LIST and rule.category in _LISTED for rule in cue.group.rules):
        return False
    end = next(
        (m.end for m in mentions if m.start == cue.first and m.contains(Span(cue.first, cue.last))), sentence.end
    )
    if end < sentence.end and words[end] == ",":  # a list, if it is closed as one
        while end < sentence.end and words[end] not in _AND:
            gap = next((i for i in range(end + 1, min(sentence.end, end + 2 + _ITEM_WORDS)) if words[i] in _JOINS), -1)
            if gap < 0:
                return False
            end = gap
    return end < sentence.end and words[end] in _AND


def _length_then_place(cue: PlacedCue) -> tuple[int, int]:
    """An edge counts for half a word: it decides between the same words only."""
    return (2 * (cue.first - cue.last) - cue.group.at_end - cue.group.at_start, cue.first)


def _at_start(words: tuple[str, ...], sentence: Span, first: int) -> bool:
    """Bullets and numbers before it do not matter."""
    return not any(word.isalpha() for word in words[sentence.start : first])


def _at_end(words: tuple[str, ...], sentence: Span, last: int) -> bool:
    return last == sentence.end or words[last] in _EDGES


class Scopes:
    """The chosen cues of one sentence, asked mention by mention."""

    def __init__(
        self, words: tuple[str, ...], sentence: Span, cues: Sequence[PlacedCue], mentions: Sequence[Span]
    ) -> None:
        """`words` of the whole Doc; `sentence`, `cues` and `mentions` by token."""
        self._words = words
        self._sentence = sentence
        self._cues = cues
        self._mentions = mentions
        self._mention_starts = sorted(mention.start for mention in mentions)
        self._start_of = {mention.end: mention.start for mention in mentions}
        self._scopes = [
            (
                cue,
                rule,
                self._forward_end(number, rule) if rule.forward else -1,
                self._backward_start(number, rule)
                if rule.backward and not self._is_adjective(cue, rule)
                else sentence.end,
            )
            for number, cue in enumerate(cues)
            for rule in cue.group.rules
            if rule.forward or rule.backward
        ]

    def reaching(self, mention: Span) -> list[Reached]:
        """The rules in whose scope a mention lies, in order of place."""
        reached = []
        for cue, rule, end, start in self._scopes:
            # a mention may share its first words with a backward cue's, its last with a forward one's
            if cue.first < mention.start < end or (start < mention.end < cue.last and mention.start < cue.first):
                reached.append(Reached(rule, Span(cue.first, cue.last)))
        return reached

    def governing(self, open_words: frozenset[str]) -> list[Reached]:
        """The rules that reach over the list below: only open words stand behind their cue, or a colon soon does."""
        words, last = self._words, self._sentence.end - 1
        colon = words[last] == ":"
        return [
            Reached(rule, Span(cue.first, cue.last))
            for cue, rule, end, _ in self._scopes
            if rule.forward
            and end >= last
            and (
                (colon and rule.reach is Reach.LIST and last - cue.last <= _LIST_WORDS)
                or (rule.reach is not Reach.NEXT and open_words >= {words[last], *words[cue.last : last + 1]})
            )
        ]

    def inherits(self, rule: Rule, mention: Span) -> bool:
        """Whether a rule that governs the list still holds at a mention of this item."""
        return not any(
            rule.category in by.ends for cue in self._cues if cue.first < mention.start for by in cue.group.rules
        )

    def _forward_end(self, number: int, rule: Rule) -> int:
        """The first token behind a cue where no mention starts that it reaches."""
        words, start = self._words, self._cues[number].last
        end = min(self._sentence.end, start + _width(rule))
        depth = 0
        for i in range(start, end):
            word = words[i]
            if word == "(":
                depth += 1
            elif word == ")":
                depth -= 1
                if depth < 0:
                    end = i
                    break
            ends = rule.reach in _WITHIN_PHRASE and word in _PHRASE_ENDS and (i > start or word == ";")
            if ends and not self._alternative(i):
                end = i
                break
        if rule.reach is Reach.NEAREST:
            end = min(end, self._last_alternative(start) + 1)
        for other in self._cues[number + 1 : number + 1 + end - start]:
            at = other.first
            if at >= end:
                break
            if start <= at and self._ends(rule, other, start):
                return at
        return end

    def _alternative(self, place: int) -> bool:
        """Whether a comma stands in a list of alternatives: "may be atelectasis, pneumonia, or aspiration"."""
        words = self._words
        if words[place] != ",":
            return False
        for i in range(place + 1, self._sentence.end):
            if words[i] in _OR:
                return True
            if words[i] == ",":
                place = i
            elif words[i] in _PHRASE_ENDS or i - place > _ITEM_WORDS:
                return False
        return False

    def _backward_start(self, number: int, rule: Rule) -> int:
        """The last token before a cue where no mention ends that it reaches."""
        cue = self._cues[number]
        start = max(self._sentence.start, cue.first - _width(rule))
        if rule.reach in _WITHIN_PHRASE:
            depth = int(cue.first > start and self._words[cue.first - 1] == ")")
            for i in range(cue.first - 2, start - 1, -1):
                word = self._words[i]
                if word == ")":
                    depth += 1
                elif word == "(" and depth:
                    depth -= 1
                elif word in _PHRASE_ENDS and not (
                    depth or (rule.category is CueCategory.NEGATION and self._is_enumerated(i))
                ):
                    start = i + 1
                    break
        if rule.reach is Reach.NEAREST:
            start = max(start, self._first_alternative(cue.first) - 1)
        for at in range(number - 1, -1, -1):
            other = self._cues[at]
            if other.last <= start:
                break
            if other.first < cue.first and self._ends_backward(rule, other):
                return min(other.last, cue.first)
        return start

    def _last_alternative(self, place: int) -> int:
        """Where the nearest mention from here on starts, or the last that "or" joins to it."""
        starts, words = self._mention_starts, self._words
        following = bisect_left(starts, place)
        if following == len(starts):
            return self._sentence.end
        end_of = {mention.start: mention.end for mention in self._mentions}
        for later in starts[following + 1 :]:
            end = end_of[starts[following]]
            if later < end or words[end] not in _ALTERNATES or later - end > _APART:
                break
            following += 1
        return starts[following]

    def _first_alternative(self, place: int) -> int:
        """Where the nearest mention up to here ends, or the first that "or" joins to it."""
        ends, words = sorted(self._start_of), self._words
        preceding = bisect_right(ends, place) - 1
        if preceding < 0:
            return 0
        for earlier in reversed(ends[:preceding]):
            between = self._start_of[ends[preceding]] - earlier
            if words[earlier] not in _ALTERNATES or not 0 < between <= _APART:
                break
            preceding -= 1
        return ends[preceding]

    def _is_adjective(self, cue: PlacedCue, rule: Rule) -> bool:
        """Whether a cue that may follow its mention or precede it stands right before one: "resolved sepsis"."""
        return cue.last in self._mention_starts and any(
            by.forward and by is not rule and by.category is rule.category for by in cue.group.rules
        )

    def _is_enumerated(self, comma: int) -> bool:
        """Whether a comma stands in a list that is denied as a whole: "Rash, edema, or fever is absent".

        Before its first comma there is nothing but a mention (and one word of its own), before the others a few words.
        """
        words, edge = self._words, self._sentence.start
        if words[comma] != ",":
            return False
        opening = next((i for i in range(comma - 1, edge - 1, -1) if words[i] in _PHRASE_ENDS), edge - 1)
        held = self._mention_between(opening + 1, comma)
        if opening >= edge and words[opening] == ",":
            return comma - opening <= (_LIST_WORDS if held else 3)
        if not held:
            return False
        first = self._start_of.get(comma)
        if first is None or first - opening > 2:
            return False
        return first == opening + 1 or not any(cue.last == first for cue in self._cues)

    def _ends(self, rule: Rule, other: PlacedCue, start: int) -> bool:
        """Whether another cue ends this rule's scope forwards."""
        for by in other.group.rules:
            if rule.category in by.ends:
                # punctuation that touches the cue belongs to it: "Denies: fever"
                return other.first > start or self._words[start].isalpha()
            if not by.forward:
                continue
            if rule.category is by.category and by.reach in _WIDE and not by.words:
                return True  # the nearer cue takes over
            if rule.category in _ONE_AT_A_TIME and by.category in _ONE_AT_A_TIME:
                return self._mention_between(start, other.first)
            if rule.category is CueCategory.UNCERTAINTY and by.category is CueCategory.NEGATION:
                return by.reach is not Reach.NEXT or other.last in self._mention_starts
            if rule.category is CueCategory.NEGATION and by.category is CueCategory.UNCERTAINTY:
                between = self._words[start : other.first]
                return "," in between or self._mention_between(start, other.first)
        return False

    def _ends_backward(self, rule: Rule, other: PlacedCue) -> bool:
        return any(
            rule.category in by.ends
            or (by.category is CueCategory.NEGATION and by.backward and rule.category is CueCategory.NEGATION)
            for by in other.group.rules
        )

    def _mention_between(self, start: int, end: int) -> bool:
        return bisect_left(self._mention_starts, end) > bisect_left(self._mention_starts, start)


def _width(rule: Rule) -> int:
    """Tokens from the edge of a cue to the edge of its widest scope."""
    if rule.reach is Reach.NEXT:
        return 1
    return rule.words + 1 if rule.words else MAX_TOKENS
