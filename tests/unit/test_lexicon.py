"""The phrase dictionary: words found under other spellings, and how far a typing error is forgiven."""

import pytest

from detect_icd.lexicon import UNKNOWN, Lexicon, Phrases, phrases_of


@pytest.fixture(scope="module")
def phrases() -> Phrases:
    return Lexicon.default().phrases


@pytest.mark.parametrize(
    ("word", "same"), [("hepatic", "liver"), ("tumours", "neoplasm"), ("neuropathies", "neuropathy")]
)
def test_a_word_is_known_under_its_other_forms(phrases: Phrases, word: str, same: str) -> None:
    assert phrases.canonical[word] == phrases.canonical[same]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("hypertensoin", "hypertension"), ("pneumonnia", "pneumonia"), ("osteoarthriis", "osteoarthritis")],
)
def test_a_typing_error_in_a_long_word_is_forgiven(phrases: Phrases, typed: str, meant: str) -> None:
    assert phrases.nearest_char[typed] == phrases.key_char[meant] != UNKNOWN


@pytest.mark.parametrize("word", ["xypertension", "ahypertension", "reaching", "addition", "macrohaematurik", "asmtha"])
def test_another_word_is_no_typing_error(phrases: Phrases, word: str) -> None:
    assert phrases.nearest_char[word] == phrases.key_char[word]


def test_an_unknown_phrase_has_no_senses() -> None:
    assert Lexicon.default().phrases.find("nothing of the kind whatever") == ()


def test_alternatives_of_a_cell() -> None:
    assert phrases_of("a b | c |  d") == ["a b", "c", "d"]
