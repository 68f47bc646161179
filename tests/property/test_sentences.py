"""Laws of sections and sentences: they tile any text, and the beginning of a growing text settles for good."""

from __future__ import annotations

from context_setup import judge, table
from hypothesis import given, settings
from hypothesis import strategies as st

from detect_icd.spans import Span
from detect_icd.stages.sections import Section, find_sections
from detect_icd.stages.sentences import MAX_TOKENS, Sentence, settled_until, split_sentences
from detect_icd.text import NormalizedText

PIECES = [
    "No fever. ", "Dr. Smith saw her. ", "PMH: asthma, gout\n", "PAST MEDICAL HISTORY\n\n", "## Assessment\n", "**Plan:** ",
    "1. Hypertension\n", "2) Diabetes. ", "1.No evidence of PE\n", "- cough\n", "• rash\n", "Denies:\n", "Negative for: ",
    "IMPRESSION: pneumonia. ", "the POSTOPERATIVE DIAGNOSIS: Ganglion ", "HOSPITAL COURSE WAS LONG: ", "Ht 1.75 m, ",
    "e.g. ", "q.d. ", "and the\n", "very long line of a wrapped paragraph that goes on and on and never really\n",
    "continues here", "  \n", "\n\n", "\r\n", "   ", "\t", "?", "?UTI ", "Any pain? No. ", "(-) ", "FHx\n", "mother had stroke. ",
    "# ", "#", "**", ":", ".", "...", "A", "a", "1", "12.5", "1.1.1", "\u00e9", "e\u0301", "\u0130", "\u200b", "|", "[ ] ",
    "Field of this line: value\n", "x" * 130, "word " * 130, ". " * 40, "1." * 90, "\n" * 50, " " * 300,
    "PMH: gout\n\nShe is well. She eats. She sleeps. She walks. She talks and reads and writes all day long. ",
    "Patient has had a remarkably uneventful and pleasant course since the operation last week\n",
]  # fmt: skip
NOTES = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=30).map("".join)


def read(source: str) -> tuple[NormalizedText, tuple[Section, ...], tuple[Sentence, ...]]:
    text = NormalizedText.of(source)
    sections = find_sections(text, table())
    return text, sections, split_sentences(text, sections)


@given(NOTES)
def test_sections_tile_the_text(source: str) -> None:
    _, sections, _ = read(source)
    edges = [edge for section in sections for edge in (section.header, section.body)]
    assert [edge.start for edge in edges[1:]] == [edge.end for edge in edges[:-1]]
    assert not source or (edges[0].start, edges[-1].end) == (0, len(source))


@given(NOTES)
def test_sentences_tile_the_text_and_its_tokens(source: str) -> None:
    text, _, sentences = read(source)
    assert "".join(source[sentence.start : sentence.end] for sentence in sentences) == source
    assert [token for one in sentences for token in range(one.first, one.last)] == list(range(len(text.words)))


@given(NOTES)
def test_the_tokens_of_a_sentence_lie_in_its_span(source: str) -> None:
    text, _, sentences = read(source)
    for one in sentences:
        assert all(one.start <= text.starts[i] < text.ends[i] <= one.end for i in range(one.first, one.last))


@given(NOTES)
def test_a_sentence_lies_in_its_section(source: str) -> None:
    _, sections, sentences = read(source)
    for one in sentences:
        section = sections[one.section]
        assert section.header.start <= one.start or one is sentences[0]
        assert one.start <= section.body.end


@given(NOTES)
def test_no_sentence_is_endless(source: str) -> None:
    _, _, sentences = read(source)
    assert all(one.last - one.first <= MAX_TOKENS for one in sentences)


@given(NOTES, st.data())
@settings(max_examples=400, deadline=None)
def test_what_is_settled_stays(source: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(source)))
    prefix, prefix_sections, prefix_sentences = read(source[:cut])
    text, sections, sentences = read(source)
    until = settled_until(prefix, prefix_sentences)
    assert until <= cut
    before = [one for one in prefix_sentences if one.end <= until]
    after = list(sentences[: len(before)])
    assert before == after
    assert [prefix.words[one.first : one.last] for one in before] == [text.words[one.first : one.last] for one in after]
    known = [prefix_sections[one.section] for one in before]
    final = [sections[one.section] for one in after]
    assert [(one.name, one.header, one.defaults) for one in known] == [
        (one.name, one.header, one.defaults) for one in final
    ]


@given(NOTES, st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_said_of_a_settled_word_stays(source: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(source)))
    prefix, _, prefix_sentences = read(source[:cut])
    until = settled_until(prefix, prefix_sentences)
    spans = [Span(a, z) for a, z in zip(prefix.starts, prefix.ends, strict=True) if z <= until]
    assert judge(source[:cut], spans) == judge(source, spans)


def test_all_but_the_last_sentences_of_a_note_are_settled() -> None:
    source = "She came in today with a cough that has lasted for about a week. " * 10
    text, _, sentences = read(source)
    settled = settled_until(text, sentences)
    assert [one.end <= settled for one in sentences].count(False) <= 3
