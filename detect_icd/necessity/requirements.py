"""Finds in a note the documentation that a procedure is expected to have, with the words that show it.

Rows of `procedures/requirements.tsv` say what is expected, rows of `procedures/evidence.tsv` which words show it. Each
requirement is met (quoted), not found, or contradicted ("has not tried physical therapy").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from detect_icd.lexicon import Row, phrases_of
from detect_icd.model import Mention
from detect_icd.necessity.facts import rows_by
from detect_icd.necessity.model import Quote, Requirement, RequirementStatus
from detect_icd.necessity.notes import ReadNote
from detect_icd.spans import Span
from detect_icd.stages.patterns import expand

_TREATMENT, _LATERALITY, _DURATION = "CONSERVATIVE_TREATMENT_FAILED", "LATERALITY", "DURATION"
_BEFORE = 5
"""Words before a phrase within which a denial reaches it."""
_BESIDE = 3
"""Words between a time and the treatment it is the time of."""
_MAX_QUOTES = 5
_NUMBERS = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
    "twenty": 20,
    "a": 1,
    "an": 1,
    "several": 3,
    "few": 3,
    "many": 3,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
}
_UNIT_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_FIRST_YEAR, _LAST_YEAR = 1950, 2100

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Token indices of a phrase found."""

    first: int
    last: int
    sentence: int


class _Phrases:
    """Phrases with the classes <number> and <year>, found by their first word."""

    def __init__(self, phrases: Iterable[Words]) -> None:
        self._by_first: dict[str, list[Words]] = {}
        for phrase in sorted(set(phrases), key=lambda p: (-len(p), p)):
            self._by_first.setdefault(phrase[0], []).append(phrase)
        self._numbers = "<number>" in self._by_first

    def find(self, words: Sequence[str], start: int, end: int) -> Iterator[tuple[int, int]]:
        """Token ranges in words[start:end], longest first at each place, never overlapping."""
        by_first, at = self._by_first, start
        while at < end:
            word = words[at]
            if word not in by_first and not (self._numbers and number_of(word) is not None):
                at += 1
                continue
            length = next((len(p) for p in self._candidates(word) if _fits(p, words, at, end)), 0)
            if length:
                yield at, at + length
            at += length or 1

    def _candidates(self, word: str) -> Iterator[Words]:
        yield from self._by_first.get(word, ())
        if self._numbers and number_of(word) is not None:
            yield from self._by_first["<number>"]


def _fits(phrase: Words, words: Sequence[str], at: int, end: int) -> bool:
    if at + len(phrase) > end:
        return False
    for wanted, word in zip(phrase, words[at : at + len(phrase)], strict=True):
        if wanted == "<number>":
            if number_of(word) is None:
                return False
        elif wanted == "<year>":
            if not (word.isascii() and word.isdigit() and _FIRST_YEAR <= int(word) <= _LAST_YEAR):
                return False
        elif wanted != word:
            return False
    return True


@lru_cache(maxsize=4096)
def number_of(word: str) -> float | None:
    """The value of a number in figures or words."""
    if word in _NUMBERS:
        return float(_NUMBERS[word])
    figures = word.replace(",", "")
    return float(figures) if figures.isascii() and figures.replace(".", "", 1).isdigit() else None


@dataclass(frozen=True, slots=True)
class _Evidence:
    what: tuple[tuple[str, _Phrases], ...]
    yes: _Phrases
    no: _Phrases
    against: _Phrases
    about: frozenset[str]
    shouted: frozenset[Words]
    """Phrases that count in capitals only (PT is physical therapy, Pt the patient)."""


