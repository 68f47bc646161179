"""Compiles the rows of `lexicon/cues.tsv` into rules: which words are a cue, and what it reaches.

A row's `cue` is a pattern (`stages.patterns`) over normalised words. Marks may stand in it: `<number>` and
`<year>` for figures, `<minus>` for a minus sign that is glued to the word behind it in a row of such signs ("+cough
-fever"), `<start>` and `<end>` for the edge of the sentence (a comma, semicolon or closing bracket counts as an end). Rows with the same words and other categories add up: "no history of" denies and is history.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from detect_icd.errors import LexiconError
from detect_icd.model import CueCategory
from detect_icd.stages.patterns import expand

NUMBER, YEAR, START, END, OTHER_WORD = "<number>", "<year>", "<start>", "<end>", "_"
MINUS = "<minus>"
ITEMS = "items"
"""The scope of a row of open words that leave a line open only above bullets or numbers."""
_YEAR = re.compile(r"(?:19|20)\d\d\Z")


class Act(StrEnum):
    """What a row does that is not a cue of the public contract."""

    CURRENT = "CURRENT"
    """Calls off history in its scope: "for three days", "currently"."""

    PATIENT = "PATIENT"
    """Calls off the relatives of a section: "The patient has" under a family history."""

    SOUGHT = "SOUGHT"
    """What is looked into: a disease is in question then, a symptom is there and is why one looks."""

    TERMINATOR = "TERMINATOR"
    """Ends the scope of the categories named in the column `scope` ("all": of every one)."""

    NUMBER = "NUMBER"
    """A word that counts as `<number>`, in the text and in the other rows."""

    OPEN = "OPEN"
    """A word with which no line ends that is whole: what a cue before it says goes on in the list below."""

    PSEUDO = "PSEUDO"
    """Looks like a cue and is none; takes the words it covers out of play."""


class Reach(Enum):
    """How far a scope goes at most, short of a terminator."""

    NEXT = "next"
    """Only a mention that touches the cue."""

    PHRASE = "phrase"
    """To the next comma, semicolon, colon or bracket."""

    NEAREST = "nearest"
    """As PHRASE, and no mention but the nearest: the one beside "versus"."""

    SENTENCE = "sentence"

    LIST = "list"
    """As SENTENCE; with a few words and a colon behind it also over the list below."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row at work; `words` (0: any) limits the distance in tokens between cue and mention."""

    category: CueCategory | Act
    forward: bool
    backward: bool
    reach: Reach
    words: int
    relative: str
    ends: frozenset[CueCategory]
    row: str


@dataclass(frozen=True, slots=True)
class CueGroup:
    """The phrases that set off the same rules at the same place in a sentence."""

    phrases: tuple[tuple[str, ...], ...]
    at_start: bool
    at_end: bool
    rules: tuple[Rule, ...]
    only_ends: bool
    """Nothing but words that end what others say; they may share words with a cue."""
    pseudo: bool
    """Nothing but pseudo-cues."""


def number_words(rows: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """The words that count as a number."""
    return _single_words(rows, Act.NUMBER)


def open_words(rows: Iterable[Mapping[str, str]], *, items: bool = False) -> frozenset[str]:
    """The words that leave a line open; with `items` those that do so only above bullets or numbers."""
    rows = [row for row in rows if row["category"] == Act.OPEN and (row["scope"] == ITEMS) is items]
    return _single_words(rows, Act.OPEN)


def _single_words(rows: Iterable[Mapping[str, str]], act: Act) -> frozenset[str]:
    return frozenset(word for row in rows if row["category"] == act for (word,) in expand(row["cue"]))


def compile_cues(rows: Sequence[Mapping[str, str]]) -> list[CueGroup]:
    """The phrases of the table, grouped by what they do; raises LexiconError naming a faulty row."""
    groups: dict[tuple[bool, bool, tuple[Rule, ...]], list[tuple[str, ...]]] = {}
    for words, rules in _rules_of(rows).items():
        at_start, at_end = words[0] == START, words[-1] == END
        inner = words[at_start : len(words) - at_end]
        if any(word[0].isdigit() for word in inner):
            raise LexiconError(f"{rules[0].row}: figures stand as {NUMBER} or {YEAR}")
        if not inner or START in inner or END in inner:
            raise LexiconError(f"{rules[0].row}: {START} may only come first and {END} last, around a word")
        groups.setdefault((at_start, at_end, tuple(rules)), []).append(inner)
    compiled = []
    for (at_start, at_end, rules_of_group), phrases in groups.items():
        categories = {rule.category for rule in rules_of_group}
        only_ends, pseudo = categories <= {Act.TERMINATOR, Act.PATIENT}, categories == {Act.PSEUDO}
        compiled.append(CueGroup(tuple(phrases), at_start, at_end, rules_of_group, only_ends, pseudo))
    return compiled


def _rules_of(rows: Sequence[Mapping[str, str]]) -> dict[tuple[str, ...], list[Rule]]:
    """Every phrase of the table with its rules, in the table's order."""
    numbers = number_words(rows)
    phrases: dict[tuple[str, ...], list[Rule]] = {}
    for row in rows:
        if row["category"] in (Act.NUMBER, Act.OPEN):
            continue
        rule = _rule(row)
        for form in expand(row["cue"]):
            words = tuple(NUMBER if word in numbers else word for word in form)
            rules = phrases.setdefault(words, [])
            same = next((other for other in rules if _alike(other, rule)), None)
            if same is None:
                rules.append(rule)
            elif replace(same, row=rule.row) != rule:
                raise LexiconError(f"{rule.row}: cue {' '.join(words)!r} stands otherwise in {same.row}")
    return phrases


def _alike(one: Rule, other: Rule) -> bool:
    """Whether two rules of the same words would contradict each other if they differ in anything else."""
    return (one.category, one.forward, one.backward, one.ends) == (
        other.category,
        other.forward,
        other.backward,
        other.ends,
    )


def _rule(row: Mapping[str, str]) -> Rule:
    where = row.get("_at", "cues")
    category: CueCategory | Act
    try:
        category = Act(row["category"]) if row["category"] in set(Act) else CueCategory(row["category"])
        ends = frozenset[CueCategory]()
        reach, words = Reach.SENTENCE, 0
        if category is Act.TERMINATOR:
            ends = frozenset(CueCategory if row["scope"] == "all" else map(CueCategory, row["scope"].split()))
        elif category is not Act.PSEUDO:
            name, _, limit = row["scope"].partition(" ")
            if name.isdigit():
                words = int(name)
            else:
                reach, words = Reach(name), int(limit or 0)
    except ValueError as error:
        raise LexiconError(f"{where}: category {row['category']!r} with scope {row['scope']!r}: {error}") from error
    direction = row["direction"]
    if (category in (Act.TERMINATOR, Act.PSEUDO)) == bool(direction):
        raise LexiconError(f"{where}: a cue has a direction, a terminator or pseudo-cue has none")
    return Rule(
        category,
        direction in ("forward", "both"),
        direction in ("backward", "both"),
        reach,
        words,
        row["relative"],
        ends,
        where,
    )


def word_class(word: str) -> str:
    """The class of a word no cue knows: a year, a number, or any other word."""
    if not word[0].isdigit():
        return OTHER_WORD
    return YEAR if _YEAR.match(word) else NUMBER
