"""Laws of text and offsets, for any Unicode."""

from hypothesis import given
from hypothesis import strategies as st

from detect_icd.spans import OffsetConverter
from detect_icd.text import _ASCII_TOKEN, _TOKEN, NormalizedText, normalize_phrase

anything = st.text(st.characters(exclude_categories=("Cs",)), max_size=200)


@given(anything)
def test_tokens_stand_in_order_and_apart(source: str) -> None:
    text = NormalizedText.of(source)
    ends = [0, *text.ends]
    assert all(before <= start < end for before, start, end in zip(ends, text.starts, text.ends, strict=False))


@given(anything)
def test_every_token_quotes_the_source(source: str) -> None:
    text = NormalizedText.of(source)
    assert [normalize_phrase(text.raw(i)) for i in range(len(text.words))] == [(w,) for w in text.words]


@given(anything)
def test_case_changes_no_word(source: str) -> None:
    plain = source.encode("ascii", "ignore").decode()
    assert NormalizedText.of(plain).words == NormalizedText.of(plain.upper()).words


@given(anything, st.data())
def test_offsets_convert_like_encoding_does(source: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(source)))
    assert OffsetConverter(source, "UTF8_BYTE")(offset) == len(source[:offset].encode())
    assert OffsetConverter(source, "UTF16_CODE_UNIT")(offset) == len(source[:offset].encode("utf-16-le")) // 2


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_text_has_the_tokens_that_any_text_has(source: str) -> None:
    assert _ASCII_TOKEN.split(source) == _TOKEN.split(source)