class Requirements:
    """Both tables, ready to apply."""

    def __init__(self, expected: Iterable[Row], evidence: Iterable[Row]) -> None:
        self._expected = rows_by(expected, "procedures")
        self._evidence: dict[str, _Evidence] = {}
        by_requirement: dict[str, dict[str, list[Words]]] = {}
        evidence_rows = list(evidence)
        for row in evidence_rows:
            found = [phrase for part in phrases_of(row["words"]) for phrase in expand(part)]
            by_requirement.setdefault(row["requirement"], {}).setdefault(row["part"], []).extend(found)
        shouted = {
            words
            for row in evidence_rows
            for part in phrases_of(row["words"])
            if part.isalpha() and part.isupper()
            for words in expand(part)
        }
        for requirement, named in by_requirement.items():
            self._evidence[requirement] = _Evidence(
                what=tuple((p.partition(":")[2], _Phrases(w)) for p, w in named.items() if p.startswith("what")),
                yes=_Phrases(named.get("yes", ())),
                no=_Phrases(named.get("no", ())),
                against=_Phrases(named.get("against", ())),
                about=frozenset(words[0] for words in named.get("about", ())),
                shouted=frozenset(shouted),
            )

    def expected(self, procedure: str) -> tuple[Requirement, ...]:
        """What is expected of the procedure, without a note to look into."""
        return tuple(
            self._made(row, RequirementStatus.NOT_CHECKED, "no note was given")
            for row in self._expected.get(procedure, ())
        )

    def check(
        self, procedure: str, note: ReadNote | None, supporting: Sequence[Mention], side: frozenset[str]
    ) -> tuple[Requirement, ...]:
        """Each requirement of the procedure against the note; `side` is what the line's modifiers name."""
        if note is None:
            return self.expected(procedure)
        return tuple(self._check(row, note, supporting, side) for row in self._expected.get(procedure, ()))

    def _check(self, row: Row, note: ReadNote, supporting: Sequence[Mention], side: frozenset[str]) -> Requirement:
        requirement = row["requirement"]
        if requirement == _LATERALITY:
            return self._laterality(row, note, supporting, side)
        known = note.documented.get((requirement, row["min_days"]))
        if known is None:
            known = note.documented[requirement, row["min_days"]] = self._read(row, note)
        return replace(known, description=row["description"], source=row["source"])

    def _read(self, row: Row, note: ReadNote) -> Requirement:
        """What the whole note says; the same for every line, so it is read once."""
        requirement = row["requirement"]
        evidence = self._evidence.get(requirement)
        if evidence is None:
            return self._made(row, RequirementStatus.NOT_CHECKED, "no words are known for it")
        if requirement == _TREATMENT:
            return self._treatment(row, note, evidence)
        if requirement == _DURATION:
            return self._duration(row, note, evidence)
        met: list[Quote] = []
        against: list[Quote] = []
        for place in _places(note, evidence):
            first, last = _sentence(note, place)
            denied = next(
                (r for r in evidence.no.find(note.text.words, max(first, place.first - _BEFORE), place.first)), None
            )
            spoken = next(evidence.against.find(note.text.words, place.last, last), None)
            if denied is not None:
                against.append(_quote(note, denied[0], place.last))
            elif spoken is not None:
                against.append(_quote(note, place.first, spoken[1]))
            else:
                met.append(_quote(note, place.first, place.last))
        return self._verdict(row, met, against)

    def _treatment(self, row: Row, note: ReadNote, evidence: _Evidence) -> Requirement:
        """A treatment and, in its sentence, that it failed, was never tried, or works."""
        met: list[Quote] = []
        against: list[Quote] = []
        tried: list[Quote] = []
        kinds: dict[str, None] = {}
        words = note.text.words
        for place in _places(note, evidence):
            first, last = _sentence(note, place)
            denied = _nearest(evidence.no.find(words, first, last), place, after=False)
            failed = _nearest(evidence.yes.find(words, first, last), place, after=True)
            works = _nearest(evidence.against.find(words, first, last), place, after=True)
            if denied is not None and (failed is None or denied[1] > failed[1] or failed[0] >= place.last):
                against.append(_quote(note, denied[0], place.last))
            elif failed is not None:
                met.append(_quote(note, min(failed[0], place.first), max(failed[1], place.last)))
                kinds[_kind_at(evidence, words, place)] = None
            elif works is not None:
                against.append(_quote(note, min(works[0], place.first), max(works[1], place.last)))
            else:
                tried.append(_quote(note, place.first, place.last))
        if not met and not against and tried:
            message = "a treatment is named, but not that it failed"
            return self._made(row, RequirementStatus.NOT_FOUND, message, _distinct(tried))
        named = ", ".join(kind for kind in kinds if kind)
        return self._verdict(row, met, against, f"failed: {named}" if named else "")

    def _duration(self, row: Row, note: ReadNote, evidence: _Evidence) -> Requirement:
        """The longest time told of a complaint."""
        wanted = int(row["min_days"] or 0)
        longest, quotes = -1, []
        for place in _places(note, evidence):
            first, last = _sentence(note, place)
            about = evidence.about.intersection(note.text.words[first:last])
            if not about and not any(_inside(m, note, place.sentence) for m in note.detection.mentions if m.reportable):
                continue
            if self._times_a_treatment(note.text.words, place, first, last):
                continue
            days = _days(note.text.words[place.first : place.last], note)
            if days > longest:
                longest, quotes = days, [_quote(note, place.first, place.last)]
        if longest < 0:
            return self._made(row, RequirementStatus.NOT_FOUND, "the note does not say how long")
        if longest < wanted:
            message = f"about {longest} days are told, {wanted} are expected"
            return self._made(row, RequirementStatus.CONTRADICTED, message, tuple(quotes))
        return self._made(row, RequirementStatus.MET, f"about {longest} days", tuple(quotes))

    def _times_a_treatment(self, words: Sequence[str], place: _Place, first: int, last: int) -> bool:
        """Whether a time is that of a treatment beside it ("six weeks of physical therapy")."""
        after = place.last + (place.last < last and words[place.last] in ("of", "with", "on"))
        before = max(place.first - _BESIDE, first)
        return any(
            start == after or before < end <= place.first
            for _, phrases in self._evidence[_TREATMENT].what
            for start, end in phrases.find(words, max(before - _BESIDE, first), last)
        )

    def _laterality(self, row: Row, note: ReadNote, supporting: Sequence[Mention], side: frozenset[str]) -> Requirement:
        named = [
            (a.value, Quote(a.span, a.span.of(note.text.source)))
            for m in supporting
            for a in m.attributes
            if a.kind == "laterality"
        ]
        if not named:
            return self._made(row, RequirementStatus.NOT_FOUND, "the note does not name the side of the diagnosis")
        sides = {value for value, _ in named}
        quotes = _distinct([quote for _, quote in named])
        if side and "bilateral" not in sides and not side & sides:
            message = f"the note says {' and '.join(sorted(sides))}, the line's modifier another side"
            return self._made(row, RequirementStatus.CONTRADICTED, message, quotes)
        return self._made(row, RequirementStatus.MET, f"side: {' and '.join(sorted(sides))}", quotes)

    def _verdict(self, row: Row, met: list[Quote], against: list[Quote], message: str = "") -> Requirement:
        if met:
            note = message or "documented"
            if against:
                note += "; other words speak against it: " + "; ".join(quote.text for quote in _distinct(against)[:2])
            return self._made(row, RequirementStatus.MET, note, _distinct(met))
        if against:
            return self._made(row, RequirementStatus.CONTRADICTED, "the note says the contrary", _distinct(against))
        return self._made(row, RequirementStatus.NOT_FOUND, "the note does not say it")

    def _made(self, row: Row, status: RequirementStatus, message: str, quotes: tuple[Quote, ...] = ()) -> Requirement:
        return Requirement(row["requirement"], row["description"], status, message, row["source"], quotes)


