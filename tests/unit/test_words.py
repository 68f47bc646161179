"""Spelling variants: British, plural, and what must be left alone."""

import pytest

from detect_icd.words import americanize, variants


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("anaemia", "anemia"),
        ("oedema", "edema"),
        ("diarrhoea", "diarrhea"),
        ("tumours", "tumor"),
        ("neuropathies", "neuropathy"),
        ("metastases", "metastasis"),
        ("appendices", "appendix"),
        ("vertebrae", "vertebra"),
        ("phalanges", "phalanx"),
        ("abscesses", "abscess"),
        ("legs", "leg"),
    ],
)
def test_a_form_leads_to_its_word(word: str, form: str) -> None:
    assert form in list(variants(word))


@pytest.mark.parametrize("word", ["as", "pus", "this", "virus", "abscess", "pelvis"])
def test_no_plural_is_seen_where_there_is_none(word: str) -> None:
    assert list(variants(word)) == [word]


def test_the_word_itself_comes_first() -> None:
    assert next(variants("haemorrhages")) == "haemorrhages"


def test_american_words_stay() -> None:
    assert americanize("esophageal hemorrhage") == "esophageal hemorrhage"
