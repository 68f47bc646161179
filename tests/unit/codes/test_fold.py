from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect_icd.codes.fold import Folding
from detect_icd.codes.index import distance

FOLDING = Folding({"renal": "kidney", "cut": "laceration", "leg": "lower limb"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Renal tumours", "kidney tumor"),
        ("type II diabetes", "diabetes type 2"),
        ("type I diabetes", "type 1 diabetes"),
        ("sprained ankles", "ankle sprain"),
        ("haemorrhage of the oesophagus", "esophagus hemorrhage"),
        ("cut on the hand", "hand laceration"),
        ("I have a fever", "fever"),
        ("fracture, unspecified", "fractures NOS"),
    ],
)
def test_what_means_the_same_folds_to_the_same_words(one: str, other: str) -> None:
    assert set(FOLDING.words(one)) == set(FOLDING.words(other))


@pytest.mark.parametrize(
    ("one", "other"), [("hepatitis A", "hepatitis"), ("influenza A", "influenza"), ("leg pain", "pain")]
)
def test_what_means_another_thing_does_not(one: str, other: str) -> None:
    assert set(FOLDING.words(one)) != set(FOLDING.words(other))


@given(st.text())
def test_any_text_folds_to_plain_words(text: str) -> None:
    assert all(word and word.isalnum() for word in FOLDING.words(text))


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [
        ("asthma", "astma", 1),
        ("asthma", "ashtma", 1),
        ("asthma", "asthma", 0),
        ("gout", "goat", 1),
        ("flu", "influenza", 6),
    ],
)
def test_slips_of_the_pen_are_counted(one: str, other: str, slips: int) -> None:
    assert distance(one, other) == distance(other, one) == slips
