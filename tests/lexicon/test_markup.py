"""The examples' markup refuses whatever it cannot read."""

from __future__ import annotations

import pytest
from markup import Marked, parse

from detect_icd.model import CueCategory
from detect_icd.spans import Span


def test_a_mention_carries_its_categories_and_relative() -> None:
    text, marks = parse(r"FH:\n[[stroke]]{FAMILY,HISTORY:mother}, [[gout]]{}")
    assert text == "FH:\nstroke, gout"
    assert marks == (
        Marked(Span(4, 10), frozenset({CueCategory.FAMILY, CueCategory.HISTORY}), "mother"),
        Marked(Span(12, 16), frozenset(), ""),
    )


@pytest.mark.parametrize(
    "example",
    [
        "No fever",
        "No [[fever]]",
        "No [[fever]{NEGATION}",
        "No [fever]]{NEGATION}",
        "No [[fever]]{NEGATION",
        "No [[fever]]{DENIAL}",
        "No [[fever]]{NEGATION} nor [[cough",
    ],
)
def test_what_is_left_open_or_unknown_is_an_error(example: str) -> None:
    with pytest.raises(ValueError, match=r"example|valid"):
        parse(example)