def _places(note: ReadNote, evidence: _Evidence) -> Iterator[_Place]:
    text = note.text
    for number, sentence in enumerate(note.sentences):
        for _, phrases in evidence.what:
            for first, last in phrases.find(text.words, sentence.first, sentence.last):
                if text.words[first:last] in evidence.shouted and not text.raw(first).isupper():
                    continue
                yield _Place(first, last, number)


def _kind_at(evidence: _Evidence, words: Sequence[str], place: _Place) -> str:
    return next(
        (
            kind
            for kind, phrases in evidence.what
            if (place.first, place.last) in phrases.find(words, place.first, place.last)
        ),
        "",
    )


def _sentence(note: ReadNote, place: _Place) -> tuple[int, int]:
    sentence = note.sentences[place.sentence]
    return sentence.first, sentence.last


def _nearest(found: Iterable[tuple[int, int]], place: _Place, *, after: bool) -> tuple[int, int] | None:
    """The cue nearest to the phrase: the last one before it, else (where allowed) the first one after."""
    ranges = list(found)
    before = [r for r in ranges if r[1] <= place.first]
    behind = [r for r in ranges if r[0] >= place.last] if after else []
    around = [(place.first - r[1], r) for r in before[-1:]] + [(r[0] - place.last, r) for r in behind[:1]]
    return min(around)[1] if around else None


def _inside(mention: Mention, note: ReadNote, sentence: int) -> bool:
    return Span(note.sentences[sentence].start, note.sentences[sentence].end).contains(mention.span)


def _days(words: Sequence[str], note: ReadNote) -> int:
    value, unit = 0.0, ""
    for word in words:
        number = number_of(word)
        if number is not None and not (word in ("a", "an") and value):
            value = number
        elif value and not unit and word[:1] in _UNIT_DAYS and word not in ("more", "mild", "duration", "we"):
            unit = word[:1]
    if "since" in words:
        return max(0, (note.detection.versions.code_set_effective_until.year - int(value)) * _UNIT_DAYS["y"])
    return round(value * _UNIT_DAYS.get(unit, 0))


def _quote(note: ReadNote, first: int, last: int) -> Quote:
    span = Span(note.text.starts[first], note.text.ends[last - 1])
    return Quote(span, span.of(note.text.source))


def _distinct(quotes: Sequence[Quote]) -> tuple[Quote, ...]:
    """In text order, once each, the first few."""
    by_place = {(quote.span.start, quote.span.end): quote for quote in quotes}
    return tuple(by_place[place] for place in sorted(by_place))[:_MAX_QUOTES]
