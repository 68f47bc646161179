"""Words of a note as the lexicon spells them, each with its place in the source."""

import pytest

from detect_icd.text import NormalizedText, normalize_phrase, normalize_word


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("Crohn\u2019s disease", ["crohn", "disease"]),
        ("Sj\u00f6gren's", ["sjogren"]),
        ("Sjo\u0308gren", ["sjogren"]),
        ("neuropathic  pain\nof the leg", ["neuropathic", "pain", "of", "the", "leg"]),
        ("pain-free", ["pain", "free"]),
        ("pain \u2013 free", ["pain", "-", "free"]),
        ("1.No evidence", ["1", ".", "no", "evidence"]),
        ("BMI 42.3", ["bmi", "42.3"]),
        ("\u0130stanbul", ["istanbul"]),
        ("neuro\u00adpathy", ["neuropathy"]),
        ("N/V", ["n", "/", "v"]),
        ("don't", ["don't"]),
        ("", []),
    ],
)
def test_words(source: str, words: list[str]) -> None:
    assert list(NormalizedText.of(source).words) == words


def test_the_dotted_capital_i_shifts_no_later_offset() -> None:
    text = NormalizedText.of("\u0130\u0130 pain")
    assert text.raw(1) == "pain"


@pytest.mark.parametrize(
    ("raw", "word"), [("NEUROPATHY", "neuropathy"), ("\ufb01brosis", "fibrosis"), ("stra\u00dfe", "strasse")]
)
def test_one_word(raw: str, word: str) -> None:
    assert normalize_word(raw) == word


def test_phrase_and_note_agree() -> None:
    assert normalize_phrase("Non-Hodgkin's lymphoma") == NormalizedText.of("NON\u2010HODGKIN\u2019S  LYMPHOMA").words


@pytest.mark.parametrize(("position", "token"), [(0, 0), (3, 0), (5, 1), (100, 1)])
def test_token_at(position: int, token: int) -> None:
    assert NormalizedText.of("knee pain").token_at(position) == token
