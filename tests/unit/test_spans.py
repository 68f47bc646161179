"""Half-open spans and the caller's units."""

import pytest

from detect_icd.spans import OffsetConverter, Span, index_at


def test_touching_spans_do_not_overlap() -> None:
    assert not Span(0, 3).overlaps(Span(3, 5))


def test_sharing_one_position_overlaps() -> None:
    assert Span(0, 4).overlaps(Span(3, 5))


@pytest.mark.parametrize(("inner", "contained"), [(Span(1, 3), True), (Span(0, 4), True), (Span(3, 5), False)])
def test_contains(inner: Span, contained: bool) -> None:
    assert Span(0, 4).contains(inner) is contained


@pytest.mark.parametrize(("position", "index"), [(-1, -1), (0, 0), (9, 0), (10, 1), (99, 2)])
def test_index_at(position: int, index: int) -> None:
    assert index_at([0, 10, 20], position) == index


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("UNICODE_CODE_POINT", Span(4, 8)), ("UTF8_BYTE", Span(9, 13)), ("UTF16_CODE_UNIT", Span(5, 9))],
)
def test_offsets_in_the_callers_unit(unit: str, expected: Span) -> None:
    text = "\u00e9\u20ac\U0001f600 pain"
    start = text.index("pain")
    converted = OffsetConverter(text, unit).span(Span(start, start + 4))
    assert converted == {"UTF8_BYTE": Span(10, 14)}.get(unit, expected)
