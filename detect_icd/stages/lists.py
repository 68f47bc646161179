"""Finds the line that heads a list, for what it says ("Negative for:", "Call if") holds for every item below it."""

from __future__ import annotations

from collections.abc import Sequence

from detect_icd.stages.sections import Section
from detect_icd.stages.sentences import Sentence, starts_item
from detect_icd.text import NormalizedText

_LINES = 12
_LINE_TOKENS = 12


def list_heads(
    text: NormalizedText,
    sections: Sequence[Section],
    sentences: Sequence[Sentence],
    open_words: frozenset[str],
    above_items: frozenset[str],
) -> dict[int, int]:
    """Sentence -> the sentence that heads its list (the nearest one); both are indices.

    A head ends with a colon or another open word ("if", "denies") and is no section header. Its list are
    the items below it (bullets, numbers), blank lines between them allowed, or else the short lines up to a blank
    one. A word of `above_items` ("symptoms") ends a head only where items follow. Only what stands before a sentence
    decides its head.
    """
    heads: dict[int, int] = {}
    words = text.words
    either = open_words | above_items
    leading = [i for i, s in enumerate(sentences[:-1]) if s.first < s.last and words[s.last - 1] in either]
    for i in leading:
        sentence = sentences[i]
        if words[sentence.last - 1] not in open_words and not starts_item(text.source, sentences[i + 1].start):
            continue
        header = sections[sentence.section].header
        if header.start < header.end and header.start == sentence.start:
            continue
        for j in _items(text, sentences, i, open_words):
            heads[j] = i
    return heads


def _items(text: NormalizedText, sentences: Sequence[Sentence], head: int, open_words: frozenset[str]) -> list[int]:
    """The sentences of the list below a head."""
    source, words = text.source, text.words
    items: list[int] = []
    bulleted = starts_item(source, sentences[head + 1].start)
    for j in range(head + 1, len(sentences)):
        sentence, before = sentences[j], sentences[j - 1]
        if sentence.section != sentences[head].section:
            break
        gap = _line_ends(source, before)
        if not bulleted:
            if gap != 1 or j - head > _LINES or sentence.last - sentence.first > _LINE_TOKENS:
                break
            if starts_item(source, sentence.start):
                break
        elif gap and not starts_item(source, sentence.start):
            break
        items.append(j)
        if sentence.first < sentence.last and words[sentence.last - 1] in open_words:
            break
    return items


def _line_ends(source: str, sentence: Sentence) -> int:
    """Line ends in the white space that closes a sentence."""
    end = sentence.end
    start = end
    while start > sentence.start and source[start - 1].isspace():
        start -= 1
    return source.count("\n", start, end)
