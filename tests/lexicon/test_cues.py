"""Every row of cues.tsv and sections.tsv is proved by its own example."""

from __future__ import annotations

import pytest
from context_setup import CUES, SECTIONS, judge, table
from markup import parse

from detect_icd.stages.cues import END, MINUS, OTHER_WORD, START, number_words, word_class
from detect_icd.stages.patterns import expand
from detect_icd.stages.sections import FIELD, find_sections
from detect_icd.text import NormalizedText, normalize_phrase

NO_CUE = {"CURRENT", "NUMBER", "OPEN", "PATIENT", "PSEUDO", "SOUGHT", "TERMINATOR"}
NUMBERS = number_words(CUES)


def classed(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words as the cues see them: figures and number words by their class."""
    return tuple(
        "<number>" if word in NUMBERS else word if (kind := word_class(word)) == OTHER_WORD else kind for word in words
    )


def forms_of(row: dict[str, str]) -> set[tuple[str, ...]]:
    """The word sequences of a row, without the marks of the sentence's edges."""
    shown = {MINUS: "-"}
    forms = (tuple(shown.get(word, word) for word in form if word not in (START, END)) for form in expand(row["cue"]))
    return {classed(form) for form in forms}


def proves(row: dict[str, str]) -> None:
    """The example's mentions have exactly the categories and relatives it says."""
    text, marks = parse(row["example"])
    judgements = judge(text, [mark.span for mark in marks])
    found = [(frozenset(cue.category for cue in one.cues), one.assertion.relative) for one in judgements]
    assert found == [(mark.categories, mark.relative) for mark in marks]


@pytest.mark.parametrize("row", CUES, ids=lambda row: row["_at"])
def test_the_example_of_a_cue_row_holds(row: dict[str, str]) -> None:
    proves(row)


@pytest.mark.parametrize("row", [row for row in CUES if row["category"] != "NUMBER"], ids=lambda row: row["_at"])
def test_the_example_shows_the_words_of_its_row(row: dict[str, str]) -> None:
    text, _ = parse(row["example"])
    words = classed(NormalizedText.of(text).words)
    forms = forms_of(row)
    assert any(words[i : i + len(form)] == form for form in forms for i in range(len(words)))


@pytest.mark.parametrize("row", [row for row in CUES if row["category"] not in NO_CUE], ids=lambda row: row["_at"])
def test_the_cue_found_is_the_row_s_own(row: dict[str, str]) -> None:
    text, marks = parse(row["example"])
    found = {
        classed(normalize_phrase(cue.text))
        for one in judge(text, [mark.span for mark in marks])
        for cue in one.cues
        if cue.category == row["category"]
    }
    assert found & forms_of(row)


@pytest.mark.parametrize("row", SECTIONS, ids=lambda row: row["_at"])
def test_the_example_of_a_section_row_holds(row: dict[str, str]) -> None:
    proves(row)


@pytest.mark.parametrize("row", [row for row in SECTIONS if row["section"] != FIELD], ids=lambda row: row["_at"])
def test_the_example_opens_the_section_of_its_row(row: dict[str, str]) -> None:
    text, marks = parse(row["example"])
    sections = find_sections(NormalizedText.of(text), table())
    assert {section.name for section in sections if section.body.contains(marks[0].span)} == {row["section"]}


@pytest.mark.parametrize("row", CUES, ids=lambda row: row["_at"])
def test_a_pattern_stays_small(row):
    """Every form of a pattern takes about a kilobyte of the server's memory: a large one is split or shortened."""
    assert len(expand(row["cue"])) <= 4000
